"""Damage made at random: rows go through the compiled SQL of staging, files through its reader."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja_macros import CompilerError, Macros
from lifecycle import PROJECT, ROW_FATE, VARIABLES

from python_helpers.delivery.contents import damaged_files
from python_helpers.warehouse.problems import raw_data_problem

CONTRACT = yaml.safe_load((PROJECT / "models" / "staging" / "_raw.yml").read_text())
TABLES = {table["name"]: table for table in CONTRACT["sources"][0]["tables"]}
TRIED = (
    "orders",
    "order_lines",
    "customers",
    "subscriptions",
    "survey_responses",
    "exchange_rates",
)
AS_OF = date(2024, 6, 30)
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2024, 7, 31)

# One profile: the same examples each time, so that a failure is one of the change that is tested.
few = settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
many = settings(few, max_examples=24)


# Compiled SQL


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A way to deliver: the type each type of the contract has in the raw table."""

    name: str
    types: dict[str, str]

    def type_of(self, column: dict) -> str:
        """Return the raw type of a column of the contract."""
        return self.types.get(column["data_type"].split("(")[0], "varchar")


TEXT = Delivery(name="text", types={})
TYPED = Delivery(
    name="typed",
    types={
        "timestamp": "timestamp",
        "date": "date",
        "decimal": "decimal(18, 4)",
        "integer": "integer",
        "boolean": "boolean",
    },
)
WIDE = Delivery(
    name="wide",
    types={
        "timestamp": "timestamp with time zone",
        "date": "timestamp",
        "decimal": "double",
        "integer": "double",
        "boolean": "integer",
    },
)
DELIVERIES = (TEXT, TYPED, WIDE)


def create_raw(*, connection: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """Create the raw tables of a delivery, empty."""
    connection.execute("create schema if not exists raw")
    for name, table in TABLES.items():
        columns = ", ".join(f'"{c["name"]}" {delivery.type_of(c)}' for c in table["columns"])
        connection.execute(f"create or replace table raw.{name} ({columns})")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Compile the base models once per delivery: (delivery, table) -> SQL."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    folder = tmp_path_factory.mktemp("compiled")
    warehouse = folder / "warehouse.duckdb"
    (folder / "profiles.yml").write_text((PROJECT / "profiles.example.yml").read_text())
    found = {}
    with pytest.MonkeyPatch.context() as patched:
        for variable in VARIABLES:
            patched.delenv(variable, raising=False)
        patched.setenv("RAW_INPUT", "tables")
        patched.setenv("WAREHOUSE_PATH", str(warehouse))
        for delivery in DELIVERIES:
            with duckdb.connect(str(warehouse)) as connection:
                create_raw(connection=connection, delivery=delivery)
            outcome = dbtRunner().invoke(
                [
                    *("compile", "--quiet", "--select", "base_*"),
                    *("--project-dir", str(PROJECT), "--profiles-dir", str(folder)),
                    *("--target-path", str(folder / "target"), "--log-path", str(folder)),
                ]
            )
            DuckDBConnectionManager.close_all_connections()
            assert outcome.success, outcome.exception
            for result in outcome.result.results:
                table = result.node.name.removeprefix("base_")
                found[delivery.name, table] = result.node.compiled_code
    return found


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a warehouse in memory, with what base models read beside the raw data."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set threads = 1")  # for a few rows, more only cost
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("use warehouse")
        connection.execute("create schema intermediate")
        connection.execute("create schema restricted")
        connection.execute(
            "create table intermediate.int_run_settings as select ?::date as as_of_date, "
            "?::date as first_plausible_date, ?::date as last_plausible_date, "
            "'EUR' as reporting_currency",
            [AS_OF, FIRST_DAY, LAST_DAY],
        )
        connection.execute(
            "create table intermediate.int_exchange_rates_daily as "
            "select 'USD' as currency, rate_date::date as rate_date, 0.9::double as exchange_rate "
            "from range(date '2024-01-01', date '2024-07-01', interval 1 day) as days (rate_date)"
        )
        create_raw(connection=connection, delivery=TEXT)
        connection.execute(
            "create table restricted.base_orders as "
            "select *, fate = 'accepted' as is_accepted, fate = 'held_back' as is_held_back, "
            "if(fate = 'rejected', 'reason', null) as rejection_reasons from (values "
            "('o1', 'accepted'), ('o2', 'rejected'), ('o3', 'held_back'), ('o3', 'rejected'), "
            "('a|b', 'accepted'), ('', 'accepted')) as orders (order_id, fate)"
        )
        yield connection


Row = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Staging:
    """The compiled base model of a table, and a warehouse to run it in."""

    table: str
    warehouse: duckdb.DuckDBPyConnection
    compiled: dict[tuple[str, str], str]

    @property
    def contract(self) -> dict:
        """What the contract says of the table."""
        return TABLES[self.table]

    def rows(self, delivered: list[Row], *, delivery: Delivery = TEXT) -> list[Row]:
        """Deliver rows and return what the base model makes of them, in some fixed order."""
        columns = self.contract["columns"]
        names = [column["name"] for column in columns]
        texts = {name: pa.array([row[name] for row in delivered], pa.string()) for name in names}
        values = ", ".join(
            f'cast("{column["name"]}" as {delivery.type_of(column)}) as "{column["name"]}"'
            for column in columns
        )
        self.warehouse.register("texts", pa.table(texts))
        self.warehouse.execute(
            f"create or replace table raw.{self.table} as select {values} from texts"
        )
        self.warehouse.unregister("texts")
        found = self.warehouse.execute(
            f"select *, {ROW_FATE} as row_fate from ({self.compiled[delivery.name, self.table]})"
        )
        result = [column[0] for column in found.description]
        return [dict(zip(result, row, strict=True)) for row in sorted(found.fetchall(), key=repr)]


def accepted(rows: list[Row]) -> list[Row]:
    """Keep the accepted rows, without the raw row."""
    return [
        {name: value for name, value in row.items() if not name.startswith("raw_")}
        for row in rows
        if row["row_fate"] == "accepted"
    ]


# Values

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=4)
DAMAGED: dict[str, list[str]] = {
    "timestamp": [
        *("2024-01-05", "2024-01-05 10:00:00", "2024-01-05T10:00:00Z", " 2024-01-05 "),
        *("2024-06-30T23:30:00-05:00", "2024-07-01", "2024-01-05 10:00:00.5 Europe"),
        *("9999-12-31", "1900-01-01", "0001-01-01", "infinity", "-infinity", "294247-01-10"),
        *("2024-02-30", "05.01.2024", "1704448800", "tomorrow", "24:00", "44-03-15 (BC)"),
        *("2024-01-05 24:00:00", "2024-01-05 10:00:00+99:00", "5877642-06-25 (BC)"),
    ],
    "decimal": [
        *("5", "5.00", "-5", "0", "-0", "1e5", "1e-9", "1_000", "5.005", "+5", " 5 ", ".5"),
        *(
            "9999999999999999.99",
            "-9999999999999999.99",
            "1e400",
            "nan",
            "-inf",
            "12345678901234567",
        ),
        *("1,5", "1.000,50", "five", "0x1F", "٣", "5 EUR", "5\0"),
    ],
    "integer": [
        *("1", "01.0", "2", "-1", "0", "1e1", "1e10", "2147483647", "2147483648", "1.5", "nan"),
        *("10", "7", "x", "1\0", "0x1", "9" * 40),
    ],
    "boolean": ["true", "False", "t", "1", "0", "yes", "NO", "2", "wahr", "1.0"],
    "string": [
        *("o1", "o2", "o3", "o9", "a", "A", " a ", "a|b", "a\\", "|", "\\|", "NULL", "7.0", "7"),
        *("anonymous", "Anonymous", "ключ", "\0", "a\0b", "x" * 300, "';\"--", "a\nb", "\u200b"),
    ],
}
DAMAGED["date"] = DAMAGED["timestamp"]
CURRENCIES = ["EUR", "eur", "USD", " usd", "ZZZ", "Euro"]


def texts_of(column: dict) -> st.SearchStrategy[str | None]:
    """Return texts for a column: good and damaged ones, blanks, none, and any text at all."""
    values = list(DAMAGED[column["data_type"].split("(")[0]])
    meta = column.get("config", {}).get("meta", {})
    if meta.get("accepted_values"):
        values = [*meta["accepted_values"] * 3, meta["accepted_values"][0].upper(), "other"]
    elif "currency" in column["name"]:
        values = CURRENCIES
    damaged = st.sampled_from(values)
    # mostly one good value: of rows damaged everywhere none would be accepted
    good = st.just(values[0])
    return st.one_of(good, good, good, damaged, damaged, st.sampled_from([None, "", " "]), ANY_TEXT)


def typed_texts_of(column: dict) -> st.SearchStrategy[str | None]:
    """Return texts for a column that are values of its type, as every delivery can say them."""
    kind = column["data_type"].split("(")[0]
    meta = column.get("config", {}).get("meta", {})
    if meta.get("accepted_values"):
        values = st.sampled_from(meta["accepted_values"])
    elif "currency" in column["name"]:
        values = st.sampled_from(CURRENCIES)
    else:
        values = {
            "timestamp": st.datetimes(datetime(1960, 1, 1), datetime(2025, 1, 1)).map(str),
            "date": st.dates(date(1960, 1, 1), date(2025, 1, 1)).map(str),
            # few enough digits for floating point to hold ten decimal places
            "decimal": st.decimals(-(10**4), 10**4, places=2).map(str),
            "integer": st.integers(-3, 12).map(str),
            "boolean": st.sampled_from(["1", "0"]),
            "string": st.sampled_from(["o1", "o3", "a", "b", "a|b"]),
        }[kind]
    return values if meta.get("required") else st.none() | values


def rows_of(
    table: str, texts: Callable[[dict], st.SearchStrategy[str | None]]
) -> st.SearchStrategy[list[Row]]:
    """Return lists of rows of a table."""
    row = st.fixed_dictionaries({c["name"]: texts(c) for c in TABLES[table]["columns"]})
    return st.lists(row, min_size=1, max_size=8)


DAMAGED_ROWS = {table: rows_of(table, texts_of) for table in TRIED}
TYPED_ROWS = {table: rows_of(table, typed_texts_of) for table in TRIED}


# Rows


def check_damaged_rows(*, staging: Staging, rows: list[Row]) -> None:
    """Check what holds of every delivery, however damaged."""
    found = staging.rows(rows)

    # every raw row has one fate; rejected ones, and no others, say why
    assert len(found) == len(rows)
    for row in found:
        assert row["row_fate"] in ("accepted", "superseded", "rejected", "held_back")
        flags = (row["is_accepted"], row["is_superseded"], row["is_held_back"])
        assert sum(flags) + bool(row["rejection_reasons"]) == 1

    # accepted rows are as the contract says, and their keys are unique
    good = accepted(found)
    meta = staging.contract["config"]["meta"]
    keys = [tuple(row[name] for name in meta["key"]) for row in good]
    assert len(set(keys)) == len(keys)
    for row in good:
        day = row["event_date"]
        assert day is None or FIRST_DAY <= day <= AS_OF
        for column in staging.contract["columns"]:
            rules = column.get("config", {}).get("meta", {})
            value = row[column["name"]]
            if rules.get("required") or rules.get("default"):
                assert value is not None, column["name"]
            if rules.get("accepted_values"):
                assert value is None or value in rules["accepted_values"]

    # the order of the rows changes nothing
    assert staging.rows(rows[len(rows) // 2 :] + rows[: len(rows) // 2]) == found

    # neither does delivering them once more, but for what is superseded
    twice = staging.rows(rows * 2)
    assert accepted(twice) == good
    for fate in ("rejected", "held_back"):
        assert fates(twice).count(fate) == 2 * fates(found).count(fate)


def fates(rows: list[Row]) -> list[object]:
    """Return the fate of each row."""
    return [row["row_fate"] for row in rows]


def check_types(*, staging: Staging, rows: list[Row]) -> None:
    """Check that the same values are accepted whatever the types they are delivered in."""
    expected = accepted(staging.rows(rows))
    for delivery in (TYPED, WIDE):
        assert accepted(staging.rows(rows, delivery=delivery)) == expected, delivery.name


@pytest.fixture
def staging(table: str, warehouse, compiled) -> Staging:
    """Give the base model of the table the test names."""
    return Staging(table=table, warehouse=warehouse, compiled=compiled)


def try_examples(
    profile: settings,
    check: Callable[..., None],
    strategies: Mapping[str, st.SearchStrategy],
    **fixed: object,
) -> None:
    """Call a check with fixed arguments and with examples of the others."""

    @profile
    @given(**strategies)
    def on_examples(**drawn: object) -> None:
        check(**fixed, **drawn)

    on_examples()


@pytest.mark.parametrize("table", TRIED)
def test_damaged_rows_are_all_kept_and_only_good_ones_are_accepted(table, staging):
    try_examples(few, check_damaged_rows, {"rows": DAMAGED_ROWS[table]}, staging=staging)


@pytest.mark.parametrize("table", TRIED)
def test_the_same_values_are_accepted_whatever_their_types(table, staging):
    try_examples(few, check_types, {"rows": TYPED_ROWS[table]}, staging=staging)


@pytest.mark.nightly
@pytest.mark.parametrize("table", TRIED)
def test_many_deliveries_of_damaged_rows(table, staging):
    try_examples(many, check_damaged_rows, {"rows": DAMAGED_ROWS[table]}, staging=staging)


@pytest.mark.nightly
@pytest.mark.parametrize("table", TRIED)
def test_many_deliveries_of_every_type(table, staging):
    try_examples(many, check_types, {"rows": TYPED_ROWS[table]}, staging=staging)


@pytest.mark.parametrize("table", ["customers"])
def test_the_name_of_a_time_zone_moves_no_other_row(table, staging):
    empty = dict.fromkeys(column["name"] for column in staging.contract["columns"])
    times = ["2024-01-05 10:00:00 America/New_York", "2024-01-05 10:00:00"]
    rows = [empty | {"customer_id": f"c{n}", "created_at": time} for n, time in enumerate(times)]
    found = {row["customer_id"]: row["created_at"] for row in staging.rows(rows)}
    assert found["c1"] == datetime(2024, 1, 5, 10)


# Files


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A change to the bytes of a file, at a place given as a share of its length."""

    place: float
    cut: int
    added: bytes

    def apply(self, content: bytes) -> bytes:
        """Return the damaged bytes."""
        start = int(self.place * len(content))
        return content[:start] + self.added + content[start + self.cut :]


PIECES = [b",", b'"', b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xc3", b";", b"|", b"'", b"#", b" "]
DAMAGE = st.builds(
    Damage,
    place=st.floats(0, 1),
    cut=st.sampled_from([0, 0, 1, 2, 40, 10**9]),
    added=st.sampled_from(PIECES) | st.binary(max_size=3),
)
DAMAGES = st.lists(DAMAGE, min_size=1, max_size=3)


def csv_content(*, line_end: str, delimiter: str, quoted: bool, note: str = "") -> bytes:
    """Write a few customers, some with a text that needs its quotes, below a note."""
    text = io.StringIO()
    text.write(note)
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerow(["customer_id", "region", "full_name"])
    for number in range(6):
        name = f'Jo "the{delimiter}\n{number}" Ö' if number % 3 == 0 else f"Jo {number}"
        writer.writerow([f"c{number}", "North", name])
    return text.getvalue().encode()


CSV_CONTENTS = [
    csv_content(line_end=line_end, delimiter=delimiter, quoted=quoted)
    for line_end in ("\n", "\r\n")
    for delimiter in ",;|\t"
    for quoted in (False, True)
] + [
    csv_content(line_end=line_end, delimiter=",", quoted=False, note=f'"All, of 2024"{line_end}')
    for line_end in ("\n", "\r\n")
]


def records_python_reads(content: bytes, *, delimiter: str) -> int:
    """Count the records after the header that Python's csv module finds, without blank lines."""
    text = content.decode("utf-8-sig")
    for tried in (text, re.sub(' *" *', '"', text)):  # DuckDB allows blanks beside a quote
        reader = csv.reader(io.StringIO(tried, newline=""), delimiter=delimiter, strict=True)
        with suppress(csv.Error):
            return sum(1 for record in reader if record) - 1
    raise AssertionError("Python finds no records")


def relation_of(*, macros: Macros, table: str, files: list[Path]) -> str:
    """Return what the project selects from where these are the files of a table."""
    return macros.union_by_name(macros.file_groups(table, [str(file) for file in files]))[
        "relation"
    ]


def check_said(*, error: Exception, file: Path) -> None:
    """Check that what stops the build is said on one line, with the table and the file."""
    heading = "Runtime Error in model base_customers (models/staging/base/base_customers.sql)\n  "
    said = raw_data_problem(
        message=heading + str(error).replace("\n", "\n  "),
        folder=file.parent,
        tables=("customers",),
    )
    assert said is not None, error
    assert said.startswith(f"customers: {file}")
    assert len(said.splitlines()) == 1
    assert said.endswith(".")


def check_csv(*, macros: Macros, file: Path, content: bytes) -> None:
    """Check that a file is read whole or not at all."""
    file.write_bytes(content)
    try:
        relation = relation_of(macros=macros, table="customers", files=[file])
        found = len(macros.connection.execute(f"from {relation}").fetchall())
    except (CompilerError, duckdb.Error) as error:
        check_said(error=error, file=file)
        return
    delimiter = re.search(r"delim = '(.)'", relation)[1]
    above = int(re.search(r"skip = (\d+)", relation)[1])
    table = re.sub(rb"(?:[^\r\n]*(?:\r\n|\r|\n)){%d}" % above, b"", content, count=1)
    expected = records_python_reads(table, delimiter=delimiter)
    has_one_column = relation.count("varchar") == 1
    # where a record is one field, a blank line is one as well
    assert found == expected or (has_one_column and found > expected)


@pytest.fixture(scope="module")
def macros() -> Iterator[Macros]:
    """Give the project's macros, with a warehouse of their own."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        # a file that is written twice within a moment would be taken for the one before
        connection.execute("set enable_external_file_cache = false")
        yield Macros(connection=connection)


def check_damaged_csv(*, macros: Macros, file: Path, content: bytes, damages: list[Damage]) -> None:
    """Damage a CSV file and check how it is read."""
    for damage in damages:
        content = damage.apply(content)
    check_csv(macros=macros, file=file, content=content)


@pytest.mark.parametrize("content", CSV_CONTENTS)
def test_every_dialect_is_read_whole(content, macros, tmp_path):
    file = tmp_path / "customers.csv"
    file.write_bytes(content)
    relation = relation_of(macros=macros, table="customers", files=[file])
    found = macros.connection.execute(f"select customer_id, full_name from {relation}").fetchall()
    assert len(found) == 6
    assert found[1] == ("c1", "Jo 1")
    assert re.fullmatch('Jo "the.\n3" Ö', found[3][1])


def test_the_header_of_a_large_file_is_its_first_line(tmp_path):
    file = tmp_path / "customers.csv"
    with duckdb.connect(config={"threads": 4, "preserve_insertion_order": False}) as connection:
        rows = (
            "select 'c' || range as customer_id, repeat('x', 100) as full_name from range(800000)"
        )
        connection.execute(f"copy ({rows}) to '{file}' (header)")
        macros = Macros(connection=connection)
        for _ in range(5):
            (group,) = macros.file_groups("customers", [str(file)])
            assert list(group["types"]) == ["customer_id", "full_name"]


CSV_STRATEGIES = {"content": st.sampled_from(CSV_CONTENTS), "damages": DAMAGES}


def test_a_damaged_csv_file_is_read_whole_or_not_at_all(macros, tmp_path):
    file = tmp_path / "customers.csv"
    profile = settings(few, max_examples=200)
    try_examples(profile, check_damaged_csv, CSV_STRATEGIES, macros=macros, file=file)


@pytest.mark.nightly
def test_many_damaged_csv_files(macros, tmp_path):
    file = tmp_path / "customers.csv"
    profile = settings(many, max_examples=800)
    try_examples(profile, check_damaged_csv, CSV_STRATEGIES, macros=macros, file=file)


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
def test_a_header_that_duckdb_would_skip_all_rows_for_stops(line_end, macros, tmp_path):
    content = line_end.join(['"customer_id","region"x', "c1,North", ""]).encode()
    with pytest.raises(CompilerError, match="text beside a quoted name"):
        file = tmp_path / "customers.csv"
        file.write_bytes(content)
        relation_of(macros=macros, table="customers", files=[file])


@pytest.mark.parametrize(
    "note", ['"All\n', '"All\nof them"\n', "x\ncustomer_id,region\nc0,North\n"]
)
def test_a_header_below_other_lines_that_is_not_certain_stops(note, macros, tmp_path):
    file = tmp_path / "customers.csv"
    file.write_text(note + "customer_id,region\nc1,North\n")
    with pytest.raises(CompilerError, match=r"line 1 is no header; line \d looks like it\. Take"):
        relation_of(macros=macros, table="customers", files=[file])


def parquet_content(**options: object) -> bytes:
    """Write a few hundred customers as Parquet."""
    file = io.BytesIO()
    times = pa.array([number * 10**9 for number in range(PARQUET_ROWS)], pa.timestamp("us"))
    keys = [f"c{number}" for number in range(PARQUET_ROWS)]
    table = {"customer_id": keys, "region": ["North", "South"] * 100, "created_at": times}
    pq.write_table(pa.table(table), file, **options)
    return file.getvalue()


PARQUET_ROWS = 200
PARQUET_CONTENTS = [
    parquet_content(compression="snappy"),
    parquet_content(compression="zstd", row_group_size=50),
    parquet_content(compression="none", use_dictionary=False),
    parquet_content(compression="gzip", data_page_version="2.0"),
]


def check_parquet(*, macros: Macros, file: Path, content: bytes, damages: list[Damage]) -> None:
    """Damage a Parquet file and check that it is read whole, or that its damage is said."""
    for damage in damages:
        content = damage.apply(content)
    file.write_bytes(content)
    try:
        relation = relation_of(macros=macros, table="customers", files=[file])
        # not fetched: Python has no word for a time far beyond year 9999
        create = f"create or replace temp table found as from {relation}"
        (found,) = macros.connection.execute(create).fetchone()
    except (CompilerError, duckdb.Error):
        said = damaged_files(folder=file.parent, tables=("customers",))["customers"]
        assert said.startswith(f"customers: {file} is damaged (")
        assert len(said.splitlines()) == 1
    else:
        assert found == PARQUET_ROWS


PARQUET_STRATEGIES = {"content": st.sampled_from(PARQUET_CONTENTS), "damages": DAMAGES}


def test_a_damaged_parquet_file_is_read_whole_or_not_at_all(macros, tmp_path):
    file = tmp_path / "customers.parquet"
    profile = settings(few, max_examples=40)
    try_examples(profile, check_parquet, PARQUET_STRATEGIES, macros=macros, file=file)


@pytest.mark.nightly
def test_many_damaged_parquet_files(macros, tmp_path):
    file = tmp_path / "customers.parquet"
    profile = settings(many, max_examples=800)
    try_examples(profile, check_parquet, PARQUET_STRATEGIES, macros=macros, file=file)
