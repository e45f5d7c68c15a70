"""Whatever happens to a refresh on Spark, readers have a whole build, and the next run repairs."""

import time
from pathlib import Path

import pytest
from small_spark import ask, kill_executor, make_small, run, start, wait_for_java
from test_refresh import NUMBER_SEEN, POINTED, check_live, published_number

from python_helpers.publishing.builds import live_build
from python_helpers.publishing.records import read_records

pytestmark = [pytest.mark.spark, pytest.mark.faults]

REFRESH = ("refresh", "--engine", "spark")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish a build of the small project."""
    project = make_small(tmp_path_factory.mktemp("spark") / "small")
    refreshed(project, number=1)
    return project


def refreshed(project: Path, /, *, number: int) -> None:
    """Refresh, and check that file, pointer and views show it."""
    done = run(project, *REFRESH, NUMBER=number)
    assert done.returncode == 0, done.stderr[-3000:]
    kept = {path.name.lower() for path in (project / "published" / "builds").glob("[!.]*")}
    assert check_live(project, number=number) == {f"marts_{build}" for build in kept}


@pytest.mark.parametrize(
    ("moment", "in_file", "in_spark", "outcome"),
    [
        # nothing is published
        ("python_helpers.operate.refresh:audit", "before", "before", "failed"),
        ("python_helpers.publishing.writing:finish_build", "before", "before", "failed"),
        # the folder has turned, the pointer has not
        ("python_helpers.spark.publish:point_at", "new", "before", "published"),
        # the pointer has turned as well, the views have not
        ("python_helpers.spark.publish:show", "new", "new", "published"),
    ],
)
def test_a_run_that_is_killed_leaves_whole_builds_and_the_next_one_repairs(
    project, moment, in_file, in_spark, outcome
):
    before = live_build(publish_dir=project / "published").name
    numbers = {"before": published_number(project)}
    numbers["new"] = numbers["before"] + 1
    killed = run(project, *REFRESH, KILL_BEFORE=moment, NUMBER=numbers["new"])
    assert killed.returncode == -9
    wait_for_java(project)
    assert published_number(project) == numbers[in_file]
    newest = max((project / "spark" / "tables").glob("marts_*.db")).stem
    schemas = {"before": f"marts_{before.lower()}", "new": newest}
    pointed, viewed, rows = ask(
        project,
        POINTED,
        NUMBER_SEEN,
        f"select number, count(*) from {schemas[in_spark]}.fct_orders group by number",
    )
    assert pointed[0][1] == schemas[in_spark]
    assert rows == [[str(numbers[in_spark]), "1000"]]
    # the views are a convenience, and still show a whole build
    assert viewed == [[str(numbers["before"])]]
    if outcome == "published":  # it is the start of a run that repairs: this one fails
        assert run(project, *REFRESH, NUMBER=-1).returncode == 1
        check_live(project, number=numbers[in_file])
    refreshed(project, number=numbers["new"] + 1)
    records = read_records(publish_dir=project / "published")
    assert records[-3 if outcome == "published" else -2]["outcome"] == outcome


def test_a_run_that_is_killed_while_it_writes_marts_leaves_the_build_before(project):
    number = published_number(project)
    tables = project / "spark" / "tables"
    known = {*tables.glob("marts_*.db")}
    process = start(project, *REFRESH, NUMBER=number + 1, ROWS=30_000_000)
    while process.poll() is None:
        if any((new / "fct_orders").exists() for new in {*tables.glob("marts_*.db")} - known):
            break
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert process.returncode == -9
    wait_for_java(project)
    check_live(project, number=number)
    refreshed(project, number=number + 1)


def test_a_catalog_that_refuses_the_pointer_leaves_the_build_before(project):
    number = published_number(project)
    # somebody else has put a table where the pointer belongs
    before = ask(project, POINTED, "drop view marts.published_build")[0]
    ask(project, "create table marts.published_build (build_id string, schema_name string)")
    refused = run(project, *REFRESH, NUMBER=number + 1)
    assert refused.returncode == 3
    assert published_number(project) == number
    (build, schema) = before[0]
    ask(
        project,
        "drop table marts.published_build",
        f"create view marts.published_build as select '{build}' as build_id, "
        f"'{schema}' as schema_name",
    )
    refreshed(project, number=number + 1)


def test_a_lost_executor_does_not_spoil_a_build(tmp_path):
    project = make_small(tmp_path / "small", master="local-cluster[2,1,1024]")
    process = start(project, *REFRESH, NUMBER=1)
    killed = 0
    tables = project / "spark" / "tables"
    while process.poll() is None and killed < 2:
        # once while models are built, once while marts are
        if (tables / ("intermediate.db" if not killed else "marts_*.db")).exists() or (
            killed and any(tables.glob("marts_*.db"))
        ):
            killed += kill_executor(project)
        time.sleep(0.2)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors[-3000:]
    assert killed == 2
    check_live(project, number=1)
