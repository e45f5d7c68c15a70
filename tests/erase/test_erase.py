"""A customer who is erased is found nowhere, comes back with no delivery, and changes no total."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from lifecycle import VARIABLES, refresh_delivery, run
from search_everything import places_of

from python_helpers.core.log import Log
from python_helpers.delivery.erasures import read_erasures
from python_helpers.publishing.builds import check_files, kept_builds
from python_helpers.publishing.records import append_record, read_records

pytestmark = pytest.mark.long  # it builds the warehouse four times

ID = "PLANTED-4711"
NAME = "Zelda Quixplanted"
EMAIL = "zelda.q@planted.example"
COMMENT = "Zyzzyva planted, said Zelda's aunt"
PLANTED = (ID, NAME, EMAIL, COMMENT)

DELIVERY = {
    "customers": [
        f"{ID},2024-01-01,{EMAIL},{NAME},north",
        # a version that is rejected and one that is not the latest
        f"{ID},not a day,{EMAIL},{NAME},north",
        f"{ID},2023-12-01,{EMAIL},{NAME},south",
        "PLANTED-47,2024-01-01,ann@x.example,Ann,north",
        "P-47112,2024-01-01,,Ann,south",
    ],
    "orders": [
        f"o1,{ID},2024-01-05 10:00:00,50,completed",
        f"o2,{ID},2024-02-05 10:00:00,70,completed",
        f"o3,{ID},2024-02-06 10:00:00,x,completed",
        f"o4,{ID},2024-02-06 10:00:00,5,{NAME}",
        "o5,PLANTED-47,2024-01-05 10:00:00,50,completed",
        "o6,c1,2024-06-05 10:00:00,10,completed",
    ],
    "survey_responses": [
        f's1,{ID},nps,2024-02-01,9,"{COMMENT}"',
        f's2,{ID},nps,2024-02-02,99,"{COMMENT}"',
        "s3,PLANTED-47,nps,2024-02-01,3,Ann",
    ],
    "campaign_members": [f"k1,{ID},2024-01-01", f"k2,{ID},never", "k1,PLANTED-47,2024-01-01"],
    "loyalty_memberships": [f"{ID},gold,2024-01-01", f"{ID},gold,{NAME}"],
    "engagement_events": [f"e1,{ID},2024-01-03,site_visit"],
    "usage_readings": [f"a1,{ID},2024-01-03,7"],
    "subscriptions": [f"p1,{ID},2024-01-01,20", f"p2,{ID},2024-01-01,x"],
}
HEADERS = {
    "customers": "customer_id,created_at,email,full_name,region",
    "orders": "order_id,customer_id,ordered_at,amount,status",
    "survey_responses": "response_id,customer_id,survey_type,responded_at,score,comment",
    "campaign_members": "campaign_id,customer_id,assigned_at",
    "loyalty_memberships": "customer_id,programme,joined_at",
    "engagement_events": "event_id,customer_id,occurred_at,event_type",
    "usage_readings": "asset_id,customer_id,read_at,reading",
    "subscriptions": "subscription_id,customer_id,started_at,amount",
}
ARGUMENTS = ("--as-of", "2024-06-30", "--reporting-currency", "EUR", "--skip-audit")
OLD_BUILD = "20240102T030405Z"
# what customers wrote is published, so that it must go from more than the warehouse
PUBLISHED = {"publish_verbatims": True}


def write_delivery(folder: Path, /) -> Path:
    folder.mkdir()
    for table, rows in DELIVERY.items():
        (folder / f"{table}.csv").write_text("\n".join([HEADERS[table], *rows]) + "\n")
    return folder


def command(name: str, folder: Path, /, *arguments: object):
    """Run a command in the folders of a delivery that was refreshed."""
    with pytest.MonkeyPatch.context() as patched:
        for variable in VARIABLES:
            patched.delenv(variable, raising=False)
        patched.setenv("WAREHOUSE_PATH", str(folder / "warehouse.duckdb"))
        patched.setenv("PUBLISH_DIR", str(folder / "published"))
        patched.setenv("EXPORT_DIR", str(folder / "exports"))
        patched.setenv("ERASURES_DIR", str(folder / "erasures"))
        patched.setenv("DBT_TARGET_PATH", str(folder / "target"))
        patched.setenv("DBT_PROFILES_DIR", str(folder / "profiles"))
        return run(name, *arguments)


def erase(folder: Path, /, *arguments: object):
    options = ("--skip-audit", "--vars", json.dumps(PUBLISHED))
    return command("erase", folder, "--customer", ID, *options, *arguments)


def rows_of(build: Path, /, *, tombstone: str = "") -> dict[str, list[str]]:
    """Return the rows of every mart of a build, with the id in place of the tombstone."""
    found = {}
    with duckdb.connect(str(build / "marts.duckdb"), read_only=True) as connection:
        for (mart,) in connection.execute("select table_name from duckdb_tables()").fetchall():
            # the number of a rejected row follows from the order of the keys
            left_out = " exclude (reject_number)" if mart == "rejected_rows" else ""
            rows = map(repr, connection.execute(f"select *{left_out} from {mart}").fetchall())
            found[mart] = sorted(row.replace(tombstone, ID) if tombstone else row for row in rows)
    return found


READER = f"""
import sys, duckdb
marts = duckdb.connect(sys.argv[1], read_only=True)
marts.execute("select count(*) from fct_orders").fetchone()
print("open", flush=True)
input()
print(*marts.execute("select count(*) from dim_customers where customer_id = '{ID}'").fetchone())
"""


@contextmanager
def reading(database: Path, /) -> Iterator[subprocess.Popen[str]]:
    """Open a database in another process, which counts the customer when it is told to."""
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "open\n"
        yield process


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Refresh, keep an older build, export, document, fail; returns the folder of all that."""
    folder = tmp_path_factory.mktemp("refreshed")
    write_delivery(folder / "delivery")
    arguments = (*ARGUMENTS, "--erasures-dir", folder / "erasures")
    result = refresh_delivery(folder, *arguments, dbt_vars=PUBLISHED)
    assert result.exit_code == 0, result.output
    published = folder / "published"
    shutil.copytree((published / "current").resolve(), published / "builds" / OLD_BUILD)
    for wanted in ("csv", "parquet", "xlsx", "csv --select dim_customers --with-identifiers"):
        result = command("export", folder, "--format", *wanted.split())
        assert result.exit_code == 0, result.output
    # what dbt may say of a row that stopped a build
    error = f"Constraint Error: {ID} ('{NAME}', {EMAIL}) is there twice."
    append_record(publish_dir=published, record={"id": "20240101T000000Z", "error": error})
    Log(file=folder / "target" / "logs" / "refresh.jsonl").write(event="failed", message=error)
    (folder / "target" / "logs" / "dbt.log").open("a").write(f"{error} {COMMENT}\n")
    return folder


@pytest.fixture(scope="module")
def erased(refreshed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Erase, then refresh from the same delivery."""
    folder = tmp_path_factory.mktemp("erased") / "folder"
    shutil.copytree(refreshed, folder, symlinks=True)
    published, delivery = folder / "published", folder / "delivery"
    live = (published / "current").resolve() / "manifest.json"
    live.chmod(0o644)
    live.write_text(live.read_text().replace(str(refreshed), str(folder)))
    facts: dict[str, object] = {"folder": folder, "published": published}

    def look(when: str, /) -> None:
        facts[f"found {when}"] = places_of(PLANTED, folder=folder, without=[delivery])
        listed = read_erasures(folder=folder / "erasures")
        tombstone = listed[0].tombstone_id if listed else ""
        facts[f"marts {when}"] = rows_of(published / "current", tombstone=tombstone)
        facts["tombstone"], facts["listed"] = tombstone, listed

    look("before")
    facts["dry run"] = erase(folder, "--dry-run")
    with reading(published / "marts.duckdb") as reader:
        facts["result"] = erase(folder, "--yes")
        facts["seen by a reader"], _ = reader.communicate("now\n")
    look("after")
    builds = kept_builds(publish_dir=published)
    assert len(builds) == 3
    for build in builds:
        check_files(build=build)
    facts["marts of the old build"] = rows_of(
        published / "builds" / OLD_BUILD, tombstone=str(facts["tombstone"])
    )
    refresh = refresh_delivery(
        folder, *ARGUMENTS, "--erasures-dir", folder / "erasures", dbt_vars=PUBLISHED
    )
    assert refresh.exit_code == 0, refresh.output
    look("after a refresh")
    return facts


def test_the_search_finds_the_customer_everywhere_before(erased):
    assert {value for value, _ in erased["found before"]} == set(PLANTED)
    files = {re.sub(r"\d{8}T\d{6}Z", "*", place) for _, place in erased["found before"]}
    assert files >= {
        "warehouse.duckdb",
        "published/builds/*/marts.duckdb",
        "published/builds.jsonl",
        "exports/csv/builds/*/dim_customers.csv",
        "exports/csv/builds/*/fct_survey_verbatims.csv",
        # in no export with identifiers: a row of theirs was rejected, so nobody contacts them
        "exports/parquet/builds/*/dim_customers.parquet",
        "exports/xlsx/builds/*/marts.xlsx",
        "target/logs/refresh.jsonl",
        "target/logs/dbt.log",
    }


def test_the_search_finds_nothing_after_and_no_delivery_brings_the_customer_back(erased):
    assert erased["result"].exit_code == 0, erased["result"].output
    assert erased["found after"] == set()
    assert erased["found after a refresh"] == set()


def test_every_row_of_every_mart_stays_but_for_the_id(erased):
    for when in ("after", "after a refresh"):
        assert erased[f"marts {when}"].keys() == erased["marts before"].keys()
        for mart, rows in erased["marts before"].items():
            # of a key that holds what is no day, that part goes as well, and so does a comment
            left = sorted(
                row.replace(f"|{NAME}'", "|'").replace(repr(COMMENT), "'erased'") for row in rows
            )
            if mart not in ("rpt_restatements", "dim_build"):  # which is of another build
                assert erased[f"marts {when}"][mart] == left, (when, mart)


def test_a_kept_build_keeps_its_rows_and_its_comments(erased):
    for mart, rows in erased["marts before"].items():
        left = erased["marts of the old build"][mart]
        if mart == "rejected_rows":
            # the keys of rejected rows of customers are not kept
            of_people = r"^\('(customers|campaign_members|loyalty_memberships)', [^,]*,"
            rows = [re.sub(of_people, r"('\1', 'erased',", row) for row in rows]
        rows = [row.replace(repr(COMMENT), "'erased'") for row in rows]
        assert left == sorted(rows), mart
    old = erased["published"] / "builds" / OLD_BUILD / "marts.duckdb"
    with duckdb.connect(str(old), read_only=True) as connection:
        (comments,) = connection.execute(
            "select count(*) from duckdb_columns() where comment is not null"
        ).fetchone()
    assert comments > 400


def test_a_reader_who_has_the_file_open_notices_nothing(erased):
    assert erased["seen by a reader"] == "1\n"


def test_the_command_says_where_and_not_who(erased):
    assert erased["dry run"].exit_code == 0, erased["dry run"].output
    assert "restricted.base_customers (3 rows)" in erased["dry run"].output
    for result in (erased["dry run"], erased["result"]):
        assert f"{erased['folder'] / 'delivery' / 'orders.csv'} (4 rows)" in result.output
        assert not [word for word in PLANTED if word in result.output]
    records = [
        each
        for each in read_records(publish_dir=erased["published"])
        if each["command"] == "lifecycle erase"
    ]
    assert [each["outcome"] for each in records] == ["published", "erased"]
    assert {each["erased_customers"] for each in records} == {1}
    assert records[1]["rewritten_files"] == 9


def test_the_list_does_not_say_who(erased):
    folder = erased["folder"] / "erasures"
    key = (folder / "key").read_text()
    (listed,) = erased["listed"]
    assert len(key) == 64
    assert listed.id_hash == hashlib.sha256((key + ID).encode()).hexdigest()
    assert listed.finished_at
    assert {oct(path.stat().st_mode & 0o777) for path in folder.glob("[!.]*")} == {"0o600"}
    assert not places_of([key], folder=erased["folder"], without=[folder])


@pytest.fixture
def tables(refreshed: Path, tmp_path: Path) -> Iterator[Path]:
    """Return a folder whose delivery was loaded into schema raw, beside an analyst's schema."""
    folder = tmp_path / "folder"
    shutil.copytree(refreshed, folder, symlinks=True)
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("create schema raw; create schema analyst")
        for table in DELIVERY:
            file = folder / "delivery" / f"{table}.csv"
            connection.execute(
                f"create table raw.{table} as from read_csv('{file}', all_varchar=1)"
            )
        connection.execute(
            "create table analyst.goals (region varchar primary key, goal int); "
            "insert into analyst.goals values ('north', 5); "
            "create view analyst.customers as select * from marts.dim_customers"
        )
    shutil.rmtree(folder / "delivery")
    yield folder


@pytest.mark.nightly
def test_with_raw_tables_their_rows_are_named_until_they_are_gone(tables):
    arguments = ("--yes", "--raw-input", "tables")
    result = erase(tables, *arguments)
    assert result.exit_code == 8, result.output
    counted = {"customers": "3 rows", "orders": "4 rows", "engagement_events": "1 row"}
    for table, rows in counted.items():
        assert f"raw.{table} ({rows})" in result.output
    assert "analyst.customers" not in result.output
    places = {place for _, place in places_of(PLANTED, folder=tables)}
    assert places == {"warehouse.duckdb"}
    with duckdb.connect(str(tables / "warehouse.duckdb")) as connection:
        for table in DELIVERY:
            connection.execute(f"delete from raw.{table} where customer_id = '{ID}'")
    result = erase(tables, *arguments)
    assert result.exit_code == 0, result.output
    assert not places_of(PLANTED, folder=tables)
    with duckdb.connect(str(tables / "warehouse.duckdb")) as connection:
        assert connection.execute("from analyst.goals").fetchall() == [("north", 5)]
        assert connection.execute("select count(*) from analyst.customers").fetchone() > (1,)
        with pytest.raises(duckdb.ConstraintException):
            connection.execute("insert into analyst.goals values ('north', 6)")
    assert json.loads((tables / "published" / "manifest.json").read_text())["raw_input"] == "tables"
