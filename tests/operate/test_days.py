"""The audit of a day: honest days raise nothing, and a fault in the newest days is seen.

The bands were fixed on the first halves of the gift shop and of the sample. The second halves and
the survey of the airport judge them here, by the project's own SQL on their days in memory.
"""

import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from audited_days import Days, not_met, query_of
from lifecycle import PROJECT, real_data
from shops import GIFT_SHOP

from python_helpers.audit.database import KNOWN_TO_SUITES
from python_helpers.delivery.rendering import Macros

SAMPLE = PROJECT / "seeds" / "sample"
FAULTY_DAYS = 20
CAUGHT_DAYS = 19
DAY = timedelta(days=1)
EVERY = "from kept_base_orders"
FAULTS = {
    "pence": {
        "base_orders": f"select * replace ((amount * 100)::decimal(18, 2) as amount) {EVERY}"
    },
    "nobody": {"base_orders": f"select * replace (null::varchar as customer_id) {EVERY}"},
    "no_lines": {"base_order_lines": "from kept_base_order_lines where false"},
}
NO_SCORE = "select * replace (null as score) from kept_base_survey_responses"


def test_a_day_has_the_size_of_its_amounts_a_typical_one_and_its_words(tmp_path):
    """A sale of 10, a return of 1,000 and a free order; euros that are half a pound each."""
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    (delivery / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,amount,currency,order_type\n"
        "1,ada,2024-05-01 09:00:00,10,GBP,sale\n"
        "2,,2024-05-01 10:00:00,1000,GBP,return\n"
        "3,ada,2024-05-01 11:00:00,0,GBP,sale\n"
        "4,ada,2024-05-01 12:00:00,7,GBP,swap\n"
        "5,ada,2024-05-02 09:00:00,40,EUR,sale\n"
        "6,ada,2024-05-02 09:00:00,5,GBP,sale\n"
        "6,ada,2024-05-02 09:00:00,5,GBP,sale\n"
    )
    (delivery / "order_lines.csv").write_text(
        "order_id,line_number,product_id,quantity,amount\n1,1,tea,1,4\n1,2,cake,1,9\n"
    )
    (delivery / "exchange_rates.csv").write_text(
        "rate_date,from_currency,to_currency,rate\n2024-01-01,EUR,GBP,0.5\n"
    )
    days = Days(delivery=delivery, folder=tmp_path, as_of=date(2024, 5, 2), currency="GBP")
    found = days.connection.execute(
        "select * replace (day(event_date) as event_date) from honest.rpt_raw_days "
        "where table_name like 'order%' order by all"
    ).fetchall()
    # the geometric mean of 10 and 1,000 is 100, of 20 and 5 it is 10, of 4 and 9 it is 6
    assert found == [
        ("order_lines", 1, 2, 13, 6),
        ("orders", 1, 3, 1010, 100),
        ("orders", 2, 2, 25, 10),
    ]
    profile = days.connection.execute(
        "select column_name, category, raw_rows from honest.rpt_raw_day_profile "
        "where day(event_date) = 1 order by all"
    ).fetchall()
    assert profile == [
        ("any", "any", 4),
        ("any", "rejected", 1),
        ("currency", "GBP", 4),
        ("currency", "any", 4),
        ("customer_id", "any", 3),
        ("order_type", "any", 4),
        ("order_type", "return", 1),
        ("order_type", "sale", 2),
        ("status", "any", 4),
        ("status", "completed", 4),
    ]


JUDGED = ("new_days", "new_settling_days", "changed_days")
LAST_NIGHT = date(2025, 12, 30)


def seen(*, as_of: date, completed: Callable[[int], float], few: date | None = None) -> list[tuple]:
    """Return what a build saw of each day of a steady shop: day, orders, and those completed.

    The share that is completed depends on the age of a day. On one day only a few orders came.
    """
    days = [as_of - age * DAY for age in range(120)]
    sizes = [10 if day == few else 200 + day.toordinal() % 7 for day in days]
    return [
        (day, size, round(size * completed(age)))
        for age, (day, size) in enumerate(zip(days, sizes, strict=True))
    ]


def judged(tonight: list[tuple], last_night: list[tuple]) -> set[str]:
    """Judge the days of a shop beside the build of the night before."""
    with duckdb.connect() as connection:
        for statement in KNOWN_TO_SUITES:
            connection.execute(statement)
        for schema, days in (("marts", tonight), ("published", last_night)):
            values = ", ".join(
                f"(date '{day}', {orders}, {completed})" for day, orders, completed in days
            )
            connection.execute(
                f"""
                create schema {schema};
                create table {schema}.days as
                from (values {values}) as days (event_date, orders, completed);
                create table {schema}.rpt_raw_days as
                select 'orders' as table_name, event_date, orders as accepted_rows,
                    10.0 * orders as total_amount, 9.0 as typical_amount
                from {schema}.days;
                create table {schema}.rpt_raw_day_profile as
                select 'orders' as table_name, event_date, column_name, category, raw_rows
                from {schema}.days, lateral (values
                    ('any', 'any', orders), ('status', 'any', orders),
                    ('status', 'completed', completed), ('refunded_at', 'any', orders - completed)
                ) as counts (column_name, category, raw_rows)
                where raw_rows > 0
                """
            )
        connection.execute(
            "create table run as select as_of_date: $as_of, not_compared: null::varchar, "
            "published_as_of_date: $published",
            {"as_of": tonight[0][0], "published": last_night[0][0]},
        )
        for name in ("settling_columns", "day_figures", "day_bands", *JUDGED):
            connection.execute(f"create table {name} as {query_of(name)}")
        return {each.name for each in not_met(connection, tables=JUDGED)}


def all_completed(age: int) -> float:
    """All orders are completed on their day but one in twenty."""
    return 0.95


@pytest.mark.parametrize(
    "completed",
    [
        lambda age: 1 - 0.3 * min(1, age / 14),  # three in ten are refunded within two weeks
        lambda age: [0.5, 0.75, 0.9, 0.95, 0.99][min(age, 4)],  # half of them wait for payment
        lambda age: min(1, age / 3),  # all of them wait
    ],
)
def test_what_settles_after_its_day_raises_nothing(completed):
    nights = [seen(as_of=day, completed=completed) for day in (LAST_NIGHT + DAY, LAST_NIGHT)]
    assert judged(*nights) == set()


def test_a_day_whose_orders_all_wait_is_told_of_where_they_never_did():
    tonight = seen(as_of=LAST_NIGHT + DAY, completed=lambda age: 0.95 if age else 0)
    assert judged(tonight, seen(as_of=LAST_NIGHT, completed=all_completed)) == {
        "a_day_has_the_usual_words"
    }


def test_a_day_that_stays_short_is_told_of_once_on_the_night_after_it():
    nights = [
        seen(as_of=LAST_NIGHT + later * DAY, completed=all_completed, few=LAST_NIGHT)
        for later in range(3)
    ]
    before = seen(as_of=LAST_NIGHT - DAY, completed=all_completed)
    told = [
        judged(tonight, last_night)
        for last_night, tonight in zip([before, *nights], nights, strict=False)
    ]
    assert told == [set(), {"a_day_has_the_usual_rows"}, set()]


def days_of(dataset: str, folder: Path) -> tuple[Days, list[date]]:
    """Make the days of a data set; returns them with those of its second half."""
    delivery, as_of, since, currency = {
        "gift shop": (GIFT_SHOP, date(2011, 12, 9), date(2011, 6, 6), "GBP"),
        # its profile reaches 400 days back
        "sample": ("", date(2025, 12, 31), date(2025, 2, 1), "EUR"),
        "airport": ("sfo_2017", date(2017, 5, 30), date(2017, 5, 1), "USD"),
    }[dataset]
    source = real_data(delivery) if delivery else SAMPLE
    days = Days(delivery=source, folder=folder, as_of=as_of, currency=currency)
    return days, days.dates(since=since, until=as_of)


@pytest.fixture(scope="module")
def gift_shop(tmp_path_factory) -> tuple[Days, list[date]]:
    """Make the days of the gift shop, with those of every fault."""
    days, second_half = days_of("gift shop", tmp_path_factory.mktemp("gift_shop"))
    for fault, changes in FAULTS.items():
        days.plant(fault, changes=changes)
    return days, second_half


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> tuple[Days, list[date]]:
    """Make the days of the sample."""
    return days_of("sample", tmp_path_factory.mktemp("sample"))


def chosen(days: list[date], number: int, /) -> list[date]:
    """Choose days at random, the same each time."""
    return sorted(random.Random(number).sample(days, number))


def raised(days: Days, nights: list[date], /) -> dict[date, set[str]]:
    """Judge honest deliveries, each a day after the build before; returns what was raised."""
    found = {night: days.alarms(night, published=night - DAY) for night in nights}
    return {night: names for night, names in found.items() if names}


@pytest.mark.long
def test_twenty_honest_days_of_the_gift_shop_raise_nothing(gift_shop):
    days, second_half = gift_shop
    assert raised(days, chosen(second_half, 20)) == {}


@pytest.mark.long
def test_sixty_honest_days_of_the_sample_raise_nothing(sample):
    days, second_half = sample
    assert raised(days, chosen(second_half, 60)) == {}


@pytest.mark.long
def test_no_honest_day_of_the_airport_raises_anything(tmp_path):
    days, all_days = days_of("airport", tmp_path)
    assert len(all_days) == 20
    assert raised(days, all_days) == {}
    # it is not that nothing is judged
    days.plant("no_score", changes={"base_survey_responses": NO_SCORE})
    last = all_days[-1]
    assert days.alarms(last, fault="no_score", faulty_days=1, published=last - DAY) == {
        "a_day_is_filled_as_usual"
    }


@pytest.mark.nightly
def test_of_all_honest_days_one_in_a_hundred_raises_something_at_most(gift_shop, sample):
    for days, second_half in (gift_shop, sample):
        assert len(raised(days, second_half)) <= len(second_half) / 100


def last_open_days(days: list[date], night: date, /, *, number: int) -> int:
    """Return how many calendar days the last open days span."""
    return (night - days[days.index(night) - number + 1]).days + 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "faulty_days", "name"),
    [
        ("pence", 1, "the_amounts_of_a_day_have_the_usual_unit"),
        ("nobody", 2, "a_day_is_filled_as_usual"),
        ("no_lines", 3, "no_table_lags_behind_the_others"),
    ],
)
def test_a_fault_planted_on_random_days_is_caught(gift_shop, fault, faulty_days, name):
    days, second_half = gift_shop
    caught = []
    for night in chosen(second_half[faulty_days:], FAULTY_DAYS):
        span = last_open_days(second_half, night, number=faulty_days)
        published = night - span * DAY
        caught.append(
            name in days.alarms(night, fault=fault, faulty_days=span, published=published)
        )
    assert sum(caught) >= CAUGHT_DAYS


@pytest.mark.long
def test_a_fault_that_is_repeated_each_night_is_raised_each_night(gift_shop):
    """The bad nights before do not widen the band, for a week at least."""
    days, second_half = gift_shop
    for number, night in enumerate(second_half[-7:], start=1):
        span = last_open_days(second_half, night, number=number)
        for fault in ("pence", "nobody"):
            assert days.alarms(night, fault=fault, faulty_days=span, published=night - DAY)


# An accumulating drift


class Nights:
    """Builds night after night, of which only the history of closed months is kept."""

    def __init__(self, folder: Path, /, *, revenue: dict[date, float]) -> None:
        """Take the revenue of each month."""
        self.folder, self.revenue = folder, revenue

    def build(self, today: date, /, *, keep: Callable[[date], float]) -> set[str]:
        """Build and publish; `keep` is the share of a month that is left. Returns the alarms."""
        months = {
            month: amount * keep(month)
            for month, amount in self.revenue.items()
            if (month.replace(day=28) + 4 * DAY).replace(day=1) <= today
        }
        with duckdb.connect() as connection:
            macros = Macros(
                connection=connection,
                project_dir=PROJECT,
                environment={"PUBLISH_DIR": str(self.folder)},
            )
            connection.execute(
                f"""
                create schema intermediate;
                create schema marts;
                create table intermediate.int_run_settings as select
                    today: date '{today}', is_sample: false, reporting_currency: 'GBP';
                create table intermediate.int_periods as select
                    period_grain: 'month', is_complete_period: true,
                    period_start_date: unnest({[str(month) for month in months]}::date[]);
                create table marts.rpt_revenue_mix as select
                    period_grain: 'month', is_complete_period: true,
                    period_start_date: unnest({[str(month) for month in months]}::date[]),
                    total_revenue_amount: unnest({[*months.values()]}::double[]);
                create table marts.rpt_retention_periods (
                    period_grain varchar, is_complete_period boolean, period_start_date date,
                    relationship varchar, closing_customers int, lost_customers int
                );
                create table marts.rpt_mrr_periods (
                    period_grain varchar, is_complete_period boolean, period_start_date date,
                    closing_mrr_amount double
                );
                create table marts.rpt_raw_days (
                    table_name varchar, event_date date, accepted_rows bigint
                );
                """
            )
            schemas = {
                **dict.fromkeys(("int_run_settings", "int_periods"), "intermediate"),
                **dict.fromkeys(
                    ("rpt_revenue_mix", "rpt_retention_periods", "rpt_mrr_periods", "rpt_raw_days"),
                    "marts",
                ),
            }
            macros.made |= {name: macros.relation(schema, name) for name, schema in schemas.items()}
            macros.ref("rpt_period_history")
            connection.execute(
                "create table run as select is_sample: false, reporting_currency: 'GBP'"
            )
            connection.execute(f"create table drifts as {query_of('drifts')}")
            self.publish(connection)
            return {each.name for each in not_met(connection, tables=["drifts"])}

    def publish(self, connection: duckdb.DuckDBPyConnection, /) -> None:
        """Publish the history, as the next build finds it."""
        (self.folder / "marts.duckdb").unlink(missing_ok=True)
        connection.execute(f"attach '{self.folder / 'marts.duckdb'}' as published_file")
        connection.execute(
            "create table published_file.rpt_period_history as from marts.rpt_period_history"
        )
        connection.execute("detach published_file")
        rows = json.dumps({"rows": {"rpt_period_history": 1}})
        (self.folder / "manifest.json").write_text(rows, encoding="utf-8")


def monthly_revenue() -> dict[date, float]:
    """Return the revenue of the gift shop by month."""
    with duckdb.connect() as connection:
        return dict(
            connection.execute(
                "select date_trunc('month', ordered_at)::date, sum(amount)::double "
                f"from '{real_data(GIFT_SHOP) / 'orders.parquet'}' group by 1 order by 1"
            ).fetchall()
        )


@pytest.mark.long
def test_half_a_percent_of_history_lost_each_night_is_caught_within_a_month(tmp_path):
    starts = [date(2011, 6, 1) + number * DAY for number in range(150)]
    caught = []
    for number, start in enumerate(chosen(starts, FAULTY_DAYS)):
        folder = tmp_path / str(number)
        folder.mkdir()
        nights = Nights(folder, revenue=monthly_revenue())
        found: list[set[str]] = []
        while len(found) < 30 and not any(found):
            left = 0.995 ** len(found)
            found.append(nights.build(start + len(found) * DAY, keep=lambda _, left=left: left))
        # a night alone is nothing
        assert not any(found[:2])
        caught.append("closed_months_do_not_drift" in found[-1])
    assert sum(caught) >= CAUGHT_DAYS


@pytest.mark.long
def test_late_rows_of_the_latest_month_are_no_drift(tmp_path):
    """A month grows by 3 % in the weeks after its end, as refunds and corrections arrive."""
    nights = Nights(tmp_path, revenue=monthly_revenue())
    for night in range(60):
        today = date(2011, 9, 1) + night * DAY

        def grown(month: date, today: date = today) -> float:
            days_over = (today - (month.replace(day=28) + 4 * DAY).replace(day=1)).days
            return 0.97 + 0.03 * min(days_over, 20) / 20

        assert nights.build(today, keep=grown) == set()


def test_a_restatement_that_was_published_by_hand_is_no_drift(tmp_path):
    """A fifth of all history at once blocks on its own, and is known from then on."""
    nights = Nights(tmp_path, revenue={date(2011, 1, 1): 100.0, date(2011, 2, 1): 300.0})
    today = date(2011, 4, 10)
    shares = (1, 1, 0.8, 0.8)
    found = [
        nights.build(today + number * DAY, keep=lambda _, share=share: share)
        for number, share in enumerate(shares)
    ]
    assert found == [set()] * 4


def test_the_history_forgets_after_35_days_and_replaces_its_own_day(tmp_path):
    nights = Nights(tmp_path, revenue={date(2011, 1, 1): 100.0})
    today = date(2011, 4, 10)
    for night in (0, 20, 34, 35, 36, 36):
        nights.build(today + night * DAY, keep=lambda _, night=night: 1 + night / 1000)
    with duckdb.connect(str(tmp_path / "marts.duckdb"), read_only=True) as connection:
        kept = connection.execute(
            "select recorded_on, measure_value from rpt_period_history order by 1"
        ).fetchall()
    assert [(day - today).days for day, _ in kept] == [20, 34, 35, 36]
    assert [round(value, 3) for _, value in kept] == [102, 103.4, 103.5, 103.6]
