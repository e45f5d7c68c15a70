"""What docs/operations.md says is so: its exit codes, its options, its schedules."""

import ast
import re
import shlex
import shutil
import subprocess

import duckdb
import pytest
import yaml
from lifecycle import COMMANDS, PROJECT

from python_helpers.cli.command import EXIT_CODES
from python_helpers.operate.notify import TOLD
from python_helpers.publishing.records import append_record

GUIDE = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", GUIDE, flags=re.MULTILINE | re.DOTALL)
COMMAND_LINES = re.findall(r"lifecycle (\w+)((?: (?:'[^']*'|[^\s'\"`]+))*)", GUIDE)


def blocks(language: str, /) -> dict[str, str]:
    """Return the blocks of a language by the file they name, else by their number."""
    found = [(name, text) for kind, name, text in BLOCKS if kind == language]
    return {name or str(number): text for number, (name, text) in enumerate(found)}


def test_the_exit_codes_are_those_of_the_help():
    rows = re.findall(r"^\| (\d) \| (.*?) \|", GUIDE, flags=re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == EXIT_CODES


def test_every_command_line_is_one_the_command_takes():
    parsed = 0
    for name, arguments in COMMAND_LINES:
        if name in COMMANDS and "--help" not in arguments:
            COMMANDS[name].make_context(name, shlex.split(arguments.partition(" > ")[0]))
            parsed += 1
    assert parsed >= 8


def test_every_option_and_variable_is_there():
    options = {
        option for command in COMMANDS.values() for each in command.params for option in each.opts
    } | {"--now", "--help"}
    options |= {"--selector", "--resource-type"}  # of dbt
    options |= {"--no-deps", "--require-hashes"}  # of pip
    variables = {each.envvar for command in COMMANDS.values() for each in command.params}
    variables |= {f"LIFECYCLE_{name.upper()}" for name in TOLD}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", GUIDE)) <= options
    assert set(re.findall(r"\b(?:REFRESH|LIFECYCLE)_[A-Z_]+", GUIDE)) <= variables


def test_the_query_of_the_records_answers(tmp_path, monkeypatch):
    (tmp_path / "published").mkdir()
    record = {"id": "1", "seconds": {"build": 2.5}, "rows": {"fct_orders": 3}}
    append_record(publish_dir=tmp_path / "published", record=record)
    monkeypatch.chdir(tmp_path)
    query, *_ = blocks("sql").values()
    assert duckdb.sql(query).fetchall() == [("1", None, None, None, 2.5, 3)]


def test_the_shell_can_read_the_commands():
    commands = [*blocks("sh").values()]
    for line, hour in zip(blocks("cron")["0"].splitlines(), ("5", "8"), strict=True):
        *times, command = line.split(maxsplit=5)
        assert times == ["15", hour, "*", "*", "*"]
        assert "%" not in command  # cron makes a line break of it
        commands.append(command)
    for command in commands:
        subprocess.run(["bash", "-n", "-c", command], check=True)


def test_systemd_accepts_the_units(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd here")
    units = blocks("ini")
    names = ("lifecycle", "lifecycle-age")
    assert units.keys() == {f"{name}.{kind}" for name in names for kind in ("service", "timer")}
    for name, text in units.items():
        # what the unit runs is in no place of this machine
        text = text.replace("/srv/warehouse/.venv/bin/lifecycle", "/bin/echo")
        text = text.replace("WorkingDirectory=/srv/warehouse", f"WorkingDirectory={tmp_path}")
        (tmp_path / name).write_text(text.replace("User=warehouse", "User=root"))
    result = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / name for name in units)],
        capture_output=True,
        text=True,
        check=False,
    )
    about_units = [line for line in result.stderr.splitlines() if "lifecycle" in line]
    assert (result.returncode, about_units) == (0, [])


def test_the_workflow_starts_one_run_at_a_time_and_hands_over_no_secret_in_its_command():
    (text,) = blocks("yaml").values()
    workflow = yaml.safe_load(text)
    (job,) = workflow["jobs"].values()
    (step,) = job["steps"]
    assert workflow["concurrency"] == "refresh"
    assert workflow[True] == {"schedule": [{"cron": "15 5 * * *"}], "workflow_dispatch": None}
    assert "secrets" not in step["run"]
    minutes = int(re.search(r"--timeout (\d+)", step["run"])[1])
    assert minutes < job["timeout-minutes"]


def test_the_dag_is_python():
    (text,) = blocks("python").values()
    ast.parse(text)
