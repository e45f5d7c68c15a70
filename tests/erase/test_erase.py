"""A person who is erased is found nowhere, comes back with no delivery, and changes no total."""

import hashlib
import json
import shutil
from pathlib import Path

import duckdb
import pytest
from lifecycle import VARIABLES, refresh_delivery, run
from search_everything import places_of

from python_helpers.core.disk import sha256
from python_helpers.core.log import Log
from python_helpers.delivery.erasures import read_erasures
from python_helpers.publishing.builds import check_files
from python_helpers.publishing.records import append_record, read_records

pytestmark = pytest.mark.long  # it builds the warehouse, and erases people from all of it

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
AS_OF = "2024-06-30"
ARGUMENTS = ("--as-of", AS_OF, "--reporting-currency", "EUR", "--skip-audit")


def write_delivery(folder: Path, /) -> Path:
    folder.mkdir(exist_ok=True)
    for table, rows in DELIVERY.items():
        (folder / f"{table}.csv").write_text("\n".join([HEADERS[table], *rows]) + "\n")
    return folder


def write_export(folder: Path, /, *, published: Path) -> None:
    """Write what an export of the live build is: files, a manifest, a link."""
    for file_format in ("parquet", "csv"):
        build = folder / "exports" / file_format / "builds" / "20240701T000000Z"
        build.mkdir(parents=True)
        with duckdb.connect(str(published / "marts.duckdb"), read_only=True) as connection:
            for (mart,) in connection.execute("select table_name from duckdb_tables()").fetchall():
                connection.execute(f"copy {mart} to '{build / mart}.{file_format}'")
        files = {
            path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in build.iterdir()
        }
        (build / "manifest.json").write_text(json.dumps({"files": files}))
        build.parents[1].joinpath("current").symlink_to(Path("builds", build.name))


def erase(folder: Path, /, *arguments: object):
    """Erase, in the folders of a delivery that was refreshed."""
    with pytest.MonkeyPatch.context() as patched:
        for variable in VARIABLES:
            patched.delenv(variable, raising=False)
        patched.setenv("DBT_TARGET_PATH", str(folder / "target"))
        patched.setenv("DBT_PROFILES_DIR", str(folder / "profiles"))
        return run(
            "erase",
            *("--warehouse", folder / "warehouse.duckdb"),
            *("--publish-dir", folder / "published"),
            *("--export-dir", folder / "exports"),
            *("--erasures-dir", folder / "erasures"),
            *arguments,
        )


def marts_of(published: Path, /, *, tombstone: str = "") -> dict[str, list[tuple]]:
    """Return the rows of every published mart, with the id in place of the tombstone."""
    found = {}
    with duckdb.connect(str(published / "marts.duckdb"), read_only=True) as connection:
        for (mart,) in connection.execute("select table_name from duckdb_tables()").fetchall():
            # the number of a rejected row follows from the order of the keys
            left_out = " exclude (reject_number)" if mart == "rejected_rows" else ""
            rows = connection.execute(f"select *{left_out} from {mart}").fetchall()
            text = [repr(row) for row in rows]
            found[mart] = sorted(row.replace(tombstone, ID) if tombstone else row for row in text)
    return found


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Refresh twice, let a run fail, export, document; erase; refresh again."""
    folder = tmp_path_factory.mktemp("erased")
    delivery = write_delivery(folder / "delivery")
    arguments = (*ARGUMENTS, "--erasures-dir", folder / "erasures")
    published = folder / "published"
    facts = {"folder": folder, "published": published}
    for _ in range(2):
        result = refresh_delivery(folder, *arguments)
        assert result.exit_code == 0, result.output
    damaged = shutil.copytree(delivery, folder / "damaged")
    with (damaged / "customers.csv").open("a") as file:
        file.write(f'{ID},2024-01-01,"{EMAIL}"{NAME},north\n')
    facts["failed"] = refresh_delivery(folder, *arguments, delivery=damaged)
    # what dbt may say of a row that stopped a build
    error = f"Constraint Error: {ID} ('{NAME}', {EMAIL}) is there twice."
    append_record(publish_dir=published, record={"id": "20240101T000000Z", "error": error})
    Log(file=folder / "target" / "logs" / "refresh.jsonl").write(event="failed", message=error)
    write_export(folder, published=published)
    facts["without"] = (delivery, damaged)
    facts["marts before"] = marts_of(published)
    facts["found before"] = places_of(PLANTED, folder=folder, without=facts["without"])
    facts["dry run"] = erase(folder, "--customer", ID, "--dry-run")
    facts["found after dry run"] = places_of(PLANTED, folder=folder, without=facts["without"])
    with duckdb.connect(str(published / "marts.duckdb"), read_only=True) as reader:
        facts["result"] = erase(folder, "--customer", ID, "--yes")
        facts["seen by who had it open"] = reader.execute(
            f"select count(*) from dim_customers where customer_id = '{ID}'"
        ).fetchone()
    (listed,) = read_erasures(folder=folder / "erasures")
    facts["tombstone"] = listed.tombstone_id
    facts["listed"] = listed
    facts["found after"] = places_of(PLANTED, folder=folder, without=facts["without"])
    facts["marts after"] = marts_of(published, tombstone=listed.tombstone_id)
    for build in (published / "builds").iterdir():
        check_files(build=build)
    facts["links"] = sorted(path.name for path in (published / "builds").iterdir())
    refreshed = refresh_delivery(folder, *arguments)
    assert refreshed.exit_code == 0, refreshed.output
    facts["found after refresh"] = places_of(PLANTED, folder=folder, without=facts["without"])
    facts["marts after refresh"] = marts_of(published, tombstone=listed.tombstone_id)
    return facts


# The proof


def test_the_search_finds_the_person_everywhere_before(erased):
    assert erased["failed"].exit_code == 4, erased["failed"].output
    files = {place for _, place in erased["found before"]}
    assert {value for value, _ in erased["found before"]} == set(PLANTED)
    for part in ("warehouse.duckdb", "published/builds/", "exports/parquet", "exports/csv"):
        assert any(part in file for file in files), files
    assert any(file.endswith("dbt.log") for file in files), files
    assert {"published/builds.jsonl", "target/logs/refresh.jsonl"} <= files


def test_the_search_finds_nothing_after(erased):
    assert erased["result"].exit_code == 0, erased["result"].output
    assert erased["found after"] == set()


def test_the_next_delivery_does_not_bring_the_person_back(erased):
    assert erased["found after refresh"] == set()


def test_every_row_of_every_mart_stays_but_for_the_id(erased):
    for when in ("marts after", "marts after refresh"):
        assert erased[when].keys() == erased["marts before"].keys()
        for mart, rows in erased["marts before"].items():
            # of a key that holds what is no day, that part goes as well
            left = sorted(row.replace(f"|{NAME}'", "|'") for row in rows)
            assert erased[when][mart] == left, (when, mart)


def test_who_has_the_file_open_notices_nothing(erased):
    assert erased["seen by who had it open"] == (1,)
    assert len(erased["links"]) == 2


def test_a_dry_run_says_where_and_changes_nothing(erased):
    assert erased["dry run"].exit_code == 0, erased["dry run"].output
    assert "restricted.base_customers  3 rows" in erased["dry run"].output
    assert "orders.csv  4 rows" in erased["dry run"].output
    assert erased["found after dry run"] == erased["found before"]


def test_the_record_says_how_many_and_not_who(erased):
    (record,) = [
        each
        for each in read_records(publish_dir=erased["published"])
        if each["outcome"] == "erased"
    ]
    assert record["erased_customers"] == 1
    assert record["rewritten_files"] > 3
    assert record["command"] == "lifecycle erase"
    assert ID not in erased["result"].output
    assert "customers.csv  3 rows" in erased["result"].output


def test_the_list_does_not_say_who(erased):
    folder = erased["folder"] / "erasures"
    key = (folder / "key").read_text()
    assert len(key) == 64
    assert erased["listed"].id_hash == hashlib.sha256((key + ID).encode()).hexdigest()
    assert erased["listed"].finished_at
    assert {oct(path.stat().st_mode & 0o777) for path in folder.glob("[!.]*")} == {"0o600"}
    assert not places_of([key], folder=erased["folder"], without=[folder])


# The warehouse after it


def test_a_build_after_it_reads_the_warehouse_that_was_written_anew(erased):
    warehouse = erased["folder"] / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        left = connection.execute(
            "select customer_id, email, full_name, region from restricted.base_customers "
            "where customer_id = $id and is_accepted",
            {"id": erased["tombstone"]},
        ).fetchall()
        (comments,) = connection.execute(
            "select count(*) from duckdb_columns() where comment is not null"
        ).fetchone()
    assert left == [(erased["tombstone"], "erased", "erased", "north")]
    assert comments > 500
    assert not list(erased["folder"].glob("*.wal"))
    assert not list(erased["folder"].glob("*.erasing"))
