"""What a purchase will bring: the Gamma-Gamma model.

Fader and Hardie (2013), The Gamma-Gamma Model of Monetary Value. A purchase's margin is gamma
distributed around the customer's own mean, and the means are distributed over customers (p, q, v).
A customer is described by frequency (repeat purchase days) and the total margin of those days.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import digamma, gammaln

from python_helpers.value.likelihood import Fit, Floats, dot, maximise

TOO_FEW = "too few margins"
# with q below 2 the means of customers have no variance, with q below 1 no mean
BOUNDS = {"p": (1e-3, 1e3), "q": (2.0, 1e3), "v": (1e-6, 1e6)}
ROUGH_CUSTOMERS = 20_000  # of more, every second, third, ... is enough to try the starts
STARTS = ((6.0, 4.0, 0.5), (1.0, 2.0, 1.0), (20.0, 10.0, 0.45))  # v is in units of the mean margin


class Likelihood:
    """The log-likelihood per customer (equation 1a of the note), of margins in units of `scale`."""

    def __init__(self, *, frequency: Floats, margin: Floats, scale: float) -> None:
        """Compute once what the parameters do not change."""
        self.frequency, self.margin, self.customers = frequency, margin, len(frequency)
        self.frequencies, of_frequency = np.unique(frequency, return_inverse=True)
        self.customers_of_frequency = np.bincount(of_frequency)
        log_margin = np.log(margin)
        self.sum_of_logs = dot(frequency, log_margin)
        self.constant = -(log_margin - np.log(frequency)).sum() - len(frequency) * np.log(scale)

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        """Return the value and its gradient by p, q and v."""
        p, q, v = parameters
        px, n = p * self.frequencies, self.customers_of_frequency
        reach = np.log(v + self.margin)
        reach_of_purchases, reach_of_all = dot(self.frequency, reach), reach.sum()
        value = (
            dot(n, gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(v))
            + p * (self.sum_of_logs - reach_of_purchases)
            - q * reach_of_all
            + self.constant
        )
        joint = digamma(px + q)
        by_reach = 1 / (v + self.margin)
        gradient = np.array([
            dot(n * self.frequencies, joint - digamma(px)) + self.sum_of_logs - reach_of_purchases,
            dot(n, joint - digamma(q)) + self.customers * np.log(v) - reach_of_all,
            self.customers * q / v - p * dot(self.frequency, by_reach) - q * by_reach.sum(),
        ])  # fmt: skip
        return float(value / self.customers), gradient / self.customers


def fit(
    *,
    frequency: Floats,
    margin: Floats,
    min_customers: int = 2,
    start: Mapping[str, float] | None = None,
) -> Fit:
    """Fit p, q and v (v in the unit of margin); the order of customers does not matter.

    Only customers with a repeat and a margin above 0 count: a gamma distribution has no others.
    `start`, the parameters of similar customers, replaces the usual starts.
    """
    x, total = np.asarray(frequency, float), np.asarray(margin, float)
    is_known = (x > 0) & (total > 0) & np.isfinite(total)
    x, total = x[is_known], total[is_known]
    if len(x) < max(min_customers, 1):
        return Fit(status=TOO_FEW, observations=len(x))
    order = np.lexsort((total, x))
    x, total = x[order], total[order]
    scale = float((total / x).mean())
    total = total / scale
    every = -(-len(x) // ROUGH_CUSTOMERS)
    found = maximise(
        objective=Likelihood(frequency=x, margin=total, scale=scale),
        rough_objective=Likelihood(frequency=x[::every], margin=total[::every], scale=scale)
        if every > 1
        else None,
        starts=[(start["p"], start["q"], start["v"] / scale)] if start else STARTS,
        bounds=BOUNDS,
        observations=len(x),
    )
    if not found.parameters:
        return found
    parameters = {**found.parameters, "v": found.parameters["v"] * scale}
    return Fit(
        status=found.status,
        parameters=parameters,
        log_likelihood=found.log_likelihood,
        observations=len(x),
    )


def expected_margin(
    *, parameters: Mapping[str, float], frequency: Floats, margin: Floats
) -> Floats:
    """Return the expected mean margin of a customer's purchases: p (v + margin) / (p x + q - 1).

    `margin` is the total of all repeat purchases. Without any, it is the mean over customers.
    """
    p, q, v = (parameters[name] for name in BOUNDS)
    return p * (v + np.asarray(margin)) / (p * np.asarray(frequency) + q - 1)
