"""Exports to Postgres: exact, all at once, with the rights of others, and no password anywhere."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from exporting import ask, postgres, publish_tables, server_of, tell
from hypothesis import given, settings
from hypothesis import strategies as st
from lifecycle import PROJECT, VARIABLES, run
from tiny_refresh import make_project

from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.export.postgres import checks as postgres_checks
from python_helpers.export.postgres import locks as postgres_locks
from python_helpers.export.postgres import write as export_postgres
from python_helpers.export.postgres.server import Schema, checked_address, secrets_in
from python_helpers.export.postgres.write import write_to_postgres
from python_helpers.publishing.builds import live_build, read_manifest
from python_helpers.publishing.reader import opened

pytestmark = pytest.mark.long  # each is an export to a server

PASSWORD = "planted+Pass/word"
ENCODED = "planted%2BPass%2Fword"
ORDERS = """
    create table fct_orders as select {number}::bigint as number, 'o' || range as order_id
    from range({rows});
    create table dim_customers as select {number}::bigint as number, 'ann' as customer_id;
    comment on table fct_orders is 'One row per order. It''s "quoted".';
    comment on column fct_orders.number is 'Unit: builds.';
"""


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def url(server: str) -> str:
    """Return the address of the server, whose database has no schema but public."""
    tell(server, "drop schema if exists marts cascade", "drop schema public cascade")
    tell(server, "drop publication if exists p")
    tell(server, "create schema public")
    return server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    publish_dir = make_project(tmp_path / "tiny")
    publish_tables(publish_dir, sql=ORDERS.format(number=1, rows=1000))
    return tmp_path / "tiny"


def export(project: Path, url: str | None, *arguments: object, code: int = 0) -> str:
    """Export to Postgres; returns what was said."""
    with pytest.MonkeyPatch.context() as patched:
        if url:
            patched.setenv("POSTGRES_URL", url)
        result = run("export", "--format", "postgres", "--project-dir", project, *arguments)
    assert result.exit_code == code, result.output
    return result.output


def numbers(url: str, /) -> set[int]:
    """Return the numbers of the builds whose rows are in the schema."""
    rows = ask(
        url, "select number from marts.fct_orders union select number from marts.dim_customers"
    )
    return {number for (number,) in rows}


def written(project: Path, /) -> str:
    """Return all that an export wrote down."""
    files = [*(project / "exports").rglob("*"), *(project / "target").rglob("*.jsonl")]
    return "\n".join(file.read_text() for file in files if file.is_file())


# What arrives


def test_tables_comments_and_a_record_of_them_arrive(project, url):
    said = export(project, url)
    assert "Exported 2 marts of build" in said
    assert ask(url, "select count(*), min(order_id) from marts.fct_orders") == [(1000, "o0")]
    build_id = live_build(publish_dir=project / "published").name
    record = "select mart, rows, build_id, as_of_date::text from marts.export_manifest order by 1"
    assert ask(url, record) == [
        ("dim_customers", 1, build_id, "2024-06-30"),
        ("fct_orders", 1000, build_id, "2024-06-30"),
    ]
    comments = (
        "select obj_description('marts.fct_orders'::regclass), "
        "col_description('marts.fct_orders'::regclass, 1)"
    )
    assert ask(url, comments) == [('One row per order. It\'s "quoted".', "Unit: builds.")]
    folder = live_build(publish_dir=project / "exports" / "postgres")
    manifest = read_manifest(build=folder)
    assert manifest["rows"] == {"dim_customers": 1, "fct_orders": 1000}
    assert manifest["postgres"]["schema"] == "marts"
    # rows; count, min, max and sum of two columns
    assert manifest["postgres"]["checks"] == {"dim_customers": 9, "fct_orders": 9}


TYPES = {
    "decimal(18, 2)": ("numeric(18,2)", "-9999999999999999.99", "0.01"),
    "decimal(18, 4)": ("numeric(18,4)", "10000.0001", "-0.0001"),
    "decimal(28, 8)": ("numeric(28,8)", "12345678901234567890.12345678", "-1.00000000"),
    "bigint": ("bigint", "9223372036854775807", "-9223372036854775808"),
    "integer": ("integer", "2147483647", "-2147483648"),
    "boolean": ("boolean", "true", "false"),
    "date": ("date", "0001-01-01", "9999-12-31"),
    "timestamp": (
        "timestamp without time zone",
        "1900-01-02 03:04:05.000001",
        "2024-01-01 00:00:00",
    ),
    "double": ("double precision", "0.1", "1e-300"),
    "varchar": ("text", 'a"b\\c\n', "中"),
}


def test_every_type_arrives_as_what_it_is_to_the_last_digit(project, url):
    columns = ", ".join(
        f"unnest(['{one}', '{other}', null])::{data_type} as c{number}"
        for number, (data_type, (_, one, other)) in enumerate(TYPES.items())
    )
    publish_tables(project / "published", sql=f"create table t as select {columns}")
    export(project, url)
    types = ask(
        url,
        "select format_type(atttypid, atttypmod) from pg_attribute "
        "where attrelid = 'marts.t'::regclass and attnum > 0 order by attnum",
    )
    assert [data_type for (data_type,) in types] == [expected for expected, *_ in TYPES.values()]
    texts = ", ".join(f"c{number}::text" for number in range(len(TYPES)))
    assert set(ask(url, f"select {texts} from marts.t")) == {
        tuple(one for _, one, _ in TYPES.values()),
        tuple(other for *_, other in TYPES.values()),
        tuple(None for _ in TYPES),
    }


@settings(max_examples=20, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.decimals(-(10**15), 10**15, places=2),
            st.none() | st.decimals(-(10**19), 10**19, places=8),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.floats(-1e300, 1e300),
            st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_any_value_arrives_as_it_is(server, rows, tmp_path_factory):
    publish_dir = tmp_path_factory.mktemp("any") / "published"
    database = publish_dir.parent / "rows.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "create table t (a decimal(18, 2), b decimal(28, 8), c bigint, d double, e varchar)"
        )
        connection.executemany("insert into t values (?, ?, ?, ?, ?)", rows)
    publish_tables(
        publish_dir, sql=f"attach '{database}' as r; create table t as from r.t; detach r"
    )
    facts = dict.fromkeys(
        ("build_id", "built_at", "as_of_date", "reporting_currency", "exported_at")
    )
    with opened(publish_dir=publish_dir, build_id=None) as source:
        write_to_postgres(
            source=source,
            marts=list(source.marts.values()),
            address=checked_address(url=server),
            schema="any_rows",
            facts=facts,
        )
    arrived = ask(server, "select a::text, b::text, c, d, e from any_rows.t")
    assert sorted(map(repr, arrived)) == sorted(
        repr((a if a is None else f"{a:.2f}", b if b is None else f"{b:.8f}", c, d, e))
        for a, b, c, d, e in rows
    )


@pytest.mark.parametrize(
    "change",
    [
        "delete from {table} where order_id = 'o7'",
        "update {table} set number = null where order_id = 'o7'",
        "update {table} set number = 3 where order_id = 'o7'",
        "update {table} set order_id = 'o70x' where order_id = 'o7'",
        "update {table} set order_id = 'zz' where order_id = 'o7'",
    ],
)
def test_what_did_not_arrive_as_it_was_sent_changes_nothing(project, url, monkeypatch, change):
    export(project, url)
    publish_tables(project / "published", sql=ORDERS.format(number=2, rows=1000))
    check = postgres_checks.check_table

    def damaged(**arguments: object) -> int:
        if arguments["mart"].name == "fct_orders":
            arguments["server"].execute(change.format(table=arguments["table"]))
        return check(**arguments)

    monkeypatch.setattr(export_postgres, "check_table", damaged)
    assert "fct_orders arrived in Postgres with another value" in export(project, url, code=3)
    assert numbers(url) == {1}


def test_a_nul_in_a_text_is_said_and_changes_nothing(project, url):
    export(project, url)
    publish_tables(project / "published", sql="create table t as select 'a' || chr(0) as b")
    assert "Postgres cannot store NUL characters" in export(project, url, code=3)
    assert numbers(url) == {1}


def test_a_type_without_a_like_is_said(project, url):
    publish_tables(project / "published", sql="create table t as select [1, 2] as b")
    assert "t has a column of type INTEGER[]" in export(project, url, code=3)


# Beside others


def test_what_is_not_exported_again_goes_and_what_others_put_there_stays(project, url):
    export(project, url)
    tell(url, "create table marts.theirs as select 1 as a")
    publish_tables(project / "published", sql="create table dim_customers as select 2 as number")
    export(project, url)
    tables = ask(url, "select tablename::text from pg_tables where schemaname = 'marts' order by 1")
    assert [table for (table,) in tables] == ["dim_customers", "export_manifest", "theirs"]


@pytest.mark.parametrize("table", ["fct_orders", "export_manifest", "dim_customers__new"])
def test_a_table_of_someone_else_is_not_replaced(project, url, table):
    tell(url, "create schema marts", f"create table marts.{table} as select 'theirs' as mart")
    said = export(project, url, code=3)
    assert f"marts.{table} in the database was not made by an export" in said
    assert ask(url, f"select mart from marts.{table}") == [("theirs",)]


@pytest.mark.parametrize(
    ("built", "named"),
    [
        (
            "create view public.v as select * from marts.fct_orders",
            "view public.v depends on table marts.fct_orders",
        ),
        ("create materialized view public.v as select * from marts.fct_orders", "view public.v"),
        (
            "create table public.child () inherits (marts.fct_orders)",
            "table public.child depends on",
        ),
        (
            "create function public.f() returns bigint begin atomic "
            "select count(*) from marts.fct_orders; end",
            "function public.f() depends on table marts.fct_orders",
        ),
        (
            "create function public.f(marts.fct_orders) returns int language sql as 'select 1'",
            "function public.f(marts.fct_orders) depends on type marts.fct_orders",
        ),
        (
            "create function public.f(marts.fct_orders[]) returns int language sql as 'select 1'",
            "function public.f(marts.fct_orders[]) depends on type marts.fct_orders[]",
        ),
        (
            "create table public.t (a int, o marts.fct_orders)",
            "column o of table public.t depends on type marts.fct_orders",
        ),
        (
            "create type public.pair as (o marts.dim_customers)",
            "column o of composite type public.pair depends on type marts.dim_customers",
        ),
        (
            "create domain public.d as marts.fct_orders",
            "type public.d depends on type marts.fct_orders",
        ),
        (
            "create publication p for table marts.fct_orders",
            "publication of table marts.fct_orders in publication p",
        ),
        (
            "create rule r as on insert to marts.fct_orders do also nothing",
            "rule r on table marts.fct_orders",
        ),
        (
            "create policy q on marts.fct_orders using (true)",
            "policy q on table marts.fct_orders",
        ),
    ],
)
def test_what_others_built_on_a_table_is_named_and_nothing_is_changed(project, url, built, named):
    export(project, url)
    tell(url, built)
    publish_tables(project / "published", sql=ORDERS.format(number=2, rows=10))
    assert named in export(project, url, code=3)
    assert numbers(url) == {1}


def test_a_trigger_and_a_key_on_a_table_are_named_and_nothing_is_changed(project, url):
    export(project, url)
    tell(
        url,
        "create function public.f() returns trigger language plpgsql as 'begin return new; end'",
        "create trigger t before insert on marts.fct_orders for each row "
        "execute function public.f()",
        "alter table marts.fct_orders add primary key (order_id)",
        "create table public.theirs (id text references marts.fct_orders (order_id))",
    )
    publish_tables(project / "published", sql=ORDERS.format(number=2, rows=10))
    said = export(project, url, code=3)
    assert "trigger t on table marts.fct_orders. Nothing was changed." in said
    # those the server makes for itself are nobody's
    assert "RI_ConstraintTrigger" not in said
    assert "Drop them during the export" in said
    tell(url, "drop trigger t on marts.fct_orders")
    said = export(project, url, code=3)
    assert "constraint theirs_id_fkey on table public.theirs depends on" in said
    assert "Drop them during the export" in said
    assert numbers(url) == {1}


def test_what_is_built_while_rows_are_sent_is_named_as_well(project, url, monkeypatch):
    export(project, url)
    publish_tables(project / "published", sql=ORDERS.format(number=2, rows=10))
    write_record = export_postgres.write_record

    def publish_meanwhile(**arguments: object) -> None:
        tell(url, "create publication p for table marts.fct_orders")
        write_record(**arguments)

    monkeypatch.setattr(export_postgres, "write_record", publish_meanwhile)
    assert "in publication p" in export(project, url, code=3)
    assert numbers(url) == {1}


def test_what_goes_with_the_old_tables_is_told(project, url):
    export(project, url)
    tell(
        url,
        "create index i on marts.fct_orders (number)",
        "alter table marts.fct_orders add primary key (order_id)",
        "alter table marts.dim_customers add foreign key (customer_id) "
        "references marts.fct_orders (order_id) not valid",
        "create statistics marts.s on number, order_id from marts.fct_orders",
    )
    said = " ".join(export(project, url).split())
    assert "Dropped with the old tables: " in said
    for lost in (
        "index marts.i",
        "constraint fct_orders_pkey on table marts.fct_orders",
        "constraint dim_customers_customer_id_fkey on table marts.dim_customers",
        "statistics object marts.s",
    ):
        assert lost in said
    assert "Dropped with" not in export(project, url)


def test_a_smaller_selection_says_what_it_drops_and_how_to_keep_it(project, url, monkeypatch):
    export(project, url)
    monkeypatch.setattr(
        "python_helpers.warehouse.selection.selected_models", lambda **_: {"dim_customers"}
    )
    said = " ".join(export(project, url, "--select", "dim_customers").split())
    assert "Dropped from schema marts, because they were not selected: fct_orders." in said
    assert "Use --schema to keep selections side by side." in said
    assert "Dropped" not in export(project, url, "--select", "dim_customers")


def test_what_the_server_says_is_not_cut_by_a_long_statement(project, url):
    with server_of(url) as server, pytest.raises(PublishError) as refused:
        server.execute(f"select {'1 + ' * 1000} 1 / 0")
    assert str(refused.value) == "Postgres: division by zero."


def test_row_security_is_not_lost(project, url):
    export(project, url)
    tell(url, "alter table marts.fct_orders enable row level security")
    assert "row security of table fct_orders" in export(project, url, code=3)


def test_rights_of_others_are_kept(project, url):
    export(project, url)
    tell(url, "drop role if exists reader", "drop role if exists partner")
    tell(
        url,
        "create role reader login",
        "create role partner",
        "grant usage on schema marts to reader",
        "grant select on marts.fct_orders to reader",
        "grant select (number) on marts.dim_customers to partner with grant option",
        "grant select on marts.export_manifest to public",
        "alter default privileges in schema marts grant select on tables to reader",
    )
    rights = (
        "select table_name::text, grantee::text, privilege_type::text, is_grantable::text "
        "from information_schema.table_privileges where table_schema = 'marts' "
        "and grantee <> 'postgres' order by 1, 2, 3"
    )
    assert ("export_manifest", "PUBLIC", "SELECT", "NO") in (before := ask(url, rights))
    publish_tables(project / "published", sql=ORDERS.format(number=2, rows=10))
    try:
        export(project, url)
        assert numbers(url.replace("postgres:@", "reader:@")) == {2}
        assert set(before) <= set(ask(url, rights))
        granted = (
            "select grantee::text, column_name::text, is_grantable::text "
            "from information_schema.column_privileges "
            "where table_name = 'dim_customers' and grantee = 'partner'"
        )
        assert ask(url, granted) == [("partner", "number", "YES")]
    finally:
        tell(url, "drop owned by reader", "drop owned by partner")
        tell(url, "drop role reader", "drop role partner")


READER = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from exporting import server_of
seen, reads, errors = set(), 0, []
while not Path(sys.argv[2]).exists():
    try:
        with server_of(sys.argv[1]) as server:
            found = {n for table in ("fct_orders", "dim_customers")
                     for n in server.query(f"select min(number), max(number) from marts.{table}")}
            reads += 1
            # two statements may see two builds, each of them whole
            assert all(low == high for low, high in found), found
            seen |= found
            found = server.query("select distinct number from marts.fct_orders union "
                                 "select distinct number from marts.dim_customers")
            assert len(found) == 1, found
    except Exception as error:
        errors.append(f"{type(error).__name__}: {error}")
print(reads, len(seen), errors)
"""


def test_readers_see_the_old_or_the_new_and_no_error_during_five_exports(project, url, tmp_path):
    export(project, url)
    tell(url, "drop role if exists reader", "create role reader login")
    tell(url, "grant usage on schema marts to reader")
    for table in ("fct_orders", "dim_customers"):
        tell(url, f"grant select on marts.{table} to reader")
    stop = tmp_path / "stop"
    here = PROJECT / "tests" / "support"
    arguments = [url.replace("postgres:@", "reader:@"), str(stop), str(here), str(PROJECT)]
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, *arguments], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    try:
        for number in range(2, 7):
            publish_tables(project / "published", sql=ORDERS.format(number=number, rows=20_000))
            export(project, url)
        time.sleep(0.5)
    finally:
        stop.touch()
        said = [reader.communicate()[0] for reader in readers]
        tell(url, "drop owned by reader", "drop role reader")
    for line in said:
        reads, builds, errors = line.split(maxsplit=2)
        assert errors.strip() == "[]"
        assert int(reads) > 5
        assert int(builds) > 1


def test_a_reader_in_a_long_transaction_goes_first_and_is_not_made_to_fail(project, url):
    export(project, url)
    publish_tables(project / "published", sql=ORDERS.format(number=2, rows=10))
    with server_of(url) as reader:
        reader.query("select count(*) from marts.fct_orders")
        exporting = threading.Thread(target=export, args=(project, url))
        exporting.start()
        # the export wants both tables: if it held one and waited for the other, this would be a
        # deadlock, of which after more than a second the reader would be the victim
        time.sleep(2.5)
        assert reader.query("select number from marts.dim_customers") == [(1,)]
        assert exporting.is_alive()
        assert reader.query("select max(number) from marts.fct_orders") == [(1,)]
        reader.commit()
        exporting.join(timeout=30)
    assert numbers(url) == {2}


def test_tables_that_are_read_without_a_pause_are_left(project, url, monkeypatch):
    export(project, url)
    monkeypatch.setattr(postgres_locks, "LOCK_TRIES", 0)
    with server_of(url) as reader:
        reader.query("select count(*) from marts.fct_orders")
        assert "are being read all the time" in export(project, url, code=3)


def test_a_second_export_to_the_schema_is_told_of_the_first(project, url):
    with server_of(url) as other:
        export_postgres.prepare(schema=Schema(server=other, name="marts"))
        ((pid, since),) = other.query(
            "select pg_backend_pid(), to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI')"
        )
        said = export(project, url, code=6)
        assert "The schema marts is locked by another export" in said
        assert f"(process {pid} of the server, user postgres, since {since}" in said
        export(project, url, "--schema", "other")
    tell(url, "drop schema other cascade")


def test_a_second_export_waits_for_the_first_as_long_as_it_is_told_to(project, url):
    with server_of(url) as other:
        export_postgres.prepare(schema=Schema(server=other, name="marts"))
        started = time.monotonic()
        assert "is locked by another export" in export(project, url, "--wait", 1.5, code=6)
        assert 1.5 <= time.monotonic() - started < 10
        threading.Timer(1, other.connection.rollback).start()
        export(project, url, "--wait", 30)
    assert numbers(url) == {1}


# Bad input, and secrets


@pytest.mark.parametrize(
    "schema", ['a"b', "a'b", "a; drop schema b", "a\nb", "A", "", "pg_catalog", "x" * 64, "a.b"]
)
def test_a_name_that_is_no_name_is_refused(project, url, schema):
    assert "Invalid schema" in export(project, url, "--schema", schema, code=2)


def test_no_address_is_one_line(project):
    assert "Set POSTGRES_URL to postgresql://" in export(project, None, code=2)


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("postgresql://u:{}@localhost:1/db", 3, "Is the server running"),
        ("postgresql://u@localhost:1/db?password={}", 3, "Is the server running"),
        ("postgresql://u:{}@no-such-host.invalid/db", 3, "Is the server running"),
        ("mysql://u:{}@localhost/db", 2, "Invalid POSTGRES_URL"),
        ("postgresql://u:{}@localhost:port/db", 2, "Invalid POSTGRES_URL"),
        ("postgresql://u:{}@x@localhost:1/db", 3, "Postgres: "),
        ("host=localhost password={}", 2, "Invalid POSTGRES_URL"),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("password", [PASSWORD, ENCODED])
def test_a_password_is_nowhere_whatever_fails(project, url, code, said, debug, password, capfd):
    arguments = ["--debug"] if debug else []
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("POSTGRES_URL", url.format(password))
        shown = subprocess.run(
            [
                *(sys.executable, "-m", "python_helpers", "export", "--format", "postgres"),
                *("--project-dir", str(project), *arguments),
            ],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
    if not debug:
        assert "Traceback" not in shown.stderr
    everything = shown.stdout + shown.stderr + written(project)
    for secret in (PASSWORD, ENCODED, "planted", "Pass/word"):
        assert secret not in everything
    if not debug and password == ENCODED:
        assert shown.returncode == code, shown.stderr
        assert said in shown.stderr


def test_a_password_that_is_refused_is_nowhere_and_neither_is_one_that_is_taken(project, url):
    tell(url, "drop role if exists etl", f"create role etl login password '{PASSWORD}'")
    tell(url, "grant create on database postgres to etl")
    (folder,) = ask(url, "select current_setting('data_directory')")[0]
    rules = Path(folder) / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all etl scram-sha-256\n{before}")
    tell(url, "select pg_reload_conf()")
    time.sleep(0.5)
    try:
        wrong = url.replace("postgres:@", "etl:planted-and-wrong@")
        said = export(project, wrong, code=3)
        assert "password authentication failed" in said
        assert "Correct the user and password in POSTGRES_URL" in said
        export(project, url.replace("postgres:@", f"etl:{ENCODED}@"))
        everything = said + written(project)
        for secret in (PASSWORD, ENCODED, "planted"):
            assert secret not in everything
    finally:
        rules.write_text(before)
        tell(url, "select pg_reload_conf()", "drop owned by etl cascade", "drop role etl")


def test_secrets_of_an_address_are_found_however_they_are_written():
    assert {"p%40ss", "p@ss"} <= set(secrets_in(url="postgresql://u:p%40ss@h/d"))
    assert {"one@two", "one", "two"} <= set(secrets_in(url="postgres://u:one@two@h/d"))
    assert {"a b", "a%20b"} <= set(secrets_in(url="postgres://h/d?x=1&password=a%20b"))
    with pytest.raises(SettingsError) as refused:
        checked_address(url="postgresql://u:planted@h:port/d")
    assert "planted" not in str(refused.value)


def test_a_role_that_may_not_create_a_schema_is_told_so(project, url):
    tell(url, "drop role if exists nobody", "create role nobody login")
    try:
        said = export(project, url.replace("postgres:@", "nobody:@"), code=3)
    finally:
        tell(url, "drop role nobody")
    assert "permission denied" in said
    assert "Grant that right to the user of POSTGRES_URL." in said


def test_a_mart_that_cannot_be_written_leaves_the_schema_that_was(project, url, monkeypatch):
    export(project, url)
    publish_tables(project / "published", sql=ORDERS.format(number=2, rows=10))

    def fail(**_: object) -> None:
        raise PublishError("no")

    monkeypatch.setattr(export_postgres, "swap", fail)
    export(project, url, code=3)
    assert numbers(url) == {1}
    monkeypatch.undo()
    export(project, url)
    assert numbers(url) == {2}
