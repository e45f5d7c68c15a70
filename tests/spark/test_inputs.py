"""A delivery has the same rows, rejects and faults on both engines, as files and as tables."""

import codecs
import gzip
import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from connected import EXPORTS
from lifecycle import PROJECT
from staged_engines import TABLES, differences, staged_on_duckdb, staged_on_spark, start_spark

pytestmark = pytest.mark.spark

CASES = Path(os.environ.get("LIFECYCLE_CASES", PROJECT.parent / "shared" / "cases"))
ORDERS = "order_id,customer_id,ordered_at,amount\no1,ann,2024-01-05,30\n"
PRODUCTS = "product_id,product_name\np1,Tea\n"


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """Start Spark once."""
    with tempfile.TemporaryDirectory() as folder:
        yield start_spark(Path(folder))


def parquet(query: str, /) -> bytes:
    """Return a query's rows as the bytes of a Parquet file."""
    file = io.BytesIO()
    pq.write_table(duckdb.sql(query).to_arrow_table(), file)
    return file.getvalue()


def deliver(folder: Path, files: Mapping[str, str | bytes], /) -> None:
    """Write the files of a delivery."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)


def check(
    spark: Any, folder: Path, /, tables: tuple[str, ...] = TABLES, **settings: object
) -> object:
    """Stage a folder on both engines, which must agree; returns what both say."""
    given = {"raw_input": "files", "raw_data_dir": str(folder)} | settings
    on_duckdb = staged_on_duckdb(settings=given, tables=tables)
    on_spark = staged_on_spark(spark, settings=given, tables=tables)
    assert not differences(on_duckdb, on_spark)
    return on_duckdb


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cod-all-pending", {}),
        ("dot-thousands", {"decimal_mark": "comma"}),
        ("dot-thousands", {}),
        ("etsy-us-dates", {}),
        ("guest-zero", {}),
        ("overlap-exports", {}),
        ("reporting-timezone-west", {"reporting_timezone": "America/New_York"}),
        ("sci-ids", {}),
        ("sentinel-dates/raw", {"reporting_timezone": "Europe/Berlin"}),
        ("trial-never-paid/raw", {}),
        ("tz-naive", {"raw_timezone": "Europe/Berlin"}),
        ("upper-case-name", {}),
        ("woo-status-semicolon", {}),
    ],
)
def test_a_case_is_the_same(name: str, settings: Mapping[str, str], spark: Any) -> None:
    if not (CASES / name).is_dir():
        pytest.skip(f"no {name} in {CASES}: set LIFECYCLE_CASES to the folder that has it")
    assert check(spark, CASES / name, **settings)


# one table in many shapes, each row of which must arrive with what it says
CUSTOMERS: dict[str, str | bytes] = {
    "customers_1.csv": b"\xef\xbb\xbfcustomer_id,region\r\nc1,North\r\n",
    "customers_2; 'it''s' a,b+%41é.csv": 'region|"customer_id"|co`lour\n"a ""b"""|c2|red\n',
    "Customers/3.csv.gz": gzip.compress(b"customer_id\tregion\nc3\tNo\nc3b\tSo\n\t\n"),
    "customers_4.csv": "customer_id,region\n",
    "customers_5.csv": "CUSTOMER_ID ; created_at;\nc5;2024-01-03 02:00:00;\n\nc5b;;\n",
    "CUSTOMERS_6.Csv.GZ": gzip.compress(b"customer_id,region\nc6,South\n"),
    "customers_7.TXT": "customer_id\tregion\r\nc7\tGr\u00f6\u00dfe \u9375\r\n".encode("utf-16"),
    "customers_8.csv": 'customer_id,region\nc8, "North\nand ""South"""\n"c8b" ,East\n',
    "customers_9.csv": "customer_id,region\nc9,Gr\u00f6\u00dfe \u9375 \U0001f511 \ufffd\nc\0,",
    "customers_10.csv": 'customer_id,region\nc10,5" pipe\n#c11,"\\"\n',
    "customers_11.parquet": parquet(
        "select 9007199254740993 as customer_id, date '2024-01-03' as created_at, [1] as region"
    ),
    "customers_12.parquet": parquet("select 7::double as customer_id, true as region"),
    "customers_13.PARQUET": parquet(
        "select 'c13' as customer_id, timestamp '2024-01-03 02:00:00.5' as created_at"
    ),
    "customers_14.parquet": parquet(
        "select 'c14' as customer_id, timestamptz '2024-01-03 02:00:00+00' as created_at"
    ),
    "customers_15.parquet": parquet("select 'c15' as customer_id, 1704240000 as created_at"),
}
NANOSECONDS = "select 'o1' as order_id, timestamp_ns '2024-01-05' as ordered_at, 5 as amount"
VALUES = """
    select
        'o' || i as order_id,
        'ann' as customer_id,
        case when i % 5 = 0 then null else timestamp '2024-01-05' + interval (i) hour end
            as ordered_at,
        case i when 1 then 'nan' when 2 then 'inf' when 3 then 1.005 when 4 then 2.675
            when 5 then -0.125 when 6 then 1e12 when 7 then 0.285 else i / 3.0 end::double
            as amount,
        case i when 1 then 'EUR' else 'eur' end as currency,
        i % 2 = 0 as order_type,
        date '2024-01-05' as discount_amount,
        (i / 7.0)::decimal(12, 4) as tax_amount,
        (i / 7.0)::float as cost_amount
    from range(12) as numbers (i)
"""


def test_rows_of_files_of_every_shape_are_the_same(tmp_path: Path, spark: Any) -> None:
    folder = tmp_path / "raw a=1, 100% the customer's"
    deliver(folder, {"orders.parquet": parquet(VALUES), **CUSTOMERS})
    found = check(
        spark,
        folder,
        tables=("customers", "orders"),
        reporting_currency="EUR",
        raw_timezone="Europe/Berlin",
    )
    assert {table: len(rows) for table, rows in found.items()} == {"customers": 20, "orders": 12}


BAD: dict[str, str | bytes] = {
    "customers_1.csv": "customer_id,region\nc1,North\nc2,South,West\n",
    "products_1.csv": PRODUCTS + 'p2,"Coffee\np3,Milk\n',
    "products_2.csv": PRODUCTS + 'p2,"Cof',
    "products_3.csv": PRODUCTS + 'p2,"Coffee" beans\n',
    "products_4.csv": PRODUCTS + "p2\n",
    "products_5.csv": f'{PRODUCTS}p2,"{"a long story, " * 2000}"\np3\n',
    "campaigns_1.csv": "campaign_id,campaign_name\nk1,Größe\n".encode("latin-1"),
    "campaigns_2.csv": "campaign_id,région\nk1,x\n".encode("latin-1"),
    "campaigns_3.csv": "campaign_id,campaign_name,Campaign_Name\nk1,a,b\n",
    "campaigns_4.csv": '"campaign_id,campaign_name"\n"k1,a"\n',
    "campaigns_5.csv": '"campaign_id,campaign_name\nk1,a\n',
    "customers_2.csv": "customer_id,region\r\nc1,North\nc2,South\n",
    "customers_3.csv": "customer_id,region\nc1,North\r\nc2,South\n",
    "usage_readings_1.csv": "Of 2024\n\nAsset ID,customer_id,read_at,read\na,b,2024-01-05,5\n",
    "exchange_rates_1.csv": "rate_date,from_currency,to_currency,course\n2024-01-01,USD,EUR,1\n",
    "orders_2.csv": "Order ID,customer,Order Date,total_amount\no1,ann,2024-01-05,30\n",
    "orders_3.csv": ORDERS.replace("amount", "amuont"),
    "orders_4.csv": ORDERS + "o2,ann,1/2/2025,1\n" * 3,
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_stops_the_build_in_the_same_words(
    name: str, tmp_path: Path, spark: Any
) -> None:
    deliver(tmp_path, {"orders.csv": ORDERS, name: BAD[name]})
    table = name.rsplit("_", 1)[0]
    said = check(spark, tmp_path, tables=(table,))
    assert isinstance(said, str)
    assert said.startswith(f"{table}: {tmp_path / name}") or "missing from" in said


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "orders.csv",
            "Sales of May\n\n" + ORDERS,
            "{}, line 1 is no header; line 3 looks like it. Take lines 1 to 2 away.",
        ),
        (
            "orders.parquet",
            parquet(VALUES)[:900],
            "{} cannot be read: it is damaged, or has",
        ),
        ("orders.parquet", parquet(NANOSECONDS), "{} cannot be read: it is damaged, or has"),
        (
            "orders.csv",
            codecs.BOM_UTF16_BE + ORDERS.encode("utf-16-be"),
            "{} is in UTF-16, big-endian, which cannot be read. Save it as CSV (UTF-8).",
        ),
    ],
)
def test_what_spark_alone_cannot_read_stops_the_build(
    name: str, content: str | bytes, said: str, tmp_path: Path, spark: Any
) -> None:
    deliver(tmp_path, {name: content})
    settings = {"raw_input": "files", "raw_data_dir": str(tmp_path)}
    found = staged_on_spark(spark, settings=settings, tables=TABLES)
    assert str(found).startswith("orders: " + said.format(tmp_path / name))


def test_tables_are_the_same(tmp_path: Path, spark: Any) -> None:
    deliver(tmp_path, {"orders.parquet": parquet(VALUES)})
    settings = {"raw_input": "tables", "reporting_currency": "EUR"}
    spark.sql("drop schema if exists raw cascade")
    spark.sql("create schema raw")
    spark.sql(f"create table raw.orders as select * from parquet.`{tmp_path}/orders.parquet`")
    before = f"create schema raw; create table raw.orders as from '{tmp_path}/orders.parquet'"
    on_duckdb = staged_on_duckdb(settings=settings, tables=TABLES, before=before)
    on_spark = staged_on_spark(spark, settings=settings, tables=TABLES)
    assert not differences(on_duckdb, on_spark)
    assert len(on_duckdb["orders"]) == 12
    spark.sql("drop schema raw cascade")


def test_the_erased_stay_erased(tmp_path: Path, spark: Any) -> None:
    from python_helpers.delivery.erasures import hash_of

    key = "0123456789abcdef" * 4
    erasures = tmp_path / "erasures"
    lines = [
        "id_hash,tombstone_id,erased_at,finished_at",
        f"{hash_of(' the key of this list', key=key)},key,2024-01-01,",
        f"{hash_of('ann', key=key)},erased-1,2024-01-01,2024-01-01",
    ]
    deliver(erasures, {"key": key, "erased.csv": "\n".join(lines) + "\n"})
    deliver(tmp_path / "raw", {"orders.csv": ORDERS + "o2,bob,2024-01-05,5\no3,ann,soon,1\n"})
    found = check(spark, tmp_path / "raw", erasures_dir=str(erasures))
    customers = [row["customer_id"] for row in found["orders"]]
    assert sorted(customers) == ["bob", "erased-1", "erased-1"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("system", "tables"),
    [
        ("etsy", ("customers", "orders", "order_lines", "products")),
        ("invoice_lines", ("customers", "orders", "order_lines", "products")),
        ("qualtrics", ("survey_responses",)),
        ("typeform", ("survey_responses",)),
        ("woocommerce", ("customers", "orders")),
    ],
)
def test_exports_are_the_same(
    system: str, tables: tuple[str, ...], tmp_path: Path, spark: Any
) -> None:
    deliver(tmp_path, {"salt": "0" * 64})
    found = check(
        spark,
        EXPORTS / system,
        tables=tables,
        raw_input=system,
        erasures_dir=str(tmp_path),
        reporting_currency="EUR",
    )
    assert all(found.values())
