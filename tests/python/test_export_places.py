"""What was written to Postgres is known until it is replaced, whatever is left of the exports."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from exporting import ask, postgres, publish_tables, tell
from tiny_refresh import environment, make_project, run_tiny

from python_helpers.erasures import unfinished

NUMBERS = """
    create table fct_orders as select {number} as number, 'c' || range as customer_id from range(9);
    create table dim_customers as select {number} as number;
"""
DIES = """
import os, sys
sys.path[:0] = sys.argv[1:3]
from python_helpers import cli
from python_helpers.postgres_server import Server
commit = Server.commit
def die(server):
    if sys.argv[3] == "after":
        commit(server)
    os.kill(os.getpid(), 9)
Server.commit = die
cli.main(sys.argv[4:])
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def url(server: str) -> str:
    """Return the address of the server, whose database has no schema but public."""
    tell(server, *(f"drop schema if exists {schema} cascade" for schema in ("marts", "other")))
    return server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    publish_tables(make_project(tmp_path / "tiny"), sql=NUMBERS.format(number=1))
    return tmp_path / "tiny"


def export(project: Path, url: str, *arguments: object) -> None:
    result = run_tiny(project, "export", "--format", "postgres", *arguments, POSTGRES_URL=url)
    assert result.returncode == 0, result.stderr


def erase(project: Path, /, **variables: object) -> subprocess.CompletedProcess[str]:
    return run_tiny(project, "erase", "--customer", "c1", "--yes", **variables)


def lines(project: Path, /) -> list[dict]:
    """Return what was written down of the places."""
    text = (project / "exports" / "postgres" / "places.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_place_is_known_after_its_manifest_is_gone(project, url):
    export(project, url, "--schema", "other")
    for _ in range(2):
        export(project, url, "--keep-exports", 1)
    assert "other" not in "".join(
        path.read_text() for path in (project / "exports").rglob("manifest.json")
    )
    result = erase(project)
    assert result.returncode == 3
    assert "schema marts of postgres on" in result.stderr
    assert "schema other of postgres on" in result.stderr
    assert unfinished(folder=project / "erasures") == 1


def test_exports_from_before_there_was_a_list_are_on_it(project, url):
    export(project, url, "--schema", "other")
    (project / "exports" / "postgres" / "places.jsonl").unlink()
    assert "schema other of postgres on" in erase(project).stderr
    export(project, url)
    assert [line["schema"] for line in lines(project)] == ["other", "marts", "marts"]
    # one that is no more is taken out by hand
    file = project / "exports" / "postgres" / "places.jsonl"
    file.write_text("\n".join(file.read_text().splitlines()[1:]) + "\n")
    result = erase(project)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_that_dies_at_the_commit_is_one_that_may_have_written(project, url, moment):
    here = Path(__file__).parent
    died = subprocess.run(
        [
            *(sys.executable, "-c", DIES, str(here.parents[1]), str(here), moment),
            *("export", "--format", "postgres", "--project-dir", str(project)),
        ],
        env=environment(POSTGRES_URL=url),
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    assert not list((project / "exports").rglob("builds/2*"))
    there = ask(url, "select count(*) from pg_tables where schemaname = 'marts'")
    assert there == [(3 if moment == "after" else 0,)]
    assert [line["state"] for line in lines(project)] == ["about to"]
    result = erase(project)
    assert result.returncode == 3
    assert "schema marts of postgres on" in result.stderr


def test_what_was_refused_by_the_server_is_no_place(project, url):
    tell(url, "create schema marts", "create table marts.fct_orders as select 1 as a")
    result = run_tiny(project, "export", "--format", "postgres", POSTGRES_URL=url)
    assert result.returncode == 3
    assert erase(project).returncode == 0
