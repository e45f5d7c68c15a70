"""The contact plan, the services due and their back-tests, worked out once more in plain Python.

The plan maker below walks through the days and looks at each rule by itself; the model ranks,
joins and numbers. Random customers go through both, and so do those of the sample with reasons to
contact them. The forecasts are made anew with pandas, of the sample with meters that are read and
serviced often enough.
"""

import csv
import datetime as dt
import itertools
import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja_macros import Macros
from lifecycle import PROJECT, build_with_dbt
from scipy.stats import binomtest

AS_OF = dt.date(2025, 11, 15)
DAYS, GAP, TOLERANCE = 90, 14, 0.1
ONE_DAY = dt.timedelta(days=1)
DATED = ("near_next_purchase", "renewal_due", "service_due")
SLICES = (
    *("region", "industry", "customer_segment", "acquisition_channel"),
    *("vertical", "discount", "first_plan"),
)
TABLES = {
    "int_run_settings": "as_of_date date",
    "dim_customers": "customer_id text, may_be_contacted boolean",
    "int_activity_spells": "customer_id text, relationship text, first_started_on date, "
    "is_active boolean",
    "int_customers_contacted": "customer_id text, last_contacted_on date",
    "fct_customer_triggers": "customer_id text, trigger_name text, due_on date, "
    "product_category text, expected_value_amount decimal(18, 2)",
    "contact_cadence": "month_of_ownership int, day_of_month int, purpose text, channel text",
}
MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

Row = Mapping[str, object]
Plan = Callable[..., list[tuple]]


# The plan


@pytest.fixture(scope="module")
def plan() -> Iterator[Plan]:
    """Yield a function that runs the model on rows of what it reads."""
    connection = duckdb.connect()
    macros = Macros(connection=connection)
    for name, columns in TABLES.items():
        connection.execute(f"create table {name} ({columns})")
    connection.execute("insert into int_run_settings values (?)", [AS_OF])
    (path,) = (PROJECT / "models").rglob("fct_contact_plan.sql")

    def run(*, days: int = DAYS, gap: int = GAP, **tables: Iterable[Row]) -> list[tuple]:
        macros.settings |= {"contact_plan_days": days, "contact_min_gap_days": gap}
        for name, rows in tables.items():
            connection.execute(f"delete from {name}")
            for row in rows:
                connection.execute(
                    f"insert into {name} by name select {', '.join(f'? as {key}' for key in row)}",
                    [*row.values()],
                )
        return connection.execute(
            "select customer_id, contact_number, contact_on, reason_type, trigger_name, purpose, "
            f"month_of_ownership from ({macros.render(path)}) order by 1, 2"
        ).fetchall()

    yield run
    connection.close()


def month_start(first_day: dt.date, number: int, /) -> dt.date:
    """Return the first day of a month of ownership, the first of which is 1."""
    return (pd.Timestamp(first_day) + pd.DateOffset(months=number - 1)).date()


def planned(
    *,
    customer: str,
    began: dt.date,
    made: Sequence[dt.date],
    reasons: Sequence[Row],
    cadence: Mapping[int, Row],
    days: int = DAYS,
    gap: int = GAP,
) -> list[tuple]:
    """Make the plan of a customer, rule by rule and day by day."""
    horizon = [AS_OF + n * ONE_DAY for n in range(1, days + 1)]
    kept: dict[dt.date, Row] = {}

    def is_too_close(day: dt.date, /) -> bool:
        return any(abs((day - other).days) < gap for other in kept)

    # the most valuable first, then the earliest, then by name
    for reason in sorted(
        reasons,
        key=lambda each: (
            -each["expected_value_amount"],
            max(each["due_on"], horizon[0]),
            each["trigger_name"],
        ),
    ):
        due, day = reason["due_on"], max(reason["due_on"], horizon[0])
        # a contact since, or one so shortly before, was about it
        was_made = any(contact > due - gap * ONE_DAY for contact in made)
        is_due = reason["trigger_name"] in DATED and due <= horizon[-1]
        if is_due and not was_made and not is_too_close(day):
            kept[day] = reason
    dated = dict(kept)
    months = {
        month_start(began, number) + (row["day_of_month"] - 1) * ONE_DAY: number
        for number, row in cadence.items()
    }
    for day in horizon:
        number = months.get(day)
        if number is None or is_too_close(day):
            continue
        if any((day - contact).days < gap for contact in made):
            continue
        begins = month_start(began, number)
        if any(begins <= contact <= day for contact in (*made, *dated)):
            continue
        kept[day] = cadence[number]
    rows = []
    for place, (day, reason) in enumerate(sorted(kept.items()), start=1):
        of_ownership = next(n for n in itertools.count(1) if month_start(began, n + 1) > day)
        trigger = reason.get("trigger_name", "none")
        purpose = {
            "service_due": "service reminder",
            "renewal_due": "renewal",
            "near_next_purchase": "next purchase",
        }.get(trigger, reason.get("purpose"))
        kind = "dated" if day in dated else "cadence"
        rows.append((customer, place, day, kind, trigger, purpose, of_ownership))
    return rows


def around(first: int, last: int, /) -> st.SearchStrategy[dt.date]:
    """Draw a day, so many days after as-of."""
    return st.integers(first, last).map(lambda days: AS_OF + days * ONE_DAY)


@st.composite
def situations(draw: st.DrawFn) -> dict[str, object]:
    """Draw a customer with what decides their plan; often days as far apart as the gap."""
    gap = draw(st.sampled_from([1, 7, 14, 31, 45]))
    due = st.one_of(around(-30, 100), st.integers(-3, 7).map(lambda n: AS_OF + n * gap * ONE_DAY))
    triggers = draw(st.lists(st.sampled_from([*DATED, "at_risk"]), unique=True, max_size=4))
    months = draw(st.sets(st.integers(1, 40), max_size=40)) | {5, 6, 7, 8}
    return {
        "gap": gap,
        "days": draw(st.sampled_from([10, 90, 200])),
        # month ends included: their months of ownership begin on different days
        "began": draw(st.one_of(around(-1100, 0), st.sampled_from([dt.date(2025, 5, 31)]))),
        "made": draw(st.lists(st.one_of(around(-60, 0), around(-gap, 0)), max_size=2)),
        "reasons": [
            {
                "trigger_name": name,
                "due_on": draw(due),
                "product_category": None,
                "expected_value_amount": draw(st.integers(0, 3)),
            }
            for name in triggers
        ],
        "cadence": {
            month: {
                "month_of_ownership": month,
                "day_of_month": draw(st.sampled_from([1, 8, 28])),
                "purpose": f"purpose {month}",
                "channel": "email",
            }
            for month in months
        },
    }


def given_to(
    *, customer: str, began: dt.date, made: Sequence[dt.date], reasons: Iterable[Row]
) -> dict[str, list[Row]]:
    """Write a customer as rows of the tables."""
    who = {"customer_id": customer}
    return {
        "dim_customers": [who | {"may_be_contacted": True}],
        "int_activity_spells": [
            who | {"relationship": "any", "first_started_on": began, "is_active": True}
        ],
        "int_customers_contacted": [who | {"last_contacted_on": max(made)}] if made else [],
        "fct_customer_triggers": [who | reason for reason in reasons],
    }


@MANY
@given(situations())
def test_the_plan_is_that_of_the_rules_one_by_one(plan, situation):
    cadence, gap, days = (situation.pop(name) for name in ("cadence", "gap", "days"))
    rows = given_to(customer="a", **situation)
    found = plan(days=days, gap=gap, **rows, contact_cadence=cadence.values())
    assert found == planned(customer="a", **situation, cadence=cadence, gap=gap, days=days)
    for (*_, earlier, _, _, _, _), (*_, later, _, _, _, _) in itertools.pairwise(found):
        assert (later - earlier).days >= gap


def test_the_plan_of_the_sample_is_that_of_the_rules_one_by_one(plan, sample):
    with (PROJECT / "seeds" / "reference" / "contact_cadence.csv").open(encoding="utf-8") as file:
        cadence = {
            int(row["month_of_ownership"]): {
                "month_of_ownership": int(row["month_of_ownership"]),
                "day_of_month": int(row["day_of_month"]),
                "purpose": row["purpose"],
                "channel": row["channel"],
            }
            for row in csv.DictReader(file)
        }
    assert len(cadence) == max(cadence) == 36
    customers = rows_of(
        sample,
        # one in ten does not want to be contacted
        "select customer_id, is_active, "
        "row_number() over (order by customer_id) % 10 > 0 as may_be_contacted "
        "from marts.dim_customers where not is_anonymous order by customer_id",
    )
    spells = rows_of(
        sample,
        "select customer_id, relationship, first_started_on, is_active "
        "from intermediate.int_activity_spells",
    )
    contacts = rows_of(
        sample, "select customer_id, contacted_on from intermediate.int_customer_contacts"
    )
    chance = random.Random(1)
    reasons = [
        {
            "customer_id": customer["customer_id"],
            "trigger_name": name,
            "due_on": AS_OF + chance.randint(-20, 110) * ONE_DAY,
            "product_category": None,
            "expected_value_amount": chance.randint(0, 50),
        }
        for customer in customers
        for name in DATED
        if chance.random() < 0.4
    ]
    found = plan(
        dim_customers=[
            {name: customer[name] for name in ("customer_id", "may_be_contacted")}
            for customer in customers
        ],
        int_activity_spells=spells,
        int_customers_contacted=rows_of(
            sample,
            "select customer_id, last_contacted_on from intermediate.int_customers_contacted",
        ),
        fct_customer_triggers=reasons,
        contact_cadence=cadence.values(),
    )
    expected = []
    for customer in customers:
        name = customer["customer_id"]
        if customer["is_active"] and customer["may_be_contacted"]:
            expected += planned(
                customer=name,
                began=min(
                    spell["first_started_on"] for spell in spells if spell["customer_id"] == name
                ),
                made=[each["contacted_on"] for each in contacts if each["customer_id"] == name],
                reasons=[each for each in reasons if each["customer_id"] == name],
                cadence=cadence,
            )
    assert {row[3] for row in expected} == {"dated", "cadence"}
    assert found == expected


# The sample, with meters that are read often


def rows_of(warehouse: duckdb.DuckDBPyConnection, sql: str, /) -> list[dict[str, object]]:
    """Run a query and return its rows by column."""
    cursor = warehouse.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def frame(warehouse: duckdb.DuckDBPyConnection, sql: str, /) -> pd.DataFrame:
    """Run a query; decimals become floating point, dates become times, unknown numbers NaN."""
    rows = warehouse.execute(sql).df()
    return rows.astype({name: float for name in rows.select_dtypes("number").columns})


def readings(customers: Sequence[str], /) -> Iterator[tuple[object, ...]]:
    """Make up the readings of many machines: most are serviced by the meter, some as it suits."""
    chance = random.Random(2)
    for number, customer in enumerate(customers * 2):
        day = dt.date(2022, 1, 1) + chance.randint(0, 900) * ONE_DAY
        daily, interval = chance.uniform(1, 60), chance.choice([2000, 5000, 8000])
        reading = chance.choice([0, 0, 30_000]) + chance.randint(0, 500)
        serviced_at, is_first = reading, True
        for _ in range(chance.choice([1, 2, 5, 12, 30])):
            is_visit = reading - serviced_at >= interval * 0.8 or chance.random() < 0.15
            is_visit = is_visit and not (is_first and chance.random() < 0.7)
            if is_visit:
                serviced_at = reading
            yield f"M{number:04}", customer, f"{day}T10:00:00", round(reading, 2), is_visit
            if chance.random() < 0.1:  # read twice a day
                yield f"M{number:04}", customer, f"{day}T17:30:00", round(reading + 1, 2), False
            is_first, days = False, chance.randint(5, 80)
            day += days * ONE_DAY
            reading += days * daily * chance.uniform(0.5, 1.5)
            if chance.random() < 0.01:  # a new meter
                reading = 0
            if day > AS_OF:
                break


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build the back-tests from the sample, as it was within a month, with more meters."""
    folder = tmp_path_factory.mktemp("contacts")
    raw: Path = folder / "raw"
    shutil.copytree(PROJECT / "seeds" / "sample", raw, ignore=shutil.ignore_patterns("*.yml"))
    with (raw / "customers.csv").open(encoding="utf-8") as file:
        customers = sorted({row["customer_id"] for row in csv.DictReader(file)} - {""})
    with (raw / "usage_readings.csv").open("a", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(readings(customers[:300]))
    with build_with_dbt(
        folder=folder,
        select=[
            *("+rpt_contact_plan_accuracy", "+rpt_service_retention", "+int_services_due"),
            *("+dim_customers", "+int_customers_contacted", "+fct_orders"),
        ],
        RAW_INPUT="files",
        RAW_DATA_DIR=raw,
        AS_OF_DATE=AS_OF,
        # what differs is to be seen, not a test that fails before it
        DBT_EXCLUDE_RESOURCE_TYPES="test unit_test",
    ) as warehouse:
        yield warehouse


@pytest.fixture(scope="module")
def customers(sample: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return the customers with their segments."""
    return frame(
        sample, "select * from marts.dim_customers where not is_anonymous order by customer_id"
    ).set_index("customer_id")


@pytest.fixture(scope="module")
def meters(sample: duckdb.DuckDBPyConnection, customers: pd.DataFrame) -> pd.DataFrame:
    """Return the readings by asset and day, with the owner's vertical."""
    rows = frame(sample, "from staging.stg_usage_readings order by asset_id, read_at")
    rows["is_service_visit"] = rows["is_service_visit"].fillna(False).astype(bool)
    days = rows.groupby(["asset_id", "event_date"], as_index=False).agg(
        reading=("reading", "max"), is_visit=("is_service_visit", "max")
    )
    owner = rows.groupby("asset_id")["customer_id"].last()
    days["customer_id"] = days["asset_id"].map(owner)
    return days.assign(vertical=days["customer_id"].map(customers["vertical"]))


def visit_gaps(days: pd.DataFrame, /) -> pd.DataFrame:
    """Return days and distance from each visit of an asset to the next, in order."""
    visits = days[days["is_visit"]].copy()
    by_asset = visits.groupby("asset_id")
    visits["gap"] = by_asset["event_date"].diff().dt.days
    visits["distance"] = by_asset["reading"].diff()
    return visits.dropna(subset=["gap"])


def forecasts(days: pd.DataFrame, /) -> pd.DataFrame:
    """Predict the next service of each asset from some of its days, by every method."""
    gaps = visit_gaps(days)
    gaps["distance"] = gaps["distance"].where(gaps["distance"] > 0)
    of_vertical = gaps.groupby("vertical")[["gap", "distance"]].median()
    rows = {}
    for asset, own in days.groupby("asset_id"):
        vertical = own["vertical"].iloc[0]
        mine = gaps[gaps["asset_id"] == asset]
        visits = own[own["is_visit"]]
        first, last = own.iloc[0], own.iloc[-1]
        known = of_vertical.loc[vertical] if vertical in of_vertical.index else None
        interval = mine["distance"].median()
        if np.isnan(interval):
            interval = np.nan if known is None else known["distance"]
        by_meter = pd.NaT
        span = (last["event_date"] - first["event_date"]).days
        is_forward = own["reading"].is_monotonic_increasing
        used = last["reading"] - first["reading"]
        if is_forward and used > 0 and span >= 30 and not np.isnan(interval):
            if len(visits):
                mark = visits["reading"].iloc[-1] + interval
            else:
                mark = next(
                    n * interval for n in itertools.count(1) if n * interval > first["reading"]
                )
            wait = np.ceil(round(max(mark - last["reading"], 0) * span / used, 6))
            if wait <= 3650:
                by_meter = last["event_date"] + pd.Timedelta(days=wait)
        since = visits["event_date"].iloc[-1] if len(visits) else first["event_date"]

        def after(start: pd.Timestamp, gap: float) -> pd.Timestamp:
            return pd.NaT if np.isnan(gap) else start + pd.Timedelta(days=np.ceil(gap))

        rows[asset] = {
            "customer_id": own["customer_id"].iloc[0],
            "last_visit_on": since if len(visits) else pd.NaT,
            "meter": by_meter,
            "own gap": after(since, mine["gap"].median()),
            "vertical": after(since, np.nan if known is None else known["gap"]),
            "naive": mine["gap"].iloc[-1] if len(mine) else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def test_services_are_due_by_the_first_method_that_knows(sample, meters):
    expected = {}
    for asset, row in forecasts(meters).iterrows():
        method = next(
            (name for name in ("meter", "own gap", "vertical") if row[name] is not pd.NaT), None
        )
        if method:
            expected[asset] = (
                row["customer_id"],
                method,
                row[method].date(),
                row[method].date() <= AS_OF,
            )
    found = sample.execute(
        "select asset_id, customer_id, method, service_due_on, is_overdue "
        "from intermediate.int_services_due"
    ).fetchall()
    assert {asset: tuple(row) for asset, *row in found} == expected
    assert {row[1] for row in expected.values()} == {"meter", "own gap", "vertical"}
    assert {row[3] for row in expected.values()} == {True, False}


@pytest.fixture(scope="module")
def tested(sample: duckdb.DuckDBPyConnection, meters: pd.DataFrame) -> pd.DataFrame:
    """Predict every last visit from those before, in pandas; one row per method and visit."""
    days = frame(
        sample,
        "select distinct customer_id, order_date as day from marts.fct_orders "
        "where is_purchase and customer_id <> 'anonymous' order by all",
    )
    rows = []
    for customer, own in days.groupby("customer_id")["day"]:
        gaps = own.diff().dt.days.dropna()
        if len(gaps) >= 3:
            before, last = gaps.iloc[:-1], gaps.iloc[-1]
            rows.append(
                ("median own gap", customer, last, np.ceil(before.median()), before.iloc[-1])
            )
    visits = meters[meters["is_visit"]].groupby("asset_id")["event_date"]
    last_visits = visits.max()[visits.size() > 1]
    before = {asset: own.iloc[-2] for asset, own in visits if len(own) > 1}
    known = meters[meters["event_date"] <= meters["asset_id"].map(before)]
    for asset, row in forecasts(known).iterrows():
        for method in ("meter", "own gap", "vertical"):
            if row[method] is not pd.NaT:
                gap = (last_visits[asset] - row["last_visit_on"]).days
                forecast = (row[method] - row["last_visit_on"]).days
                rows.append((method, row["customer_id"], gap, forecast, row["naive"]))
    return pd.DataFrame(rows, columns=["method", "customer_id", "gap", "forecast", "naive"])


def wilson(part: int, whole: int, /) -> tuple[float, float]:
    """Return Wilson's interval, as scipy has it."""
    return tuple(binomtest(part, whole).proportion_ci(method="wilson"))


def test_the_accuracy_is_that_of_the_last_visits_predicted_with_pandas(sample, customers, tested):
    visits = tested.join(customers[list(SLICES)], on="customer_id").assign(all="all")
    visits["error"] = (visits["forecast"] - visits["gap"]).abs()
    visits["naive_error"] = (visits["naive"] - visits["gap"]).abs()
    visits["is_close"] = visits["error"] <= TOLERANCE * visits["gap"]
    visits["is_naive_close"] = visits["naive_error"] <= TOLERANCE * visits["gap"]
    expected = {}
    for segment in ("all", *SLICES):
        for (method, value), own in visits.groupby(["method", segment]):
            compared = own[own["naive"].notna()]
            expected[method, segment, value] = (
                len(own),
                own["is_close"].sum(),
                len(compared),
                compared["is_close"].sum(),
                compared["is_naive_close"].sum(),
                (compared["is_close"] & compared["is_naive_close"]).sum(),
                own["error"].median(),
                compared["naive_error"].median() if len(compared) else None,
            )
    found = {
        tuple(row[:3]): tuple(row[3:])
        for row in sample.execute(
            "select method, segment_name, segment_value, visits, close_visits, compared_visits, "
            "compared_close_visits, naive_close_visits, both_close_visits, median_error_days, "
            "naive_median_error_days from marts.rpt_contact_plan_accuracy"
        ).fetchall()
    }
    assert found == expected
    assert {method for method, *_ in expected} == {"median own gap", "meter", "own gap", "vertical"}
    for row in rows_of(sample, "from marts.rpt_contact_plan_accuracy"):
        low, high = wilson(row["close_visits"], row["visits"])
        assert (row["close_share_low"], row["close_share_high"]) == pytest.approx(
            (low, high), abs=1e-4
        )
        if row["compared_visits"]:
            assert (row["ci_low"], row["ci_high"]) == pytest.approx(
                paired(
                    both=row["both_close_visits"],
                    one=row["compared_close_visits"],
                    other=row["naive_close_visits"],
                    whole=row["compared_visits"],
                ),
                abs=1e-4,
            )


def paired(*, both: int, one: int, other: int, whole: int) -> tuple[float, float]:
    """Return Newcombe's interval (1998, method 10) of one / whole - other / whole."""
    r, s, t = both, one - both, other - both
    u = whole - r - s - t
    p, q = one / whole, other / whole
    (l1, u1), (l2, u2) = wilson(one, whole), wilson(other, whole)
    margins = (r + s) * (t + u) * (r + t) * (s + u)
    cross = r * u - s * t
    if cross > 0:
        cross = max(cross - whole / 2, 0)
    phi = cross / margins**0.5 if margins else 0

    def side(a: float, b: float) -> float:
        return max(a**2 - 2 * phi * a * b + b**2, 0) ** 0.5

    return p - q - side(p - l1, u2 - q), p - q + side(u1 - p, q - l2)


@pytest.fixture(scope="module")
def paired_bounds() -> Iterator[Callable[..., tuple[float, float]]]:
    """Yield a function that asks the macros for the interval of a two by two table."""
    connection = duckdb.connect()
    macros = Macros(connection=connection)
    wilsons = [
        macros.wilson_bound(part, "whole", side) for part in ("one", "other") for side in "-+"
    ]
    values = ("p", "p_low", "p_high", "q", "q_low", "q_high")
    bounds = [macros.difference_bound(*values, side, correlation="phi") for side in "-+"]

    def ask(*, both: int, one: int, other: int, whole: int) -> tuple[float, float]:
        (found,) = connection.execute(
            f"""
            with shares as (
                select
                    one / whole as p, {wilsons[0]} as p_low, {wilsons[1]} as p_high,
                    other / whole as q, {wilsons[2]} as q_low, {wilsons[3]} as q_high,
                    {macros.paired_correlation("both_of", "one", "other", "whole")} as phi
                from (select {both} as both_of, {one} as one, {other} as other, {whole} as whole)
            )
            select {", ".join(bounds)} from shares
            """
        ).fetchall()
        return found

    yield ask
    connection.close()


def test_the_interval_of_paired_shares_is_the_published_one(paired_bounds):
    # Newcombe, Statistics in Medicine 17 (1998), 2635-2650: 36, 12, 2 and 0 pairs
    found = paired_bounds(both=36, one=48, other=38, whole=50)
    assert found == pytest.approx((0.0569, 0.3404), abs=5e-5)


@pytest.mark.parametrize(
    ("both", "one", "other", "whole"),
    [(14, 19, 14, 41), (30, 31, 32, 60), (0, 5, 5, 9), (7, 7, 7, 7), (0, 0, 3, 8), (4, 4, 4, 9)],
)
def test_shares_that_go_together_differ_by_less(paired_bounds, both, one, other, whole):
    table = {"both": both, "one": one, "other": other, "whole": whole}
    assert paired_bounds(**table) == pytest.approx(paired(**table), abs=1e-4)


def test_service_retention_is_that_of_owners_one_by_one(sample, customers):
    rows = frame(sample, "from staging.stg_usage_readings order by customer_id, event_date")
    as_of = pd.Timestamp(AS_OF)
    expected: dict[tuple, list[int]] = {}
    for customer, own in rows.groupby("customer_id"):
        began = own["event_date"].min()
        first_days = own.groupby("asset_id")["event_date"].min()
        second = first_days[first_days > began].min()
        visits = own["event_date"][
            own["is_service_visit"].fillna(False).astype(bool) & (own["event_date"] > began)
        ]
        quarter = began.to_period("Q").start_time.date()
        is_always = True
        for year in itertools.count(1):
            start = began + pd.DateOffset(years=year - 1)
            end = began + pd.DateOffset(years=year)
            if start > as_of:
                break
            is_over = end <= as_of + pd.Timedelta(days=1)
            came = ((visits >= start) & (visits < end)).any()
            is_always = is_always and came
            counts = [
                is_over,
                is_over and came,
                is_over and is_always,
                is_over and second < end,
                not is_over,
            ]
            for segment in ("all", *SLICES):
                value = "all" if segment == "all" else customers.loc[customer, segment]
                key = (quarter, segment, value, year)
                sums = expected.setdefault(key, [0] * 5)
                expected[key] = [int(a + b) for a, b in zip(sums, counts, strict=True)]
    found = {
        tuple(row[:4]): list(row[4:])
        for row in sample.execute(
            "select cohort_quarter, segment_name, segment_value, year_of_ownership, owners, "
            "serviced_owners, always_serviced_owners, second_asset_owners, pending_owners "
            "from marts.rpt_service_retention"
        ).fetchall()
    }
    assert found == expected
    for row in rows_of(sample, "from marts.rpt_service_retention where owners > 0"):
        for part, rate in (
            ("serviced_owners", "service_rate"),
            ("always_serviced_owners", "always_service_rate"),
            ("second_asset_owners", "second_asset_rate"),
        ):
            bounds = (row[f"{rate}_low"], row[f"{rate}_high"])
            assert bounds == pytest.approx(wilson(row[part], row["owners"]), abs=1e-4)
            assert row[rate] == row[part] / row["owners"]
