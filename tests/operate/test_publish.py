"""Publishing: what readers get, that it switches in one instant, and what a failure leaves."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from python_helpers.core.errors import AuditError, PublishError
from python_helpers.core.folders import Places, find_folders
from python_helpers.core.locks import Lock
from python_helpers.core.log import Log
from python_helpers.core.settings import Choices, Resources, Settings, resolve_settings
from python_helpers.publishing import builds as published_module
from python_helpers.publishing import publish as publish_module
from python_helpers.publishing import writing as writing_module
from python_helpers.publishing.builds import (
    kept_builds,
    live_build,
    new_build_id,
    read_manifest,
    remove_old_builds,
)
from python_helpers.publishing.publish import close_marts
from python_helpers.publishing.records import append_record
from python_helpers.publishing.runs import Run
from python_helpers.publishing.writing import begun_build
from python_helpers.spark import publish as spark_module
from python_helpers.warehouse.build import Build

WAREHOUSE = """
    create schema intermediate;
    create table intermediate.int_run_settings as
        select date '2024-06-30' as as_of_date, 'EUR' as reporting_currency,
            null::integer as activity_window_days;
    create schema restricted;
    create table restricted.base_customers as select 'jane@example.com' as email;
    create schema marts;
    create table marts.fct_orders as select 'o1' as order_id, 1 as amount;
    create table marts.theirs as select 1 as a;
    create view marts.rpt_gone as select * from read_duckdb('{gone}', table_name = 'rpt_gone')
"""
MARTS = """
    create table fct_orders (order_id varchar not null, amount decimal(18, 2));
    insert into fct_orders select 'o' || (range * 7 % 1000), range from range(1000);
    comment on table fct_orders is 'One row per order. It''s "quoted".';
    comment on column fct_orders.amount is 'Unit: reporting currency.';
    create table dim_customers as select 'c1' as customer_id;
    comment on table dim_customers is 'One row per customer.';
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    project = tmp_path / "project"
    project.mkdir()
    (project / "dbt_project.yml").write_text("name: tiny\nversion: 1.2.3\n")
    with duckdb.connect(str(project / "warehouse.duckdb")) as connection:
        # a view is made of a file that is there
        gone = tmp_path / "gone.duckdb"
        connection.execute(f"attach '{gone}' as gone; create table gone.rpt_gone as select 1 as a")
        connection.execute(f"detach gone; {WAREHOUSE.format(gone=gone)}")
        gone.unlink()
    return resolve_settings(
        find_folders(Places(project_dir=project, publish_dir=tmp_path / "published")),
        resources=Resources(threads=2),
        choices=Choices(keep_builds=3),
    )


def publish(*, settings: Settings, build: Build, also: str = "") -> Path:
    """Publish in a run that begins when the build does; `also` is run in the file of the marts."""
    publish_dir = settings.publish_dir
    run = Run(
        id=new_build_id(publish_dir=publish_dir, time=build.started_at),
        command="lifecycle refresh",
        publish_dir=publish_dir,
        lock=Lock(descriptor=-1, details={}),
        log=Log(file=settings.log_file),
        facts={},
        started_at=build.started_at,
    )
    with begun_build(run=run, option="--publish-dir") as folder:
        settings = replace(settings, marts_file=folder / "marts.duckdb")
        with duckdb.connect(str(settings.marts_file)) as connection:
            connection.execute(MARTS + also)
        marts = close_marts(settings=settings, build=build)
        return publish_module.publish(settings=settings, build=build, run=run, marts=marts)


def a_build(*, minute: int = 0, marts: tuple[str, ...] = ("dim_customers", "fct_orders")) -> Build:
    return Build(
        started_at=datetime(2024, 7, 1, 6, minute, tzinfo=UTC),
        seconds=1.0,
        marts=marts,
        nodes={"models": 2},
    )


def query(database: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def query_in_new_process(database: Path, sql: str) -> str:
    """Read as a stranger would: in one process DuckDB opens a path only once."""
    program = (
        "import duckdb, sys; "
        "print(duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2]).fetchall())"
    )
    command = [sys.executable, "-c", program, str(database), sql]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("stem", ["warehouse", "marts", "intermediate", "published"])
def test_the_warehouse_shows_the_published_marts_whatever_it_is_called(settings, tmp_path, stem):
    settings = replace(settings, warehouse=settings.warehouse.rename(tmp_path / f"{stem}.duckdb"))
    publish(settings=settings, build=a_build(minute=0))
    publish(settings=settings, build=a_build(minute=1), also="delete from fct_orders")
    for mart, rows in (("fct_orders", 0), ("dim_customers", 1), ("theirs", 1)):
        relation = f"{stem}.marts.{mart}"
        assert query(settings.warehouse, f"select count(*) from {relation}") == [(rows,)]
    # what plain dbt built there is gone, and so is what no model builds any more
    kinds = "select table_name, table_type from information_schema.tables where table_schema = "
    assert sorted(query(settings.warehouse, f"{kinds} 'marts'")) == [
        ("dim_customers", "VIEW"),
        ("fct_orders", "VIEW"),
        ("theirs", "BASE TABLE"),
    ]


@pytest.mark.parametrize("folder", ["it's [1] or *", 'a "quoted" one'])
def test_the_warehouse_shows_marts_of_a_folder_called_anything(settings, tmp_path, folder):
    # what the name of the first means as a pattern
    other = replace(settings, publish_dir=tmp_path / "it's 1 or x")
    publish(settings=other, build=a_build(), also="delete from fct_orders")
    settings = replace(settings, publish_dir=tmp_path / folder)
    publish(settings=settings, build=a_build())
    assert query(settings.warehouse, "select count(*) from marts.fct_orders") == [(1000,)]


def test_marts_that_the_audit_refused_can_be_looked_at_until_the_next_run(settings):
    publish(settings=settings, build=a_build(minute=0))
    sql = "select count(*) from marts.fct_orders"
    with pytest.MonkeyPatch.context() as patched, pytest.raises(AuditError):

        def refuse(**_: object) -> None:
            raise AuditError("Refused.")

        patched.setattr(publish_module, "publish", refuse)
        publish(settings=settings, build=a_build(minute=1), also="delete from fct_orders")
    assert query(settings.warehouse, sql) == [(0,)]
    assert query(settings.publish_dir / "marts.duckdb", sql) == [(1000,)]
    publish(settings=settings, build=a_build(minute=2))
    assert query(settings.warehouse, sql) == [(1000,)]
    assert not list(settings.publish_dir.rglob(".incomplete-*"))


def test_a_query_is_spelt_as_in_the_warehouse(settings):
    publish(settings=settings, build=a_build())
    sql = "select count(*) from marts.fct_orders"
    assert query(settings.publish_dir / "marts.duckdb", sql) == query(settings.warehouse, sql)


def test_the_manifest_tells_the_truth_about_the_files(settings):
    published = publish(settings=settings, build=a_build())
    manifest = json.loads((settings.publish_dir / "manifest.json").read_text())
    assert manifest["build_id"] == published.name == "20240701T060000Z"
    assert manifest["as_of_date"] == "2024-06-30"
    assert manifest["reporting_currency"] == "EUR"
    assert manifest["raw_input"] == "sample"
    assert manifest["rows"] == {"dim_customers": 1, "fct_orders": 1000}
    assert manifest["versions"]["project"] == "1.2.3"
    files = {
        str(path.relative_to(published)): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in published.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert manifest["files"] == files
    assert set(files) == {"marts.duckdb"}


def test_published_files_are_read_only_and_have_no_write_ahead_log(settings):
    published = publish(settings=settings, build=a_build())
    files = [path for path in published.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o440}
    assert not list(settings.publish_dir.rglob("*.wal"))


def test_an_open_reader_keeps_its_build_and_a_new_one_gets_the_new_build(settings):
    publish(settings=settings, build=a_build(minute=0))
    database = settings.publish_dir / "marts.duckdb"
    sql = "select count(*) from marts.fct_orders"
    with duckdb.connect(str(database), read_only=True) as reader:
        assert reader.execute(sql).fetchall() == [(1000,)]
        fewer = "delete from fct_orders where amount < 10"
        publish(settings=settings, build=a_build(minute=1), also=fewer)
        assert reader.execute(sql).fetchall() == [(1000,)]
        assert query_in_new_process(database, sql) == "[(990,)]"
    rows = json.loads((settings.publish_dir / "manifest.json").read_text())["rows"]
    assert rows["fct_orders"] == 990


def test_the_published_folder_can_be_moved(settings, tmp_path):
    publish(settings=settings, build=a_build())
    moved = shutil.move(settings.publish_dir, tmp_path / "elsewhere")
    assert query(moved / "marts.duckdb", "select count(*) from marts.fct_orders") == [(1000,)]
    assert (moved / "manifest.json").is_file()


def test_the_last_builds_are_kept(settings):
    for minute in range(5):
        publish(settings=settings, build=a_build(minute=minute))
    names = [build.name for build in kept_builds(publish_dir=settings.publish_dir)]
    assert names == ["20240701T060400Z", "20240701T060300Z", "20240701T060200Z"]


def test_the_live_build_is_never_removed(settings):
    oldest = publish(settings=settings, build=a_build(minute=0))
    for minute in (1, 2):
        publish(settings=settings, build=a_build(minute=minute))
    published_module.make_live(build=oldest, publish_dir=settings.publish_dir)
    remove_old_builds(publish_dir=settings.publish_dir, keep=1)
    names = [build.name for build in kept_builds(publish_dir=settings.publish_dir)]
    assert names == ["20240701T060200Z", oldest.name]


def test_a_build_of_spark_that_left_the_folder_is_known_by_its_record(settings, monkeypatch):
    kept = publish(settings=settings, build=a_build(minute=1)).name
    gone, kept_in_spark = "20240630T060000Z", []
    monkeypatch.setattr(spark_module, "live_id", lambda **_: gone)
    monkeypatch.setattr(
        spark_module, "drop_schemas", lambda keep, **_: kept_in_spark.extend(sorted(keep))
    )
    folder = {"publish_dir": settings.publish_dir}
    with pytest.raises(PublishError, match="another folder publishes there"):
        spark_module.check_pointer(session=None, **folder)
    append_record(**folder, record={"id": gone, "build_id": gone, "outcome": "published"})
    spark_module.check_pointer(session=None, **folder)
    spark_module.drop_unkept(session=None, **folder)
    assert kept_in_spark == [gone, kept]


def test_two_builds_of_one_second_have_names_of_their_own(settings):
    first = publish(settings=settings, build=a_build())
    second = publish(settings=settings, build=a_build())
    assert [first.name, second.name] == ["20240701T060000Z", "20240701T060001Z"]
    assert live_build(publish_dir=settings.publish_dir) == second


class Killed(BaseException):
    """Ends a run where it is, as kill -9 does: nothing is cleaned up."""


@pytest.mark.parametrize(
    ("module", "step"),
    [
        (publish_module, "check_warehouse"),
        (publish_module, "show_marts"),
        (writing_module, "sha256"),
        (writing_module, "finish_build"),
        (writing_module, "make_live"),
        (published_module, "sync"),
    ],
)
def test_a_run_killed_at_any_step_leaves_the_live_build_and_the_next_run_cleans_up(
    settings, monkeypatch, module, step
):
    publish(settings=settings, build=a_build(minute=0))

    def kill(*args: object, **kwargs: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(module, step, kill)
        publish(settings=settings, build=a_build(minute=1))
    assert live_build(publish_dir=settings.publish_dir).name == "20240701T060000Z"
    database = settings.publish_dir / "marts.duckdb"
    assert query(database, "select count(*) from marts.fct_orders") == [(1000,)]

    publish(settings=settings, build=a_build(minute=2))
    assert live_build(publish_dir=settings.publish_dir).name == "20240701T060200Z"
    assert not list(settings.publish_dir.rglob(".incomplete-*"))


def test_leftovers_of_every_kind_are_removed(settings):
    builds = settings.publish_dir / "builds"
    (builds / ".incomplete-20240101T000000Z" / "spill").mkdir(parents=True)
    (settings.publish_dir / ".incomplete-current").symlink_to("builds/20240101T000000Z")
    published = publish(settings=settings, build=a_build())
    assert [path.name for path in builds.iterdir()] == [published.name]
    assert sorted(path.name for path in settings.publish_dir.iterdir()) == [
        "builds",
        "builds.jsonl",
        "current",
        "manifest.json",
        "marts.duckdb",
    ]


def test_a_write_ahead_log_left_behind_is_refused(settings, monkeypatch):
    first = publish(settings=settings, build=a_build(minute=0))

    def leave_a_log(connection: duckdb.DuckDBPyConnection, *error: object) -> None:
        """Close as a connection does that was killed: its log stays."""
        connection.close()
        for folder in (settings.publish_dir / "builds").glob(".incomplete-*"):
            (folder / "marts.duckdb.wal").touch()

    monkeypatch.setattr(duckdb.DuckDBPyConnection, "__exit__", leave_a_log)
    with pytest.raises(PublishError, match="write-ahead log"):
        publish(settings=settings, build=a_build(minute=1))
    assert live_build(publish_dir=settings.publish_dir) == first
    assert list((settings.publish_dir / "builds").iterdir()) == [first]


def test_a_mart_that_is_not_in_the_file_is_missed(settings):
    first = publish(settings=settings, build=a_build(minute=0))
    with pytest.raises(PublishError, match=r"did not write fct_gone to the file.*\+database"):
        publish(settings=settings, build=a_build(minute=1, marts=("fct_orders", "fct_gone")))
    assert live_build(publish_dir=settings.publish_dir) == first
    assert not list(settings.publish_dir.rglob(".incomplete-*"))


def test_a_folder_in_the_way_of_a_link_leaves_no_build_that_failed(settings):
    (settings.publish_dir / "manifest.json").mkdir(parents=True)
    with pytest.raises(PublishError, match="was not made by publishing"):
        publish(settings=settings, build=a_build())
    assert kept_builds(publish_dir=settings.publish_dir) == []


def test_a_file_of_someone_else_is_not_replaced(settings):
    settings.publish_dir.mkdir()
    theirs = settings.publish_dir / "marts.duckdb"
    theirs.write_text("theirs")
    with pytest.raises(PublishError, match="was not made by publishing"):
        publish(settings=settings, build=a_build())
    assert theirs.read_text() == "theirs"
    assert live_build(publish_dir=settings.publish_dir) is None


def test_a_build_without_marts_is_not_published(settings):
    with pytest.raises(PublishError, match="no marts"):
        publish(settings=settings, build=a_build(marts=()))


def test_a_warehouse_the_build_did_not_write_is_not_published(settings):
    later = Build(
        started_at=datetime.now(UTC) + timedelta(minutes=1),
        seconds=1.0,
        marts=("fct_orders",),
        nodes={},
    )
    with pytest.raises(PublishError, match="WAREHOUSE_PATH"):
        publish(settings=settings, build=later)


def test_every_kept_build_says_what_it_is(settings):
    publish(settings=settings, build=a_build(minute=0))
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "update intermediate.int_run_settings set as_of_date = date '2024-07-01'"
        )
    publish(settings=settings, build=a_build(minute=1))
    days = [
        read_manifest(build=build)["as_of_date"]
        for build in kept_builds(publish_dir=settings.publish_dir)
    ]
    assert days == ["2024-07-01", "2024-06-30"]
