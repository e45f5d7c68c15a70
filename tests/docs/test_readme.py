"""What README.md says is what happens: each of its commands and snippets is run.

docs/operations.md has the headlines and plain dbt, docs/marts.md every mart.
"""

import io
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
import value_tables
from lifecycle import built_marts
from rich.console import Console

from python_helpers.cli.tables import show_published
from python_helpers.digest.digest import make_digest
from python_helpers.digest.written import written
from python_helpers.publishing.builds import read_manifest

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
MARTS = (PROJECT / "docs" / "marts.md").read_text(encoding="utf-8")
PICTURE = PROJECT / "docs" / "cohorts.svg"
SETTINGS = {"RAW_INPUT", "RAW_DATA_DIR", "AS_OF_DATE", "REPORTING_CURRENCY", "REPORTING_TIMEZONE"}
MAKE = {"make build", "make test"}
REFRESH = ".venv/bin/lifecycle refresh --raw-data path/to/folder"
# run in the test of the guide that has it as well
FROM_EXPORTS = ".venv/bin/lifecycle refresh --from shopify,stripe --raw-data path/to/folder"
COPY_PROFILE = "cp profiles.example.yml profiles.yml"
DBT_BUILD = ".venv/bin/dbt build"
# they bring their own rows: what passed on the sample would pass once more
WITHOUT_UNIT_TESTS = {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"}


def blocks(*, language: str, document: str = README) -> list[str]:
    """Return the texts of a document's fenced blocks in a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", document, flags=re.MULTILINE | re.DOTALL)


def without_comments(block: str, /) -> set[str]:
    """Return the commands of a block for the shell."""
    return {line.split("#")[0].strip() for line in block.splitlines()}


def run(
    *, command: str, environment: Mapping[str, object], cwd: Path = PROJECT
) -> subprocess.CompletedProcess[str]:
    """Run a command of the README with this Python and these settings, and no others."""
    words = shlex.split(command)
    if words[0] == ".venv/bin/lifecycle":  # a launcher of the same module, which make writes
        words[:1] = [".venv/bin/python", "-m", "python_helpers"]
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
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Refresh from the sample as `make build` does; returns the folder."""
    folder = tmp_path_factory.mktemp("sample")
    settings = {
        "WAREHOUSE_PATH": folder / "warehouse.duckdb",
        "PUBLISH_DIR": folder / "published",
        # as on a terminal, without colours
        "TTY_COMPATIBLE": 1,
        "TERM": "dumb",
    }
    run(command=".venv/bin/python -m python_helpers refresh", environment=settings)
    return folder


def test_no_command_of_the_readme_goes_untested():
    lines = set().union(*(without_comments(block) for block in blocks(language="sh")))
    assert lines == MAKE | {REFRESH, FROM_EXPORTS}
    guide = (PROJECT / "docs" / "bring_your_own_data.md").read_text(encoding="utf-8")
    assert FROM_EXPORTS.replace("path/to/folder", "your/folder") in guide
    plain_dbt = [*map(without_comments, blocks(language="sh", document=OPERATIONS))]
    assert {COPY_PROFILE, DBT_BUILD} in plain_dbt


@pytest.mark.parametrize("command", sorted(MAKE))
def test_the_make_targets_are_there_and_build_is_a_refresh(command):
    result = run(command=f"{command} --dry-run", environment={})
    assert "python_helpers refresh" in result.stdout or command == "make test"
    assert "pytest" in result.stdout or command == "make build"


def test_the_headlines_in_the_guide_are_those_of_the_sample(sample):
    headlines, _ = blocks(language="text", document=OPERATIONS)
    assert headlines.strip()
    published = sample / "published"
    terminal = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100)
    show_published(publish_dir=published, published=published / "current", console=terminal)
    assert headlines.rstrip() in terminal.file.getvalue()


def test_the_digest_in_the_guide_is_that_of_the_sample_and_the_same_build_again_is_quiet(sample):
    _, said = blocks(language="text", document=OPERATIONS)
    published = sample / "published"
    digest = written(make_digest(publish_dir=published), as_format="text")
    assert digest.startswith(f"{said}\nLive build ")
    # the same marts once more
    (build,) = (published / "builds").iterdir()
    again = shutil.copytree(build, build.with_name("99991231T000000Z"))
    manifest = read_manifest(build=build) | {"audit": {"compared_with": build.name}}
    (again / "manifest.json").unlink()
    (again / "manifest.json").write_text(json.dumps(manifest))
    later = make_digest(publish_dir=published, build_id=again.name)
    assert later.is_quiet
    assert later.build.warnings == later.before.warnings != []
    shutil.rmtree(again)


def test_the_guide_to_customer_value_has_the_tables_of_the_sample(sample):
    page = value_tables.PAGE.read_text(encoding="utf-8")
    with duckdb.connect(str(sample / "published" / "marts.duckdb"), read_only=True) as marts:
        assert value_tables.written(name="sample", page=page) == value_tables.tables(marts)


def test_the_sample_uses_each_model_that_the_guide_to_customer_value_names(sample):
    with duckdb.connect(str(sample / "published" / "marts.duckdb"), read_only=True) as marts:
        errors = dict(
            marts.execute(
                "select statistic, value from marts.rpt_ltv_model_fit where verdict = 'used' "
                "and model = 'shifted_beta_geometric' and segment_value = 'month' "
                "and frequency_class = 'all' and statistic like 'holdout_%_error'"
            ).fetchall()
        )
        customers = dict(
            marts.execute(
                "select ltv_method, count(*) from marts.fct_customer_value group by ltv_method"
            ).fetchall()
        )
    assert errors, "renewals of contracts by the month are not predicted"
    # not by a hair: another warehouse's rounding or a corrected day must not turn the verdict
    error = errors["holdout_predicted_error"]
    assert error < 0.9 * errors["holdout_past_rate_error"]
    assert error < 0.9 * errors["holdout_nobody_leaves_error"]
    assert errors["holdout_predicted_total_error"] < 0.2
    for method in ("mbg_nbd_gamma_gamma", "shifted_beta_geometric", "both models", "formula"):
        assert customers[method] >= 10, method


def test_the_snippet_of_the_readme_opens_the_published_file(sample):
    (snippet,) = blocks(language="python")
    result = run(command=f".venv/bin/python -c {shlex.quote(snippet)}", environment={}, cwd=sample)
    assert "churn_rate" in result.stdout


def answers(query: str, /, *, marts: Path, empty: bool) -> list[tuple]:
    """Ask a query of the README, of the marts as they are or with every number at zero."""
    with duckdb.connect() as memory:
        memory.execute(f"attach '{marts}' as published (read_only)")
        memory.execute("attach ':memory:' as marts")
        for table in set(re.findall(r"marts\.(\w+)", query)):
            columns = memory.execute(f"describe published.{table}").fetchall()
            zeros = ", ".join(
                f"cast(0 as {data_type}) as {name}"
                for name, data_type, *_ in columns
                if empty and data_type.startswith(("BIGINT", "HUGEINT", "DECIMAL"))
            )
            replaced = f"replace ({zeros})" if zeros else ""
            memory.execute(
                f"create table marts.{table} as select * {replaced} from published.{table}"
            )
        return memory.execute(query).fetchall()


@pytest.mark.parametrize("query", blocks(language="sql"))
def test_each_question_of_the_readme_has_an_answer_and_survives_an_empty_denominator(sample, query):
    marts = sample / "published" / "marts.duckdb"
    rows = answers(query, marts=marts, empty=False)
    assert sum(None not in row for row in rows) >= 3
    assert answers(query, marts=marts, empty=True)  # as far as it goes, with NULL for a rate
    for row in rows + answers(query, marts=marts, empty=True):
        assert all(math.isfinite(value) for value in row if isinstance(value, float)), row


DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *(PROJECT / "docs").glob("*.md")]
DOCUMENTED = [
    pytest.param(query, id=f"{path.name}-{number}")
    for path in sorted(DOCUMENTS)
    for number, query in enumerate(
        blocks(language=r"sql(?: \w+)?", document=path.read_text(encoding="utf-8")), start=1
    )
    if re.search(r"\bmarts\.\w+", query) and "create role" not in query
]


@pytest.mark.parametrize("query", DOCUMENTED)
def test_no_documented_query_divides_by_zero(sample, query):
    # DuckDB gives nan or infinity for a floating-point number divided by zero
    for row in answers(query, marts=sample / "published" / "marts.duckdb", empty=True):
        assert all(math.isfinite(value) for value in row if isinstance(value, float)), row


@pytest.mark.parametrize(
    "path", [*DOCUMENTS, *(PROJECT / "analyses").glob("*.sql")], ids=lambda path: path.name
)
def test_every_division_in_documented_sql_has_a_nullif(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        spans = [span for span in re.findall(r"`([^`\n]+)`", text) if re.search(r"\bsum\(", span)]
        sql = "\n".join([*blocks(language="sql[^\n]*", document=text), *spans])
    else:
        sql = text
    sql = re.sub(r"--[^\n]*|'[^']*'", "", sql)
    divisors = re.findall(r"(?<![*/])/(?![*/])\s*(\S+)", sql)
    assert [d for d in divisors if not re.match(r"nullif\(|\d", d)] == []


def shown(picture: Path, /) -> dict[tuple[str, int], float]:
    """Read the cells of the heat map from what it tells to those who cannot see it."""
    cell = r"months since[^:]*: (\d+); cohort: (\d{4} Q\d); depth: ([\d.]+)"
    return {
        (cohort, int(months)): float(share)
        for months, cohort, share in re.findall(cell, picture.read_text(encoding="utf-8"))
    }


def test_the_picture_of_the_readme_is_what_its_command_makes_of_the_sample(sample, tmp_path):
    assert f"]({PICTURE.relative_to(PROJECT)})" in README
    (command,) = re.findall(
        rf"^(lifecycle report .* {PICTURE.relative_to(PROJECT)})  #",
        (PROJECT / "docs" / "report.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    command = command.replace(str(PICTURE.relative_to(PROJECT)), str(tmp_path / PICTURE.name))
    run(command=f".venv/bin/{command} --publish-dir {sample}/published", environment={})
    assert (tmp_path / PICTURE.name).stat().st_size > 10_000
    assert shown(tmp_path / PICTURE.name) == shown(PICTURE)


def test_the_picture_of_the_readme_shows_who_was_in_a_spell_at_each_month_end(sample):
    marts = duckdb.connect(str(sample / "published" / "marts.duckdb"), read_only=True)
    spells = marts.execute(
        "select customer_id, started_on, ended_on from marts.fct_activity_spells "
        "where relationship = 'any' order by customer_id, started_on"
    ).fetchall()
    first = {customer: started_on for customer, started_on, _ in reversed(spells)}
    cells = shown(PICTURE)
    assert len(cells) > 70
    for (cohort, months), share in cells.items():
        members = {
            customer: month_end(day, months=months)
            for customer, day in first.items()
            if f"{day.year} Q{(day.month + 2) // 3}" == cohort
        }
        active = {
            customer
            for customer, started_on, ended_on in spells
            if customer in members and started_on <= members[customer] < (ended_on or date.max)
        }
        # the picture has six digits
        assert share == pytest.approx(len(active) / len(members), rel=1e-5), (cohort, months)


def month_end(day: date, /, *, months: int) -> date:
    """Return the last day of the month, this many months after the one of a day's."""
    later = day.year * 12 + day.month + months  # the month after, counted from 0
    return date(later // 12, later % 12 + 1, 1) - timedelta(days=1)


@pytest.mark.parametrize(
    "name",
    [
        *(path.name for path in PROJECT.glob("*.md")),
        *(f"docs/{path.name}" for path in (PROJECT / "docs").glob("*.md")),
        "benchmarks/README.md",
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


def test_every_published_mart_is_in_the_tables_of_the_marts_under_its_folder(sample):
    marts = duckdb.connect(str(sample / "published" / "marts.duckdb"), read_only=True)
    published = {
        name for (name,) in marts.execute("select table_name from duckdb_tables()").fetchall()
    }
    listed = [
        (folder, mart)
        for folder, section in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", MARTS, re.M | re.S)
        for mart in re.findall(r"^\| `(\w+)`", section, re.M)
    ]
    assert {mart for _, mart in listed} == published
    for folder, mart in listed:
        assert (PROJECT / "models" / "marts" / folder / f"{mart}.sql").is_file(), mart


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
    shutil.copy(PROJECT / "profiles.example.yml", tmp_path / "profiles.yml")
    settings = {
        "DBT_PROFILES_DIR": tmp_path,
        "DBT_TARGET_PATH": tmp_path / "target",
        "DBT_LOG_PATH": tmp_path / "logs",
        "WAREHOUSE_PATH": tmp_path / "warehouse.duckdb",
    }
    run(command=DBT_BUILD, environment=settings | WITHOUT_UNIT_TESTS)
    both = duckdb.connect()
    both.execute(f"attach '{sample / 'warehouse.duckdb'}' as refreshed (read_only)")
    both.execute(f"attach '{tmp_path / 'warehouse.duckdb'}' as built (read_only)")
    marts = both.execute(
        # a view names the file it was made in, and dim_build its build
        "select table_name from duckdb_tables() where database_name = 'built' "
        "and schema_name = 'marts' and table_name <> 'dim_build'"
    ).fetchall()
    assert len(marts) > 40
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


def test_the_picture_counts_the_marts():
    assert re.findall(r"(\d+) marts", README) == [str(len(built_marts()))]
