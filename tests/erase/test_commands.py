"""What `lifecycle erase` asks, says and leaves, with a build of two small tables."""

import errno
import json
import os
import pty
import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
from lifecycle import PROJECT, run
from search_everything import places_of
from tiny_refresh import (
    checked_number,
    command_line,
    environment,
    make_project,
    outcomes,
    run_tiny,
    start_tiny,
    wait_for_phase,
)

from python_helpers.delivery.erasures import add_to_list, read_erasures, unfinished
from python_helpers.publishing.builds import check_files, kept_builds
from python_helpers.publishing.records import read_records

BLOCKING = """\
queries:
  counts: select count(*) as orders from marts.fct_orders
expectations:
  - name: few_orders
    table: counts
    column: orders
    expect: ExpectColumnValuesToBeBetween
    block: {max_value: 1}
    found: "{orders} orders."
    reason: A shop so small has one.
    advice: "Look."
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish two builds, and export them as CSV."""
    folder = tmp_path_factory.mktemp("built") / "tiny"
    make_project(folder)
    for arguments in (("refresh",), ("refresh",), ("export", "--format", "csv")):
        result = run_tiny(folder, *arguments, NUMBER=1)
        assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """Return a project of the test's own, with links that lead inside it."""
    return shutil.copytree(built, tmp_path / "tiny", symlinks=True)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Return a project that was never built."""
    make_project(tmp_path / "tiny")
    return tmp_path / "tiny"


def erase(project: Path, /, *arguments: object, **variables: object) -> subprocess.CompletedProcess:
    return run_tiny(
        project, "erase", "--customer", "c7", "--yes", *arguments, **{"NUMBER": 1} | variables
    )


def tell(project: Path, sql: str, /) -> None:
    """Run SQL in the warehouse."""
    with duckdb.connect(str(project / "warehouse.duckdb")) as connection:
        connection.execute(sql)


# Before anything is done


def test_without_a_terminal_yes_has_to_be_given(empty):
    result = run_tiny(empty, "erase", "--customer", "c1")
    assert result.returncode == 2
    assert "add --yes" in result.stderr
    assert not (empty / "erasures").exists()


def answered(project: Path, answer: str, /) -> tuple[int, str]:
    """Erase on a terminal, and answer what it asks; returns the exit code and what was said."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command_line(project, "erase", "--customer", "c1"),
        env=environment(),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.write(ours, answer.encode())
    said, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    return process.returncode, said


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_on_a_terminal_it_asks_and_no_changes_nothing(empty, answer):
    exit_code, said = answered(empty, answer)
    assert exit_code == 1
    assert "Erase 1 customer from" in said
    assert f"{empty / 'published'}" in said
    assert "This cannot be undone. [y/N]:" in said
    assert "Aborted!" in said
    assert not (empty / "erasures").exists()


def test_on_a_terminal_yes_erases_and_a_customer_known_nowhere_is_on_the_list(empty):
    exit_code, said = answered(empty, "y\n")
    assert exit_code == 0, said
    assert "Erased 1 customer." in said
    assert len(read_erasures(folder=empty / "erasures")) == 1
    assert outcomes(empty / "published") == [("erased", None)]
    assert not list(empty.glob("*.duckdb*.erasing"))


def test_an_id_with_a_blank_is_one_id_in_the_variable_too(empty):
    result = run_tiny(empty, "erase", "--yes", ERASE_CUSTOMER="two words\nc1")
    assert result.returncode == 0, result.stderr
    assert len(read_erasures(folder=empty / "erasures")) == 2


def test_the_folder_of_the_list_can_be_entered_whatever_the_umask(empty):
    before = os.umask(0o077)
    try:
        assert erase(empty).returncode == 0
    finally:
        os.umask(before)
    assert (empty / "erasures").stat().st_mode & 0o777 == 0o711
    assert (empty / "erasures" / "key").stat().st_mode & 0o777 == 0o600


def test_a_dry_run_says_where_and_changes_nothing(project):
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    result = run_tiny(project, "erase", "--customer", "c7", "--dry-run")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("marts.duckdb (10 rows)") == 2
    assert "fct_orders.csv (10 rows)" in result.stdout
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_what_duckdb_cannot_copy_stops_it_before_anything_is_touched(project):
    tell(
        project,
        "create schema raw; create table raw.tree (id int primary key, parent int references "
        "raw.tree (id)); insert into raw.tree values (1, null); insert into raw.tree values (2, 1)",
    )
    result = erase(project)
    assert result.returncode == 3
    assert "DuckDB cannot copy raw.tree" in result.stderr
    assert result.stderr.strip().endswith("Nothing was touched.")
    assert not (project / "erasures" / "erased.csv").exists()
    assert not list(project.glob("*.erasing"))


def test_the_input_is_that_of_the_live_build_or_has_to_be_named(project):
    live = (project / "published" / "current").resolve() / "manifest.json"
    manifest = json.loads(live.read_text())
    live.chmod(0o644)
    delivery = project / "delivery"
    live.write_text(json.dumps(manifest | {"raw_input": "files", "raw_data_dir": str(delivery)}))
    result = erase(project)
    assert result.returncode == 2
    assert f"was made from {delivery}, which is not there now" in result.stderr
    assert "--raw-data DIR" in result.stderr
    assert not (project / "erasures").exists()
    delivery.mkdir()
    # the delivery is asked for its files, and has none
    result = erase(project)
    assert result.returncode == 4, result.stderr
    assert f"{delivery} holds no CSV or Parquet file" in result.stderr
    assert "run the same command again" in result.stderr


def test_the_activity_window_is_that_of_the_live_build_unless_another_is_named(project):
    def window() -> str | None:
        return json.loads((project / "published" / "current" / "manifest.json").read_text())[
            "activity_window"
        ]

    assert window() is None
    assert run_tiny(project, "refresh", NUMBER=1, ACTIVITY_WINDOW=365).returncode == 0
    assert window() == "365"
    assert erase(project, "--skip-audit").returncode == 0
    assert window() == "365"
    assert erase(project, "--skip-audit", "--activity-window", 90).returncode == 0
    assert window() == "90"


# What is kept


def test_every_kept_build_and_export_is_rewritten_and_totals_stay(project):
    (project / "published" / "builds.jsonl").open("a").write('{"id": "x", "error": "c7 twice"}\n')
    tell(project, "create table marts.mine as select 'c7' as customer_id")
    result = erase(project)
    assert result.returncode == 0, result.stderr
    assert "marts.mine, removed: no model builds it" in result.stdout
    builds = kept_builds(publish_dir=project / "published")
    assert len(builds) == 3
    counts = "select count(*), count(distinct customer_id), sum(number) from fct_orders"
    for build in builds:
        check_files(build=build)
        with duckdb.connect(str(build / "marts.duckdb"), read_only=True) as connection:
            assert connection.execute(counts).fetchone() == (1000, 100, 1000)
            (rows,) = connection.execute(
                "select count(*) from fct_orders where starts_with(customer_id, 'erased-')"
            ).fetchone()
            assert rows == 10
    (export,) = kept_builds(publish_dir=project / "exports" / "csv")
    assert ",erased-" in (export / "fct_orders.csv").read_text()
    assert not places_of([",c7\n", "'c7'", '"c7 twice"'], folder=project)
    (record,) = [each for each in read_records(publish_dir=project / "published")][-1:]
    assert (record["outcome"], record["erased_customers"]) == ("erased", 1)
    assert record["rewritten_files"] == 6
    assert "c7" not in result.stdout
    # a rollback leads to a build without the customer, too
    assert run_tiny(project, "rollback").returncode == 0


@pytest.mark.parametrize("file", ["marts.duckdb", "manifest.json"])
@pytest.mark.parametrize("damage", ["{}", None])
def test_a_kept_build_that_is_damaged_is_removed_and_blocks_nobody(project, file, damage):
    published = project / "published"
    old = min((published / "builds").iterdir())
    (old / "notes.txt").write_text("mine")
    (old / file).unlink()
    if damage:
        (old / file).write_text(damage)
    result = erase(project)
    assert result.returncode == 0, result.stderr
    assert checked_number(published) == 1
    assert [path.name for path in old.iterdir()] == ["notes.txt"]


def test_a_kept_build_with_the_spill_of_a_reader_is_rewritten_and_the_spill_searched(project):
    old = min((project / "published" / "builds").iterdir())
    (old / "marts.duckdb.tmp").mkdir()
    spilled = old / "marts.duckdb.tmp" / "duckdb_temp_storage_DEFAULT-0.tmp"
    spilled.write_bytes(b"\0\1planted-4711\0\2")
    result = erase(project, "--customer", "planted-4711")
    assert result.returncode == 3
    assert f"Still in files of others: {spilled} (1 row)." in result.stderr
    check_files(build=old)
    shutil.rmtree(spilled.parent)
    assert erase(project, "--customer", "planted-4711").returncode == 0
    assert old.exists()


def test_the_data_docs_go_only_if_they_name_a_customer(project):
    page = project / "published" / "data_docs" / "validations" / "marts" / "page.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>Nobody.</p>")
    assert erase(project, "--customer", "planted-4711").returncode == 0
    assert page.exists()
    page.write_text("<p>The largest order is of planted-4712.</p>")
    result = erase(project, "--customer", "planted-4712")
    assert result.returncode == 0, result.stderr
    assert not page.parents[2].exists()


def test_what_root_rewrites_for_another_user_stays_theirs(project):
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user")
    log = project / "target" / "logs" / "refresh.jsonl"
    with log.open("a") as file:
        file.write('{"message": "c7 was here"}\n')
    for path in (project, *project.rglob("*")):
        os.chown(path, 4711, 4712, follow_symlinks=False)
    result = erase(project)
    assert result.returncode == 0, result.stderr
    assert "c7 was" not in log.read_text()
    rewritten = [
        *(project / "erasures").glob("[!.]*"),
        *(project / "published" / "builds.jsonl", project / "warehouse.duckdb", log),
        *(min((project / "published" / "builds").iterdir()).iterdir()),
    ]
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in rewritten}
    assert owners == {(4711, 4712)}, rewritten


# What belongs to others


def folder_of(project: Path, place: str, /) -> Path:
    """Return a folder in which somebody may put a file."""
    return {
        "build": min((project / "published" / "builds").iterdir()),
        "export": (project / "exports" / "csv" / "current").resolve(),
        "builds": project / "published" / "builds",
        "exports": project / "exports",
    }[place]


@pytest.mark.parametrize("place", ["build", "export", "builds", "exports"])
def test_a_file_of_others_stays_as_it_is(project, place):
    folder = folder_of(project, place)
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1\0")
    notes = folder / "notes.txt"
    notes.write_text("c77 bought most")
    notes.chmod(0o664)
    (folder / "link").symlink_to("/nowhere")
    result = erase(project)
    assert result.returncode == 0, result.stderr
    assert f"look yourself:\n  {folder / '.DS_Store'} (0 rows)\n" in result.stdout
    assert (folder / ".DS_Store").read_bytes() == b"\0\0\0\1Bud1\0"
    assert (folder / "link").readlink() == Path("/nowhere")
    assert notes.read_text() == "c77 bought most"
    assert notes.stat().st_mode & 0o777 == 0o664


@pytest.mark.parametrize("place", ["build", "export", "builds", "exports"])
def test_a_file_of_others_that_names_a_customer_leaves_the_erasure_unfinished(project, place):
    path = folder_of(project, place) / "mail.txt"
    path.write_text("for planted-4711")
    result = erase(project, "--customer", "planted-4711")
    assert result.returncode == 3
    assert f"Still in files of others: {path} (1 row). Move them away" in result.stderr
    assert path.exists()
    assert unfinished(folder=project / "erasures") == 2
    assert "2 erasures are not finished" in run_tiny(project, "status").stdout
    path.unlink()
    assert erase(project, "--customer", "planted-4711").returncode == 0
    assert unfinished(folder=project / "erasures") == 0


def test_a_table_that_others_load_is_named_and_the_sql_of_the_guide_takes_the_rows_out(project):
    letters = project / "letters.csv"
    letters.write_text("customer_id,text\nC0000042,hello\nc1,hello\n")
    tell(
        project,
        f"""
        create schema raw;
        create table raw.orders as select 'C0000042' as customer_id, 5 as amount
            union all select 'c1', 6;
        create table raw.customers as select 'C0000042' as customer_id, 'z@planted.example' as
            email, 'Zelda Planted' as full_name;
        create view raw.payers as select * from raw.orders;
        create view raw.letters as from read_csv('{letters}');
        """,
    )
    arguments = ("erase", "--customer", "C0000042", "--yes")
    result = run_tiny(project, *arguments, NUMBER=1)
    assert result.returncode == 8, result.stderr
    assert "raw.customers (1 row), raw.orders (1 row). " in result.stderr
    assert unfinished(folder=project / "erasures") == 1
    guide = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    (sql,) = re.findall(r"```sql\n(set variable person.*?)```", guide, re.DOTALL)
    sql = sql.replace("'erasures/", f"'{project / 'erasures'}/")
    tell(project, sql)
    result = run_tiny(project, *arguments, NUMBER=1)
    assert result.returncode == 0, result.stderr
    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as connection:
        (tombstone,) = {each.tombstone_id for each in read_erasures(folder=project / "erasures")}
        rows = connection.execute("from raw.orders order by all").fetchall()
        assert rows == [("c1", 6), (tombstone, 5)]
        assert connection.execute("from raw.customers").fetchall() == [
            (tombstone, "erased", "erased")
        ]
    assert "change:\n  raw.letters (1 row)\n" in result.stdout
    tell(project, "drop view raw.letters")
    planted = ("C0000042", "z@planted.example", "Zelda Planted")
    assert not places_of(planted, folder=project, without=[letters])


# Failures


def test_an_audit_that_blocks_keeps_the_list_and_can_be_skipped(project):
    suites = project / "tests" / "expectations"
    suites.mkdir(parents=True)
    (suites / "marts.yml").write_text(BLOCKING)
    result = erase(project)
    assert result.returncode == 5, result.stderr
    assert "run the same command again, with --skip-audit" in result.stderr
    assert unfinished(folder=project / "erasures") == 1
    assert len(kept_builds(publish_dir=project / "published")) == 2
    with duckdb.connect(str(project / "warehouse.duckdb"), read_only=True) as connection:
        query = "select count(*) from marts.fct_orders where customer_id = 'c7'"
        assert connection.execute(query).fetchone() == (10,)
    assert erase(project, "--skip-audit").returncode == 0


def test_a_damaged_key_is_not_used(project):
    assert erase(project).returncode == 0
    (project / "erasures" / "key").write_text("x")
    result = erase(project)
    assert result.returncode == 2
    assert "key is damaged: restore it from a backup." in result.stderr
    assert len(read_erasures(folder=project / "erasures")) == 1


def test_a_refresh_stops_before_it_builds_where_the_key_is_of_another_list(project):
    add_to_list(folder=project / "erasures", ids=["c1"])
    (project / "erasures" / "key").write_text("0" * 64)
    result = run_tiny(project, "refresh", NUMBER=2)
    assert result.returncode == 2
    assert "is the key of another list" in result.stderr
    assert checked_number(project / "published") == 1


def test_an_erasure_that_was_not_finished_is_told_of_until_it_is(project):
    add_to_list(folder=project / "erasures", ids=["c7"])
    assert "1 erasure is not finished" in run_tiny(project, "status").stdout
    assert "1 erasure is not finished" in run_tiny(project, "refresh", NUMBER=1).stderr
    assert erase(project).returncode == 0
    assert "not finished" not in run_tiny(project, "status").stdout


def test_a_user_who_may_not_read_the_list_sees_the_rest_of_the_status(project, monkeypatch):
    add_to_list(folder=project / "erasures", ids=["c1"])
    # as root may read everything, the refusal of the operating system is played
    read_text = Path.read_text

    def refused(path: Path, *arguments: object, **named: object) -> str:
        if path.name == "erased.csv":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return read_text(path, *arguments, **named)

    monkeypatch.setattr(Path, "read_text", refused)
    arguments = ("status", "--project-dir", project, "--publish-dir", project / "published")
    said = run(*arguments)
    assert said.exit_code == 0, said.output
    assert "unknown: this user may not read the list" in said.output
    facts = json.loads(run(*arguments, "--json").output)
    assert facts["unfinished_erasures"] is None
    assert facts["live"]["rows"]["fct_orders"] == 1000


@pytest.mark.long
@pytest.mark.parametrize("phase", ["build", "publish", "erase"])
def test_an_erasure_that_is_killed_leaves_a_whole_build_and_the_next_one_finishes(project, phase):
    published = project / "published"
    process = start_tiny(project, "erase", "--customer", "c7", "--yes", NUMBER=1, BUILD_SECONDS=0.2)
    assert wait_for_phase(published, phase=phase, process=process)
    process.kill()
    process.communicate()
    assert checked_number(published) == 1
    assert unfinished(folder=project / "erasures") == 1
    result = erase(project)
    assert result.returncode == 0, result.stderr
    assert checked_number(published) == 1
    assert unfinished(folder=project / "erasures") == 0
    assert not list(project.rglob(".incomplete-*"))
    assert not list(project.glob("*.erasing"))


def test_a_refresh_removes_what_a_killed_erasure_left(project):
    (project / "warehouse.duckdb.erasing").mkdir()
    (project / "warehouse.duckdb.erasing" / "warehouse.duckdb").write_text("c7")
    assert run_tiny(project, "refresh", NUMBER=2).returncode == 0
    assert not list(project.glob("*.erasing"))
