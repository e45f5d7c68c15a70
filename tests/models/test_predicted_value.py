"""The predicted lifetime value of whole deliveries, against sums over months and customers.

Simulated customers with known habits, counted by pandas; and deliveries in which there is nothing,
or nothing sensible, to fit.
"""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifecycle import PROJECT, build_with_dbt
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution

from python_helpers.value import margin_model, purchase_model, renewal_model
from python_helpers.value.purchase_model import BG, FAMILIES, MBG

FIRST_DAY = dt.date(2022, 1, 1)
AS_OF = dt.date(2024, 6, 30)
HOLDOUT_WEEKS = 26
CALIBRATED_ON = AS_OF - dt.timedelta(weeks=HOLDOUT_WEEKS)
SELECT = ["+int_value_predictions", "+rpt_ltv_model_fit"]


def days_later(days: float) -> dt.date:
    """Return a day of the deliveries."""
    return FIRST_DAY + dt.timedelta(days=int(days))


def shop(*, seed: int, count: int) -> pd.DataFrame:
    """Let customers of two regions buy as BG/NBD and Gamma-Gamma say; north buys twice as often."""
    random = np.random.default_rng(seed)
    last = (AS_OF - FIRST_DAY).days
    orders = []
    for number in range(count):
        day = random.uniform(0, last)
        rate = random.gamma(0.8, 1 / 60) * (2 if number % 2 else 1)
        leaving = random.beta(0.7, 5)
        mean = 5 / random.gamma(4, 1 / 30)
        while day <= last:
            amount = round(random.gamma(5, mean / 5) + 0.01, 2)
            orders.append((f"c{number}", days_later(day), amount))
            if random.random() < leaving:
                break
            day += random.exponential(1 / rate)
    frame = pd.DataFrame(orders, columns=["customer_id", "ordered_at", "amount"])
    return frame.assign(order_id=[f"o{number}" for number in range(len(frame))])


def contracts(*, seed: int, count: int) -> pd.DataFrame:
    """Let subscribers leave at the end of months as the shifted-beta-geometric model says."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        started = days_later(random.uniform(0, (AS_OF - FIRST_DAY).days))
        months = random.geometric(random.beta(1, 8))
        ended = pd.Timestamp(started) + pd.DateOffset(months=min(months, 600))
        is_over = ended <= pd.Timestamp(AS_OF)
        rows.append(
            {
                "subscription_id": f"s{number}",
                # the first ten buy in the shop as well
                "customer_id": f"c{number}" if number < 10 else f"p{number}",
                "started_at": started,
                "ended_at": ended.date() if is_over else None,
                "status": "cancelled" if is_over else "active",
                "amount": 20 + number % 3,
                "billing_interval": "month",
            }
        )
    return pd.DataFrame(rows)


def built(
    *, folder: Path, select: list[str] = SELECT, **tables: pd.DataFrame
) -> duckdb.DuckDBPyConnection:
    """Deliver tables as CSV and build the predictions from them."""
    (folder / "raw").mkdir()
    for table, frame in tables.items():
        frame.to_csv(folder / "raw" / f"{table}.csv", index=False)
    return build_with_dbt(
        folder=folder,
        select=select,
        RAW_INPUT="files",
        RAW_DATA_DIR=folder / "raw",
        AS_OF_DATE=AS_OF,
    )


# Customers with known habits


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    """Return the orders of 600 simulated customers."""
    return shop(seed=21, count=600)


@pytest.fixture(scope="module")
def subscriptions() -> pd.DataFrame:
    """Return the contracts of 300 simulated subscribers."""
    return contracts(seed=22, count=300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder the simulated customers are built in."""
    return tmp_path_factory.mktemp("simulated")


@pytest.fixture(scope="module")
def warehouse(
    folder: Path, orders: pd.DataFrame, subscriptions: pd.DataFrame
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build what is predicted of the simulated customers."""
    ids = [f"c{number}" for number in range(600)]
    regions = ["north" if number % 2 else "south" for number in range(600)]
    customers = pd.DataFrame({"customer_id": ids, "region": regions})
    with built(
        folder=folder, orders=orders, subscriptions=subscriptions, customers=customers
    ) as connection:
        yield connection


def histories(*, orders: pd.DataFrame, cutoff: dt.date) -> pd.DataFrame:
    """Count purchase days per customer up to a day, in weeks.

    No order brings more than the median customer of the best tenth.
    """
    orders = orders[orders["ordered_at"] <= cutoff]
    totals = orders.groupby("customer_id")["amount"].sum().sort_values(ascending=False)
    limit = totals.iloc[: -(-len(totals) // 10)].median()
    orders = orders.assign(amount=orders["amount"].clip(upper=round(limit, 2)))
    days = orders.groupby(["customer_id", "ordered_at"])["amount"].sum().reset_index()
    known = days.groupby("customer_id")["ordered_at"].agg(["min", "max", "count"])
    firsts = days["customer_id"].map(known["min"])
    repeats = days[days["ordered_at"] > firsts].groupby("customer_id")["amount"].sum()
    return pd.DataFrame(
        {
            "frequency": known["count"] - 1,
            "recency": [(b - a).days / 7 for a, b in zip(known["min"], known["max"], strict=True)],
            "age": [(cutoff - a).days / 7 for a in known["min"]],
            "margin": repeats.reindex(known.index, fill_value=0.0),
        }
    )


def fitted(*, known: pd.DataFrame, model: str) -> dict[str, float]:
    """Fit a model to the histories."""
    if model == "gamma_gamma":
        fit = margin_model.fit(
            frequency=known["frequency"].to_numpy(), margin=known["margin"].to_numpy()
        )
    else:
        grouped = purchase_model.grouped(
            frequency=known["frequency"].to_numpy(),
            recency=known["recency"].to_numpy(),
            age=known["age"].to_numpy(),
        )
        fit = purchase_model.fit(family=model, histories=grouped)
    return {**fit.parameters, "log_likelihood": fit.log_likelihood}


def statistics(warehouse: duckdb.DuckDBPyConnection, where: str) -> dict[str, float]:
    """Return the statistics of a slice by name, all frequency classes together."""
    return dict(
        warehouse.execute(
            "select statistic, value from marts.rpt_ltv_model_fit "
            f"where frequency_class = 'all' and chance_decile = 'all' and {where}"
        ).fetchall()
    )


@pytest.mark.parametrize("model", [*FAMILIES, "gamma_gamma"])
@pytest.mark.parametrize(
    ("name", "value", "rest"),
    [("all", "all", None), ("region", "north", 1), ("region", "south", 0)],
)
def test_every_slice_is_fitted_to_its_customers(name, value, rest, model, warehouse, orders):
    known = histories(orders=orders, cutoff=AS_OF)
    if rest is not None:
        known = known[known.index.str[1:].astype(int) % 2 == rest]
    expected = fitted(known=known, model=model)
    found = statistics(
        warehouse,
        f"model = '{model}' and segment_name = '{name}' and segment_value = '{value}' and "
        "statistic in ('r', 'alpha', 'a', 'b', 'p', 'q', 'v', 'log_likelihood')",
    )
    assert found == pytest.approx(expected, rel=1e-3)


def test_the_likelihood_before_the_hold_out_chooses_the_family(warehouse, orders):
    known = histories(orders=orders, cutoff=CALIBRATED_ON)
    likelihoods = {
        family: fitted(known=known, model=family)["log_likelihood"] for family in FAMILIES
    }
    found = {
        family: statistics(warehouse, f"segment_name = 'all' and model = '{family}'")
        for family in FAMILIES
    }
    for family in FAMILIES:
        assert found[family]["calibration_log_likelihood"] == pytest.approx(likelihoods[family])
        is_chosen = likelihoods[family] == max(likelihoods.values())
        assert found[family]["chosen"] == is_chosen
    for family in (BG, MBG):
        assert found[family]["calibration_log_likelihood_above_nbd"] == pytest.approx(
            likelihoods[family] - likelihoods["nbd"], abs=1e-3
        )
    assert warehouse.execute(
        "select distinct model from marts.rpt_ltv_model_fit where is_chosen"
    ).fetchall() == [(max(likelihoods, key=likelihoods.get),)]


@pytest.mark.parametrize("family", FAMILIES)
def test_chances_before_the_hold_out_stand_beside_what_the_customers_did(family, warehouse, orders):
    known = histories(orders=orders, cutoff=CALIBRATED_ON)
    model = fitted(known=known, model=family)
    r, alpha, a, b = (model.get(name, 1.0) for name in ("r", "alpha", "a", "b"))
    x, t_x, t = known["frequency"], known["recency"], known["age"]
    k = {"bg_nbd": x, "mbg_nbd": x + 1, "nbd": 0 * x}[family]
    odds = a / (b + k - 1) * ((alpha + t) / (alpha + t_x)) ** (r + x)
    alive = 1 / (1 + odds.where(k > 0, 0))
    window = 60 / 7  # of every customer
    for name, weeks in (("holdout", HOLDOUT_WEEKS), ("window", window)):
        known[name] = alive * (1 - ((alpha + t) / (alpha + t + weeks)) ** (r + x))
    later = orders[(orders["ordered_at"] > CALIBRATED_ON)].groupby("customer_id")["ordered_at"]
    waited = later.min().map(lambda day: (day - CALIBRATED_ON).days).reindex(known.index)
    known["bought"], known["bought_in_window"] = waited.notna(), waited <= 60
    found = statistics(warehouse, f"segment_name = 'all' and model = '{family}'")
    share = known["bought"].mean()
    assert found["brier_score"] == pytest.approx(
        ((known["holdout"] - known["bought"]) ** 2).mean(), rel=1e-3
    )
    assert found["brier_score_of_share"] == pytest.approx(share * (1 - share))
    churned = (7 * (t - t_x)).round() >= 60
    for name, group in (("churned", known[churned]), ("active", known[~churned])):
        assert found[f"holdout_{name}_customers"] == len(group)
        assert found[f"holdout_{name}_share"] == pytest.approx(group["bought_in_window"].mean())
        assert found[f"holdout_{name}_chance"] == pytest.approx(group["window"].mean(), rel=1e-3)
    deciles = warehouse.execute(
        "select statistic, sum(value) from marts.rpt_ltv_model_fit where segment_name = 'all' "
        f"and model = '{family}' and statistic = 'decile_customers' group by all"
    ).fetchall()
    assert deciles == [("decile_customers", len(known))]


@pytest.mark.parametrize("model", [*FAMILIES, "gamma_gamma"])
def test_a_segment_that_was_not_delivered_is_everybody(model, warehouse):
    everybody = statistics(warehouse, f"model = '{model}' and segment_name = 'all'")
    assert everybody
    assert everybody == statistics(
        warehouse,
        f"model = '{model}' and segment_name = 'industry' and segment_value = 'unknown'",
    )


def test_the_holdout_and_its_baselines_are_those_counted_by_customer(warehouse, orders):
    known = histories(orders=orders, cutoff=CALIBRATED_ON)
    later = orders[
        (orders["ordered_at"] > CALIBRATED_ON) & orders["customer_id"].isin(known.index)
    ].drop_duplicates(["customer_id", "ordered_at"])
    known["actual"] = later.groupby("customer_id").size().reindex(known.index, fill_value=0)
    known["past_rate"] = known["frequency"] / known["age"].where(known["age"] > 0) * HOLDOUT_WEEKS
    known["segment_mean"] = known["frequency"].sum() / known["age"].sum() * HOLDOUT_WEEKS
    classes = known.groupby(known["frequency"].clip(upper=7))
    for name in ("actual", "past_rate", "segment_mean"):
        found = dict(
            warehouse.execute(
                "select frequency_class, value from marts.rpt_ltv_model_fit where model = 'bg_nbd' "
                f"and segment_name = 'all' and statistic = 'holdout_{name}' "
                "and frequency_class <> 'all'"
            ).fetchall()
        )
        expected = {
            "7+" if number == 7 else str(number): value
            for number, value in classes[name].sum().items()
        }
        assert found == pytest.approx(expected)
    found = statistics(warehouse, "segment_name = 'all' and model = 'bg_nbd'")
    sums = classes[["actual", "past_rate", "segment_mean"]].sum()
    for name in ("past_rate", "segment_mean"):
        off = (sums[name] - sums["actual"]).abs().sum() / sums["actual"].sum()
        assert found[f"holdout_{name}_error"] == pytest.approx(off)
    # these customers do as the model says, so it knows more than who looks at the past alone
    assert found["holdout_predicted_error"] < 0.5 * found["holdout_past_rate_error"]
    assert found["holdout_predicted_error"] < 0.5 * found["holdout_segment_mean_error"]


def months_of_history(*, orders: pd.DataFrame, subscriptions: pd.DataFrame) -> int:
    """Count the whole months from the first purchase or paid day to the end of as-of."""
    first = pd.Timestamp(min(orders["ordered_at"].min(), subscriptions["started_at"].min()))
    day_after = pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
    return sum(first + pd.DateOffset(months=month) <= day_after for month in range(1, 61))


def test_the_value_of_a_buyer_is_the_sum_of_discounted_months(warehouse, orders, subscriptions):
    known = histories(orders=orders, cutoff=AS_OF)
    horizon = months_of_history(orders=orders, subscriptions=subscriptions)
    assert 24 < horizon < 60
    predicted = warehouse.execute(
        "select customer_id, p_alive, predicted_purchases_12m, predicted_margin_12m_amount, "
        "predicted_ltv_amount, ltv_months, ltv_method from intermediate.int_value_predictions "
        "where ltv_method in ('bg_nbd_gamma_gamma', 'mbg_nbd_gamma_gamma') "
        "order by customer_id limit 8"
    ).fetchall()
    assert len(predicted) == 8
    for customer, p_alive, purchases_12m, margin_12m, ltv, ltv_months, method in predicted:
        assert ltv_months == horizon
        family = method.removesuffix("_gamma_gamma")
        model = statistics(
            warehouse, f"segment_name = 'all' and model in ('{family}', 'gamma_gamma')"
        )
        r, alpha, a, b, p, q, v = (model[name] for name in ("r", "alpha", "a", "b", "p", "q", "v"))
        x, t_x, t, margin = known.loc[customer]
        k = x + (family == MBG)  # purchases after which the customer may have left
        odds = a / (b + max(k, 1) - 1) * ((alpha + t) / (alpha + t_x)) ** (r + x) if k else 0
        assert p_alive == pytest.approx(1 / (1 + odds), rel=1e-6)

        def bought(share, weeks, x=x, t=t, k=k, r=r, alpha=alpha, a=a, b=b):
            chance = max(beta_distribution.ppf(share, a, b + k), 1e-300)
            return -np.expm1(-(r + x) * np.log1p(chance * weeks / (alpha + t))) / chance

        levels = [
            quad(bought, 0, 1, args=(month * 365 / 12 / 7,), epsabs=1e-9, limit=200)[0] * p_alive
            for month in range(horizon + 1)
        ]
        mean = p * (v + margin) / (p * x + q - 1)
        assert purchases_12m == pytest.approx(levels[12], rel=1e-5)
        assert float(margin_12m) == pytest.approx(levels[12] * mean, abs=0.02)
        discounted = sum(
            (levels[month] - levels[month - 1]) / 1.1 ** (month / 12)
            for month in range(1, horizon + 1)
        )
        assert float(ltv) == pytest.approx(discounted * mean, abs=0.02)


def test_the_value_of_a_contract_is_the_sum_of_the_months_it_is_renewed_for(
    warehouse, orders, subscriptions
):
    def whole_months(started: dt.date, last: pd.Timestamp) -> int:
        months = 0
        while pd.Timestamp(started) + pd.DateOffset(months=months + 1) <= last:
            months += 1
        return months

    ended = pd.to_datetime(subscriptions["ended_at"])
    last_days = (ended - pd.Timedelta(days=1)).fillna(pd.Timestamp(AS_OF))
    renewals = [
        whole_months(started, last)
        for started, last in zip(subscriptions["started_at"], last_days, strict=True)
    ]
    expected = renewal_model.fit(
        renewals=np.array(renewals),
        is_churned=ended.notna().to_numpy(),
        customers=np.ones(len(renewals)),
    )
    model = statistics(warehouse, "segment_value = 'month'")
    assert {name: model[name] for name in ("alpha", "beta")} == pytest.approx(
        dict(expected.parameters), rel=1e-4
    )
    predicted = {
        customer: (float(margin), float(ltv))
        for customer, margin, ltv in warehouse.execute(
            "select customer_id, predicted_margin_12m_amount, predicted_ltv_amount "
            "from intermediate.int_value_predictions where ltv_method = 'shifted_beta_geometric'"
        ).fetchall()
    }
    is_alone = subscriptions["customer_id"].str.startswith("p") & ended.isna()
    assert set(predicted) == set(subscriptions.loc[is_alone, "customer_id"])
    horizon = months_of_history(orders=orders, subscriptions=subscriptions)
    for number in np.flatnonzero(is_alone)[:10]:
        kept, months, discounted = 1.0, 0.0, 0.0
        for month in range(1, horizon + 1):
            # of those there after n renewals, alpha in alpha + beta + n leave at the next end
            end = renewals[number] + month - 1
            kept *= 1 - model["alpha"] / (model["alpha"] + model["beta"] + end)
            months += kept if month <= 12 else 0
            discounted += kept / 1.1 ** (month / 12)
        amount = float(subscriptions["amount"].iloc[number])
        assert predicted[subscriptions["customer_id"].iloc[number]] == pytest.approx(
            (months * amount, discounted * amount), abs=0.01
        )


def test_who_buys_and_subscribes_is_predicted_by_both_models(warehouse, subscriptions):
    both = subscriptions[subscriptions["customer_id"].str.startswith("c")]
    running = set(both.loc[both["ended_at"].isna(), "customer_id"])
    assert running
    found = warehouse.execute(
        "select customer_id from intermediate.int_value_predictions "
        "where ltv_method = 'both models'"
    ).fetchall()
    assert {customer for (customer,) in found} == running


def test_python_models_run_from_any_folder(warehouse, folder, tmp_path):
    """The models find python_helpers where dbt was not started in the project."""
    warehouse.close()  # one process at a time can write
    settings = {
        "DBT_PROFILES_DIR": folder,
        "WAREHOUSE_PATH": folder / "warehouse.duckdb",
        "DBT_TARGET_PATH": tmp_path / "target",
        "DBT_LOG_PATH": tmp_path / "logs",
        "RAW_INPUT": "files",
        "RAW_DATA_DIR": folder / "raw",
        "REPORTING_CURRENCY": "EUR",
    }
    run = subprocess.run(
        [
            *(Path(sys.executable).with_name("dbt"), "run", "--project-dir", PROJECT),
            *("--select", "int_purchase_model_fits", "int_renewal_forecasts"),
        ],
        cwd=tmp_path,
        env=os.environ | {name: str(value) for name, value in settings.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout


# Deliveries in which there is little to fit


def purchases(*rows: tuple[str, int, float]) -> pd.DataFrame:
    """Return orders of a customer, days after the first day of all, and an amount."""
    frame = pd.DataFrame(
        [(customer, days_later(day), amount) for customer, day, amount in rows],
        columns=["customer_id", "ordered_at", "amount"],
    )
    return frame.assign(order_id=[f"o{number}" for number in range(len(frame))])


ALIKE = [(f"c{number}", 90 * time, 30.0) for number in range(150) for time in range(10)]
DELIVERIES = {
    # orders, and of the fits to everybody: what they are, and how customers are predicted
    "nobody is known": (purchases(("", 0, 10), ("", 9, 10)), {}, set()),
    "one customer": (
        purchases(("a", 0, 10), ("a", 400, 20), ("a", 880, 20)),
        {**dict.fromkeys(FAMILIES, "too few repeat buyers"), "gamma_gamma": "too few margins"},
        {("none", "purchases not predictable"), ("formula", "purchases not predictable")},
    ),
    "all bought once": (
        purchases(*((f"c{number}", 3 * number, 10) for number in range(300))),
        {**dict.fromkeys(FAMILIES, "too few repeat buyers"), "gamma_gamma": "too few margins"},
        {("formula", "purchases not predictable")},
    ),
    "all alike": (
        purchases(*ALIKE),
        {**dict.fromkeys(FAMILIES, "at a bound"), "gamma_gamma": "at a bound"},
        # they stop, which no model foresees
        {("formula", "dropout not identified"), ("formula", "purchases not predictable")},
    ),
    "one of a million": (
        pd.concat(
            [shop(seed=5, count=500), purchases(("rich", 0, 9e7), ("rich", 300, 9e7))]
        ).assign(order_id=lambda frame: [f"o{number}" for number in range(len(frame))]),
        {**dict.fromkeys(FAMILIES, "converged"), "gamma_gamma": "converged"},
        {("mbg_nbd_gamma_gamma", "ok")},
    ),
}


@pytest.mark.nightly
@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_with_little_to_fit_is_predicted_by_what_there_is(name, tmp_path):
    delivery, statuses, methods = DELIVERIES[name]
    with built(folder=tmp_path, orders=delivery) as warehouse:
        found = warehouse.execute(
            "select distinct model, status from marts.rpt_ltv_model_fit "
            "where segment_name = 'all' and statistic = 'converged'"
        ).fetchall()
        assert dict(found) == statuses
        predicted = warehouse.execute(
            "select distinct ltv_method, ltv_status from intermediate.int_value_predictions"
        ).fetchall()
        assert set(predicted) <= methods
        assert bool(predicted) == bool(statuses)
        # whoever buys for millions once does not do so month after month
        assert warehouse.execute(
            "select count(*) from intermediate.int_value_predictions "
            "where predicted_ltv_amount > 100000"
        ).fetchone() == (0,)
        assert warehouse.execute(
            "select count(*) from marts.rpt_ltv_model_fit where not isfinite(value)"
        ).fetchone() == (0,)
