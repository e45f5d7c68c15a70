"""What the BG/NBD model of purchase_model forecasts: alive or not, and how many purchases.

Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way. Times are in weeks; arrays
broadcast against each other.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import betaincinv, expit, hyp2f1

from python_helpers.value.likelihood import Floats
from python_helpers.value.purchase_model import BOUNDS

WEEKS_PER_MONTH = 365 / 12 / 7
AGE_NODES = 48


def alive_probability(
    *, parameters: Mapping[str, float], frequency: Floats, recency: Floats, age: Floats
) -> Floats:
    """Return the chance of not having left; 1 without a repeat, as customers leave after buying."""
    r, alpha, a, b = (parameters[name] for name in BOUNDS)
    frequency, recency, age = (np.asarray(each, float) for each in (frequency, recency, age))
    repeats = np.maximum(frequency, 1)
    odds = np.log(a / (b + repeats - 1)) + (r + frequency) * (
        np.log(alpha + age) - np.log(alpha + recency)
    )
    return np.where(frequency > 0, expit(-odds), 1.0)


def purchases_if_alive(
    *, parameters: Mapping[str, float], frequency: Floats, age: Floats, horizon: Floats | float
) -> Floats:
    """Return the expected purchases in the next `horizon` weeks of a customer who is alive.

    Equation 10 of the paper without its denominator, which is 1 / P(alive). Euler's transformation
    removes the term that grows with frequency from the hypergeometric function; where its
    parameters are still too large, the mean over the chance of leaving is integrated.
    """
    r, alpha, a, b = (parameters[name] for name in BOUNDS)
    a = 1 + 1e-6 if abs(a - 1) < 1e-6 else a  # where numerator and denominator vanish
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
        # denser near the ends of the distribution, where it bends most
        s = (nodes + 1) / 2
        shares, weights = s**3 * (10 - 15 * s + 6 * s**2), weights * 15 * s**2 * (1 - s) ** 2
        for frequency in np.unique(x[is_off]):
            rows = is_off & (x == frequency)
            chances = betaincinv(a, b + frequency, shares)
            reach = np.log1p((h / (alpha + t))[rows][:, None] * chances)
            bought = -np.expm1(-(r + frequency) * reach) / chances
            purchases[rows] = (bought * weights).sum(axis=1)
    return np.clip(purchases, 0, most)


def discounted_purchases_if_alive(
    *,
    parameters: Mapping[str, float],
    frequency: Floats,
    age: Floats,
    horizon_months: int,
    annual_discount_rate: float,
) -> Floats:
    """Return the expected purchases of a customer who is alive, discounted month by month.

    A purchase in month m counts 1 / (1 + rate)^(m / 12). For each frequency this is a smooth
    function of age, which is computed at Chebyshev nodes and interpolated in between.
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
    at_nodes = np.empty((len(frequencies), AGE_NODES))
    for number, each in enumerate(frequencies):
        levels = purchases_if_alive(
            parameters=parameters,
            frequency=each,
            age=np.maximum(np.exp(nodes) - parameters["alpha"], 0)[:, None],
            horizon=months * WEEKS_PER_MONTH,
        )
        at_nodes[number] = (levels * weights).sum(axis=1)
    # the barycentric formula: each node counts by its nearness
    distance = np.log(parameters["alpha"] + ages)[:, None] - nodes
    nearness = (-1.0) ** np.arange(AGE_NODES) * np.sin(angles)
    nearness = nearness / np.where(distance == 0, 1e-300, distance)
    nearness /= nearness.sum(axis=1, keepdims=True)
    at_ages = np.einsum("fn,an->fa", at_nodes, nearness)
    return np.maximum(at_ages[of_frequency, of_age], 0)
