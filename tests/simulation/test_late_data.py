"""Late, corrected and repeated rows: however a delivery is cut, the marts end up the same."""

import csv
import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from lifecycle import PROJECT, build_with_dbt

pytestmark = pytest.mark.nightly  # each delivery is a build

SAMPLE = PROJECT / "seeds" / "sample"
DAYS = 5
AS_OF = "2025-06-30"  # before the end of the sample, so that some rows are held back
CUSTOMERS = 60
# What a correction changes, for the tables that say when a row was updated.
CORRECTED = {
    "customers": "region",
    "orders": "amount",
    "subscriptions": "amount",
    "survey_responses": "touchpoint",
}
WHOLE = ("products", "exchange_rates")  # tables without a customer
BY_CUSTOMER = (*CORRECTED, "engagement_events")

Row = dict[str, str]
Versions = dict[str, list[list[Row]]]


def versions() -> Versions:
    """Take some of the sample; of each table its rows, each with its versions, oldest first."""
    rows = {table: read(table) for table in (*BY_CUSTOMER, *WHOLE, "order_lines")}
    customers = {row["customer_id"] for row in rows["customers"][:CUSTOMERS]}
    for table in BY_CUSTOMER:
        rows[table] = [row for row in rows[table] if row["customer_id"] in customers]
    orders = {row["order_id"] for row in rows["orders"]}
    rows["order_lines"] = [row for row in rows["order_lines"] if row["order_id"] in orders]
    # of rows that no updated_at tells apart, the one in the last file counts
    for table, key in (("products", ["product_id"]), ("order_lines", ["order_id", "line_number"])):
        rows[table] = list({tuple(row[name] for name in key): row for row in rows[table]}.values())
    return {
        table: [
            corrected(row, column=CORRECTED[table])
            if table in CORRECTED and number % 3 == 0
            else [row]
            for number, row in enumerate(found)
        ]
        for table, found in rows.items()
    }


def read(table: str) -> list[Row]:
    """Read a table of the sample."""
    with (SAMPLE / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def corrected(row: Row, *, column: str) -> list[Row]:
    """Return a row and, if it says when it was updated, a correction of each of two later days."""
    try:
        updated_at = datetime.fromisoformat(row["updated_at"])
        # each less than the one before, so that the greatest is not the latest
        changed = [str(round(float(row[column]) - less, 2)) for less in (1, 2)]
    except ValueError:
        changed = ["south", "north"] if column in ("region", "touchpoint") else []
    return [row] + [
        row | {column: value, "updated_at": str(updated_at + timedelta(days=day))}
        for day, value in enumerate(changed, start=1)
    ]


def days_of(delivered: Versions, *, seed: int) -> list[dict[str, list[Row]]]:
    """Spread the versions over days: in any order, and one in five of them twice."""
    chance = random.Random(seed)
    days: list[dict[str, list[Row]]] = [{} for _ in range(DAYS)]
    for table, rows in delivered.items():
        for row in rows:
            for version in row:
                for day in chance.sample(range(DAYS), k=2 if chance.random() < 0.2 else 1):
                    days[day].setdefault(table, []).append(version)
        for day in days:
            chance.shuffle(day.get(table, []))
    return days


def write(rows: Iterable[Row], *, file: Path) -> None:
    """Write rows as CSV, or as Parquet whose columns are all text."""
    rows = list(rows)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = file.with_suffix(".csv")
    with text.open("w", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    if file.suffix == ".parquet":
        duckdb.sql(f"copy (from read_csv('{text}', all_varchar = true)) to '{file}'")
        text.unlink()


Marts = dict[str, list[tuple]]


def marts_of(*, delivery: Path, folder: Path) -> Marts:
    """Build from a delivery, in a folder; returns what must not depend on how it was cut."""
    with build_with_dbt(
        folder=folder,
        select=("+path:models/marts",),
        RAW_INPUT="files",
        RAW_DATA_DIR=delivery,
        AS_OF_DATE=AS_OF,
        DBT_EXCLUDE_RESOURCE_TYPES="test unit_test",
    ) as warehouse:
        marts = warehouse.sql(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        queries = {mart: f"from marts.{mart}" for (mart,) in marts}
        # they describe the raw rows as they came, those delivered twice included
        del queries["rpt_raw_profile"], queries["rpt_raw_day_profile"]
        # what was delivered twice is superseded, rejected or held back twice
        queries["row_reconciliation"] = (
            "select table_name, accepted_rows from marts.row_reconciliation"
        )
        queries["rpt_headlines"] = (
            "from marts.rpt_headlines where not contains(headline, 'aw rows')"
        )
        queries["rejected_rows"] = (
            "select distinct * exclude (reject_number) from marts.rejected_rows"
        )
        return {
            mart: sorted(warehouse.sql(query).fetchall(), key=repr)
            for mart, query in queries.items()
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give all builds one warehouse: what the one before left there must not matter either."""
    return tmp_path_factory.mktemp("late_data")


@pytest.fixture(scope="module")
def at_once(folder: Path) -> Marts:
    """Build from the last version of every row alone, all at once, one file a table."""
    for table, rows in versions().items():
        write([row[-1] for row in rows], file=folder / "at_once" / f"{table}.csv")
    return marts_of(delivery=folder / "at_once", folder=folder)


@pytest.fixture
def same_as_at_once(at_once: Marts) -> Callable[[Marts], None]:
    """Compare marts with those of the delivery at once."""

    def compare(marts: Marts) -> None:
        assert marts.keys() == at_once.keys()
        for mart, rows in marts.items():
            assert rows == at_once[mart], mart

    return compare


def test_the_delivery_has_what_the_test_is_about(at_once):
    assert len(at_once["fct_orders"]) > 100
    assert at_once["rejected_rows"]
    delivered = versions()
    for table in CORRECTED:
        assert any(len(row) == 3 for row in delivered[table]), table
    accepted = dict(at_once["row_reconciliation"])
    assert accepted["orders"] < sum(len(row) for row in delivered["orders"]) * 3 / 4


def test_a_delivery_in_overlapping_parts_of_any_order_gives_the_same_marts(
    same_as_at_once, folder, tmp_path
):
    for number, day in enumerate(days_of(versions(), seed=1)):
        for table, rows in day.items():
            name = f"{table}_{number}{'.parquet' if number % 2 else '.csv'}"
            write(rows, file=tmp_path / name)
    same_as_at_once(marts_of(delivery=tmp_path, folder=folder))


def test_days_delivered_one_after_another_end_in_the_same_marts(same_as_at_once, folder, tmp_path):
    for number, day in enumerate(days_of(versions(), seed=2)):
        for table, rows in day.items():
            write(rows, file=tmp_path / table / f"{number}.csv")
        marts = marts_of(delivery=tmp_path, folder=folder)
    same_as_at_once(marts)
