"""A refresh nobody watches: one at a time, written down, tried again, ended in time, told of."""

import errno
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from unittest.mock import Mock

import duckdb
import pytest
from tiny_refresh import (
    checked_number,
    make_project,
    outcomes,
    run_tiny,
    start_tiny,
    wait_for_phase,
)

from python_helpers.audit.run import compared
from python_helpers.core.errors import BuildError, LockedError, PublishError, RawDataError
from python_helpers.core.folders import Places, find_folders
from python_helpers.core.locks import holder, locked, publish_lock
from python_helpers.core.log import Log, without_secrets
from python_helpers.core.settings import Inputs, Settings, resolve_settings
from python_helpers.operate import notify
from python_helpers.operate.attended import Policy, attended
from python_helpers.publishing import builds as builds_module
from python_helpers.publishing import watch as watch_module
from python_helpers.publishing.builds import (
    kept_builds,
    live_build,
    new_build_id,
    remove_leftovers,
)
from python_helpers.publishing.records import FIELDS, append_record, read_records
from python_helpers.publishing.runs import Run, code_version
from python_helpers.publishing.watch import Watch

SECRET = "xoxb-0123456789"
PHASES = ("started", "finished", "run published")  # events


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_project(tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture
def published(project: Path) -> Path:
    return project / "published"


@pytest.fixture(scope="module")
def project_of_two_builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two_builds") / "tiny"
    make_project(folder)
    for number in (1, 2):
        assert run_tiny(folder, "refresh", NUMBER=number).returncode == 0
    return folder


@pytest.fixture
def two_builds(project_of_two_builds: Path, project: Path) -> Path:
    """Let the project have two builds, 1 and 2, of which 2 is live."""
    shutil.copytree(project_of_two_builds, project, symlinks=True, dirs_exist_ok=True)
    return project


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    folder = tmp_path / "delivery"
    folder.mkdir()
    (folder / "orders.csv").write_text("order_id,amount\n1,2\n")
    return folder


def with_contract(project: Path, /) -> None:
    """Let the project have a raw table, orders."""
    contract = project / "models" / "staging" / "_raw.yml"
    contract.parent.mkdir(parents=True)
    contract.write_text("sources: [{name: raw, tables: [{name: orders}]}]\n")


def log_lines(project: Path, /) -> list[dict]:
    text = (project / "target" / "logs" / "refresh.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


# Settings


@pytest.mark.parametrize("character", ["'", '"', "\\", ";"])
def test_a_warehouse_whose_name_would_break_sql_is_wrong_usage(project, tmp_path, character):
    warehouse = tmp_path / f"a{character}b.duckdb"
    result = run_tiny(project, "refresh", "--warehouse", warehouse)
    assert result.returncode == 2
    assert result.stderr == (
        f"Error: Invalid warehouse name a{character}b.duckdb: it contains {character}. "
        "Choose another name with --warehouse.\n"
    )
    folder = tmp_path / f"a{character}b"
    # dbt writes the name of the file alone into SQL
    assert run_tiny(project, "refresh", "--warehouse", folder / "w.duckdb").returncode == 0


@pytest.mark.parametrize("how", ["variable", "vars"])
def test_a_time_zone_that_is_not_known_is_wrong_usage(project, how):
    arguments, values = (), {"REPORTING_TIMEZONE": "Mars/X"}
    if how == "vars":
        arguments = ("--vars", "{reporting_timezone: Mars/X}")
        values = {"REPORTING_TIMEZONE": "Europe/Berlin"}
    result = run_tiny(project, "refresh", *arguments, **values)
    assert result.returncode == 2
    assert result.stderr == (
        "Error: Unknown reporting time zone 'Mars/X'. Use a name such as Europe/Berlin.\n"
    )
    assert run_tiny(project, "refresh", REPORTING_TIMEZONE="Europe/Berlin").returncode == 0


def test_a_folder_of_profiles_that_is_not_there_is_wrong_usage(project, published, tmp_path):
    result = run_tiny(project, "refresh", DBT_PROFILES_DIR=tmp_path / "gone")
    assert result.returncode == 2
    assert result.stderr == (
        f"Error: There is no profiles.yml in {tmp_path / 'gone'}. Name its folder with "
        "DBT_PROFILES_DIR.\n"
    )
    assert not published.exists()


# The lock


def test_a_second_refresh_says_who_holds_the_lock_and_ends_with_exit_code_6(project, published):
    with start_tiny(project, "refresh", NUMBER=1, BUILD_SECONDS=15) as first:
        assert wait_for_phase(published, phase="build", process=first)
        second = run_tiny(project, "refresh", NUMBER=2)
        other = run_tiny(project, "rollback")
        status = json.loads(run_tiny(project, "status", "--json").stdout)
        first.communicate()
    assert first.returncode == 0
    assert second.returncode == 6
    (line,) = second.stderr.splitlines()
    assert f"{project / 'warehouse.duckdb'} is locked by lifecycle refresh" in line
    assert f"process {first.pid} on {os.uname().nodename}, since 20" in line
    assert other.returncode == 6
    assert f"{published} is locked by lifecycle refresh (process {first.pid}" in other.stderr
    assert status["running"]["pid"] == first.pid
    assert status["running"]["phase"] == "build"
    assert checked_number(published) == 1
    assert outcomes(published) == [("published", None)]


def test_of_two_refreshes_at_once_one_wins_and_with_wait_both_do(project, published):
    for arguments, codes in (((), [0, 6]), (("--wait", 60), [0, 0])):
        both = [
            start_tiny(project, "refresh", *arguments, NUMBER=number, BUILD_SECONDS=1)
            for number in (1, 2)
        ]
        for process in both:
            process.communicate()
        assert sorted(process.returncode for process in both) == codes
    assert outcomes(published) == [("published", None)] * 3


def test_the_lock_of_a_dead_process_is_taken_over_and_its_run_written_down(project, published):
    with start_tiny(project, "refresh", NUMBER=1, BUILD_SECONDS=30) as killed:
        assert wait_for_phase(published, phase="build", process=killed)
        killed.kill()
    status = run_tiny(project, "status")
    assert status.returncode == 1
    assert "Died" in status.stdout
    assert f"process {killed.pid}" in status.stdout
    assert run_tiny(project, "refresh", NUMBER=2).returncode == 0
    assert outcomes(published) == [("failed", "build"), ("published", None)]
    died, _ = read_records(publish_dir=published)
    assert f"The process {killed.pid} on" in died["error"]
    assert json.loads(run_tiny(project, "status", "--json").stdout)["died"] is None


def test_a_lock_lasts_as_long_as_its_holder_and_who_asks_does_not_take_it(tmp_path):
    path = tmp_path / "folder" / ".lock"
    with locked(path, command="one"):
        details, is_held = holder(path)
        assert is_held
        assert details["command"] == "one"
        with pytest.raises(LockedError, match=r"locked by one \(process"), locked(path, command=""):
            pass
    assert holder(path) == ({}, False)
    with pytest.raises(RuntimeError), locked(path, command="fails"):
        raise RuntimeError
    with locked(path, command="next", take_over=pytest.fail):
        pass


def test_a_lock_file_that_says_nothing_still_locks(tmp_path):
    path = tmp_path / ".lock"
    with locked(path, command="one"):
        path.write_text('{"pid": 1')  # as a full disk would leave it
        with pytest.raises(LockedError, match="locked by another run"), locked(path, command=""):
            pass


@pytest.mark.parametrize("command", ["refresh", "docs"])
def test_a_link_to_a_warehouse_has_the_lock_of_the_warehouse(project, tmp_path, command):
    (tmp_path / "link.duckdb").symlink_to(project / "warehouse.duckdb")
    with locked(project / "warehouse.duckdb.lock", command="one"):
        result = run_tiny(project, command, "--warehouse", tmp_path / "link.duckdb")
    assert result.returncode == 6


# The record


def test_a_build_is_recorded_with_its_inputs_and_its_manifest_says_the_same(
    project, published, delivery
):
    with_contract(project)
    result = run_tiny(project, "refresh", "--raw-data", delivery, NUMBER=1)
    assert result.returncode == 0, result.stderr
    (record,) = read_records(publish_dir=published)
    assert list(record) == list(FIELDS)
    file = delivery / "orders.csv"
    printed = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True)
    assert record["input_files"] == [
        {
            "path": str(file),
            "bytes": 20,
            "modified_at": datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(
                timespec="seconds"
            ),
            "sha256": printed.stdout.split()[0],
        }
    ]
    assert record["id"] == record["build_id"] == live_build(publish_dir=published).name
    assert record["as_of_date"] == "2024-06-30"
    assert record["code_version"] == "1.2.3"
    assert record["rows"] == {"dim_customers": 1, "fct_orders": 1000}
    assert record["seconds"].keys() == {"inputs", "build", "audit", "publish"}
    manifest = json.loads((published / "manifest.json").read_text())
    for name in ("input_files", "code_version", "rows", "as_of_date", "seconds"):
        assert manifest[name] == record[name]


@pytest.mark.usefixtures("two_builds")
def test_the_records_can_be_queried_whatever_happened(project, published):
    run_tiny(project, "rollback")
    run_tiny(project, "rollback")
    sql = f"select outcome, rows.fct_orders, as_of_date::text from '{published}/builds.jsonl'"
    assert duckdb.sql(sql).fetchall() == [
        ("published", 1000, "2024-06-30"),
        ("published", 1000, "2024-06-30"),
        ("rolled_back", 1000, "2024-06-30"),
        ("failed", None, None),
    ]


def test_a_record_that_was_cut_is_dropped_by_the_next_one(tmp_path):
    append_record(publish_dir=tmp_path, record={"id": "one"})
    with (tmp_path / "builds.jsonl").open("a") as file:
        file.write('{"id": "cut", "outc')
    assert [record["id"] for record in read_records(publish_dir=tmp_path)] == ["one"]
    append_record(publish_dir=tmp_path, record={"id": "two"})
    sql = f"select id from '{tmp_path}/builds.jsonl'"
    assert duckdb.sql(sql).fetchall() == [("one",), ("two",)]


def test_the_code_version_is_the_commit_and_says_when_files_differ(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("version: 1.2.3\n")
    assert code_version(project_dir=tmp_path) == "1.2.3"

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        command = ["git", *identity, "-C", str(tmp_path), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "one")
    commit = git("rev-parse", "HEAD")
    assert code_version(project_dir=tmp_path) == commit
    (tmp_path / "a").write_text("2")
    assert code_version(project_dir=tmp_path) == f"{commit}-dirty"


def test_ids_sort_by_the_order_of_the_runs_though_the_clock_goes_back(project, published):
    ahead = {"id": "20990101T000000Z", "outcome": "failed"}
    published.mkdir()
    append_record(publish_dir=published, record=ahead)
    for number in (1, 2):
        assert run_tiny(project, "refresh", NUMBER=number).returncode == 0
    names = [build.name for build in kept_builds(publish_dir=published)]
    assert names == ["20990101T000002Z", "20990101T000001Z"]
    assert checked_number(published) == 2
    (published / "builds" / ".incomplete-20990101T000003Z").mkdir()
    built = new_build_id(publish_dir=published, time=datetime(2024, 1, 1, tzinfo=UTC))
    assert built == "20990101T000004Z"


# Rollback


@pytest.mark.usefixtures("two_builds")
def test_a_rollback_makes_the_build_before_live_and_the_next_refresh_publishes(project, published):
    second, first = kept_builds(publish_dir=published)
    result = run_tiny(project, "rollback")
    assert result.returncode == 0
    assert result.stdout == f"Build {first.name} is live; it was {second.name}.\n"
    assert checked_number(published) == 1
    assert run_tiny(project, "refresh", NUMBER=3).returncode == 0
    assert checked_number(published) == 3
    # the second was taken back: it is not what to return to
    assert run_tiny(project, "rollback").returncode == 0
    assert checked_number(published) == 1
    assert run_tiny(project, "rollback", "--to", second.name).returncode == 0
    assert checked_number(published) == 2
    to_the_live = run_tiny(project, "rollback", "--to", second.name)
    assert to_the_live.returncode == 3
    assert "is live already" in to_the_live.stderr
    unknown = run_tiny(project, "rollback", "--to", "20000101T000000Z")
    assert unknown.returncode == 3
    assert f"There is no build 20000101T000000Z in {published}. Kept builds: " in unknown.stderr


@pytest.mark.usefixtures("two_builds")
def test_a_build_that_was_taken_back_and_made_live_again_is_returned_to(project, published):
    second, _ = kept_builds(publish_dir=published)
    assert run_tiny(project, "rollback").returncode == 0
    assert run_tiny(project, "rollback", "--to", second.name).returncode == 0
    assert run_tiny(project, "refresh", NUMBER=3).returncode == 0
    assert run_tiny(project, "rollback").returncode == 0
    assert checked_number(published) == 2
    # and when it is taken back once more, it is passed over once more
    assert run_tiny(project, "rollback").returncode == 0
    assert run_tiny(project, "refresh", NUMBER=4).returncode == 0
    assert run_tiny(project, "rollback").returncode == 0
    assert checked_number(published) == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda build: damage(build / "marts.duckdb"),
            "marts.duckdb has changed since it was published",
        ),
        (
            lambda build: (build / "marts.duckdb").unlink(),
            "marts.duckdb is missing",
        ),
        (
            lambda build: (build / "marts.duckdb.wal").touch(),
            "marts.duckdb.wal was not published with it",
        ),
        (lambda build: damage(build / "manifest.json", cut=True), "The manifest of build"),
    ],
)
@pytest.mark.usefixtures("two_builds")
def test_a_damaged_build_is_not_rolled_back_to(project, published, damage, message):
    live, before = kept_builds(publish_dir=published)
    damage(before)
    result = run_tiny(project, "rollback")
    assert result.returncode == 3
    assert message in result.stderr
    assert live_build(publish_dir=published) == live
    assert run_tiny(project, "status").returncode == 0


@pytest.mark.usefixtures("two_builds")
def test_a_refresh_gets_past_a_live_build_that_is_damaged(project, published):
    damage(live_build(publish_dir=published) / "marts.duckdb")
    result = run_tiny(project, "refresh", NUMBER=7)
    assert result.returncode == 0
    assert "marts.duckdb has changed since it was published. It is live" in result.stderr
    assert checked_number(published) == 7


@pytest.mark.parametrize("manifest", ["[]", "{}", "null", '{"files": {}}'])
@pytest.mark.usefixtures("two_builds")
def test_a_manifest_of_another_shape_is_a_damaged_one(project, published, manifest):
    file = live_build(publish_dir=published) / "manifest.json"
    file.chmod(0o644)
    file.write_text(manifest)
    assert "its manifest is damaged: roll back" in run_tiny(project, "status").stdout
    exported = run_tiny(project, "export")
    assert exported.returncode == 3
    assert "damaged" in exported.stderr
    result = run_tiny(project, "refresh", NUMBER=7)
    assert result.returncode == 0, result.stderr
    assert "It is live; " in result.stderr


@pytest.mark.usefixtures("two_builds")
def test_a_file_in_the_way_is_told_before_a_build(project, published):
    (published / "manifest.json").unlink()
    (published / "manifest.json").write_text("theirs")
    result = run_tiny(project, "refresh", NUMBER=7)
    assert result.returncode == 3
    assert "was not made by publishing" in result.stderr
    assert "Built" not in result.stderr


@pytest.mark.usefixtures("two_builds")
def test_dbt_is_shown_the_newest_whole_build_or_none(project, published):
    settings = resolve_settings(find_folders(Places(project_dir=project, publish_dir=published)))
    assert settings.environment()["PUBLISH_DIR"] == str(published)
    assert compared(settings=settings, log=Log(file=project / "log.jsonl")) == settings
    live, *others = kept_builds(publish_dir=published)
    damage(live / "marts.duckdb")
    with_kept = compared(settings=settings, log=Log(file=project / "log.jsonl"))
    assert with_kept.environment()["PUBLISH_DIR"] == str(others[0])
    for build in others:
        damage(build / "marts.duckdb")
    with_none = compared(settings=settings, log=Log(file=project / "log.jsonl"))
    assert with_none.environment()["PUBLISH_DIR"] == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"as_of_date": None},
        {"built_at": "2026-01-01T00:00:00"},
        {"built_at": 5},
        {"rows": []},
        {"rows": {"fct_orders": "many"}},
        {"input_files": [{"path": "orders.csv"}]},
        {"input_files": 5},
        {"reporting_currency": ["EUR"]},
        {"raw_data_dir": 5},
        {"files": {"marts.duckdb": 5}},
        {"files": {"marts.duckdb": {"bytes": 5}}},
    ],
)
@pytest.mark.usefixtures("two_builds")
def test_a_live_manifest_with_a_fact_of_another_shape_is_said_to_be_damaged(
    project, published, changes
):
    live = live_build(publish_dir=published)
    file = live / "manifest.json"
    file.chmod(0o644)
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    shown = run_tiny(project, "status")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"Live build    {live.name}, its manifest is damaged: roll back\n" in shown.stdout
    facts = json.loads(run_tiny(project, "status", "--json").stdout)
    assert facts["live"]["is_damaged"] is True
    assert facts["live"]["rows"] is facts["live"]["built_at"] is None
    assert facts["live"].keys() == facts["builds"][1].keys()
    assert run_tiny(project, "rollback").returncode == 0
    assert checked_number(published) == 1


@pytest.mark.usefixtures("two_builds")
def test_lines_that_are_no_records_are_passed_over(project, published):
    with (published / "builds.jsonl").open("a") as file:
        file.write('{}\n[]\n5\n{"id": 5}\n{"id": null, "outcome": "failed"}\n\n\xff\n')
        file.write('{"id": "20240101T000000Z", "outcome": "failed"}\n')
        file.write(
            '{"id": "20240101T000001Z", "outcome": "failed", "command": "lifecycle refresh"}\n'
        )
        file.write(
            '{"id": "20261399T000000Z", "outcome": "rolled_back", "replaced_build_id": []}\n'
        )
    status = run_tiny(project, "status")
    assert (status.returncode, status.stderr) == (0, "")
    assert "lifecycle refresh, failed in phase None" in status.stdout
    assert run_tiny(project, "rollback").returncode == 0
    assert run_tiny(project, "refresh", NUMBER=3).returncode == 0
    assert checked_number(published) == 3


@pytest.mark.usefixtures("two_builds")
def test_a_folder_whose_name_is_no_time_is_no_build(project, published):
    live, _ = kept_builds(publish_dir=published)
    for name in ("20261399T000000Z", "backup"):
        shutil.copytree(live, published / "builds" / name)
    builds = json.loads(run_tiny(project, "status", "--json").stdout)["builds"]
    assert len(builds) == 2
    assert run_tiny(project, "rollback", "--to", "20261399T000000Z").returncode == 3
    assert run_tiny(project, "rollback").returncode == 0
    assert checked_number(published) == 1
    assert run_tiny(project, "refresh", "--keep-builds", 1, NUMBER=3).returncode == 0
    assert checked_number(published) == 3
    assert (published / "builds" / "20261399T000000Z" / "marts.duckdb").exists()


def damage(path: Path, /, *, cut: bool = False) -> None:
    """Change a byte in the middle of a file, or cut it there."""
    data = bytearray(path.read_bytes())
    half = len(data) // 2
    data[half] ^= 1
    path.chmod(0o644)
    path.write_bytes(data[:half] if cut else data)


def spill(folder: Path, /) -> str:
    """Leave in a build what a reader that spilled leaves when it is killed; returns its name."""
    (folder / "marts.duckdb.tmp").mkdir()
    (folder / "marts.duckdb.tmp" / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"\0" * 4096)
    return f"builds/{folder.name}/marts.duckdb.tmp"


@pytest.mark.usefixtures("two_builds")
def test_a_stray_file_beside_a_build_is_named_and_harmless(project, published):
    live, before = kept_builds(publish_dir=published)
    (live / "notes.txt").write_text("mine")
    (live / "link").symlink_to("gone")
    names = [spill(before), f"builds/{live.name}/link", spill(live)]
    said = f"Beside published files, and not published: {', '.join(names)} and 1 more. Move them"
    status = run_tiny(project, "status")
    assert (status.returncode, status.stderr) == (0, "")
    assert said in status.stdout
    assert "damaged" not in status.stdout
    in_json = json.loads(run_tiny(project, "status", "--json").stdout)
    assert in_json["strays"] == [*names, f"builds/{live.name}/notes.txt"]
    for command in (("export",), ("rollback",), ("refresh", "--keep-builds", 1)):
        result = run_tiny(project, *command, NUMBER=3)
        assert result.returncode == 0, result.stderr
        assert "damaged" not in result.stderr
    assert f"Warning: {said}" in result.stderr
    assert checked_number(published) == 3
    assert [*(published / "builds").iterdir()] == [live_build(publish_dir=published)]
    assert "not published" not in run_tiny(project, "status").stdout


@pytest.mark.usefixtures("two_builds")
def test_a_write_ahead_log_beside_the_link_is_not_left_to_readers(project, published):
    (published / "marts.duckdb.wal").touch()
    assert "not published: marts.duckdb.wal." in run_tiny(project, "status").stdout
    for command in ("refresh", "rollback"):
        result = run_tiny(project, command, NUMBER=7)
        assert result.returncode == 3
        assert "marts.duckdb.wal was not made by publishing, and changes what" in result.stderr
    assert checked_number(published) == 2


def test_a_leftover_that_cannot_be_removed_keeps_nobody_from_publishing(published, monkeypatch):
    left = published / "builds" / ".incomplete-20240101T000000Z"
    left.mkdir(parents=True)
    with monkeypatch.context() as patched:
        busy = OSError(errno.ENOTEMPTY, "Directory not empty")
        patched.setattr(builds_module.shutil, "rmtree", Mock(side_effect=busy))
        for _ in range(2):
            remove_leftovers(publish_dir=published)
    assert len([*(published / "builds").iterdir()]) == 1
    remove_leftovers(publish_dir=published)
    assert not [*(published / "builds").iterdir()]


@pytest.mark.usefixtures("two_builds")
def test_a_live_build_with_a_damaged_manifest_can_be_left_by_a_rollback(project, published):
    damage(live_build(publish_dir=published) / "manifest.json", cut=True)
    status = run_tiny(project, "status")
    assert status.returncode == 0
    assert "its manifest is damaged: roll back" in status.stdout
    assert run_tiny(project, "rollback").returncode == 0
    assert checked_number(published) == 1


def test_a_rollback_where_nothing_is_published_makes_no_folder(project, published):
    result = run_tiny(project, "rollback", "--publish-dir", published)
    assert result.returncode == 3
    assert "Nothing is published" in result.stderr
    assert not published.exists()


# Status


def test_status_says_what_failed_last_and_what_is_live_after_it(project, published, delivery):
    with_contract(project)
    assert run_tiny(project, "refresh", "--raw-data", delivery, NUMBER=1).returncode == 0
    (delivery / "orders.csv").unlink()
    (delivery / "orders.csv").mkdir()
    assert run_tiny(project, "refresh", "--raw-data", delivery, NUMBER=2).returncode != 0
    result = run_tiny(project, "status")
    assert result.returncode == 0
    assert "Running       nothing" in result.stdout
    assert "lifecycle refresh, failed in phase inputs:" in result.stdout
    facts = json.loads(run_tiny(project, "status", "--json").stdout)
    assert facts["live"]["build_id"] == live_build(publish_dir=published).name
    assert facts["live"]["age_seconds"] < 60
    assert facts["live"]["input_files"][0]["path"] == str(delivery / "orders.csv")
    assert facts["last_failure"] == facts["last_run"]
    assert facts["last_failure"]["phase"] == "inputs"
    assert facts["running"] is None


@pytest.mark.usefixtures("two_builds")
def test_a_build_older_than_the_age_of_a_monitor_has_an_exit_code_of_its_own(project, published):
    for build, hours in zip(kept_builds(publish_dir=published), (3, 50), strict=True):
        manifest = json.loads((build / "manifest.json").read_text())
        built_at = datetime.now(UTC) - timedelta(hours=hours)
        (build / "manifest.json").chmod(0o644)
        (build / "manifest.json").write_text(
            json.dumps(manifest | {"built_at": built_at.isoformat()})
        )
    for age, code in (("4h", 0), ("1d", 0), ("2h", 9), ("179m", 9)):
        status = run_tiny(project, "status", "--max-age", age)
        assert (status.returncode, "Live build" in status.stdout) == (code, True)
        assert ("is 3.0 h old, and --max-age is" in status.stderr) == (code == 9)
    in_json = run_tiny(project, "status", "--json", STATUS_MAX_AGE="2h")
    assert in_json.returncode == 9
    without = json.loads(run_tiny(project, "status", "--json").stdout)
    assert json.loads(in_json.stdout).keys() == without.keys()
    assert json.loads(in_json.stdout)["live"].keys() == without["live"].keys()
    # after a rollback readers see numbers of then
    assert run_tiny(project, "rollback").returncode == 0
    assert run_tiny(project, "status", "--max-age", "2d").returncode == 9
    damage(live_build(publish_dir=published) / "manifest.json", cut=True)
    status = run_tiny(project, "status", "--max-age", "2d")
    assert (status.returncode, "of unknown age" in status.stderr) == (9, True)


@pytest.mark.parametrize("age", ["26", "0h", "-1h", "1.5h", "26h30m", "h", "soon", "9999999d"])
def test_an_age_that_is_none_is_wrong_usage(project, age):
    result = run_tiny(project, "status", f"--max-age={age}")
    assert result.returncode == 2
    assert "is not an age like 90m, 26h or 2d" in result.stderr


def test_status_as_json_of_an_empty_folder_is_json_and_exit_code_1(project):
    for variables in ({}, {"STATUS_MAX_AGE": "26h"}):
        result = run_tiny(project, "status", "--json", **variables)
        assert result.returncode == 1
        assert json.loads(result.stdout)["live"] is None


# The log


def test_each_phase_is_logged_with_its_time(project, tmp_path):
    log_file = tmp_path / "elsewhere" / "runs.jsonl"
    assert run_tiny(project, "refresh", "--log-file", log_file, NUMBER=1).returncode == 0
    lines = [json.loads(line) for line in log_file.read_text().splitlines()]
    seen = [(line["phase"], line["event"]) for line in lines if line["event"] in PHASES]
    assert seen == [
        *(
            (phase, event)
            for phase in ("inputs", "build", "audit")
            for event in ("started", "finished")
        ),
        ("publish", "started"),
        (None, "run published"),
        ("publish", "finished"),
    ]
    assert len({line["run_id"] for line in lines}) == 1
    assert all(line["seconds"] >= 0 for line in lines if line["event"] == "finished")
    assert all(datetime.fromisoformat(line["time"]).tzinfo for line in lines)


def test_a_log_that_cannot_be_written_stops_no_run(project, tmp_path):
    (tmp_path / "file").touch()
    log_file = tmp_path / "file" / "runs.jsonl"
    assert run_tiny(project, "refresh", "--log-file", log_file, NUMBER=1).returncode == 0


def test_secrets_do_not_show(monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PASSWORD", SECRET)
    text = f"{SECRET} failed at postgres://me:pw@host/db for jane.doe@example.com: token=abcd1234"
    assert without_secrets(text, secrets=["abcd1234"]) == (
        "*** failed at postgres://me:***@host/db for ***: token=***"
    )


# Retries


@pytest.fixture
def settings(project: Path, delivery: Path) -> Settings:
    with_contract(project)
    return resolve_settings(
        find_folders(Places(project_dir=project)), inputs=Inputs(raw_data=delivery)
    )


def tries(*errors: Exception, settings: Settings, retries: int = 2) -> tuple[int, str]:
    """Attempt with these errors one after another; returns the tries and the last error, if any."""
    left = list(errors)
    count = 0

    def attempt(watch: Watch) -> Path:
        nonlocal count
        count += 1
        if left:
            raise left.pop(0)
        return Path("done")

    try:
        attended(
            attempt,
            settings=settings,
            policy=Policy(retries=retries, retry_wait=0),
            log=Log(file=settings.project_dir / "log.jsonl"),
        )
    except Exception as error:
        return count, str(error)
    return count, ""


def passing(error: Exception, /) -> Exception:
    """Return an error that says that it may pass."""
    error.may_pass = True
    return error


def full_disk() -> Exception:
    """Return the error of publishing onto a full disk."""
    error = PublishError("No space left on device.")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    return error


def test_what_may_pass_is_tried_again_and_no_more_often_than_asked(settings):
    assert tries(full_disk(), settings=settings) == (2, "")
    assert tries(passing(BuildError("locked")), full_disk(), settings=settings) == (3, "")
    assert tries(*[full_disk()] * 3, settings=settings)[0] == 3
    assert tries(full_disk(), settings=settings, retries=0)[0] == 1


@pytest.mark.parametrize(
    "error",
    [
        BuildError("test orders_are_many: Got 1 result."),
        RawDataError("orders: the required column amount is missing"),
        PublishError("marts.duckdb was not made by publishing"),
        LockedError("is locked by another run"),
        RuntimeError("a surprise"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(settings, error):
    assert tries(error, settings=settings) == (1, str(error))


def test_wrong_data_is_tried_again_while_the_delivery_still_changes(settings, delivery):
    def write_on() -> None:
        time.sleep(0.3)
        with (delivery / "orders.csv").open("a") as file:
            file.write("2,3\n")

    writer = threading.Thread(target=write_on)
    writer.start()
    assert tries(RawDataError("orders: cut"), settings=settings) == (2, "")
    writer.join()


def test_a_delivery_that_changes_under_the_build_is_not_published(project, published, delivery):
    with_contract(project)
    arguments = ("refresh", "--raw-data", delivery, "--retry-wait", 0)
    changing = {"NUMBER": 1, "TOUCH": delivery / "orders.csv"}
    result = run_tiny(project, *arguments, **changing)
    assert result.returncode == 4
    assert "The delivery changed while it was read: orders.csv." in result.stderr
    assert live_build(publish_dir=published) is None
    result = run_tiny(project, *arguments, "--retry", 1, **changing)
    assert result.returncode == 0, result.stderr
    assert "Trying again in 0 s: The delivery changed" in result.stderr
    assert outcomes(published) == [("failed", "build"), ("failed", "build"), ("published", None)]


# The end


@pytest.mark.parametrize("how", ["timeout", "signal"])
@pytest.mark.usefixtures("two_builds")
def test_a_run_that_is_stopped_publishes_nothing_and_says_so(project, published, tmp_path, how):
    arguments = ["refresh", "--on-failure", f"cat > {tmp_path / 'told.json'}"]
    if how == "timeout":
        arguments += ["--timeout", 0.02]
    with start_tiny(project, *arguments, NUMBER=3, BUILD_SECONDS=60) as stopped:
        assert wait_for_phase(published, phase="build", process=stopped)
        if how == "signal":
            stopped.send_signal(signal.SIGTERM)
        _, errors = stopped.communicate(timeout=30)
    reason = {
        "timeout": "Stopped after 0.02 minutes (--timeout).",
        "signal": "Stopped by SIGTERM.",
    }[how]
    assert stopped.returncode == 7
    assert errors.endswith(f"Error: {reason} It was in phase build. Nothing was published.\n")
    assert outcomes(published)[2:] == [("failed", "build")]
    told = json.loads((tmp_path / "told.json").read_text())
    assert (told["error"], told["exit_code"], told["phase"]) == (reason, 7, "build")
    assert log_lines(project)[-1]["event"] == "stopped"
    assert holder(publish_lock(publish_dir=published)) == ({}, False)
    assert checked_number(published) == 2


@pytest.mark.parametrize("what", ["a main thread that is not woken", "nobody who reads"])
def test_a_signal_stops_a_run_whatever_its_main_thread_and_its_output_do(project, published, what):
    deaf = {"DEAF": 1} if "main" in what else {}
    with start_tiny(project, "refresh", BUILD_SECONDS=30, **deaf) as stopped:
        assert wait_for_phase(published, phase="build", process=stopped)
        if not deaf:
            stopped.stderr.close()
        time.sleep(0.5)
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(timeout=20) == 7
    assert outcomes(published) == [("failed", "build")]


def test_the_wait_for_a_lock_is_stopped_as_well(project, published):
    with start_tiny(project, "refresh", BUILD_SECONDS=60) as holder_of_lock:
        assert wait_for_phase(published, phase="build", process=holder_of_lock)
        result = run_tiny(project, "refresh", "--wait", 60, "--timeout", 0.02)
        holder_of_lock.kill()
    assert result.returncode == 7
    assert "It was in phase waiting." in result.stderr


def test_a_run_is_not_stopped_between_going_live_and_its_record(tmp_path, monkeypatch):
    ends = []
    monkeypatch.setattr(watch_module.os, "_exit", ends.append)
    log = Log(file=tmp_path / "log.jsonl")
    told = []
    watch = Watch(log=log, tell=told.append)
    with locked(tmp_path / ".lock", command="refresh") as lock:
        run = Run(
            id="20240101T000000Z",
            command="refresh",
            publish_dir=tmp_path,
            lock=lock,
            log=log,
            facts={},
            started_at=datetime.now(UTC),
        )
        with watch.watching(run=run):
            stopping = threading.Thread(target=watch.stop, args=("Stopped.",))
            with run.deciding:
                stopping.start()
                time.sleep(0.2)
                run.record(outcome="published")
            stopping.join()
    assert (ends, told) == ([], [])
    assert outcomes(tmp_path) == [("published", None)]


# Failure alerts


@contextmanager
def receiver(*, answer: int) -> Iterator[tuple[str, list]]:
    """Run a web server that keeps what is posted to it."""
    posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, json.loads(body)))
            self.send_response(answer)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook/{SECRET}", posted
    server.shutdown()
    server.server_close()


@pytest.fixture
def bad_delivery(project: Path, delivery: Path) -> Path:
    with_contract(project)
    (delivery / "orders.csv").unlink()
    (delivery / "orders.csv").mkdir()
    return delivery


@pytest.mark.parametrize("answer", [200, 500])
def test_a_failure_is_told_and_no_secret_is_logged(
    project, published, bad_delivery, tmp_path, answer
):
    command = f"cat > {tmp_path}/told.json; echo $LIFECYCLE_PHASE-$LIFECYCLE_EXIT_CODE; exit 3"
    with receiver(answer=answer) as (url, posted):
        result = run_tiny(
            project,
            *("refresh", "--raw-data", bad_delivery),
            *("--on-failure", f"{command} # {SECRET}"),
            REFRESH_WEBHOOK=url,
        )
    assert result.returncode == 4
    assert result.stderr.splitlines()[-1].startswith("orders: ")
    ((path, body),) = posted
    assert path == f"/hook/{SECRET}"
    assert body == json.loads((tmp_path / "told.json").read_text())
    assert body["phase"] == "inputs"
    assert body["exit_code"] == 4
    assert body["error"].startswith("orders: ")
    assert body["publish_dir"] == str(published)
    assert result.stdout == "inputs-4\n"
    warnings = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert warnings[0] == "Warning: The command of --on-failure ended with exit code 3."
    assert warnings[1:] == (
        []
        if answer == 200
        else ["Warning: The webhook at 127.0.0.1 did not accept the alert (it answered 500)."]
    )
    for file in (*project.rglob("*.jsonl"), *project.rglob(".lock")):
        assert SECRET not in file.read_text()
    assert SECRET not in result.stderr


def test_a_build_that_was_published_is_told_and_one_with_warnings_as_well(
    project, published, tmp_path
):
    success, warning = tmp_path / "success", tmp_path / "warning"
    with receiver(answer=200) as (url, posted):
        result = run_tiny(
            project,
            "refresh",
            *("--on-success", f"cat > {success}; exit 3 # {SECRET}"),
            NUMBER=1,
            REFRESH_WEBHOOK=url,
            REFRESH_ON_WARNING=f"cat > {warning}; echo $LIFECYCLE_OUTCOME-$LIFECYCLE_WARNINGS; "
            f'echo "$LIFECYCLE_FIRST_WARNINGS" | head -1; exit 4 # {SECRET}',
            REFRESH_ON_FAILURE=f"touch {tmp_path}/failure",
        )
    assert result.returncode == 0, result.stderr
    assert (posted, (tmp_path / "failure").exists()) == ([], False)
    told = json.loads(success.read_text())
    (record,) = read_records(publish_dir=published)
    assert told.keys() == set(notify.TOLD)
    assert told.items() >= {name: record[name] for name in notify.TOLD if name in record}.items()
    assert (told["outcome"], told["exit_code"], told["warnings"]) == ("published", 0, 1)
    # the command that failed is a warning by then
    unheard = "The command of --on-success ended with exit code 3."
    first = told["first_warnings"]
    assert json.loads(warning.read_text()) == told | {
        "warnings": 2,
        "first_warnings": [*first, unheard],
    }
    assert result.stdout.startswith(f"published-2\n{first[0]}\n")
    assert result.stderr.endswith("The command of --on-warning ended with exit code 4.\n")
    for file in (*project.rglob("*.jsonl"), *project.rglob(".lock")):
        assert SECRET not in file.read_text()


def test_a_build_without_warnings_is_told_as_a_success_alone_and_many_are_counted(
    settings, tmp_path
):
    policy = Policy(on_success=f"cat >> {tmp_path}/success", on_warning=f"cat > {tmp_path}/warning")
    log = Log(file=tmp_path / "log.jsonl", secrets=(SECRET,))
    run = partial(attended, settings=settings, policy=policy, log=log)
    assert run(lambda watch: Path("20240101T000000Z")) == Path("20240101T000000Z")
    told = json.loads((tmp_path / "success").read_text())
    assert (told["id"], told["warnings"], told["first_warnings"]) == ("20240101T000000Z", 0, [])
    assert not (tmp_path / "warning").exists()

    def warned(watch: Watch) -> Path:
        for number in range(12):
            log.warn(f"{number} {SECRET} {'x' * 1000}")
        return Path("20240102T000000Z")

    run(warned)
    told = json.loads((tmp_path / "warning").read_text())
    assert told["warnings"] == 12
    assert [line[:6] for line in told["first_warnings"]] == [
        f"{number} *** " for number in range(10)
    ]
    assert max(map(len, told["first_warnings"])) == 500


def test_who_stops_a_run_that_tells_of_its_success_changes_nothing(project, published, tmp_path):
    told = tmp_path / "told"
    command = f"echo $LIFECYCLE_EXIT_CODE >> {told}; sleep 2"
    with start_tiny(project, "refresh", "--on-success", command, NUMBER=1) as done:
        while done.poll() is None and not told.exists():
            time.sleep(0.01)
        done.send_signal(signal.SIGTERM)
        _, errors = done.communicate(timeout=30)
    assert (done.returncode, told.read_text()) == (0, "0\n")
    assert "Stopped" not in errors
    assert checked_number(published) == 1


def test_a_webhook_nobody_answers_does_not_hide_the_failure(project, bad_delivery):
    result = run_tiny(
        project,
        *("refresh", "--raw-data", bad_delivery, "--webhook", f"http://127.0.0.1:9/{SECRET}"),
    )
    assert result.returncode == 4
    assert "Warning: The webhook at 127.0.0.1 did not accept the alert (" in result.stderr
    assert SECRET not in result.stderr


@pytest.mark.parametrize(
    "address",
    ["file:///{}", "http://[{}", "http://a b/{}", "http://a/{}\n", "http://a:port/{}", "{}"],
)
def test_a_webhook_that_is_no_address_is_wrong_usage_and_not_shown(project, address):
    result = run_tiny(project, "refresh", REFRESH_WEBHOOK=address.format(SECRET))
    assert result.returncode == 2
    assert (
        result.stderr == "Error: Invalid webhook. Use an address like https://example.com/path.\n"
    )


@pytest.mark.parametrize("option", ["--timeout", "--wait", "--retry-wait"])
@pytest.mark.parametrize("value", ["inf", "nan", "1e12", "-1", "soon"])
def test_a_time_that_is_no_number_up_to_a_week_is_wrong_usage(project, option, value):
    result = run_tiny(project, "refresh", f"{option}={value}")
    assert result.returncode == 2
    assert f"Invalid value for '{option}'" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_failure_before_the_run_is_told_as_well(project, tmp_path):
    told = tmp_path / "told.json"
    arguments = ("refresh", "--raw-data", tmp_path / "gone", "--on-failure", f"cat > {told}")
    assert run_tiny(project, *arguments).returncode == 2
    assert json.loads(told.read_text())["phase"] == "settings"
    with locked(project / "warehouse.duckdb.lock", command="one"):
        assert run_tiny(project, "refresh", *arguments[-2:]).returncode == 6
    assert json.loads(told.read_text())["phase"] == "waiting"


def test_a_command_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(notify, "COMMAND_SECONDS", 0.2)
    problem = notify.run_command("sleep 5", told={}, option="--on-failure")
    assert problem == "The command of --on-failure took longer than 0.2 s."


@contextmanager
def slow_receiver() -> Iterator[str]:
    """Run a server that never comes to an end of its answer, though it always says a little."""
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.flush_headers()
            while not is_over.wait(0.3):
                with suppress(OSError):
                    self.wfile.write(b"X-More: to come\r\n")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    is_over.set()
    server.shutdown()
    server.server_close()


def test_a_webhook_that_answers_slowly_is_given_up(monkeypatch):
    monkeypatch.setattr(notify, "WEBHOOK_SECONDS", 0.5)
    with slow_receiver() as url:
        answers = []
        telling = threading.Thread(
            target=lambda: answers.append(notify.post(url, body="{}")), daemon=True
        )
        telling.start()
        telling.join(3)
    assert answers == [
        "The webhook at 127.0.0.1 did not accept the alert (it took longer than 0.5 s)."
    ]


def test_a_run_that_is_stopped_ends_though_its_webhook_does_not(project, published):
    with slow_receiver() as url:
        arguments = ("refresh", "--webhook", url)
        with start_tiny(project, *arguments, NUMBER=1, BUILD_SECONDS=60) as stopped:
            assert wait_for_phase(published, phase="build", process=stopped)
            stopped.send_signal(signal.SIGTERM)
            try:
                _, errors = stopped.communicate(timeout=20)
            finally:
                stopped.kill()
    assert stopped.returncode == 7
    assert "did not accept the alert (it took longer than 10 s)" in errors
    assert holder(publish_lock(publish_dir=published)) == ({}, False)


@pytest.mark.parametrize("how", ["timeout", "signal"])
def test_who_stops_a_run_that_tells_of_its_failure_changes_nothing(
    project, published, bad_delivery, tmp_path, how
):
    told = tmp_path / "told"
    command = f"echo $LIFECYCLE_EXIT_CODE >> {told}; sleep 4"
    arguments = ["refresh", "--raw-data", bad_delivery, "--on-failure", command]
    if how == "timeout":
        arguments += ["--timeout", 0.05]
    with start_tiny(project, *arguments) as failed:
        while how == "signal" and failed.poll() is None:
            if told.exists():
                failed.send_signal(signal.SIGTERM)
                break
            time.sleep(0.01)
        _, errors = failed.communicate(timeout=30)
    assert failed.returncode == 4
    assert told.read_text() == "4\n"
    assert "Stopped" not in errors
    assert outcomes(published) == [("failed", "inputs")]
