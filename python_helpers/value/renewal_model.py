"""How long contracts are renewed: the shifted-beta-geometric model.

Fader and Hardie (2007), How to Project Customer Retention. At the end of each term a customer
leaves with a probability of their own, beta distributed over customers (alpha, beta). Time is in
terms.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import betaln, digamma

from python_helpers.value.likelihood import Fit, Floats, maximise

TOO_FEW = "too few churned"
BOUNDS = {"alpha": (1e-4, 1e5), "beta": (1e-4, 1e5)}
STARTS = ((1.0, 1.0), (0.5, 5.0), (5.0, 50.0))


def fit(*, renewals: Floats, is_churned: Floats, customers: Floats, min_churned: int = 1) -> Fit:
    """Fit alpha and beta to the renewals of contracts that churned or are still running.

    A contract that churned after n renewals ended with term n + 1; a running one survived n ends.
    """
    n, count = np.asarray(renewals, float), np.asarray(customers, float)
    left = np.asarray(is_churned, bool)
    total = int(count.sum())
    if count[left].sum() < max(min_churned, 1):
        return Fit(status=TOO_FEW, observations=total)
    times, of_time = np.unique(n, return_inverse=True)
    counts = np.bincount(of_time, weights=count)
    losses = np.bincount(of_time, weights=count * left)

    def objective(parameters: Floats) -> tuple[float, Floats]:
        alpha, beta = parameters
        # S(n) for all, and the chance of leaving at the next end for those that left
        last = alpha + beta + times
        value = counts @ (betaln(alpha, beta + times) - betaln(alpha, beta)) + losses @ (
            np.log(alpha) - np.log(last)
        )
        joint = digamma(alpha + beta) - digamma(last)
        by_alpha = counts @ joint + losses @ (1 / alpha - 1 / last)
        by_beta = counts @ (digamma(beta + times) - digamma(beta) + joint) - losses @ (1 / last)
        return float(value / total), np.array([by_alpha, by_beta]) / total

    return maximise(objective=objective, starts=STARTS, bounds=BOUNDS, observations=total)


def survival(*, parameters: Mapping[str, float], renewals: Floats) -> Floats:
    """Return the share of contracts that survive this many ends of a term."""
    alpha, beta = (parameters[name] for name in BOUNDS)
    return np.exp(betaln(alpha, beta + np.asarray(renewals, float)) - betaln(alpha, beta))


def paid_months(
    *,
    parameters: Mapping[str, float],
    age: Floats,
    interval: Floats,
    horizon_months: int,
    month: float | Floats = 1.0,
    annual_discount_rate: float = 0.0,
) -> Floats:
    """Return the months within the horizon for which a contract of this age is expected to be paid.

    The month that begins m months from now is paid if every renewal until then is: it counts
    S((age + m) / interval) / S(age / interval) / (1 + rate)^(m / 12), in whole terms. Age, interval
    and `month` are in one unit, months or days.
    """
    age, interval, month = np.broadcast_arrays(
        *(np.asarray(x, float) for x in (age, interval, month))
    )
    ahead = np.arange(1, max(horizon_months, 0) + 1)
    # slightly more, so that a term that ends with the month has ended
    renewals = np.floor((age[..., None] + ahead * month[..., None]) / interval[..., None] + 1e-9)
    before = np.floor(age / interval + 1e-9)
    kept = (
        survival(parameters=parameters, renewals=renewals)
        / survival(parameters=parameters, renewals=before)[..., None]
    )
    return kept @ (1 + annual_discount_rate) ** (-ahead / 12)
