"""What is written into an argument or names a file or column is data, never SQL or shell.

The hostile text tries to leave a text and an identifier of SQL, and a quoted word of the shell.
Each way out would leave a file called `pwned`.
"""

from pathlib import Path

import click
import duckdb
import pytest
from lifecycle import COMMANDS, refresh_delivery, run
from tiny_refresh import checked_number, make_project, run_tiny, tiny_build

from python_helpers.operate import refresh as refresh_module

pytestmark = pytest.mark.long  # every option of every command is tried

HOSTILE = (
    "x'; copy (select 1) to 'pwned'; --",
    "x\"; copy (select 1) to 'pwned'; --",
    "x') ; attach 'pwned'; --",
    "$(touch pwned)`touch pwned`",
    "{{ run_query(\"copy (select 1) to 'pwned'\") }}",
)
EXIT_CODES = range(8)
# What is made where it is missing may be called anything; elsewhere a statement that was broken by
# the name would pass for one that was refused.
MADE = {
    *(("refresh", f"--{option}") for option in ("publish-dir", "warehouse", "log-file")),
    *(("export", f"--{option}") for option in ("export-dir", "log-file")),
}
# What a person hands over to be run, by the shell.
MEANT_TO_RUN = {"--on-failure", "--on-success", "--on-warning"}
ARGUMENTS = [
    (command, option.opts[0])
    for command, options in COMMANDS.items()
    for option in options.params
    if isinstance(option, click.Option)
    and not option.is_flag
    and option.opts[0] not in MEANT_TO_RUN
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project with a published build; `pwned` would be written to its folder."""
    folder = tmp_path_factory.mktemp("project")
    make_project(folder)
    assert run_tiny(folder, "refresh", NUMBER=1).returncode == 0
    return folder


@pytest.mark.parametrize(("command", "option"), ARGUMENTS, ids=map(" ".join, ARGUMENTS))
def test_an_argument_is_never_run(project, tmp_path, monkeypatch, command, option):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(refresh_module, "build", tiny_build)
    for text in HOSTILE:
        arguments = ["--project-dir", project] if option != "--project-dir" else []
        # a quote in the name of the warehouse itself is refused, in its folder it is not
        value = f"{text}/w.duckdb" if option == "--warehouse" else text
        result = run(command, *arguments, option, value)
        expected = {0} if (command, option) in MADE else EXIT_CODES
        assert result.exit_code in expected, result.output
        assert "Traceback" not in result.output
        assert "Error: AttributeError" not in result.output
    assert not list(tmp_path.rglob("pwned")) and not list(project.rglob("pwned"))
    checked_number(project / "published")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_project_may_be_in_a_folder_called_anything(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(refresh_module, "build", tiny_build)
    folder = tmp_path / text
    make_project(folder)
    for command in (
        *("refresh", "refresh", "audit", "status", "export", "export --format csv", "rollback"),
        "erase --customer c1 --yes",
    ):
        result = run(*command.split(), "--project-dir", folder)
        assert result.exit_code == 0, (command, result.output)
    checked_number(folder / "published")
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.nightly
def test_names_of_folders_files_and_columns_are_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, text in enumerate(HOSTILE):
        folder = tmp_path / text.replace("/", "")
        folder.mkdir()
        quoted = text.replace('"', '""')
        (folder / f"orders_{text}.csv").write_text(
            f'order_id,customer_id,ordered_at,amount,"{quoted}"\n'
            f'"{quoted}","{quoted}",2025-01-0{number + 1},10.00,"{quoted}"\n'
        )
    for text in HOSTILE:
        result = refresh_delivery(
            tmp_path, "--skip-audit", delivery=tmp_path / text, select=("+fct_orders",)
        )
        assert result.exit_code == 0, result.output
        database = str(tmp_path / "published" / "marts.duckdb")
        with duckdb.connect(database, read_only=True) as marts:
            orders = marts.execute("select order_id, customer_id from fct_orders").fetchall()
        assert orders == [(text, text)]
    assert not list(tmp_path.rglob("pwned"))
