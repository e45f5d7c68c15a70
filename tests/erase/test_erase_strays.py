"""Files that others put among published builds and exports, when people are erased."""

import os
import shutil
from pathlib import Path

import duckdb
import pytest
from lifecycle import run
from tiny_refresh import make_project, run_tiny

from python_helpers.delivery.erasures import unfinished
from python_helpers.publishing import builds as published

pytestmark = pytest.mark.long  # each is an erasure


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish a build, and export it as CSV."""
    folder = tmp_path_factory.mktemp("exported") / "tiny"
    make_project(folder)
    for arguments in (("refresh",), ("export", "--format", "csv")):
        result = run_tiny(folder, *arguments, NUMBER=1)
        assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def project(exported: Path, tmp_path: Path) -> Path:
    """Return a project of the test's own, with links that lead inside it."""
    return shutil.copytree(exported, tmp_path / "tiny", symlinks=True)


def folder_of(project: Path, place: str, /) -> Path:
    """Return a folder in which somebody may put a file."""
    return {
        "build": project / "published" / "current",
        "export": project / "exports" / "csv" / "current",
        "builds": project / "published" / "builds",
        "exports": project / "exports",
    }[place].resolve()


@pytest.mark.parametrize("place", ["build", "export", "builds", "exports"])
def test_a_file_of_others_is_named_and_stays_as_it_is(project, place):
    folder = folder_of(project, place)
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1\0")
    (folder / "notes").mkdir()
    notes = folder / "notes" / "notes.txt" if place != "exports" else folder / "notes.txt"
    notes.write_text("c77 bought most")
    notes.chmod(0o664)
    (folder / "link").symlink_to("/nowhere")
    result = run_tiny(project, "erase", "--customer", "c7", "--yes")
    assert result.returncode == 0, result.stderr
    (warning,) = [line for line in result.stdout.splitlines() if line.startswith("Warning")]
    assert f"they are not in them: {notes}; look yourself, these are no text: {folder}" in warning
    assert (folder / ".DS_Store").read_bytes() == b"\0\0\0\1Bud1\0"
    assert (folder / "link").readlink() == Path("/nowhere")
    assert notes.read_text() == "c77 bought most"
    assert notes.stat().st_mode & 0o777 == 0o664
    # what is ours was written anew, and is there
    export = project / "exports" / "csv" / "current" / "fct_orders.csv"
    assert ",c7\n" not in export.read_text()
    assert ",erased-" in export.read_text()
    database = project / "published" / "current" / "marts.duckdb"
    with duckdb.connect(str(database), read_only=True) as connection:
        query = "select count(*) from fct_orders where customer_id = 'c7'"
        assert connection.execute(query).fetchone() == (0,)


def write_utf_16(path: Path, /) -> None:
    path.write_text("planted-4711\n", encoding="utf-16")


def write_csv(path: Path, /) -> None:
    path.write_text("customer_id;n\n7;1\n")


def write_parquet(path: Path, /) -> None:
    duckdb.execute(f"copy (select 7 as customer_id) to '{path}' (format parquet)")


def write_database(path: Path, /) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table mine as select 'planted-4711' as customer_id")


@pytest.mark.parametrize(
    ("place", "name", "write"),
    [
        ("exports", "mail.txt", write_utf_16),
        ("export", "mine.csv", write_csv),
        ("build", "mine.parquet", write_parquet),
        ("builds", "mine.duckdb", write_database),
    ],
)
def test_a_file_of_others_with_the_people_in_it_ends_the_erasure_unfinished(
    project, place, name, write
):
    path = folder_of(project, place) / name
    write(path)
    people = ("--customer", "planted-4711", "--customer", "7", "--customer", "c7", "--yes")
    result = run_tiny(project, "erase", *people)
    assert result.returncode == 3
    assert f"Still in files that are not ours: {path}. Take them away" in result.stderr
    assert path.exists()
    assert unfinished(folder=project / "erasures") == 3
    assert ",c7\n" not in (project / "exports" / "csv" / "current" / "fct_orders.csv").read_text()
    path.unlink()
    assert run_tiny(project, "erase", *people).returncode == 0
    assert unfinished(folder=project / "erasures") == 0


def test_a_log_beside_the_published_database_is_no_file_of_others(project):
    live = (project / "published" / "current").resolve()
    (live / "marts.duckdb.wal").write_bytes(b"")
    result = run_tiny(project, "erase", "--customer", "c7", "--yes")
    assert result.returncode == 3
    assert "marts.duckdb.wal was not published with it" in result.stderr


def test_the_checksums_of_a_kept_build_are_computed_once(project, monkeypatch):
    seen = []
    computed = published.sha256
    monkeypatch.setattr(published, "sha256", lambda path: (seen.append(path), computed(path))[1])
    result = run("erase", "--project-dir", project, "--customer", "c7", "--yes")
    assert result.exit_code == 0, result.output
    assert {"marts.duckdb", "fct_orders.csv"} <= {path.name for path in seen}
    assert len(seen) == len(set(seen))


def test_what_root_writes_anew_for_another_user_stays_theirs(project):
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user")
    (warehouse,) = project.glob("*.duckdb")
    log = project / "target" / "logs" / "dbt.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("planted-4711 was here\n")
    stray = project / "published" / "current" / "notes.txt"
    stray.write_text("nothing")
    for path in (project, *project.rglob("*")):
        os.chown(path, 4711, 4712, follow_symlinks=False)
    people = ("--customer", "planted-4711", "--customer", "c7", "--yes")
    result = run_tiny(project, "erase", *people)
    assert result.returncode == 0, result.stderr
    assert "planted" not in log.read_text()
    theirs = {
        str(path.relative_to(project)): (path.lstat().st_uid, path.lstat().st_gid)
        for path in project.rglob("*")
    }
    assert {name for name, of in theirs.items() if of != (4711, 4712)} == set()
    assert {warehouse.name, "erasures/key", "erasures/erased.csv"} <= theirs.keys()
