"""How often customers without a contract will buy: the BG/NBD model.

Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way. While alive a customer buys at
an individual rate (gamma distributed: r, alpha), and after each purchase leaves for good with an
individual probability (beta distributed: a, b). A customer is described by frequency (repeat
purchase days), recency (first to last purchase) and age (first purchase to now). Times are in
weeks. Arrays are one-dimensional, or broadcast against each other.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import digamma, gammaln

from python_helpers.value.likelihood import Fit, Floats, dot, maximise

TOO_FEW = "too few repeat buyers"
UNUSABLE = "unusable histories"
BOUNDS = {"r": (1e-4, 1e4), "alpha": (1e-4, 1e6), "a": (1e-4, 1e4), "b": (1e-4, 1e4)}
STARTS = ((0.3, 0.5, 2.0), (1.0, 1.0, 1.0), (3.0, 0.2, 4.0))  # r, a, b
ROUGH_GROUPS = 20_000  # of more groups, every second, third, ... is enough to try the starts


def grouped(*, frequency: Floats, recency: Floats, age: Floats, customers: Floats) -> Floats:
    """Return the four as rows of an array: sorted, with equal histories merged."""
    histories = np.array([frequency, recency, age, customers], dtype=float)
    histories = histories[:, histories[3] > 0]
    if not histories.shape[1]:
        return histories
    if not is_sorted(histories=histories):
        histories = histories[:, np.lexsort(histories[:3][::-1])]
    is_new = np.ones(histories.shape[1], dtype=bool)
    is_new[1:] = (histories[:3, 1:] != histories[:3, :-1]).any(axis=0)
    firsts = np.flatnonzero(is_new)
    counts = np.add.reduceat(histories[3], firsts)
    return np.vstack([histories[:3, firsts], counts])


def is_sorted(*, histories: Floats) -> bool:
    """Tell whether histories are sorted by frequency, recency and age, without sorting them."""
    rises = np.diff(histories[:3])
    is_tie = rises[:2] == 0
    return bool(
        ((rises[0] > 0) | (is_tie[0] & ((rises[1] > 0) | (is_tie[1] & (rises[2] >= 0))))).all()
    )


class Likelihood:
    """The log-likelihood per customer (equation 6 of the paper) of grouped histories.

    Terms of frequency, recency or age alone are computed once per value; only the chance of having
    left after the last purchase needs every group.
    """

    def __init__(self, *, histories: Floats) -> None:
        """Take histories as `grouped` returns them."""
        frequency, recency, age, customers = histories
        self.total = customers.sum()
        self.frequencies, of_frequency = np.unique(frequency, return_inverse=True)
        self.ages, of_age = np.unique(age, return_inverse=True)
        self.customers_of_frequency = np.bincount(of_frequency, weights=customers)
        self.customers_of_age = np.bincount(of_age, weights=customers)
        self.repeats_of_age = np.bincount(of_age, weights=customers * frequency)
        self.repeats = frequency > 0
        self.of_frequency = of_frequency[self.repeats]
        self.of_age = of_age[self.repeats]
        self.recencies, self.of_recency = np.unique(recency[self.repeats], return_inverse=True)
        self.customers = customers[self.repeats]

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        """Return the value and its gradient by r, alpha, a and b."""
        r, alpha, a, b = parameters
        x, n = self.frequencies, self.customers_of_frequency
        log_age, log_recency = np.log(alpha + self.ages), np.log(alpha + self.recencies)
        exponent = r * self.customers_of_age + self.repeats_of_age
        value = dot(n,
            gammaln(r + x) - gammaln(r) + r * np.log(alpha)
            + gammaln(a + b) - gammaln(a + b + x) + gammaln(b + x) - gammaln(b)
        ) - dot(exponent, log_age)  # fmt: skip
        joint = digamma(a + b) - digamma(a + b + x)
        gradient = np.array([
            dot(n, digamma(r + x) - digamma(r) + np.log(alpha))
            - dot(self.customers_of_age, log_age),
            self.total * r / alpha - dot(exponent, 1 / (alpha + self.ages)),
            dot(n, joint),
            dot(n, joint + digamma(b + x) - digamma(b)),
        ])  # fmt: skip
        # odds of having left after the last purchase, against being alive and silent
        silence = log_age[self.of_age] - log_recency[self.of_recency]
        odds_of_frequency = np.log(a / (b + np.maximum(x, 1) - 1))
        log_odds = odds_of_frequency[self.of_frequency] + (r + x)[self.of_frequency] * silence
        odds = np.exp(np.minimum(log_odds, 700))
        value += dot(self.customers, np.log1p(odds))
        left = self.customers * (odds / (1 + odds))
        left_of_frequency = np.bincount(self.of_frequency, weights=left, minlength=len(x))
        power = left * (r + x)[self.of_frequency]
        of_age = np.bincount(self.of_age, weights=power, minlength=len(self.ages))
        of_recency = np.bincount(self.of_recency, weights=power, minlength=len(self.recencies))
        gradient += (
            dot(left, silence),
            dot(of_age, 1 / (alpha + self.ages)) - dot(of_recency, 1 / (alpha + self.recencies)),
            left_of_frequency.sum() / a,
            -dot(left_of_frequency[x > 0], 1 / (b + x[x > 0] - 1)),
        )
        return float(value / self.total), gradient / self.total


def fit(
    *,
    frequency: Floats,
    recency: Floats,
    age: Floats,
    customers: Floats,
    min_repeat_customers: int = 2,
    start: Mapping[str, float] | None = None,
) -> Fit:
    """Fit r, alpha, a and b to histories in weeks, `customers` of each, in any order.

    Fewer customers with a repeat than the minimum, or an impossible history (recency beyond age, a
    negative or missing number), give a fit without parameters. `start`, the parameters of similar
    customers, replaces the usual starts.
    """
    histories = grouped(frequency=frequency, recency=recency, age=age, customers=customers)
    x, t_x, t, n = histories
    total = int(n.sum())
    if not (np.isfinite(histories).all() and (x >= 0).all() and ((t_x >= 0) & (t_x <= t)).all()):
        return Fit(status=UNUSABLE, observations=total)
    if n[x > 0].sum() < max(min_repeat_customers, 1) or not (t > 0).any():
        return Fit(status=TOO_FEW, observations=total)
    rate = dot(n, x) / dot(n, t)
    starts = [(r, r / rate, a, b) for r, a, b in STARTS]
    every = -(-len(n) // ROUGH_GROUPS)
    return maximise(
        objective=Likelihood(histories=histories),
        rough_objective=Likelihood(histories=histories[:, ::every]) if every > 1 else None,
        starts=[tuple(start.values())] if start else starts,
        bounds=BOUNDS,
        observations=total,
    )
