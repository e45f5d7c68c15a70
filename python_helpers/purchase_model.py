"""How often customers without a contract will buy: the BG/NBD model.

Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way. While alive a customer buys at
a rate of their own (gamma distributed: r, alpha), and after each purchase is gone for good with a
probability of their own (beta distributed: a, b). A customer is known by frequency (repeat purchase
days), recency (first to last purchase) and age (first purchase to now); times are in weeks. Arrays
are one-dimensional, or broadcast against each other.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import betaincinv, digamma, expit, gammaln, hyp2f1

from python_helpers.likelihood import Fit, Floats, maximise

TOO_FEW = "too few repeat buyers"
UNUSABLE = "unusable histories"
BOUNDS = {"r": (1e-4, 1e4), "alpha": (1e-4, 1e6), "a": (1e-4, 1e4), "b": (1e-4, 1e4)}
STARTS = ((0.3, 0.5, 2.0), (1.0, 1.0, 1.0), (3.0, 0.2, 4.0))  # r, a, b
ROUGH_GROUPS = 20_000  # of more, every second, third, ... is enough to try the starts on
WEEKS_PER_MONTH = 365 / 12 / 7
AGE_NODES = 48


def grouped(*, frequency: Floats, recency: Floats, age: Floats, customers: Floats) -> Floats:
    """Return the four as the rows of an array: sorted, equal histories as one."""
    histories = np.array([frequency, recency, age, customers], dtype=float)
    histories = histories[:, histories[3] > 0]
    if not histories.shape[1]:
        return histories
    histories = histories[:, np.lexsort(histories[:3][::-1])]
    is_new = np.ones(histories.shape[1], dtype=bool)
    is_new[1:] = (histories[:3, 1:] != histories[:3, :-1]).any(axis=0)
    firsts = np.flatnonzero(is_new)
    counts = np.add.reduceat(histories[3], firsts)
    return np.vstack([histories[:3, firsts], counts])


class Likelihood:
    """The log-likelihood per customer (equation 6 of the paper) of grouped histories.

    What depends on frequency, recency or age alone is worked out once for each of its values; only
    the chance of having left after the last purchase needs every group.
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
        """Return it and its gradient by r, alpha, a and b."""
        r, alpha, a, b = parameters
        x, n = self.frequencies, self.customers_of_frequency
        log_age, log_recency = np.log(alpha + self.ages), np.log(alpha + self.recencies)
        exponent = r * self.customers_of_age + self.repeats_of_age
        value = n @ (
            gammaln(r + x) - gammaln(r) + r * np.log(alpha)
            + gammaln(a + b) - gammaln(a + b + x) + gammaln(b + x) - gammaln(b)
        ) - exponent @ log_age  # fmt: skip
        joint = digamma(a + b) - digamma(a + b + x)
        gradient = np.array([
            n @ (digamma(r + x) - digamma(r) + np.log(alpha)) - self.customers_of_age @ log_age,
            self.total * r / alpha - exponent @ (1 / (alpha + self.ages)),
            n @ joint,
            n @ (joint + digamma(b + x) - digamma(b)),
        ])  # fmt: skip
        # odds of having left after the last purchase against being silent until now
        silence = log_age[self.of_age] - log_recency[self.of_recency]
        with np.errstate(divide="ignore"):  # of frequency 0, which is in no group here
            odds_of_frequency = np.log(a) - np.log(b + x - 1)
        log_odds = odds_of_frequency[self.of_frequency] + (r + x)[self.of_frequency] * silence
        odds = np.exp(np.minimum(log_odds, 700))
        value += self.customers @ np.log1p(odds)
        left = self.customers * (odds / (1 + odds))
        left_of_frequency = np.bincount(self.of_frequency, weights=left, minlength=len(x))
        power = left * (r + x)[self.of_frequency]
        of_age = np.bincount(self.of_age, weights=power, minlength=len(self.ages))
        of_recency = np.bincount(self.of_recency, weights=power, minlength=len(self.recencies))
        gradient += (
            left @ silence,
            of_age @ (1 / (alpha + self.ages)) - of_recency @ (1 / (alpha + self.recencies)),
            left_of_frequency.sum() / a,
            -(left_of_frequency[x > 0] @ (1 / (b + x[x > 0] - 1))),
        )
        return float(value / self.total), gradient / self.total


def fit(
    *,
    frequency: Floats,
    recency: Floats,
    age: Floats,
    customers: Floats,
    min_repeat_customers: int = 2,
) -> Fit:
    """Fit r, alpha, a and b to histories in weeks, `customers` of each, in any order.

    Fewer customers with a repeat than the minimum, or a history that cannot be (recency beyond age,
    a negative or missing number), give a fit without parameters.
    """
    histories = grouped(frequency=frequency, recency=recency, age=age, customers=customers)
    x, t_x, t, n = histories
    total = int(n.sum())
    if not (np.isfinite(histories).all() and (x >= 0).all() and ((t_x >= 0) & (t_x <= t)).all()):
        return Fit(status=UNUSABLE, observations=total)
    if n[x > 0].sum() < max(min_repeat_customers, 1) or not (t > 0).any():
        return Fit(status=TOO_FEW, observations=total)
    rate = (n @ x) / (n @ t)
    starts = [(r, r / rate, a, b) for r, a, b in STARTS]
    every = -(-len(n) // ROUGH_GROUPS)
    return maximise(
        objective=Likelihood(histories=histories),
        rough_objective=Likelihood(histories=histories[:, ::every]) if every > 1 else None,
        starts=starts,
        bounds=BOUNDS,
        observations=total,
    )


def alive_probability(
    *, parameters: Mapping[str, float], frequency: Floats, recency: Floats, age: Floats
) -> Floats:
    """Return the chance of not having left: 1 for who bought once, because one leaves by buying."""
    r, alpha, a, b = (parameters[name] for name in BOUNDS)
    frequency, recency, age = (np.asarray(each, float) for each in (frequency, recency, age))
    repeats = np.maximum(frequency, 1)
    odds = np.log(a / (b + repeats - 1)) + (r + frequency) * (
        np.log(alpha + age) - np.log(alpha + recency)
    )
    return np.where(frequency > 0, expit(-odds), 1.0)


def silence_probability(
    *,
    parameters: Mapping[str, float],
    frequency: Floats,
    recency: Floats,
    age: Floats,
    window: Floats,
) -> Floats:
    """Return the chance of no purchase in the next `window` weeks.

    Gone already, or alive and silent: 1 - P(alive) x (1 - ((alpha + T) / (alpha + T + w))^(r + x)).
    """
    r, alpha = parameters["r"], parameters["alpha"]
    alive = alive_probability(parameters=parameters, frequency=frequency, recency=recency, age=age)
    exponent = (r + np.asarray(frequency, float)) * np.log1p(window / (alpha + np.asarray(age)))
    return 1 + alive * np.expm1(-exponent)


def purchases_if_alive(
    *, parameters: Mapping[str, float], frequency: Floats, age: Floats, horizon: Floats
) -> Floats:
    """Return the purchases to expect in the next `horizon` weeks of a customer who is alive.

    Equation 10 of the paper without its denominator, which is 1 / P(alive). By Euler's
    transformation the hypergeometric function has no term that grows with frequency; where its
    parameters are too great for it all the same, the mean over the chance of leaving is integrated.
    """
    r, alpha, a, b = (parameters[name] for name in BOUNDS)
    a = 1 + 1e-6 if abs(a - 1) < 1e-6 else a  # where both sides of the formula vanish
    x, t, h = np.broadcast_arrays(*(np.asarray(each, float) for each in (frequency, age, horizon)))
    with np.errstate(all="ignore"):
        alone = np.exp(-(a - 1) * np.log1p(h / (alpha + t)))
        share = hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, h / (alpha + t + h))
        purchases = (a + b + x - 1) / (a - 1) * (1 - alone * share)
    most = (r + x) / (alpha + t) * h  # of a customer who never leaves
    is_off = ~((purchases >= -1e-9) & (purchases <= most * (1 + 1e-9) + 1e-9))
    if is_off.any():
        purchases = np.array(purchases)
        nodes, weights = np.polynomial.legendre.leggauss(64)
        chances = betaincinv(a, b + x[is_off][:, None], (nodes + 1) / 2)
        bought = -np.expm1(
            -(r + x[is_off][:, None]) * np.log1p(chances * (h / (alpha + t))[is_off][:, None])
        )
        purchases[is_off] = (bought / chances) @ (weights / 2)
    return np.clip(purchases, 0, most)


def discounted_purchases_if_alive(
    *,
    parameters: Mapping[str, float],
    frequency: Floats,
    age: Floats,
    horizon_months: int,
    annual_discount_rate: float,
) -> Floats:
    """Return the purchases to expect of a customer who is alive, discounted month by month.

    What is bought in month m counts 1 / (1 + rate)^(m / 12). For each frequency this is a smooth
    function of age: it is worked out at Chebyshev nodes and interpolated in between.
    """
    frequency, age = np.asarray(frequency, float), np.asarray(age, float)
    if not frequency.size or horizon_months <= 0:
        return np.zeros(frequency.shape)
    months = np.arange(1, horizon_months + 1)
    discount = (1 + annual_discount_rate) ** (-months / 12)
    # the sum of discounted increases as a sum of levels
    weights = discount - np.append(discount[1:], 0)
    frequencies, of_frequency = np.unique(frequency, return_inverse=True)
    ages, of_age = np.unique(age, return_inverse=True)
    low = np.log(parameters["alpha"] + ages[0])
    high = np.log(parameters["alpha"] + ages[-1] + 1)
    angles = (np.arange(AGE_NODES) + 0.5) * np.pi / AGE_NODES
    nodes = (low + high) / 2 + (high - low) / 2 * np.cos(angles)
    values = [
        purchases_if_alive(
            parameters=parameters,
            frequency=each,
            age=np.maximum(np.exp(nodes) - parameters["alpha"], 0)[:, None],
            horizon=months * WEEKS_PER_MONTH,
        )
        @ weights
        for each in frequencies
    ]
    distance = np.log(parameters["alpha"] + ages)[:, None] - nodes
    distance = np.where(distance == 0, 1e-300, distance)
    barycentric = (-1.0) ** np.arange(AGE_NODES) * np.sin(angles) / distance
    at_ages = barycentric / barycentric.sum(axis=1, keepdims=True)
    return np.maximum((np.array(values) @ at_ages.T)[of_frequency, of_age], 0)
