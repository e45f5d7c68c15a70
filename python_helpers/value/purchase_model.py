"""How often customers without a contract buy: the BG/NBD model.

Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way. A customer who is
alive buys at a personal rate (gamma distributed: r, alpha) and leaves for good after a purchase
with a personal probability (beta distributed: a, b). The model knows three things of a customer:
frequency (repeat purchase days), recency (from the first purchase to the last) and age (from the
first purchase to now). Times are in weeks.
"""

import numpy as np
from scipy.special import digamma, gammaln

from python_helpers.value.likelihood import Fit, Floats, Objective, dot, maximise

TOO_FEW = "too few repeat buyers"
UNUSABLE = "unusable histories"
BOUNDS = {"r": (1e-4, 1e4), "alpha": (1e-4, 1e6), "a": (1e-4, 1e4), "b": (1e-4, 1e4)}
STARTS = ((0.3, 0.5, 2.0), (1.0, 1.0, 1.0), (3.0, 0.2, 4.0))  # r, a, b


def grouped(*, frequency: Floats, recency: Floats, age: Floats) -> Floats:
    """Return each distinct history as a column: frequency, recency, age and number of customers.

    The columns are sorted by frequency, recency and age.
    """
    histories = np.array([frequency, recency, age], dtype=float)
    steps = steps_between(histories=histories)
    if not (steps >= 0).all():  # sorted input is common, and large
        histories = histories[:, np.lexsort(histories[::-1])]
        steps = steps_between(histories=histories)
    count = histories.shape[1]
    firsts = np.flatnonzero(np.append(True, steps != 0)[:count])
    return np.vstack([histories[:, firsts], np.diff(np.append(firsts, count))])


def steps_between(*, histories: Floats) -> Floats:
    """Compare each history with the one before: above 0 if it sorts later, 0 if it is equal."""
    frequency, recency, age = np.sign(np.diff(histories))
    return 4 * frequency + 2 * recency + age


def likelihood(*, histories: Floats) -> Objective:
    """Return the log-likelihood per customer, equation 6 of the paper, of grouped histories.

    Terms that depend on frequency, recency or age alone are computed once per distinct value. Only
    the chance that the customer left after the last purchase needs every history.
    """
    frequency, recency, age, customers = histories
    total = customers.sum()
    x, of_frequency = np.unique(frequency, return_inverse=True)
    ages, of_age = np.unique(age, return_inverse=True)
    n = np.bincount(of_frequency, weights=customers)
    customers_of_age = np.bincount(of_age, weights=customers)
    repeats_of_age = np.bincount(of_age, weights=customers * frequency)
    # from here on, the customers with a repeat purchase
    repeats = frequency > 0
    of_frequency, of_age, buyers = of_frequency[repeats], of_age[repeats], customers[repeats]
    recencies, of_recency = np.unique(recency[repeats], return_inverse=True)

    def value_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = parameters
        log_age, log_recency = np.log(alpha + ages), np.log(alpha + recencies)
        exponent = r * customers_of_age + repeats_of_age
        value = dot(n,
            gammaln(r + x) - gammaln(r) + r * np.log(alpha)
            + gammaln(a + b) - gammaln(a + b + x) + gammaln(b + x) - gammaln(b)
        ) - dot(exponent, log_age)  # fmt: skip
        joint = digamma(a + b) - digamma(a + b + x)
        gradient = np.array([
            dot(n, digamma(r + x) - digamma(r) + np.log(alpha))
            - dot(customers_of_age, log_age),
            total * r / alpha - dot(exponent, 1 / (alpha + ages)),
            dot(n, joint),
            dot(n, joint + digamma(b + x) - digamma(b)),
        ])  # fmt: skip
        # odds that the customer left after the last purchase rather than stayed silent since
        silence = log_age[of_age] - log_recency[of_recency]
        odds_of_frequency = np.log(a / (b + np.maximum(x, 1) - 1))
        log_odds = odds_of_frequency[of_frequency] + (r + x)[of_frequency] * silence
        odds = np.exp(np.minimum(log_odds, 700))
        value += dot(buyers, np.log1p(odds))
        left = buyers * (odds / (1 + odds))
        by_frequency = np.bincount(of_frequency, weights=left, minlength=len(x))
        power = left * (r + x)[of_frequency]
        by_age = np.bincount(of_age, weights=power, minlength=len(ages))
        by_recency = np.bincount(of_recency, weights=power, minlength=len(recencies))
        gradient += (
            dot(left, silence),
            dot(by_age, 1 / (alpha + ages)) - dot(by_recency, 1 / (alpha + recencies)),
            by_frequency.sum() / a,
            -dot(by_frequency[x > 0], 1 / (b + x[x > 0] - 1)),
        )
        return float(value / total), gradient / total

    return value_and_gradient


def fit(
    *,
    frequency: Floats,
    recency: Floats,
    age: Floats,
    min_repeat_customers: int = 2,
    like: Fit | None = None,
) -> Fit:
    """Fit r, alpha, a and b to customers in any order, one element of the arrays each.

    Fewer repeat buyers than the minimum, or an impossible history (recency beyond age, a negative
    or missing number), give a fit without parameters. A usable fit to similar customers, `like`,
    replaces the usual starts.
    """
    histories = grouped(frequency=frequency, recency=recency, age=age)
    x, t_x, t, n = histories
    total = int(n.sum())
    if not (np.isfinite(histories).all() and (x >= 0).all() and ((t_x >= 0) & (t_x <= t)).all()):
        return Fit(status=UNUSABLE, observations=total)
    if n[x > 0].sum() < max(min_repeat_customers, 1) or not (t > 0).any():
        return Fit(status=TOO_FEW, observations=total)
    rate = dot(n, x) / dot(n, t)
    starts = [(r, r / rate, a, b) for r, a, b in STARTS]
    return maximise(
        likelihood=likelihood,
        histories=histories,
        starts=[tuple(like.parameters.values())] if like and like.is_usable else starts,
        bounds=BOUNDS,
        observations=total,
    )
