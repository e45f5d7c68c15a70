"""Every way to deliver raw data gives the same rows, and every row delivered has a fate."""

import csv
from pathlib import Path

import duckdb
import pytest
import yaml
from lifecycle import PROJECT, build_with_dbt

SAMPLE = PROJECT / "seeds" / "sample"
FAULTS = PROJECT / "benchmarks" / "generator" / "faults.csv"
CONTRACT = yaml.safe_load((PROJECT / "models" / "staging" / "_raw.yml").read_text())
TABLES = {table["name"]: table for table in CONTRACT["sources"][0]["tables"]}
LEFT_OUT = "loyalty_memberships"  # of the delivery as tables: an optional table that is not there

Warehouse = duckdb.DuckDBPyConnection


def build(*, folder: Path, **settings: object) -> Warehouse:
    """Build the layers up to the audit marts with plain dbt; returns the warehouse, read-only."""
    return build_with_dbt(
        folder=folder, select=("+row_reconciliation", "+rejected_rows", "stg_*"), **settings
    )


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Build from the project's seeds."""
    return build(folder=tmp_path_factory.mktemp("sample"), RAW_INPUT="sample")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Build from files of every shape: one, several with other columns, a folder of two formats."""
    folder = tmp_path_factory.mktemp("files")
    raw = folder / "raw data, the customer's"
    (raw / "orders").mkdir(parents=True)
    for table in TABLES:
        source = SAMPLE / f"{table}.csv"
        if table not in ("orders", "customers"):
            (raw / source.name).write_bytes(source.read_bytes())
    read = duckdb.connect()
    orders = f"read_csv('{SAMPLE}/orders.csv', all_varchar = true)"
    customers = f"read_csv('{SAMPLE}/customers.csv', all_varchar = true)"
    older = "ordered_at < '2025'"
    for query, target in {
        f"select * from {orders} where {older}": raw / "orders" / "before 2025.csv",
        f"select * from {orders} where not coalesce({older}, false)": raw
        / "orders"
        / "2025.parquet",
        # the columns in another order, and one more
        f"select 1 as extra, region, * exclude (region) from {customers} limit 200": raw
        / "customers_1.csv",
        f"from {customers} offset 200": raw / "customers_2.csv",
    }.items():
        path = str(target).replace("'", "''")
        read.execute(
            f"copy ({query}) to '{path}' (header)"
            if target.suffix == ".csv"
            else f"copy ({query}) to '{path}'"
        )
    return build(folder=folder, RAW_INPUT="files", RAW_DATA_DIR=raw)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Build from tables in schema raw, all but one."""
    folder = tmp_path_factory.mktemp("tables")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as warehouse:
        warehouse.execute("create schema raw")
        for table in TABLES:
            if table != LEFT_OUT:
                warehouse.execute(
                    f"create table raw.{table} as "
                    f"from read_csv('{SAMPLE}/{table}.csv', all_varchar = true)"
                )
    return build(folder=folder, RAW_INPUT="tables")


def fates(*, warehouse: Warehouse) -> dict[str, tuple[int, ...]]:
    """Return the row_reconciliation: table -> raw, accepted, superseded, rejected, held back."""
    query = "select * exclude (conflicting_rows) from marts.row_reconciliation"
    rows = warehouse.execute(query).fetchall()
    return {table: tuple(counts) for table, *counts in rows}


def accepted(*, warehouse: Warehouse, table: str) -> list[tuple]:
    """Return the accepted rows of a table, in order."""
    rows = warehouse.execute(f"from staging.stg_{table}").fetchall()
    return sorted(rows, key=repr)


def test_every_raw_row_is_counted(sample):
    counted = fates(warehouse=sample)
    for table in TABLES:
        with (SAMPLE / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            assert counted[table][0] == sum(1 for _ in csv.DictReader(file)), table
        raw, *ways = counted[table]
        assert raw == sum(ways), table


def test_every_kind_of_fault_in_the_sample_is_rejected_for_its_reason(sample):
    found = set()
    for table, reasons in sample.execute(
        "select table_name, rejection_reasons from marts.rejected_rows"
    ).fetchall():
        found |= {(table, reason) for reason in reasons.split(", ")}
    # the kinds of a fault the generator plants -> the reason staging gives
    reasons = {
        "missing_required": "missing_{column_name}",
        "wrong_type": "invalid_{column_name}",
        "unknown_value": "unknown_{column_name}",
        "unknown_currency": "no_exchange_rate",
        "future_dated": "future_dated",
        "implausible_date": "implausible_date",
        "out_of_range": "{column_name}_out_of_range",
        "orphan": "orphan",
    }
    with FAULTS.open(newline="", encoding="utf-8") as file:
        planted = {
            (row["table_name"], reasons[row["reason"]].format(**row))
            for row in csv.DictReader(file)
            if row["reason"] in reasons
        }
    assert planted - found == set()


@pytest.mark.parametrize("table", TABLES)
def test_files_of_every_shape_give_the_rows_of_the_sample(table, sample, files):
    assert fates(warehouse=files)[table] == fates(warehouse=sample)[table]
    assert accepted(warehouse=files, table=table) == accepted(warehouse=sample, table=table)


@pytest.mark.parametrize("table", sorted(TABLES.keys() - {LEFT_OUT}))
def test_tables_give_the_rows_of_the_sample(table, sample, tables):
    assert fates(warehouse=tables)[table] == fates(warehouse=sample)[table]
    assert accepted(warehouse=tables, table=table) == accepted(warehouse=sample, table=table)


def test_an_absent_optional_table_is_empty_and_typed_as_the_contract_says(tables):
    types = dict(
        tables.execute(
            "select column_name, lower(data_type) from duckdb_columns() "
            "where schema_name = 'staging' and table_name = ?",
            [f"stg_{LEFT_OUT}"],
        ).fetchall()
    )
    for column in TABLES[LEFT_OUT]["columns"]:
        assert types[column["name"]] == column["data_type"].replace("string", "varchar")
    assert fates(warehouse=tables)[LEFT_OUT] == (0, 0, 0, 0, 0)


def test_what_identifies_a_person_is_in_the_restricted_schema_alone(sample):
    places = sample.execute(
        "select distinct schema_name from duckdb_columns() "
        "where column_name in ('email', 'full_name', 'comment', 'raw_row') "
        "and schema_name <> 'sample' and database_name = current_database()"
    ).fetchall()
    assert places == [("restricted",)]
    assert sample.execute(
        "select count(*) > 0 from staging.stg_customers where has_email"
    ).fetchone() == (True,)


def test_a_number_with_decimals_is_the_same_key_and_a_bar_in_a_key_parts_nothing(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    write = duckdb.connect()
    write.execute(
        "copy (select 'o1' as order_id, 7::double as customer_id, "
        f"timestamp '2024-01-01' as ordered_at, 5 as amount) to '{raw}/orders.parquet'"
    )
    write.execute(f"copy (select 7::bigint as customer_id) to '{raw}/customers.parquet'")
    (raw / "campaign_members.csv").write_text(
        "campaign_id,customer_id,assigned_at\nx|y,z,2024-01-01\nx,y|z,2024-01-01\n"
    )
    warehouse = build(folder=tmp_path, RAW_INPUT="files", RAW_DATA_DIR=raw)
    assert fates(warehouse=warehouse)["campaign_members"] == (2, 2, 0, 0, 0)
    for table in ("orders", "customers"):
        assert warehouse.execute(f"select customer_id from staging.stg_{table}").fetchall() == [
            ("7",)
        ]


def test_a_date_without_a_time_is_that_day_in_every_zone(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "orders.csv").write_text(
        "order_id,ordered_at,amount\n"
        "o1,2024-01-15,5\n"
        "o2,2024-01-15T02:00:00,5\n"  # nine in the evening of the 14th in New York
    )
    warehouse = build(
        folder=tmp_path,
        RAW_INPUT="files",
        RAW_DATA_DIR=raw,
        REPORTING_TIMEZONE="America/New_York",
    )
    assert warehouse.execute(
        "select order_id, event_date::text from staging.stg_orders order by 1"
    ).fetchall() == [("o1", "2024-01-15"), ("o2", "2024-01-14")]


def test_rows_after_as_of_wait_and_the_newest_version_wins(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,amount,updated_at\n"
        "o1,a,2024-01-01,10,2024-01-01\n"
        "o1,a,2024-01-01,12,2024-01-05\n"  # newer
        "o2,a,2024-01-02,5,\n"
        "o2,a,2024-01-02,5,\n"  # the same once more
        "o3,a,2024-02-01,7,\n"  # after as-of
        "o4,anonymous,2024-01-03,3,\n"  # the reserved word
        "o5,b,tomorrow,3,\n"
        "o6,b,2024-01-31T23:30:00Z,3,\n"  # half past midnight in Berlin: after as-of
        "o7,b,2024-02-01T00:30:00+02:00,3,\n"  # half past eleven there, the day before
        "o8,b,2024-02-01 00:30:00 +0200,3,\n"  # the same, as some shops write it
    )
    (raw / "order_lines.csv").write_text(
        "order_id,line_number,product_id,amount\n"
        "o1,1,tea,12\n"
        "o3,1,tea,7\n"  # waits with its order
        "o5,1,tea,3\n"  # falls with its order
        "o9,1,tea,3\n"  # has none
    )
    warehouse = build(
        folder=tmp_path,
        RAW_INPUT="files",
        RAW_DATA_DIR=raw,
        AS_OF_DATE="2024-01-31",
        REPORTING_TIMEZONE="Europe/Berlin",
    )
    assert fates(warehouse=warehouse)["orders"] == (10, 5, 2, 1, 2)
    assert fates(warehouse=warehouse)["order_lines"] == (4, 1, 0, 2, 1)
    assert warehouse.execute(
        "select order_id, customer_id, amount::int from staging.stg_orders order by 1"
    ).fetchall() == [
        ("o1", "a", 12),
        ("o2", "a", 5),
        ("o4", None, 3),
        ("o7", "b", 3),
        ("o8", "b", 3),
    ]
    assert warehouse.execute(
        "select row_key, rejection_reasons from marts.rejected_rows order by row_key"
    ).fetchall() == [
        ("o5", "invalid_ordered_at"),
        ("o5|1", "order_rejected"),
        ("o9|1", "orphan"),
    ]


def test_customers_whose_last_word_was_rejected_may_not_be_contacted(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "customers.csv").write_text(
        "customer_id,may_contact,updated_at\n"
        "lost,maybe,2024-01-01\n"
        "changed,true,2024-01-01\n"
        "changed,maybe,2024-01-05\n"  # may have taken it back
        "corrected,maybe,2024-01-01\n"
        "corrected,true,2024-01-05\n"
        "refused,false,2024-01-01\n"
        "silent,,2024-01-01\n"
    )
    customers = ("lost", "changed", "corrected", "refused", "silent", "unlisted")
    (raw / "orders.csv").write_text(
        "order_id,customer_id,ordered_at,amount\n"
        + "".join(f"o-{name},{name},2024-01-02,5\n" for name in customers)
    )
    with build_with_dbt(
        folder=tmp_path,
        select=("+dim_customers",),
        dbt_vars={"max_rejected_share_of_few": 1},
        RAW_INPUT="files",
        RAW_DATA_DIR=raw,
    ) as warehouse:
        found = warehouse.execute(
            "select customer_id, may_be_contacted from marts.dim_customers where not is_anonymous"
        ).fetchall()
    assert dict(found) == {
        "lost": False,
        "changed": False,
        "corrected": True,
        "refused": False,
        "silent": True,
        "unlisted": True,
    }
