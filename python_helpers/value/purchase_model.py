"""How often customers without a contract buy: the models BG/NBD, MBG/NBD and NBD.

A customer who is alive buys at a personal rate (gamma distributed: r, alpha) and leaves for good
after a purchase with a personal probability (beta distributed: a, b). The families differ in when:
BG/NBD after a repeat (Fader, Hardie and Lee 2005, "Counting Your Customers" the Easy Way), MBG/NBD
after the first purchase too (Batislam, Denizel and Filiztekin 2007), NBD never, so that it has no a
and b. Their likelihoods compare. A model knows the frequency of a customer (repeat purchase days),
the recency (from the first purchase to the last) and the age (from the first purchase to now).
Times are in weeks; the arrays of a forecast broadcast against each other.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.polynomial import Chebyshev
from scipy.special import betaincinv, digamma, expit, gammaln, hyp2f1, roots_sh_legendre

from python_helpers.value.likelihood import Fit, Floats, Objective, dot, maximise

BG, MBG, NBD = FAMILIES = "bg_nbd", "mbg_nbd", "nbd"
TOO_FEW = "too few repeat buyers"
UNUSABLE = "unusable histories"
BOUNDS = {"r": (1e-4, 1e4), "alpha": (1e-4, 1e6), "a": (1e-4, 1e4), "b": (1e-4, 1e4)}
STARTS = ((0.3, 0.5, 2.0), (1.0, 1.0, 1.0), (3.0, 0.2, 4.0))  # r, a, b
WEEKS_PER_MONTH = 365 / 12 / 7
AGE_NODES = 48


def grouped(*, frequency: Floats, recency: Floats, age: Floats) -> Floats:
    """Return the distinct histories as sorted columns: frequency, recency, age, customers."""
    histories = np.array([frequency, recency, age], dtype=float)
    histories = histories[:, np.lexsort(histories[::-1])]
    count = histories.shape[1]
    firsts = np.flatnonzero(np.append(True, np.diff(histories).any(axis=0))[:count])
    return np.vstack([histories[:, firsts], np.diff(np.append(firsts, count))])


def chances_to_leave(*, family: str, frequency: Floats) -> Floats:
    """Return after how many of their purchases so far customers might have left.

    In all formulas this is the only difference between the families.
    """
    return frequency * (family != NBD) + (family == MBG)


def likelihood(*, histories: Floats, family: str) -> Objective:
    """Return the log-likelihood per customer, of grouped histories.

    It is equation 6 of Fader, Hardie and Lee, with the chances to leave of the family in place of
    the frequency next to b. Terms of frequency, recency or age alone are computed once per value.
    Only the chance that the customer left after the last purchase needs every history.
    """
    frequency, recency, age, customers = histories
    total = customers.sum()
    x, of_frequency = np.unique(frequency, return_inverse=True)
    k = chances_to_leave(family=family, frequency=x)
    ages, of_age = np.unique(age, return_inverse=True)
    n = np.bincount(of_frequency, weights=customers)
    customers_of_age = np.bincount(of_age, weights=customers)
    repeats_of_age = np.bincount(of_age, weights=customers * frequency)
    # from here on, the customers who may have left
    leavers = (k > 0)[of_frequency]
    of_frequency, of_age, buyers = of_frequency[leavers], of_age[leavers], customers[leavers]
    recencies, of_recency = np.unique(recency[leavers], return_inverse=True)

    def value_and_gradient(parameters: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = (*parameters, 1, 1)[:4]  # without chances to leave, a and b say nothing
        log_age, log_recency = np.log(alpha + ages), np.log(alpha + recencies)
        exponent = r * customers_of_age + repeats_of_age
        value = dot(n,
            gammaln(r + x) - gammaln(r) + r * np.log(alpha)
            + gammaln(a + b) - gammaln(a + b + k) + gammaln(b + k) - gammaln(b)
        ) - dot(exponent, log_age)  # fmt: skip
        joint = digamma(a + b) - digamma(a + b + k)
        gradient = np.array([
            dot(n, digamma(r + x) - digamma(r) + np.log(alpha)) - dot(customers_of_age, log_age),
            total * r / alpha - dot(exponent, 1 / (alpha + ages)),
            dot(n, joint),
            dot(n, joint + digamma(b + k) - digamma(b)),
        ])  # fmt: skip
        # odds that the customer left after the last purchase rather than stayed silent since
        silence = log_age[of_age] - log_recency[of_recency]
        odds_of_frequency = np.log(a / (b + np.maximum(k, 1) - 1))
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
            -dot(by_frequency[k > 0], 1 / (b + k[k > 0] - 1)),
        )
        return float(value / total), gradient[: len(parameters)] / total

    return value_and_gradient


def fit(
    *,
    family: str,
    histories: Floats,
    min_repeat_customers: int = 2,
    like: Fit | None = None,
) -> Fit:
    """Fit the parameters of a family to grouped histories.

    Too few repeat buyers or an impossible history (recency beyond age, a negative or missing
    number) give a fit without parameters. A usable fit to similar customers replaces the starts.
    """
    x, t_x, t, n = histories
    total = int(n.sum())
    if not (np.isfinite(histories).all() and (x >= 0).all() and ((t_x >= 0) & (t_x <= t)).all()):
        return Fit(status=UNUSABLE, observations=total)
    if n[x > 0].sum() < max(min_repeat_customers, 1) or not (t > 0).any():
        return Fit(status=TOO_FEW, observations=total)
    bounds = {name: BOUNDS[name] for name in list(BOUNDS)[: 2 if family == NBD else 4]}
    rate = dot(n, x) / dot(n, t)
    starts = [(r, r / rate, a, b)[: len(bounds)] for r, a, b in STARTS]
    return maximise(
        likelihood=partial(likelihood, family=family),
        histories=histories,
        starts=[tuple(like.parameters.values())] if like and like.is_usable else starts,
        bounds=bounds,
        observations=total,
    )


def alive_probability(
    *,
    family: str,
    parameters: Mapping[str, float],
    frequency: Floats,
    recency: Floats,
    age: Floats,
) -> Floats:
    """Return the chance that a customer has not left: 1 over the denominator of equation 10.

    It is 1 where there was no chance to leave: without a repeat purchase, or by the family NBD.
    """
    r, alpha, a, b = (parameters.get(name, 1.0) for name in BOUNDS)
    k = chances_to_leave(family=family, frequency=np.asarray(frequency))
    silence = np.log(alpha + age) - np.log(alpha + recency)
    log_odds = np.log(a / (b + np.maximum(k, 1) - 1)) + (r + frequency) * silence
    return np.where(k > 0, expit(-log_odds), 1.0)


def silence_if_alive(
    *, parameters: Mapping[str, float], frequency: Floats, age: Floats, window: Floats | float
) -> Floats:
    """Return the chance that a customer who is alive buys nothing in the next `window` weeks."""
    reach = np.log1p(window / (parameters["alpha"] + np.asarray(age, float)))
    return np.exp(-(parameters["r"] + frequency) * reach)


def purchases_if_alive(
    *,
    family: str,
    parameters: Mapping[str, float],
    frequency: Floats,
    age: Floats,
    horizon: Floats | float,
) -> Floats:
    """Return the expected purchases in the next `horizon` weeks of a customer who is alive.

    Equation 10 of the paper without its denominator, which is 1 / P(alive). Euler's transformation
    removes the terms of the hypergeometric function that grow with frequency. Where its parameters
    are still too large, the function integrates over the chance of leaving instead.
    """
    r, alpha, a, b = (parameters.get(name, 1.0) for name in BOUNDS)
    x, t, h = np.broadcast_arrays(*(np.asarray(each, float) for each in (frequency, age, horizon)))
    most = (r + x) / (alpha + t) * h  # of a customer who never leaves
    if family == NBD:
        return most
    k = chances_to_leave(family=family, frequency=x)
    a = 1 + 1e-6 if abs(a - 1) < 1e-6 else a  # at a = 1 the formula is 0 / 0
    with np.errstate(all="ignore"):
        alone = np.exp(-(a - 1) * np.log1p(h / (alpha + t)))
        share = hyp2f1(a + b + k - x - 1 - r, a - 1, a + b + k - 1, h / (alpha + t + h))
        purchases = np.array((a + b + k - 1) / (a - 1) * (1 - alone * share))
    is_off = ~((purchases >= -1e-9) & (purchases <= most * (1 + 1e-9) + 1e-9))
    if is_off.any():
        # the substitution puts more nodes near both ends, where the distribution bends most
        nodes, weights = roots_sh_legendre(64)
        shares = nodes**3 * (10 - 15 * nodes + 6 * nodes**2)
        weights = weights * 30 * nodes**2 * (1 - nodes) ** 2
        for each in np.unique(x[is_off]):
            rows = is_off & (x == each)
            later = chances_to_leave(family=family, frequency=each)
            chances = betaincinv(a, b + later, shares)
            reach = np.log1p((h / (alpha + t))[rows][:, None] * chances)
            bought = -np.expm1(-(r + each) * reach) / chances
            purchases[rows] = (bought * weights).sum(axis=1)
    return np.clip(purchases, 0, most)


def discounted_purchases_if_alive(
    *,
    family: str,
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

    def discounted(log_reach: Floats, of_frequency: Floats) -> Floats:
        bought = purchases_if_alive(
            family=family,
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
