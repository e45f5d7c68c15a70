"""Return rates after an activity window, against a published table and against lifelines.

The model runs in memory on the waits for the next purchase: no delivery is built.
"""

import random
from collections.abc import Sequence
from datetime import date, timedelta

import duckdb
import pytest
from lifecycle import PROJECT
from lifelines import KaplanMeierFitter
from test_survival_example import CENSORED, CHURNED, PRINTED

from python_helpers.delivery.rendering import Macros
from python_helpers.delivery.standins import CompilerError

FIT = PROJECT / "models" / "marts" / "retention" / "rpt_activity_window_fit.sql"
AS_OF = date(2024, 12, 31)


def fitted(
    *, finished: Sequence[int], unfinished: Sequence[int], window: int, min_waits: int
) -> duckdb.DuckDBPyRelation:
    """Run the model on waits in days; each unfinished wait is a customer's last."""
    connection = duckdb.connect()
    macros = Macros(
        connection=connection, project_dir=PROJECT, settings={"window_fit_min_waits": min_waits}
    )
    connection.execute("create table int_run_settings as select ?::date as as_of_date", [AS_OF])
    connection.execute(
        "create table dim_customers as select number as customer_id, 'v' as vertical, "
        "?::integer as activity_window_days, false as is_anonymous, last_order_date::date "
        "as last_order_date from (select unnest(?) as last_order_date, "
        "generate_subscripts(?, 1) as number)",
        [window, days := [AS_OF - timedelta(days=wait) for wait in unfinished], days],
    )
    connection.execute(
        "create table int_orders_sequenced as select 1 as customer_id, "
        "unnest(?)::bigint as days_since_previous_order",
        [list(finished)],
    )
    for name in ("int_run_settings", "dim_customers", "int_orders_sequenced"):
        macros.made[name] = macros.relation("main", name)
    return connection.sql(f"from ({macros.render(FIT)})")


@pytest.mark.parametrize("weeks", [6, 7, 10, 13, 16, 22])
def test_the_return_rate_is_that_of_the_printed_curve(weeks):
    fit = fitted(
        finished=[10 * week for week in CHURNED],
        unfinished=[10 * week for week in CENSORED],
        window=10 * weeks,
        min_waits=6,
    )
    # six are at risk in week 23, and five after it
    ((end, rate),) = fit.filter("is_chosen").select("estimated_days, return_rate").fetchall()
    assert end == 230
    assert rate == pytest.approx(1 - PRINTED[23] / PRINTED[weeks], abs=0.002)


@pytest.mark.parametrize("seed", range(5))
def test_the_return_rates_are_those_of_lifelines(seed):
    chance = random.Random(seed)
    # a few lengths often, so that many waits end on one day; some longer than every window
    finished = [int(chance.expovariate(1 / 200)) // 5 * 5 + 1 for _ in range(2000)]
    unfinished = [chance.randrange(1500) for _ in range(500)]
    days, has_ended = finished + unfinished, [True] * 2000 + [False] * 500
    end = sorted(days)[-30]
    curve = KaplanMeierFitter().fit(days, has_ended)
    fit = fitted(finished=finished, unfinished=unfinished, window=77, min_waits=30)
    rows = fit.select(
        "window_days, waits, returned_waits, censored_waits, estimated_days, return_rate"
    ).fetchall()
    assert len(rows) == 10
    for window, waits, returned, censored, estimated, rate in rows:
        assert returned == sum(wait > window for wait in finished)
        assert censored == sum(wait >= window for wait in unfinished)
        assert waits == returned + censored
        assert estimated == end
        assert rate == pytest.approx(1 - curve.predict(end) / curve.predict(window), abs=1e-12)


def tried(*, var: object = None, variable: str = "") -> object:
    """Return the window that a var and an environment variable ask for."""
    with duckdb.connect() as connection:
        macros = Macros(
            connection=connection,
            project_dir=PROJECT,
            settings={"activity_window": var},
            environment={"ACTIVITY_WINDOW": variable},
        )
        return macros.activity_window()


def test_a_window_is_tried_by_a_var_or_else_by_its_variable():
    assert tried() is None
    assert str(tried(variable="365")) == "365"
    assert str(tried(var=90, variable="365")) == "90"


@pytest.mark.parametrize("days", [0, -60, 60.5, "a year", 10_000, "60 or 1 = 1"])
def test_plain_dbt_refuses_a_window_that_is_no_whole_number_of_days(days):
    said = f"Invalid activity_window .*{days}.*Use a whole number of days from 1 to 9999"
    with pytest.raises(CompilerError, match=said):
        tried(var=days)
