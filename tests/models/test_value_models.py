"""The models of lifetime value: published results, integrals, simulated customers, hard cases.

The CDNOW customers are not part of the repository: name the folder of the real data in
LIFECYCLE_REAL_DATA. The retention curves are Table 1 of Fader and Hardie (2007).
"""

import math
from dataclasses import dataclass
from hashlib import md5

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifecycle import real_data
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution
from scipy.stats import nbinom

from python_helpers.value import (
    fits,
    likelihood,
    margin_model,
    purchase_model,
    renewal_model,
    tables,
)
from python_helpers.value.likelihood import Fit
from python_helpers.value.purchase_model import BG, FAMILIES, MBG, NBD

# published: Fader, Hardie and Lee (2005); Batislam et al. (2007) and Hoppe and Wagner (2007)
CDNOW = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
CDNOW_MBG = {"r": 0.5248, "alpha": 6.183, "a": 0.8914, "b": 1.614}
SURVIVING = {  # per cent after 0, 1, ... 12 years; the first eight are fitted
    "high end": (100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4),
    "regular": (100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3),
}
FITTED_YEARS = 7


def silence_probability(
    *,
    family: str,
    parameters: dict[str, float],
    frequency: np.ndarray,
    recency: np.ndarray,
    age: np.ndarray,
    window: np.ndarray,
) -> np.ndarray:
    """Return the chance of no purchase in the next `window` weeks, as fct_customer_value has it.

    Gone already, or alive and silent: 1 - P(alive) x (1 - ((alpha + T) / (alpha + T + w))^(r + x)).
    """
    r, alpha = parameters["r"], parameters["alpha"]
    alive = purchase_model.alive_probability(
        family=family, parameters=parameters, frequency=frequency, recency=recency, age=age
    )
    exponent = (r + np.asarray(frequency, float)) * np.log1p(window / (alpha + np.asarray(age)))
    return 1 + alive * np.expm1(-exponent)


@dataclass(frozen=True, kw_only=True)
class Customers:
    """Customers as the models know them, times in weeks."""

    frequency: np.ndarray
    recency: np.ndarray
    age: np.ndarray
    margin: np.ndarray

    def fit(self, family: str = BG, **options: int) -> Fit:
        """Fit a family to the purchases of the customers."""
        histories = purchase_model.grouped(
            frequency=self.frequency, recency=self.recency, age=self.age
        )
        return purchase_model.fit(family=family, histories=histories, **options)


@pytest.fixture(scope="module")
def cdnow() -> Customers:
    """Return the CDNOW customers as known on 1997-09-30, or skip the test that wants them."""
    folder = real_data("cdnow_sample")
    columns = duckdb.sql(f"""
        with days as (
            select customer_id, cast(ordered_at as date) as day, sum(amount) as amount
            from '{folder}/orders.parquet' where ordered_at < '1997-10-01' group by all
        ),
        numbered as (
            select *, min(day) over (partition by customer_id) as first_day from days
        )
        select
            count(*) - 1 as frequency,
            (max(day) - first_day) / 7 as recency,
            (date '1997-09-30' - first_day) / 7 as age,
            coalesce(sum(amount) filter (day > first_day), 0) as margin
        from numbered group by customer_id, first_day order by customer_id
    """).fetchnumpy()
    return Customers(**{name: np.asarray(column, float) for name, column in columns.items()})


def simulated(
    *, count: int, parameters: dict[str, float], weeks: float, seed: int, family: str = BG
) -> Customers:
    """Let customers buy and leave as the models say they do, purchase by purchase."""
    random = np.random.default_rng(seed)
    age = random.uniform(0, weeks, count)
    rate = random.gamma(parameters["r"], 1 / parameters["alpha"], count)
    leaving = random.beta(parameters["a"], parameters["b"], count)
    leaving *= family != NBD
    frequency, recency, now = np.zeros(count), np.zeros(count), np.zeros(count)
    there = np.arange(count)
    if family == MBG:
        there = there[random.random(count) >= leaving]
    while len(there):
        now[there] += random.exponential(1 / rate[there])
        there = there[now[there] <= age[there]]
        frequency[there] += 1
        recency[there] = now[there]
        there = there[random.random(len(there)) >= leaving[there]]
    mean = parameters["p"] / random.gamma(parameters["q"], 1 / parameters["v"], count)
    margin = random.gamma(parameters["p"] * np.maximum(frequency, 1e-9), mean / parameters["p"])
    return Customers(frequency=frequency, recency=recency, age=age, margin=margin)


KNOWN = {"r": 0.6, "alpha": 5.0, "a": 0.7, "b": 3.0, "p": 5.0, "q": 4.0, "v": 20.0}


# Published results


@pytest.mark.parametrize(
    ("family", "published", "log_likelihood"),
    [(BG, CDNOW, -9582.43), (MBG, CDNOW_MBG, -9582.136)],
)
def test_the_purchases_of_cdnow_are_those_of_the_papers(family, published, log_likelihood, cdnow):
    found = cdnow.fit(family)
    assert found.status == "converged"
    assert found.observations == 2357
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=0.005)
    assert dict(found.parameters) == pytest.approx(published, abs=0.001)


def test_the_nbd_is_the_negative_binomial_distribution_of_counts(cdnow):
    found = cdnow.fit(NBD)
    r, alpha = found.parameters["r"], found.parameters["alpha"]
    # scipy's counts forget when the purchases were: x! / T^x orders of x times in T
    counts = nbinom.logpmf(cdnow.frequency, r, alpha / (alpha + cdnow.age)).sum()
    factorials = np.array([math.lgamma(x + 1) for x in cdnow.frequency])
    times = (factorials - cdnow.frequency * np.log(cdnow.age)).sum()
    assert found.log_likelihood == pytest.approx(counts + times, rel=1e-9)
    # without leaving, it is far less likely than either family that lets customers leave
    assert found.log_likelihood < -9582.43 - 100


def test_the_paper_expects_1_226_purchases_in_39_weeks():
    history = {"family": BG, "parameters": CDNOW, "frequency": 2, "age": 38.86}
    expected = purchase_model.alive_probability(
        recency=30.43, **history
    ) * purchase_model.purchases_if_alive(horizon=39, **history)
    assert expected == pytest.approx(1.226, abs=0.0005)


# of ModifiedBetaGeoFitter and BetaGeoFitter of lifetimes 0.11.3, with the published parameters of
# CDNOW: P(alive), and purchases to expect in 1, 26 and 39 weeks
HISTORIES = {
    "frequency": np.array([0, 0, 1, 2, 5, 26]),
    "recency": np.array([0, 0, 10, 30.43, 20, 30.86]),
    "age": np.array([0, 38.86, 38.86, 38.86, 30, 31]),
}
LIFETIMES = {
    MBG: (
        (0.644209, 0.389723, 0.381066, 0.706118, 0.554037, 0.965551),
        {
            1: (0.053056, 0.004521, 0.012829, 0.039332, 0.083808, 0.681202),
            26: (0.898062, 0.106989, 0.295837, 0.892628, 1.796693, 14.171171),
            39: (1.182166, 0.153945, 0.421140, 1.262629, 2.490521, 19.447693),
        },
    ),
    BG: (
        (1.000000, 1.000000, 0.438237, 0.726579, 0.572566, 0.968916),
        {
            1: (0.053268, 0.005596, 0.012527, 0.037448, 0.086478, 0.710621),
            26: (0.902637, 0.134620, 0.293082, 0.861649, 1.881691, 15.019275),
            39: (1.196723, 0.195098, 0.419820, 1.226028, 2.624810, 20.749726),
        },
    ),
}


@pytest.mark.parametrize(("family", "parameters"), [(BG, CDNOW), (MBG, CDNOW_MBG)])
def test_chances_and_purchases_are_those_of_another_library(family, parameters):
    alive_there, purchases_there = LIFETIMES[family]
    model = {"family": family, "parameters": parameters}
    alive = purchase_model.alive_probability(**model, **HISTORIES)
    assert alive == pytest.approx(np.array(alive_there), abs=6e-7)
    for weeks, expected in purchases_there.items():
        if_alive = purchase_model.purchases_if_alive(
            frequency=HISTORIES["frequency"], age=HISTORIES["age"], horizon=weeks, **model
        )
        assert alive * if_alive == pytest.approx(np.array(expected), abs=6e-7)


def test_the_margins_of_cdnow_are_those_of_the_note(cdnow):
    found = margin_model.fit(frequency=cdnow.frequency, margin=cdnow.margin)
    assert found.status == "converged"
    assert found.observations == 946
    assert dict(found.parameters) == pytest.approx({"p": 6.25, "q": 3.74, "v": 15.44}, abs=0.006)


@pytest.mark.parametrize(
    ("group", "alpha", "beta"), [("high end", 0.668, 3.806), ("regular", 0.704, 1.182)]
)
def test_renewals_are_those_of_the_paper_and_their_forecast_holds(group, alpha, beta):
    surviving = np.array(SURVIVING[group])
    calibration = surviving[: FITTED_YEARS + 1]
    found = renewal_model.fit(
        renewals=np.append(np.arange(FITTED_YEARS), FITTED_YEARS),
        is_churned=np.append(np.ones(FITTED_YEARS), 0),
        customers=10 * np.append(-np.diff(calibration), calibration[-1]),
    )
    assert found.status == "converged"
    assert dict(found.parameters) == pytest.approx({"alpha": alpha, "beta": beta}, abs=0.0005)
    forecast = renewal_model.survival(parameters=found.parameters, renewals=np.arange(13))
    assert forecast == pytest.approx(surviving / 100, abs=0.02)


# Formulas against integrals and simulation


def integrated(
    *, family: str, parameters: dict[str, float], frequency: float, age: float, horizon: float
):
    """Integrate the purchases of who is alive over the chance p of leaving after each.

    Of rate l and chance p they are (1 - exp(-l p t)) / p; over the rates that is closed. Who is
    alive stayed after each repeat and, by MBG/NBD, after the first purchase.
    """
    r, alpha, a, b = (parameters[name] for name in ("r", "alpha", "a", "b"))
    stayed = frequency + {BG: 0, MBG: 1}[family]

    def bought(share: float) -> float:
        leaving = max(beta_distribution.ppf(share, a, b + stayed), 1e-300)
        power = (r + frequency) * math.log1p(leaving * horizon / (alpha + age))
        return -math.expm1(-power) / leaving

    return quad(bought, 0, 1, limit=500, epsabs=1e-12, epsrel=1e-9)[0]


@pytest.mark.parametrize(
    "parameters",
    [
        CDNOW,
        {"r": 1, "alpha": 10, "a": 1, "b": 3},  # where the formula divides nothing by nothing
        {"r": 5, "alpha": 50, "a": 3, "b": 20},
        {"r": 0.01, "alpha": 0.1, "a": 0.05, "b": 0.5},
        {"r": 30, "alpha": 2, "a": 0.2, "b": 0.3},
        {"r": 1, "alpha": 10, "a": 50, "b": 5000},  # too great for the function
        {"r": 0.5, "alpha": 5, "a": 1e4, "b": 1e4},
        {"r": 1, "alpha": 1, "a": 5, "b": 1},  # of which scipy 1.17 says infinity
        {"r": 1e4, "alpha": 1e5, "a": 0.3, "b": 1},
    ],
)
@pytest.mark.parametrize(
    ("frequency", "age", "horizon"),
    [(0, 0.2, 260), (2, 38.86, 39), (30, 50, 260), (2000, 500, 260), (5, 5, 1), (99, 2, 501)],
)
@pytest.mark.parametrize("family", [BG, MBG])
def test_purchases_to_expect_are_the_integral(family, parameters, frequency, age, horizon):
    case = {
        "family": family,
        "parameters": parameters,
        "frequency": frequency,
        "age": age,
        "horizon": horizon,
    }
    assert purchase_model.purchases_if_alive(**case) == pytest.approx(integrated(**case), rel=2e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_interpolated_between_ages_is_worked_out_at_each(family):
    frequency = np.repeat([0, 1, 7, 300], 50)
    age = np.tile(np.geomspace(1 / 7, 520, 50), 4)
    months = np.arange(1, 61)
    levels = purchase_model.purchases_if_alive(
        family=family,
        parameters=CDNOW,
        frequency=frequency[:, None],
        age=age[:, None],
        horizon=months * purchase_model.WEEKS_PER_MONTH,
    )
    expected = np.diff(levels, axis=1, prepend=0) @ 1.1 ** (-months / 12)
    found = purchase_model.discounted_purchases_if_alive(
        family=family,
        parameters=CDNOW,
        frequency=frequency,
        age=age,
        horizon_months=60,
        annual_discount_rate=0.1,
    )
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_simulated_customers_are_as_alive_and_buy_as_much_as_the_formulas_say(family):
    random = np.random.default_rng(3)
    count, age, window = 400_000, 30.0, 8.0
    rate = random.gamma(KNOWN["r"], 1 / KNOWN["alpha"], count)
    leaving = random.beta(KNOWN["a"], KNOWN["b"], count) * (family != NBD)
    frequency, recency, later, now = (np.zeros(count) for _ in range(4))
    is_alive = random.random(count) >= leaving * (family == MBG)
    there = np.flatnonzero(is_alive)
    while len(there):
        now[there] += random.exponential(1 / rate[there])
        there = there[now[there] <= age + window]
        is_past = now[there] <= age
        past = there[is_past]
        frequency[past] += 1
        recency[past] = now[past]
        later[there[~is_past]] += 1
        stays = random.random(len(there)) >= leaving[there]
        is_alive[there[is_past & ~stays]] = False
        there = there[stays]
    for times in (0, 1, 2, 5):
        group = frequency == times
        history = {
            "family": family,
            "parameters": KNOWN,
            "frequency": frequency[group],
            "recency": recency[group],
            "age": age,
        }
        alive = purchase_model.alive_probability(**history)
        silent = silence_probability(**history, window=window).mean()
        if_alive = purchase_model.purchases_if_alive(
            family=family, parameters=KNOWN, frequency=times, age=age, horizon=window
        )
        allowed = 4 * 0.5 / math.sqrt(group.sum())
        assert is_alive[group].mean() == pytest.approx(alive.mean(), abs=allowed)
        assert (later[group] == 0).mean() == pytest.approx(silent, abs=allowed)
        noise = 4 * later[group].std() / math.sqrt(group.sum())
        assert later[group].mean() == pytest.approx((alive * if_alive).mean(), abs=noise)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("count", [40_000, 60_000])  # with few groups, and with a rough start
def test_the_parameters_that_customers_were_made_with_are_found(count, family):
    customers = simulated(count=count, parameters=KNOWN, weeks=100, seed=11, family=family)
    found = customers.fit(family)
    margins = margin_model.fit(frequency=customers.frequency, margin=customers.margin)
    assert (found.status, margins.status) == ("converged", "converged")
    for name, value in {**found.parameters, **margins.parameters}.items():
        assert value == pytest.approx(KNOWN[name], rel=0.12), name
    # and the family that they were made with is the likeliest
    likelihoods = {each: customers.fit(each).log_likelihood for each in (BG, MBG)}
    if family != NBD:
        assert max(likelihoods, key=likelihoods.get) == family


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("family", [BG, MBG])
def test_leaving_is_not_seen_where_nobody_leaves_and_is_where_some_do(family, seed):
    for of_customers, is_seen in ((NBD, False), (family, True)):
        customers = simulated(
            count=2000, parameters=KNOWN, weeks=60, seed=seed, family=of_customers
        )
        found, without = customers.fit(family), customers.fit(NBD)
        is_likelier = found.log_likelihood >= without.log_likelihood + 3
        assert (is_likelier and not found.at_a_bound & {"a", "b"}) == is_seen
        # it contains the NBD, so that it is never less likely
        assert found.log_likelihood >= without.log_likelihood - 1e-3


def test_a_rough_start_ends_where_the_whole_search_does(monkeypatch):
    customers = simulated(count=30_000, parameters=KNOWN, weeks=100, seed=5)
    found = []
    for most in (10**9, 5000):
        monkeypatch.setattr(likelihood, "ROUGH_HISTORIES", most)
        margins = margin_model.fit(frequency=customers.frequency, margin=customers.margin)
        found.append({**customers.fit().parameters, **margins.parameters})
    assert found[0] == pytest.approx(found[1], rel=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("point", [(0.3, 5.0, 0.8, 2.4), (3.0, 0.5, 0.1, 9.0)])
def test_the_slopes_of_the_likelihoods_are_those_of_small_steps(family, point):
    customers = simulated(count=500, parameters=KNOWN, weeks=60, seed=2)
    bought = customers.frequency > 0
    purchases = purchase_model.likelihood(
        histories=purchase_model.grouped(
            frequency=customers.frequency, recency=customers.recency, age=customers.age
        ),
        family=family,
    )
    margins = margin_model.likelihood(
        histories=np.array([customers.frequency[bought], customers.margin[bought]]), scale=1.0
    )
    of_family = np.array(point[: 2 if family == NBD else 4])
    for objective, place in ((purchases, of_family), (margins, np.array(point[:3]))):
        _, slope = objective(place)
        for number, direction in enumerate(np.eye(len(place))):
            step = 1e-6 * place[number] * direction
            rise = objective(place + step)[0] - objective(place - step)[0]
            assert slope[number] == pytest.approx(rise / (2 * step.sum()), rel=1e-4, abs=1e-7)


def test_a_contract_of_a_year_is_paid_until_it_may_be_left():
    # alpha = beta = 1: of those there, 1/2 leave at the first end, 1/3 at the second, ...
    paid = renewal_model.paid_months(
        parameters={"alpha": 1, "beta": 1},
        age=np.array([0, 11, 12]),
        interval=np.array([12, 12, 12]),
        horizon_months=12,
    )
    # 11 months to the end and one after; one end at once; the second end after 12
    assert paid == pytest.approx([11 + 1 / 2, 12 / 2, 11 + 2 / 3])


def test_a_month_a_year_ahead_counts_a_tenth_less():
    paid = {
        months: renewal_model.paid_months(
            parameters={"alpha": 1, "beta": 1e12},  # nobody leaves
            age=np.array([3]),
            interval=np.array([1]),
            horizon_months=months,
            annual_discount_rate=0.1,
        )[0]
        for months in (11, 12)
    }
    assert paid[12] - paid[11] == pytest.approx(1 / 1.1)


def test_a_customer_without_repeats_brings_what_customers_bring_and_a_frequent_one_their_own():
    parameters = {"p": 6.25, "q": 3.74, "v": 15.44}
    found = margin_model.expected_margin(
        parameters=parameters,
        frequency=np.array([0, 1, 1e9]),
        margin=np.array([0, 50, 30 * 1e9]),
    )
    assert found == pytest.approx([6.25 * 15.44 / 2.74, 6.25 * 65.44 / 8.99, 30])


# Chances beside what came


def tenths(*, chance: np.ndarray, is_buyer: np.ndarray) -> dict[str, dict[str, float]]:
    """Return the statistics of chances by tenth, and those of all customers."""
    return {
        decile: values for values, decile in tables.calibration(chance=chance, is_buyer=is_buyer)
    }


def test_the_first_tenth_has_the_greatest_chances_and_each_its_own_share():
    random = np.random.default_rng(1)
    chance = random.permutation(np.linspace(0.005, 0.995, 100))
    is_buyer = random.random(100) < chance
    found = tenths(chance=chance, is_buyer=is_buyer)
    ranked = np.argsort(-chance).reshape(10, 10)
    for number, of_tenth in enumerate(ranked, start=1):
        assert found[str(number)] == pytest.approx(
            {
                "decile_customers": 10,
                "decile_chance": chance[of_tenth].mean(),
                "decile_share": is_buyer[of_tenth].mean(),
            }
        )
    share = is_buyer.mean()
    assert found["all"] == pytest.approx(
        {
            "brier_score": np.square(chance - is_buyer).mean(),
            # the score of everybody with the share of all
            "brier_score_of_share": np.square(share - is_buyer).mean(),
        }
    )


def test_customers_of_one_chance_are_in_one_tenth_whoever_of_them_bought():
    chance = np.array([0.9] * 2 + [0.1] * 18)
    is_buyer = np.array([True, False] + [True] * 9 + [False] * 9)
    found = tenths(chance=chance, is_buyer=is_buyer)
    assert {decile: values.get("decile_share") for decile, values in found.items()} == {
        "1": 0.5,
        "6": 0.5,
        "all": None,
    }
    reverse = tenths(chance=chance[::-1], is_buyer=is_buyer[::-1])
    assert {**reverse, "all": None} == {**found, "all": None}


# Many customers


def test_of_more_customers_than_the_most_those_with_the_smallest_hash_are_taken():
    states = duckdb.sql("select 'c' || number as customer_id from range(1000) as n(number)")
    taken = {key for (key,) in tables.sampled(relation=states, most=100).fetchall()}
    # md5 is spread evenly: a tenth of the customers is below a tenth of its range
    by_hash = sorted((md5(key.encode()).hexdigest(), key) for (key,) in states.fetchall())
    assert 80 < len(taken) < 120
    assert taken == {key for _, key in by_hash[: len(taken)]}
    assert tables.sampled(relation=states, most=1000) is states


def test_contracts_that_are_alike_count_as_many():
    random = np.random.default_rng(3)
    ends = random.geometric(random.beta(1, 6, 500))
    age = random.integers(0, 30, 500)
    before = np.maximum(age - 6, 0)
    contracts = {
        "renewals": np.minimum(ends - 1, age),
        "is_churned": (ends <= age).astype(float),
        "calibration_renewals": np.minimum(ends - 1, before),
        "is_calibration_churned": (ends <= before).astype(float),
        "renewals_if_kept": age,
    }
    connection = duckdb.connect()
    connection.register("contracts", contracts)
    found = fits.renewal_rows(
        histories=connection.sql("select *, 'month' as billing_term from contracts"), min_churned=1
    )
    one_by_one = {**contracts, "contracts": np.ones(500)}
    fit = renewal_model.fit(
        renewals=contracts["renewals"], is_churned=contracts["is_churned"], customers=np.ones(500)
    )
    earlier = renewal_model.fit(
        renewals=contracts["calibration_renewals"],
        is_churned=contracts["is_calibration_churned"],
        customers=np.ones(500),
    )
    expected = [
        *tables.fit_numbers(fits={fits.RENEWALS: fit}),
        *fits.renewal_test(fit=earlier, contracts=one_by_one),
    ]
    # the parameters of the fit from before the hold-out are told too
    before = {f"calibration_{name}": value for name, value in earlier.parameters.items()}
    found = list(found)
    told = {row[3]: row[6] for row in found}
    assert {name: told[name] for name in before} == pytest.approx(before)
    found = [row for row in found if row[3] not in before]
    assert {row[3:6]: row[6] for row in found} == pytest.approx(
        {row[1:4]: row[4] for row in expected}, rel=1e-9
    )


# What must hold of any customer

POSITIVE = st.floats(min_value=1e-3, max_value=1e3)
PARAMETERS = st.fixed_dictionaries({name: POSITIVE for name in ("r", "alpha", "a", "b")})
HISTORY = st.tuples(
    st.integers(min_value=0, max_value=500),
    st.floats(min_value=0, max_value=1),
    st.floats(min_value=1 / 7, max_value=1000),
)


@settings(max_examples=300, deadline=None)
@given(
    family=st.sampled_from(FAMILIES),
    parameters=PARAMETERS,
    history=HISTORY,
    horizon=st.floats(min_value=0, max_value=500),
)
def test_forecasts_are_finite_start_at_nothing_and_grow_with_the_horizon(
    family, parameters, history, horizon
):
    frequency, part, age = history
    recency = age * part if frequency else 0.0
    alive = purchase_model.alive_probability(
        family=family, parameters=parameters, frequency=frequency, recency=recency, age=age
    )
    silent = silence_probability(
        family=family,
        parameters=parameters,
        frequency=frequency,
        recency=recency,
        age=age,
        window=horizon,
    )
    assert 0 <= alive <= 1
    assert 1 - alive - 1e-12 <= silent <= 1
    purchases = purchase_model.purchases_if_alive(
        family=family,
        parameters=parameters,
        frequency=frequency,
        age=age,
        horizon=np.array([0, horizon, 501]),
    )
    assert np.isfinite(purchases).all()
    assert purchases[0] == 0
    assert (np.diff(purchases) >= -1e-6 * purchases[-1]).all()
    discounted = [
        purchase_model.discounted_purchases_if_alive(
            family=family,
            parameters=parameters,
            frequency=np.array([frequency]),
            age=np.array([age]),
            horizon_months=12,
            annual_discount_rate=rate,
        )[0]
        for rate in (0.0, 0.1)
    ]
    undiscounted = purchase_model.purchases_if_alive(
        family=family,
        parameters=parameters,
        frequency=frequency,
        age=age,
        horizon=12 * purchase_model.WEEKS_PER_MONTH,
    )
    assert discounted[0] == pytest.approx(float(undiscounted), rel=1e-5)
    assert 0 <= discounted[1] <= discounted[0] * (1 + 1e-9)


@settings(max_examples=20, deadline=None)
@given(order=st.randoms(use_true_random=False))
def test_the_order_of_customers_changes_no_digit(order):
    customers = simulated(count=400, parameters=KNOWN, weeks=60, seed=8)
    rows = list(range(400))
    order.shuffle(rows)
    shuffled = Customers(
        frequency=customers.frequency[rows],
        recency=customers.recency[rows],
        age=customers.age[rows],
        margin=customers.margin[rows],
    )
    for family in FAMILIES:
        assert shuffled.fit(family) == customers.fit(family)
    assert margin_model.fit(
        frequency=shuffled.frequency, margin=shuffled.margin
    ) == margin_model.fit(frequency=customers.frequency, margin=customers.margin)


# Hard cases: a word, never an exception


def all_alike(*, frequency: float, count: int = 200) -> Customers:
    """Return customers who bought on the same days for the same money."""
    ones = np.ones(count)
    recency = 20.0 if frequency else 0.0
    return Customers(
        frequency=frequency * ones, recency=recency * ones, age=26 * ones, margin=30 * ones
    )


def test_nobody_and_one_customer_are_too_few():
    for count in (0, 1):
        customers = all_alike(frequency=3, count=count)
        assert customers.fit().status == "too few repeat buyers"
        assert customers.fit().parameters == {}
        margins = margin_model.fit(frequency=customers.frequency, margin=customers.margin)
        assert margins.status == "too few margins"
    none = np.zeros(0)
    assert renewal_model.fit(renewals=none, is_churned=none, customers=none).status == (
        "too few churned"
    )


def test_customers_who_all_bought_once_are_too_few():
    assert all_alike(frequency=0).fit().status == "too few repeat buyers"


def test_fewer_repeat_buyers_than_asked_for_are_too_few():
    assert all_alike(frequency=3, count=99).fit(min_repeat_customers=100).parameters == {}
    assert all_alike(frequency=3, count=100).fit(min_repeat_customers=100).parameters


def test_customers_all_alike_end_at_a_bound_with_a_forecast():
    customers = all_alike(frequency=3)
    found = customers.fit()
    assert found.status == "at a bound"
    assert found.is_usable
    forecast = purchase_model.purchases_if_alive(
        family=BG, parameters=found.parameters, frequency=3, age=26, horizon=26
    )
    assert 0 < forecast < 10
    margins = margin_model.fit(frequency=customers.frequency, margin=customers.margin)
    assert margins.is_usable
    assert margin_model.expected_margin(
        parameters=margins.parameters, frequency=3, margin=30
    ) == pytest.approx(10, rel=0.01)


def test_one_customer_with_a_million_times_the_margin_moves_nobody_far():
    customers = simulated(count=5000, parameters=KNOWN, weeks=60, seed=4)
    frequency = np.append(customers.frequency, 1)
    margin = np.append(customers.margin, 1e8)
    found = margin_model.fit(frequency=frequency, margin=margin)
    assert found.is_usable
    found = margin_model.expected_margin(
        parameters=found.parameters, frequency=np.array([10]), margin=np.array([70])
    )
    assert 5 < found[0] < 10


def test_one_customer_who_buys_a_thousand_times_as_often_is_fitted():
    customers = simulated(count=3000, parameters=KNOWN, weeks=60, seed=4)
    found = Customers(
        frequency=np.append(customers.frequency, 50_000),
        recency=np.append(customers.recency, 59.9),
        age=np.append(customers.age, 60),
        margin=np.append(customers.margin, 1),
    ).fit()
    assert found.status == "converged"
    assert all(map(math.isfinite, found.parameters.values()))


@pytest.mark.parametrize("damage", [math.nan, math.inf, -1.0])
def test_a_history_that_cannot_be_is_said_to_be_so(damage):
    customers = all_alike(frequency=3)
    customers.recency[7] = damage
    assert customers.fit().status == "unusable histories"


def test_contracts_that_are_left_at_a_steady_rate_end_at_a_bound_with_that_rate():
    # a fifth of 10,000 leaves at each end: there is nothing to tell customers apart
    there = 10_000 * 0.8 ** np.arange(7)
    found = renewal_model.fit(
        renewals=np.append(np.arange(6), 6),
        is_churned=np.append(np.ones(6), 0),
        customers=np.append(-np.diff(there), there[-1]),
    )
    assert found.is_usable
    survival = renewal_model.survival(parameters=found.parameters, renewals=np.arange(11))
    assert survival == pytest.approx(0.8 ** np.arange(11), abs=0.001)
