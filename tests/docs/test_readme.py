"""What README.md says is what happens: each of its commands and snippets is run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
SETTINGS = {"RAW_INPUT", "RAW_DATA_DIR", "AS_OF_DATE", "REPORTING_CURRENCY", "REPORTING_TIMEZONE"}
MAKE = {"make build", "make test"}
REFRESH = ".venv/bin/python -m python_helpers refresh --raw-data path/to/folder"
STATUS = ".venv/bin/python -m python_helpers status"
COPY_PROFILE = "cp profiles.example.yml profiles.yml"
DBT_BUILD = ".venv/bin/dbt build"
# they bring their own rows: what passed on the sample would pass once more
WITHOUT_UNIT_TESTS = {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"}


def blocks(*, language: str) -> list[str]:
    """Return the texts of the README's fenced blocks in a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def run(
    *, command: str, environment: Mapping[str, object], cwd: Path = PROJECT
) -> subprocess.CompletedProcess[str]:
    """Run a command of the README with this Python and these settings, and no others."""
    words = shlex.split(command)
    if words[0].startswith(".venv/bin/"):
        words[0] = str(Path(sys.executable).with_name(Path(words[0]).name))
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    result = subprocess.run(
        words,
        cwd=cwd,
        env=kept | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Refresh from the sample as `make build` does; returns the folder and what was printed."""
    folder = tmp_path_factory.mktemp("sample")
    settings = {
        "WAREHOUSE_PATH": folder / "warehouse.duckdb",
        "PUBLISH_DIR": folder / "published",
        # as on a terminal, without colours
        "TTY_COMPATIBLE": 1,
        "TERM": "dumb",
    }
    result = run(command=".venv/bin/python -m python_helpers refresh", environment=settings)
    return folder, result.stdout


def test_no_command_of_the_readme_goes_untested():
    lines = [
        line.split("#")[0].strip() for block in blocks(language="sh") for line in block.splitlines()
    ]
    assert {line for line in lines if line} == MAKE | {REFRESH, STATUS, COPY_PROFILE, DBT_BUILD}


@pytest.mark.parametrize("command", sorted(MAKE))
def test_the_make_targets_are_there_and_build_is_a_refresh(command):
    result = run(command=f"{command} --dry-run", environment={})
    assert "python_helpers refresh" in result.stdout or command == "make test"
    assert "pytest" in result.stdout or command == "make build"


def test_the_headlines_in_the_readme_are_those_of_the_sample(sample):
    _, printed = sample
    (shown,) = blocks(language="text")
    assert shown.strip()
    assert shown.rstrip() in printed


def test_the_query_of_the_readme_answers(sample):
    folder, _ = sample
    (snippet,) = blocks(language="python")
    result = run(command=f".venv/bin/python -c {shlex.quote(snippet)}", environment={}, cwd=folder)
    assert "churn_rate" in result.stdout
    assert "2025-10-01" in result.stdout


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md"),
        *("docs/bi.md", "docs/bring_your_own_data.md"),
    ],
)
def test_every_link_leads_somewhere(name):
    document = PROJECT / name
    for target, heading in re.findall(
        r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", document.read_text(encoding="utf-8")
    ):
        file = document.parent / target if target else document
        assert file.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in [title.lower().replace(" ", "-") for title in titles]


def test_status_says_what_is_published(sample):
    folder, _ = sample
    result = run(command=STATUS, environment={"PUBLISH_DIR": folder / "published"})
    assert "rpt_retention_periods" in result.stdout


def test_every_published_mart_is_in_the_table_of_the_readme(sample):
    folder, _ = sample
    marts = duckdb.connect(str(folder / "published" / "marts.duckdb"), read_only=True)
    published = {
        name for (name,) in marts.execute("select table_name from duckdb_tables()").fetchall()
    }
    table = README[README.index("| mart |") : README.index("Three habits")]
    first_columns = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert published == {
        name for column in first_columns for name in re.findall(r"`(\w+)`", column)
    }


def test_the_smallest_delivery_of_the_readme_can_be_refreshed_from(tmp_path):
    (delivery,) = blocks(language="csv")
    raw = tmp_path / "my orders"
    raw.mkdir()
    (raw / "orders.csv").write_text(delivery, encoding="utf-8")
    settings = {"WAREHOUSE_PATH": tmp_path / "w.duckdb", "PUBLISH_DIR": tmp_path / "published"}
    refresh = REFRESH.replace("path/to/folder", shlex.quote(str(raw)))
    run(command=refresh, environment=settings | WITHOUT_UNIT_TESTS)
    marts = duckdb.connect(str(tmp_path / "published" / "marts.duckdb"), read_only=True)
    (revenue,) = marts.execute("select sum(net_revenue_amount) from marts.fct_orders").fetchone()
    assert str(revenue) == "107.40"


def test_plain_dbt_builds_the_same_marts_on_an_empty_database(sample, tmp_path):
    folder, _ = sample
    shutil.copy(PROJECT / "profiles.example.yml", tmp_path / "profiles.yml")
    settings = {
        "DBT_PROFILES_DIR": tmp_path,
        "DBT_TARGET_PATH": tmp_path / "target",
        "DBT_LOG_PATH": tmp_path / "logs",
        "WAREHOUSE_PATH": tmp_path / "warehouse.duckdb",
    }
    run(command=DBT_BUILD, environment=settings | WITHOUT_UNIT_TESTS)
    both = duckdb.connect()
    both.execute(f"attach '{folder / 'warehouse.duckdb'}' as refreshed (read_only)")
    both.execute(f"attach '{tmp_path / 'warehouse.duckdb'}' as built (read_only)")
    marts = both.execute(
        "select table_name from duckdb_tables() "
        "where database_name = 'refreshed' and schema_name = 'marts'"
    ).fetchall()
    assert marts
    for (mart,) in marts:
        # floating-point sums differ in the last bits with the order in which they are added
        columns = ", ".join(
            f"round({column}, 9)" if data_type == "DOUBLE" else column
            for column, data_type, *_ in both.execute(f"describe built.marts.{mart}").fetchall()
        )
        one, other = (
            f"select {columns} from {side}.marts.{mart}" for side in ("refreshed", "built")
        )
        (differing,) = both.execute(
            f"select count(*) from "
            f"(({one} except all {other}) union all ({other} except all {one}))"
        ).fetchone()
        assert differing == 0, mart
