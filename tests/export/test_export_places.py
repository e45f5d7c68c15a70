"""What was written to Postgres is known until it is replaced, whatever is left of the exports."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from exporting import ask, postgres, publish_tables, tell
from lifecycle import PROJECT
from tiny_refresh import environment, make_project, run_tiny

from python_helpers.delivery.erasures import unfinished

pytestmark = pytest.mark.long  # each is an export to a server

NUMBERS = """
    create table fct_orders as select {number} as number, 'c' || range as customer_id from range(9);
    create table dim_customers as select {number} as number;
"""
DIES = """
import os, sys
sys.path[:0] = sys.argv[1:3]
from python_helpers.cli import main as cli
from python_helpers.export.postgres.server import Server

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
    return run_tiny(project, "erase", "--customer", "c1", "--yes", NUMBER=1, ROWS=9, **variables)


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


def test_a_place_that_no_longer_exists_is_removed_by_hand(project, url):
    export(project, url, "--schema", "other")
    file = project / "exports" / "postgres" / "places.jsonl"
    assert "schema other of postgres on" in erase(project).stderr
    file.write_text("")
    result = erase(project)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_that_dies_at_the_commit_is_one_that_may_have_written(project, url, moment):
    here = PROJECT / "tests" / "support"
    died = subprocess.run(
        [
            *(sys.executable, "-c", DIES, str(PROJECT), str(here), moment),
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


def test_an_erasure_exports_again_to_every_place_its_address_leads_to(project, url):
    export(project, url)
    export(project, url, "--schema", "other", "--keep-exports", 1)
    people = (
        "select customer_id from marts.fct_orders union all "
        "select customer_id from other.fct_orders"
    )
    assert ask(url, people).count(("c1",)) == 2
    secret = url.replace("postgres:@", "postgres:planted%2Fword@")
    result = erase(project, POSTGRES_URL=secret)
    assert result.returncode == 0, result.stderr
    assert "schema other of postgres" not in result.stderr
    ids = ask(url, people)
    assert len(ids) == 18
    assert ("c1",) not in ids
    assert unfinished(folder=project / "erasures") == 0
    written = [path for path in project.rglob("*") if path.is_file() and path.suffix != ".duckdb"]
    said = result.stdout + result.stderr + "".join(path.read_text() for path in written)
    for word in ("planted%2Fword", "planted/word", "planted"):
        assert word not in said
    # nothing is left to do, and nothing is done
    before = ask(url, "select exported_at from marts.export_manifest")
    assert erase(project).returncode == 0
    assert ask(url, "select exported_at from marts.export_manifest") == before


def test_an_erasure_exports_no_mart_that_was_not_there(project, url):
    file = project / "exports" / "postgres" / "places.jsonl"
    export(project, url)
    for old, new in (('"marts": ["dim_customers", ', '"marts": ["gone", '),):
        file.write_text(file.read_text().replace(old, new))
    result = erase(project, POSTGRES_URL=url)
    assert result.returncode == 0, result.stderr
    assert ask(url, "select mart from marts.export_manifest") == [("fct_orders",)]


@pytest.mark.parametrize("reached", ["another server", "another database", "a server that is off"])
def test_a_place_the_address_does_not_lead_to_is_named(project, url, reached):
    export(project, url)
    there = {
        "another server": "postgresql://postgres:planted@localhost:1/postgres",
        "another database": url.replace("/postgres?", "/template1?"),
        "a server that is off": "postgresql://postgres:planted@localhost:1/postgres",
    }[reached]
    file = project / "exports" / "postgres" / "places.jsonl"
    if reached == "a server that is off":
        lines = [json.loads(line) | {"server": "localhost:1"} for line in file.open()]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = erase(project, POSTGRES_URL=there)
    assert result.returncode == 3
    assert "schema marts of postgres on" in result.stderr
    assert ("Is the server running" in result.stderr) == (reached == "a server that is off")
    assert "planted" not in result.stderr
    assert unfinished(folder=project / "erasures") == 1


def test_a_broken_address_is_told_before_anything_is_erased(project):
    result = erase(project, POSTGRES_URL="mysql://u:planted@h/d")
    assert result.returncode == 2
    assert "planted" not in result.stderr
    assert not (project / "erasures").exists()


def test_what_was_refused_by_the_server_is_no_place(project, url):
    tell(url, "create schema marts", "create table marts.fct_orders as select 1 as a")
    result = run_tiny(project, "export", "--format", "postgres", POSTGRES_URL=url)
    assert result.returncode == 3
    assert erase(project).returncode == 0
