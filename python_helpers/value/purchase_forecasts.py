"""What the BG/NBD model of purchase_model says of a customer: still alive, and purchases to come.

Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way. Times are in weeks; arrays
broadcast against each other.
"""

from collections.abc import Mapping

import numpy as np
from numpy.polynomial import Chebyshev
from scipy.special import betaincinv, expit, hyp2f1, roots_sh_legendre

from python_helpers.value.likelihood import Floats
from python_helpers.value.purchase_model import BOUNDS

WEEKS_PER_MONTH = 365 / 12 / 7
AGE_NODES = 48


def alive_probability(
    *, parameters: Mapping[str, float], frequency: Floats, recency: Floats, age: Floats
) -> Floats:
    """Return the chance that a customer has not left: 1 over the denominator of equation 10.

    It is 1 without a repeat purchase, because in this model customers leave after a repeat.
    """
    r, alpha, a, b = (parameters[name] for name in BOUNDS)
    frequency, recency, age = (np.asarray(each, float) for each in (frequency, recency, age))
    repeats = np.maximum(frequency, 1)
    odds = np.log(a / (b + repeats - 1)) + (r + frequency) * (
        np.log(alpha + age) - np.log(alpha + recency)
    )
    return np.where(frequency > 0, expit(-odds), 1.0)


def purchases_if_alive(
    *,
    parameters: Mapping[str, float],
    frequency: Floats | float,
    age: Floats,
    horizon: Floats | float,
) -> Floats:
    """Return the expected purchases in the next `horizon` weeks of a customer who is alive.

    Equation 10 of the paper without its denominator, which is 1 / P(alive). Euler's transformation
    removes the terms of the hypergeometric function that grow with frequency. Where its parameters
    are still too large, the function integrates over the chance of leaving instead.
    """
    r, alpha, a, b = (parameters[name] for name in BOUNDS)
    a = 1 + 1e-6 if abs(a - 1) < 1e-6 else a  # at a = 1 the formula is 0 / 0
    x, t, h = np.broadcast_arrays(*(np.asarray(each, float) for each in (frequency, age, horizon)))
    with np.errstate(all="ignore"):
        alone = np.exp(-(a - 1) * np.log1p(h / (alpha + t)))
        share = hyp2f1(a + b - 1 - r, a - 1, a + b + x - 1, h / (alpha + t + h))
        purchases = np.array((a + b + x - 1) / (a - 1) * (1 - alone * share))
    most = (r + x) / (alpha + t) * h  # of a customer who never leaves
    is_off = ~((purchases >= -1e-9) & (purchases <= most * (1 + 1e-9) + 1e-9))
    if is_off.any():
        # the substitution puts more nodes near both ends, where the distribution bends most
        nodes, weights = roots_sh_legendre(64)
        shares = nodes**3 * (10 - 15 * nodes + 6 * nodes**2)
        weights = weights * 30 * nodes**2 * (1 - nodes) ** 2
        for each in np.unique(x[is_off]):
            rows = is_off & (x == each)
            chances = betaincinv(a, b + each, shares)
            reach = np.log1p((h / (alpha + t))[rows][:, None] * chances)
            bought = -np.expm1(-(r + each) * reach) / chances
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

    The purchases of month m are divided by (1 + rate)^(m / 12). For each frequency the sum is a
    smooth function of age, so it is computed at Chebyshev nodes and interpolated between them.
    Frequency and age have one element per customer, and so has the result.
    """
    frequency, age = np.asarray(frequency, float), np.asarray(age, float)
    alpha = parameters["alpha"]
    months = np.arange(1, horizon_months + 1)
    discount = (1 + annual_discount_rate) ** (-months / 12)

    def discounted(log_reach: Floats, of_frequency: float) -> Floats:
        bought = purchases_if_alive(
            parameters=parameters,
            frequency=of_frequency,
            age=np.maximum(np.exp(log_reach) - alpha, 0)[:, None],
            horizon=months * WEEKS_PER_MONTH,
        )
        return (np.diff(bought, prepend=0) * discount).sum(axis=1)

    domain = np.log([alpha, alpha + age.max(initial=0) + 1])
    found = np.zeros(frequency.shape)
    for each in np.unique(frequency):
        is_of = frequency == each
        curve = Chebyshev.interpolate(discounted, AGE_NODES - 1, domain=domain, args=(each,))
        found[is_of] = curve(np.log(alpha + age[is_of]))
    return np.maximum(found, 0)
