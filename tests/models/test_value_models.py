"""The models of lifetime value: published results, integrals, simulated customers, hard cases.

The CDNOW customers are not part of the repository: name the folder of the real data in
LIFECYCLE_REAL_DATA. The retention curves are Table 1 of Fader and Hardie (2007).
"""

import math
from dataclasses import dataclass

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifecycle import real_data
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution

from python_helpers.value import (
    likelihood,
    margin_model,
    purchase_model,
    renewal_model,
)
from python_helpers.value.likelihood import Fit

CDNOW = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}  # published
SURVIVING = {  # per cent after 0, 1, ... 12 years; the first eight are fitted
    "high end": (100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1, 46.8, 44.5, 42.7, 40.9, 39.4),
    "regular": (100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1, 22.3, 20.7, 19.4, 18.3, 17.3),
}
FITTED_YEARS = 7


def silence_probability(
    *,
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
        parameters=parameters, frequency=frequency, recency=recency, age=age
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

    def fit(self, **options: int) -> Fit:
        """Fit the purchases of the customers, each a group of its own."""
        return purchase_model.fit(
            frequency=self.frequency,
            recency=self.recency,
            age=self.age,
            **options,
        )


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


def simulated(*, count: int, parameters: dict[str, float], weeks: float, seed: int) -> Customers:
    """Let customers buy and leave as the models say they do, purchase by purchase."""
    random = np.random.default_rng(seed)
    age = random.uniform(0, weeks, count)
    rate = random.gamma(parameters["r"], 1 / parameters["alpha"], count)
    leaving = random.beta(parameters["a"], parameters["b"], count)
    frequency, recency, now = np.zeros(count), np.zeros(count), np.zeros(count)
    there = np.arange(count)
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


def test_the_purchases_of_cdnow_are_those_of_the_paper(cdnow):
    found = cdnow.fit()
    assert found.status == "converged"
    assert found.observations == 2357
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert dict(found.parameters) == pytest.approx(CDNOW, abs=0.001)


def test_the_paper_expects_1_226_purchases_in_39_weeks():
    history = {"frequency": 2, "age": 38.86}
    expected = purchase_model.alive_probability(
        parameters=CDNOW, recency=30.43, **history
    ) * purchase_model.purchases_if_alive(parameters=CDNOW, horizon=39, **history)
    assert expected == pytest.approx(1.226, abs=0.0005)


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


def integrated(*, parameters: dict[str, float], frequency: float, age: float, horizon: float):
    """Integrate the purchases of who is alive over the chance p of leaving after each.

    Of rate l and chance p they are (1 - exp(-l p t)) / p; over the rates that is closed.
    """
    r, alpha, a, b = (parameters[name] for name in ("r", "alpha", "a", "b"))

    def bought(share: float) -> float:
        leaving = max(beta_distribution.ppf(share, a, b + frequency), 1e-300)
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
def test_purchases_to_expect_are_the_integral(parameters, frequency, age, horizon):
    case = {"parameters": parameters, "frequency": frequency, "age": age, "horizon": horizon}
    assert purchase_model.purchases_if_alive(**case) == pytest.approx(integrated(**case), rel=2e-6)


def test_interpolated_between_ages_is_worked_out_at_each():
    frequency = np.repeat([0, 1, 7, 300], 50)
    age = np.tile(np.geomspace(1 / 7, 520, 50), 4)
    months = np.arange(1, 61)
    levels = purchase_model.purchases_if_alive(
        parameters=CDNOW,
        frequency=frequency[:, None],
        age=age[:, None],
        horizon=months * purchase_model.WEEKS_PER_MONTH,
    )
    expected = np.diff(levels, axis=1, prepend=0) @ 1.1 ** (-months / 12)
    found = purchase_model.discounted_purchases_if_alive(
        parameters=CDNOW,
        frequency=frequency,
        age=age,
        horizon_months=60,
        annual_discount_rate=0.1,
    )
    assert found == pytest.approx(expected, rel=1e-9)


def test_simulated_customers_are_as_alive_and_as_silent_as_the_formulas_say():
    random = np.random.default_rng(3)
    count, age, window = 400_000, 30.0, 8.0
    rate = random.gamma(KNOWN["r"], 1 / KNOWN["alpha"], count)
    leaving = random.beta(KNOWN["a"], KNOWN["b"], count)
    is_alive = np.ones(count, bool)
    frequency, recency, bought_later = np.zeros(count), np.zeros(count), np.zeros(count, bool)
    now = np.zeros(count)
    there = np.arange(count)
    is_alive_then = np.zeros(count, bool)
    while len(there):
        now[there] += random.exponential(1 / rate[there])
        # who is still there at the first purchase after the age was alive at it
        later = there[now[there] > age]
        is_alive_then[later] = True
        bought_later[later] = now[later] <= age + window
        there = there[now[there] <= age]
        frequency[there] += 1
        recency[there] = now[there]
        is_alive[there] = random.random(len(there)) >= leaving[there]
        there = there[is_alive[there]]
    for times in (0, 1, 2, 5):
        group = frequency == times
        history = {
            "parameters": KNOWN,
            "frequency": frequency[group],
            "recency": recency[group],
            "age": age,
        }
        alive = purchase_model.alive_probability(**history).mean()
        silent = silence_probability(**history, window=window).mean()
        allowed = 4 * 0.5 / math.sqrt(group.sum())
        assert is_alive_then[group].mean() == pytest.approx(alive, abs=allowed)
        assert 1 - bought_later[group].mean() == pytest.approx(silent, abs=allowed)


@pytest.mark.parametrize("count", [40_000, 60_000])  # with few groups, and with a rough start
def test_the_parameters_that_customers_were_made_with_are_found(count):
    customers = simulated(count=count, parameters=KNOWN, weeks=100, seed=11)
    found = customers.fit()
    margins = margin_model.fit(frequency=customers.frequency, margin=customers.margin)
    assert (found.status, margins.status) == ("converged", "converged")
    for name, value in {**found.parameters, **margins.parameters}.items():
        assert value == pytest.approx(KNOWN[name], rel=0.12), name


def test_a_rough_start_ends_where_the_whole_search_does(monkeypatch):
    customers = simulated(count=30_000, parameters=KNOWN, weeks=100, seed=5)
    found = []
    for most in (10**9, 5000):
        monkeypatch.setattr(likelihood, "ROUGH_HISTORIES", most)
        margins = margin_model.fit(frequency=customers.frequency, margin=customers.margin)
        found.append({**customers.fit().parameters, **margins.parameters})
    assert found[0] == pytest.approx(found[1], rel=1e-4)


@pytest.mark.parametrize("point", [(0.3, 5.0, 0.8, 2.4), (3.0, 0.5, 0.1, 9.0)])
def test_the_slopes_of_the_likelihoods_are_those_of_small_steps(point):
    customers = simulated(count=500, parameters=KNOWN, weeks=60, seed=2)
    bought = customers.frequency > 0
    purchases = purchase_model.likelihood(
        histories=purchase_model.grouped(
            frequency=customers.frequency, recency=customers.recency, age=customers.age
        )
    )
    margins = margin_model.likelihood(
        histories=np.array([customers.frequency[bought], customers.margin[bought]]), scale=1.0
    )
    for objective, place in ((purchases, np.array(point)), (margins, np.array(point[:3]))):
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


# What must hold of any customer

POSITIVE = st.floats(min_value=1e-3, max_value=1e3)
PARAMETERS = st.fixed_dictionaries({name: POSITIVE for name in ("r", "alpha", "a", "b")})
HISTORY = st.tuples(
    st.integers(min_value=0, max_value=500),
    st.floats(min_value=0, max_value=1),
    st.floats(min_value=1 / 7, max_value=1000),
)


@settings(max_examples=300, deadline=None)
@given(parameters=PARAMETERS, history=HISTORY, horizon=st.floats(min_value=0, max_value=500))
def test_forecasts_are_finite_start_at_nothing_and_grow_with_the_horizon(
    parameters, history, horizon
):
    frequency, part, age = history
    recency = age * part if frequency else 0.0
    alive = purchase_model.alive_probability(
        parameters=parameters, frequency=frequency, recency=recency, age=age
    )
    silent = silence_probability(
        parameters=parameters, frequency=frequency, recency=recency, age=age, window=horizon
    )
    assert 0 <= alive <= 1
    assert 1 - alive - 1e-12 <= silent <= 1
    purchases = purchase_model.purchases_if_alive(
        parameters=parameters, frequency=frequency, age=age, horizon=np.array([0, horizon, 501])
    )
    assert np.isfinite(purchases).all()
    assert purchases[0] == 0
    assert (np.diff(purchases) >= -1e-6 * purchases[-1]).all()
    discounted = [
        purchase_model.discounted_purchases_if_alive(
            parameters=parameters,
            frequency=np.array([frequency]),
            age=np.array([age]),
            horizon_months=12,
            annual_discount_rate=rate,
        )[0]
        for rate in (0.0, 0.1)
    ]
    undiscounted = purchase_model.purchases_if_alive(
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
    assert shuffled.fit() == customers.fit()
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
        parameters=found.parameters, frequency=3, age=26, horizon=26
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
