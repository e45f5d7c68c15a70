"""How long contracts are renewed: the shifted-beta-geometric model.

Fader and Hardie (2007), How to Project Customer Retention. At the end of each term a customer
leaves with a personal probability, which is beta distributed over customers (alpha, beta). Time is
in terms.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import betaln, digamma

from python_helpers.value.likelihood import Fit, Floats, Objective, maximise

TOO_FEW = "too few churned"
BOUNDS = {"alpha": (1e-4, 1e5), "beta": (1e-4, 1e5)}
STARTS = ((1.0, 1.0), (0.5, 5.0), (5.0, 50.0))


def fit(*, renewals: Floats, is_churned: Floats, customers: Floats, min_churned: int = 1) -> Fit:
    """Fit alpha and beta to `customers` with this number of renewals, churned or still there.

    A customer who churned after n renewals left at end n + 1; one who is still there survived n
    ends. Fewer churned customers than the minimum give a fit without parameters.
    """
    count, left = np.asarray(customers, float), np.asarray(is_churned, bool)
    total = int(count.sum())
    if count[left].sum() < max(min_churned, 1):
        return Fit(status=TOO_FEW, observations=total)
    times, of_time = np.unique(np.asarray(renewals, float), return_inverse=True)
    counts = np.bincount(of_time, weights=count)
    losses = np.bincount(of_time, weights=count * left)
    return maximise(
        likelihood=likelihood,
        histories=np.array([times, counts, losses]),
        starts=STARTS,
        bounds=BOUNDS,
        observations=total,
    )


def likelihood(*, histories: Floats) -> Objective:
    """Return the log-likelihood per customer, from the rows renewals, customers and churned ones.

    It multiplies S(n), for all, by the chance of leaving at the next end, for those who left.
    """
    times, counts, losses = histories
    total = counts.sum()

    def value_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        alpha, beta = parameters
        last = alpha + beta + times
        value = counts @ (betaln(alpha, beta + times) - betaln(alpha, beta)) + losses @ (
            np.log(alpha) - np.log(last)
        )
        joint = digamma(alpha + beta) - digamma(last)
        by_alpha = counts @ joint + losses @ (1 / alpha - 1 / last)
        by_beta = counts @ (digamma(beta + times) - digamma(beta) + joint) - losses @ (1 / last)
        return float(value / total), np.array([by_alpha, by_beta]) / total

    return value_and_gradient


def survival(*, parameters: Mapping[str, float | Floats], renewals: Floats) -> Floats:
    """Return S(n), the share of contracts that are still there after n ends of a term."""
    alpha, beta = (parameters[name] for name in BOUNDS)
    return np.exp(betaln(alpha, beta + np.asarray(renewals, float)) - betaln(alpha, beta))


def paid_months(
    *,
    parameters: Mapping[str, float | Floats],
    age: Floats,
    interval: Floats,
    horizon_months: int,
    month: float | Floats = 1.0,
    annual_discount_rate: float = 0.0,
) -> Floats:
    """Return how many months of the horizon each contract is expected to pay.

    The month that begins m months from now is paid if the contract is renewed until then. It counts
    S((age + m) / interval) / S(age / interval) / (1 + rate)^(m / 12), in whole terms. Age, interval
    and `month` have one unit, months or days. Each may have an element per contract, and so may
    the parameters: where they are NaN, so is the result.
    """
    alpha, beta, age, interval, month = (
        np.asarray(each)[..., None]
        for each in (*(parameters[name] for name in BOUNDS), age, interval, month)
    )
    ahead = np.arange(1, horizon_months + 1)
    # the margin keeps rounding from hiding a term that ends with the month
    after, before = (
        survival(
            parameters={"alpha": alpha, "beta": beta},
            renewals=np.floor((age + months * month) / interval + 1e-9),
        )
        for months in (ahead, 0)
    )
    return (after / before) @ (1 + annual_discount_rate) ** (-ahead / 12)
