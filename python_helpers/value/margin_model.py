"""How much margin a purchase brings: the Gamma-Gamma model.

Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value. The margin of a purchase is gamma
distributed around the customer's own mean, and the means vary between customers (p, q, v). The
model knows two things of a customer: frequency (repeat purchase days) and the total margin of
those days.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.special import digamma, gammaln

from python_helpers.value.likelihood import Fit, Floats, Objective, dot, maximise

TOO_FEW = "too few margins"
# with q below 2 the customers' means have no variance, and below 1 they have no mean
BOUNDS = {"p": (1e-3, 1e3), "q": (2.0, 1e3), "v": (1e-6, 1e6)}
STARTS = [(6.0, 4.0, 0.5), (1.0, 2.0, 1.0), (20.0, 10.0, 0.45)]  # v in units of the mean margin


def likelihood(*, histories: Floats, scale: float) -> Objective:
    """Return the log-likelihood per customer, equation 1a of the note.

    `histories` has the rows frequency and margin, the margin in units of `scale`.
    """
    frequency, margin = histories
    customers = len(frequency)
    frequencies, of_frequency = np.unique(frequency, return_inverse=True)
    n = np.bincount(of_frequency)
    log_margin = np.log(margin)
    sum_of_logs = dot(frequency, log_margin)
    constant = -(log_margin - np.log(frequency)).sum() - customers * np.log(scale)

    def value_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        p, q, v = parameters
        px = p * frequencies
        reach = np.log(v + margin)
        reach_of_purchases, reach_of_all = dot(frequency, reach), reach.sum()
        value = (
            dot(n, gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(v))
            + p * (sum_of_logs - reach_of_purchases)
            - q * reach_of_all
            + constant
        )
        joint = digamma(px + q)
        by_reach = 1 / (v + margin)
        gradient = np.array([
            dot(n * frequencies, joint - digamma(px)) + sum_of_logs - reach_of_purchases,
            dot(n, joint - digamma(q)) + customers * np.log(v) - reach_of_all,
            customers * q / v - p * dot(frequency, by_reach) - q * by_reach.sum(),
        ])  # fmt: skip
        return float(value / customers), gradient / customers

    return value_and_gradient


def fit(
    *, frequency: Floats, margin: Floats, min_customers: int = 2, like: Fit | None = None
) -> Fit:
    """Fit p, q and v to customers in any order; v has the unit of the margin.

    Customers without a repeat purchase or without a margin above 0 are left out, because a gamma
    distribution has positive values only. Fewer customers than the minimum give a fit without
    parameters. A usable fit to similar customers, `like`, replaces the usual starts.
    """
    histories = np.array([frequency, margin], dtype=float)
    is_known = (histories > 0).all(axis=0) & np.isfinite(histories[1])
    histories = histories.compress(is_known, axis=1)
    observations = histories.shape[1]
    if observations < max(min_customers, 1):
        return Fit(status=TOO_FEW, observations=observations)
    histories = histories.take(np.lexsort(histories[::-1]), axis=1)
    scale = float((histories[1] / histories[0]).mean())
    histories[1] /= scale
    starts = STARTS
    if like and like.is_usable:
        p, q, v = like.parameters.values()
        starts = [(p, q, v / scale)]
    found = maximise(
        likelihood=partial(likelihood, scale=scale),
        histories=histories,
        starts=starts,
        bounds=BOUNDS,
        observations=observations,
    )
    if not found.parameters:
        return found
    return replace(found, parameters={**found.parameters, "v": found.parameters["v"] * scale})


def expected_margin(
    *, parameters: Mapping[str, float], frequency: Floats, margin: Floats
) -> Floats:
    """Return the expected margin per purchase: p (v + margin) / (p x + q - 1).

    `margin` is the total of all x repeat purchases. With x = 0 the result is the mean over
    customers. The unit is that of the margin; arrays broadcast against each other.
    """
    p, q, v = (parameters[name] for name in BOUNDS)
    return p * (v + np.asarray(margin)) / (p * np.asarray(frequency) + q - 1)
