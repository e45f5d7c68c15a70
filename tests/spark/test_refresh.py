"""A refresh on Spark builds, audits and publishes; what fails leaves the last build live."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from lifecycle import run as lifecycle
from small_spark import PROJECT, ask, build_with_dbt, make_small, run, start

from python_helpers.publishing.builds import live_build, read_manifest
from python_helpers.publishing.records import read_records

pytestmark = pytest.mark.spark

NUMBER_SEEN = "select distinct number from marts.fct_orders"
POINTED = "select build_id, schema_name from marts.published_build"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish two builds of the small project. The catalog names its folder: it is not copied."""
    project = make_small(tmp_path_factory.mktemp("spark") / "small")
    for number in (1, 2):
        done = run(project, "refresh", "--engine", "spark", NUMBER=number)
        assert done.returncode == 0, done.stderr[-3000:]
    return project


def published_number(project: Path, /) -> int:
    """Return the number in the published file."""
    with duckdb.connect(str(project / "published" / "marts.duckdb"), read_only=True) as connection:
        ((number,),) = connection.execute("select distinct number from fct_orders").fetchall()
    return number


def check_live(project: Path, /, *, number: int) -> set[str]:
    """Check that file, pointer and views show one build of this number; returns the schemas."""
    live = live_build(publish_dir=project / "published")
    schema = f"marts_{live.name.lower()}"
    pointed, schemas, through_view, in_schema, orders = ask(
        project,
        POINTED,
        "show schemas like 'marts_*'",
        NUMBER_SEEN,
        f"select number from {schema}.dim_customers",
        f"select count(*) from {schema}.fct_orders",
    )
    assert pointed == [[live.name, schema]]
    assert through_view == in_schema == [[str(number)]]
    assert orders == [["1000"]]
    assert published_number(project) == number
    return {name for (name,) in schemas}


def test_a_refresh_publishes_a_schema_a_pointer_views_and_the_small_marts(project):
    check_live(project, number=2)
    manifest = read_manifest(build=live_build(publish_dir=project / "published"))
    assert manifest["engine"] == "spark"
    assert manifest["rows"] == {"dim_customers": 1, "fct_orders": 1000}
    assert manifest["audit"]["expectations"]["passed"] == 1
    with duckdb.connect(str(project / "published" / "marts.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select sum(amount), any_value(ordered_at::text), any_value(typeof(amount)) "
            "from fct_orders"
        ).fetchone()
        described = connection.execute(
            "select comment from duckdb_columns() where column_name = 'number' and not is_nullable"
        ).fetchall()
    assert found == (Decimal("4995.00"), "2024-06-30 12:00:00.123456", "DECIMAL(18,2)")
    assert described == [("The build.",)]
    # a published table holds its rows: the next build rewrites what a view would read
    ((kind,),) = [
        [row[1] for row in rows if row[0] == "Type"]
        for rows in ask(project, f"describe extended {manifest['schema']}.fct_orders")
    ]
    assert kind == "MANAGED"
    status = lifecycle("status", "--publish-dir", project / "published", "--json")
    assert json.loads(status.stdout)["live"]["schema"] == manifest["schema"]


def test_what_fails_leaves_the_last_build_live_and_is_said_in_a_line(project):
    failed = run(project, "refresh", "--engine", "spark", NUMBER=-1)
    assert failed.returncode == 1
    assert "assert_the_number_is_right" in failed.stderr
    check_live(project, number=2)
    blocked = run(project, "refresh", "--engine", "spark", NUMBER=3, ROWS=900)
    assert blocked.returncode == 5
    assert "900 orders, 1,000 in the last build" in " ".join(blocked.stderr.split())
    check_live(project, number=2)
    # until the next run, people can look at what was refused, and audit it again
    again = run(project, "audit", "--engine", "spark")
    assert again.returncode == 5, again.stderr[-2000:]
    outcomes = [each["outcome"] for each in read_records(publish_dir=project / "published")]
    assert outcomes[-2:] == ["failed", "blocked"]


def test_a_rollback_moves_the_pointer_and_the_views(project):
    assert run(project, "rollback").returncode == 0
    check_live(project, number=1)
    newest = max(path.name for path in (project / "published" / "builds").iterdir())
    assert run(project, "rollback", "--to", newest).returncode == 0
    check_live(project, number=2)


def test_a_large_mart_is_in_spark_alone_and_old_builds_go(tmp_path):
    project = make_small(tmp_path / "small")
    for number in (1, 2):
        done = run(
            project,
            *("refresh", "--engine", "spark", "--file-rows", 500, "--keep-builds", 1),
            NUMBER=number,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert "fct_orders (1,000 rows)" in done.stderr
    live = live_build(publish_dir=project / "published")
    manifest = read_manifest(build=live)
    assert manifest["left_out"] == {"fct_orders": 1000}
    with duckdb.connect(str(live / "marts.duckdb"), read_only=True) as connection:
        assert connection.execute("show tables").fetchall() == [("dim_customers",)]
    schemas, seen = ask(project, "show schemas like 'marts_*'", NUMBER_SEEN)
    assert schemas == [[manifest["schema"]]]
    assert seen == [["2"]]


def test_a_second_refresh_is_told_of_the_first(project):
    first = start(project, "refresh", "--engine", "spark", NUMBER=2)
    try:
        while not (project / "published" / ".lock").read_text():
            assert first.poll() is None
        second = run(project, "refresh", "--engine", "spark", NUMBER=9)
        assert second.returncode == 6
        assert f"process {first.pid}" in second.stderr
    finally:
        _, errors = first.communicate(timeout=600)
    assert first.returncode == 0, errors[-3000:]
    check_live(project, number=2)


def test_another_folder_does_not_publish_to_the_same_catalog(project, tmp_path):
    other = run(
        project,
        *("refresh", "--engine", "spark", "--publish-dir", tmp_path / "published"),
        *("--warehouse", tmp_path / "warehouse.duckdb"),
        NUMBER=7,
    )
    assert other.returncode == 3
    assert "another folder publishes there" in " ".join(other.stderr.split())
    check_live(project, number=2)


def test_tables_of_a_plain_build_make_room_for_views(project):
    plain = build_with_dbt(project, NUMBER=8, ROWS=900)
    assert plain.returncode == 0, plain.stdout[-3000:]
    assert ask(project, NUMBER_SEEN) == [[["8"]]]
    # an audit asks of the tables that were built last, not of the published ones
    audited = run(project, "audit", "--engine", "spark")
    assert "900 orders, 1,000 in the last build" in " ".join(audited.stderr.split())
    assert run(project, "refresh", "--engine", "spark", NUMBER=2).returncode == 0
    check_live(project, number=2)


def test_the_files_of_a_table_that_the_catalog_does_not_know_make_room(project):
    ask(project, "drop table intermediate.int_numbers")
    left = project / "spark" / "tables" / "intermediate.db" / "int_numbers"
    left.mkdir()
    (left / "part-0.parquet").write_text("half of it")
    done = run(project, "refresh", "--engine", "spark", NUMBER=2)
    assert done.returncode == 0, done.stderr[-3000:]
    check_live(project, number=2)


def test_without_spark_one_sentence_says_what_to_install(tmp_path):
    project = make_small(tmp_path / "small")
    hidden = "import sys; sys.modules['pyspark'] = None; from python_helpers.cli.main import main"
    done = subprocess.run(
        [
            *(sys.executable, "-c", f"{hidden}; main()", "refresh", "--engine", "spark"),
            *("--project-dir", str(project)),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("Error: The engine spark needs dbt-spark")


def test_an_erasure_says_that_spark_is_not_for_it(project):
    done = run(project, "erase", "--customer", "c1", "--yes")
    assert done.returncode == 2
    assert "On Spark, take them out of the raw tables" in " ".join(done.stderr.split())
