"""Dates, numbers and keys in the forms that systems and spreadsheets write them in."""

import csv
import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja_macros import Macros
from lifecycle import refresh_delivery

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
MONTH_NAMES = [date(2000, month, 1).strftime("%B") for month in range(1, 13)]


def half_day(time: datetime, /) -> str:
    """Write a time of day with AM or PM."""
    return f"{(time.hour - 1) % 12 + 1}:{time:%M:%S} {'AM' if time.hour < 12 else 'PM'}"


# form -> how a time of UTC is written in it; each has a day above 12, which decides the order
TIMES: dict[str, tuple[str, Callable[[datetime], str]]] = {
    "day first": ("day_first", lambda t: f"{t.day}/{t.month}/{t.year} {t:%H:%M:%S}"),
    "day first with dots": ("day_first", lambda t: f"{t:%d.%m.%Y %H:%M:%S}"),
    "day first with AM and PM": ("day_first", lambda t: f"{t:%d-%m-%Y} {half_day(t)}"),
    "month first": ("month_first", lambda t: f"{t.month}/{t.day}/{t.year}, {t:%H:%M:%S}"),
    "month first with AM and PM": ("month_first", lambda t: f"{t:%m/%d/%Y} {half_day(t)}"),
    "month first, two digits of the year": ("month_first", lambda t: f"{t:%m/%d/%y %H:%M:%S}"),
    "a month's name": ("words", lambda t: f"{t.day} {MONTHS[t.month - 1]} {t:%Y %H:%M:%S} UTC"),
    "a month's name first": (
        "words",
        lambda t: f"{MONTHS[t.month - 1]} {t.day}, {t.year} {half_day(t)} UTC",
    ),
    "a whole month's name": (
        "words",
        lambda t: f"{MONTH_NAMES[t.month - 1]} {t.day}, {t.year} {half_day(t)}",
    ),
    "a zone's name": (
        "words",
        lambda t: (
            f"{MONTHS[(t - timedelta(hours=8)).month - 1]} {(t - timedelta(hours=8)).day}, "
            f"{(t - timedelta(hours=8)).year} {half_day(t - timedelta(hours=8))} PST"
        ),
    ),
    "ISO with AM and PM": ("words", lambda t: f"{t:%Y-%m-%d} {half_day(t)}"),
    "epoch seconds": ("epoch_seconds", lambda t: str(round((t - EPOCH).total_seconds()))),
    "epoch milliseconds": (
        "epoch_milliseconds",
        lambda t: str(round((t - EPOCH).total_seconds() * 1000)),
    ),
    "a spreadsheet's serial": (
        "serial",
        lambda t: f"{(t - EPOCH) / timedelta(days=1) + 25569:.8f}",
    ),
}
NUMBERS: dict[str, tuple[str, Callable[[int], str]]] = {
    "decimal comma": ("decimal_comma", lambda cents: f"{cents / 100:.2f}".replace(".", ",")),
    "thousands with dots": (
        "decimal_comma",
        lambda cents: f"{cents / 100:,.2f}".translate(str.maketrans(".,", ",.")),
    ),
    "thousands with blanks": (
        "decimal_comma",
        lambda cents: f"{cents / 100:,.2f}".translate(str.maketrans(".,", ",\u00a0")),
    ),
    "thousands with commas": ("decimal_point", lambda cents: f"{cents / 100:,.2f}"),
    "thousands with apostrophes": (
        "decimal_point",
        lambda cents: f"{cents / 100:,.2f}".replace(",", "\u2019"),
    ),
    "a currency's sign": (
        "decimal_point",
        lambda cents: f"{'-' if cents < 0 else ''}${abs(cents) / 100:,.2f}",
    ),
    "a currency's code": (
        "decimal_comma",
        lambda cents: f"{cents / 100:.2f} EUR".replace(".", ","),
    ),
    "parentheses": (
        "decimal_point",
        lambda cents: f"({-cents / 100:,.2f})" if cents < 0 else f"{cents / 100:,.2f}",
    ),
    "a minus behind": (
        "decimal_point",
        lambda cents: f"{abs(cents) / 100:,.2f}{'-' if cents < 0 else ''}",
    ),
}
MOMENTS = st.datetimes(datetime(1999, 1, 1), datetime(2068, 12, 31)).map(
    lambda time: time.replace(microsecond=0, tzinfo=UTC)
)


MACROS = Macros(connection=duckdb.connect())
MACROS.connection.execute("set TimeZone = 'UTC'")


def read(value: str, /, *, form: str, cast: str) -> object:
    """Rewrite a value of a form, then read it as the contract does."""
    sql = f"select {cast} from (select {MACROS.canonical_text('$value', form)} as canonical)"
    return MACROS.connection.execute(sql, {"value": value}).fetchone()[0]


@pytest.mark.parametrize("kind", TIMES)
@settings(max_examples=20, deadline=None)
@given(time=MOMENTS)
def test_a_time_of_any_form_is_the_time(kind, time):
    form, written = TIMES[kind]
    found = read(written(time), form=form, cast=MACROS.utc_time_of_text("canonical"))
    # the serial of a spreadsheet is a fraction of a day
    assert abs(found.replace(tzinfo=UTC) - time) <= timedelta(seconds=form == "serial")


@pytest.mark.parametrize("kind", TIMES)
@settings(max_examples=20, deadline=None)
@given(day=st.dates(date(1999, 1, 1), date(2068, 12, 31)))
def test_a_date_without_a_time_stays_one(kind, day):
    form, written = TIMES[kind]
    if form in ("day_first", "month_first"):
        text = written(datetime(day.year, day.month, day.day, tzinfo=UTC))
        text = text.split(" ")[0].rstrip(",")
        assert read(text, form=form, cast="canonical") == day.isoformat()


@pytest.mark.parametrize("kind", NUMBERS)
@settings(max_examples=20, deadline=None)
@given(cents=st.integers(-(10**11), 10**11))
def test_a_number_of_any_form_is_the_number(kind, cents):
    form, written = NUMBERS[kind]
    found = read(written(cents), form=form, cast="cast(canonical as decimal(18, 2))")
    assert round(found * 100) == cents


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("day_first", "soon"),
        ("day_first", "2025-01-31"),
        ("words", "on Monday"),
        ("words", "Jan 5, 2025 1:23:45 PM XYZ"),
        ("epoch_seconds", "never"),
        ("serial", "five"),
        ("compact", "2025"),
        ("decimal_point", "five"),
        ("decimal_comma", "1.5 or 2"),
        ("whole_number", "7.5"),
    ],
)
def test_a_value_that_a_form_does_not_fit_stays_as_it_is(form, value):
    assert read(value, form=form, cast="canonical") == value


# In a delivery: a file per form, each with the orders of the same days


START = datetime(2024, 1, 3, 10, 30, tzinfo=UTC)
ORDERS = [(START + timedelta(days=5 * n), 123456 * n - 200000) for n in range(12)]
ID = itertools.count(1)


def write_orders(path: Path, rows: list[dict[str, str]], /) -> None:
    """Write a CSV file of orders."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def orders_of(name: str, /, *, time: Callable, number: Callable) -> list[dict[str, str]]:
    """Return the orders as a file has them."""
    return [
        {
            "order_id": f"{name}-{n}",
            "customer_id": "ann",
            "ordered_at": time(when),
            "amount": number(cents),
            "currency": "EUR",
        }
        for n, (when, cents) in enumerate(ORDERS)
    ]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple]]:
    """Deliver the same orders in every form; returns the typed rows of each file."""
    folder = tmp_path_factory.mktemp("forms")
    (folder / "delivery").mkdir()
    plain = {
        "time": lambda t: f"{t:%Y-%m-%d %H:%M:%S}Z",
        "number": lambda cents: f"{cents / 100:.2f}",
    }
    files = {"plain": plain}
    files |= {kind: plain | {"time": written} for kind, (_, written) in TIMES.items()}
    files |= {kind: plain | {"number": written} for kind, (_, written) in NUMBERS.items()}
    for number, (kind, written) in enumerate(files.items()):
        write_orders(folder / "delivery" / f"orders_{number}.csv", orders_of(kind, **written))
    result = refresh_delivery(folder, "--skip-audit", select=["+stg_orders"])
    assert "Raw data" not in result.output, result.output
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select split_part(order_id, '-', 1), ordered_at, amount, rejection_reasons "
            "from restricted.base_orders order by all"
        ).fetchall()
    return {kind: [row[1:] for row in found if row[0] == kind] for kind in files}


@pytest.mark.parametrize("kind", [*TIMES, *NUMBERS])
def test_a_delivery_in_another_form_is_the_delivery(rows, kind):
    assert len(rows["plain"]) == len(ORDERS)
    assert rows[kind] == rows["plain"]
