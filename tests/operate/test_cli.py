"""The `lifecycle` command: its help, its settings, and what it says when a build fails."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import duckdb
import pytest
import yaml
from click.testing import Result
from digested import publish
from lifecycle import (
    COMMANDS,
    MART,
    PROJECT,
    PROJECT_MACROS,
    VARIABLES,
    refresh_delivery,
    run,
)
from rich.console import Console

from python_helpers.cli import refresh as refresh_command
from python_helpers.cli.tables import show_published
from python_helpers.core.errors import BuildError, SettingsError
from python_helpers.core.folders import Places, find_folders
from python_helpers.core.log import Log
from python_helpers.core.settings import MAX_SPILL, MEMORY_LIMIT, Settings, resolve_settings
from python_helpers.publishing.builds import live_build, read_manifest
from python_helpers.spark import session as session_module
from python_helpers.warehouse import build as build_module

ORDERS = """\
order_id,customer_id,ordered_at,amount,currency
o1,ann,2024-01-05 10:00:00,30.00,EUR
o2,ann,2024-01-25 10:00:00,20.00,EUR
o3,bob,2024-02-10 10:00:00,15.50,EUR
o4,,2024-03-01 10:00:00,9.99,EUR
o5,bob,2024-05-02 10:00:00,not a number,EUR
o6,ann,2024-06-30 10:00:00,40.00,EUR
"""
CUSTOMERS = "customer_id,customer_segment\nann,wholesale\n"
ANSWERS = """\
response_id,customer_id,survey_type,responded_at,category,category_spend_amount,reason_code
r1,ann,wallet,2024-03-05,garden,500,
r2,bob,exit,2024-04-12,,,moved abroad
"""


@pytest.fixture(autouse=True)
def _no_settings_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


# Help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_lists_every_option_with_its_environment_variable(name):
    text = " ".join(run(name, "--help").stdout.split())
    for option in COMMANDS[name].params:
        if isinstance(option, click.Argument):  # what the text is about
            assert option.metavar in text and option.envvar in text
            continue
        assert option.opts[0] in text
        assert re.search(rf"\[env var: {option.envvar}\b", text), option.opts[0]


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)])
def test_help_has_examples_one_a_line(arguments):
    lines = run(*arguments, "--help").stdout.splitlines()
    examples = lines[lines.index("Examples:") + 1 :]
    assert examples[0].strip().startswith("lifecycle")
    assert examples[1].strip()


def test_the_version_is_that_of_the_project():
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    package = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["version"] == package["version"]
    assert run("--version").stdout == f"lifecycle {package['version']}\n"


def test_the_package_runs_as_a_module_from_any_folder(tmp_path):
    command = [sys.executable, "-m", "python_helpers", "--help"]
    result = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert "Exit codes:" in result.stdout


# Settings


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch):
    """Resolve a command line, without a build."""

    def resolve(*arguments: object, **environment: object) -> Settings:
        found = []

        def refresh(*, settings: Settings, **_: object) -> None:
            found.append(settings)
            raise SettingsError("that is all")

        with monkeypatch.context() as patched:
            patched.setattr(refresh_command, "run_refresh", refresh)
            for name, value in environment.items():
                patched.setenv(name, str(value))
            run("refresh", *arguments)
        return found[0]

    return resolve


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    folder = tmp_path / "delivery"
    folder.mkdir()
    (folder / "orders.csv").write_text(ORDERS)
    return folder


def test_every_variable_is_read(settings_of, delivery, tmp_path):
    settings = settings_of(
        RAW_INPUT="files",
        RAW_DATA_DIR=delivery,
        WAREHOUSE_PATH=tmp_path / "w.duckdb",
        PUBLISH_DIR=tmp_path / "out",
        ERASURES_DIR=tmp_path / "erasures",
        AS_OF_DATE="2024-01-31",
        REPORTING_CURRENCY="usd",
        ACTIVITY_WINDOW="365",
        DBT_FULL_REFRESH="1",
        THREADS="3",
        MEMORY_LIMIT="1GB",
        MAX_SPILL="2GB",
        VARS="{default_margin_rate: 0.4}",
        KEEP_BUILDS="7",
        SKIP_AUDIT="1",
        REFRESH_NO_REPORT="1",
        DBT_PROJECT_DIR=PROJECT,
    )
    assert settings.environment() == {
        "RAW_INPUT": "files",
        "RAW_DATA_DIR": str(delivery),
        "WAREHOUSE_PATH": str(tmp_path / "w.duckdb"),
        "PUBLISH_DIR": str(tmp_path / "out"),
        "ERASURES_DIR": str(tmp_path / "erasures"),
        "AS_OF_DATE": "2024-01-31",
        "REPORTING_CURRENCY": "USD",
        "ACTIVITY_WINDOW": "365",
        "THREADS": "3",
        "MEMORY_LIMIT": "1GB",
        "MAX_SPILL": "2GB",
    }
    assert settings.publish_dir == tmp_path / "out"
    assert settings.full_refresh
    assert settings.dbt_vars == "{default_margin_rate: 0.4}"
    assert settings.keep_builds == 7
    assert settings.skip_audit
    assert settings.no_report


def test_the_limits_of_the_command_line_are_those_of_the_profile():
    profile = (PROJECT / "profiles.example.yml").read_text()
    limits = re.findall(r"env_var\('(MEMORY_LIMIT|MAX_SPILL)', '(\w+)'\)", profile)
    assert dict(limits) == {"MEMORY_LIMIT": MEMORY_LIMIT, "MAX_SPILL": MAX_SPILL}


def test_an_option_beats_its_variable(settings_of):
    assert settings_of("--as-of", "2024-02-01", AS_OF_DATE="2024-01-31").as_of == "2024-02-01"


def test_a_raw_folder_implies_that_the_input_is_files(settings_of, delivery):
    assert settings_of("--raw-data", delivery).raw_input == "files"
    assert settings_of(RAW_DATA_DIR=delivery).raw_input == "files"
    assert settings_of(RAW_DATA_DIR=delivery, RAW_INPUT="sample").raw_input == "sample"
    assert settings_of("--raw-input", "tables", RAW_DATA_DIR=delivery).raw_input == "tables"
    assert settings_of().raw_input == "sample"


def test_paths_are_absolute_and_defaults_are_in_the_project(settings_of, delivery, monkeypatch):
    monkeypatch.chdir(delivery.parent)
    settings = settings_of("--raw-data", "delivery", "--warehouse", "w.duckdb")
    assert settings.raw_data == delivery
    assert settings.warehouse == delivery.parent / "w.duckdb"
    assert settings.project_dir == PROJECT
    assert settings.publish_dir == PROJECT / "published"
    assert settings_of().warehouse == PROJECT / "warehouse.duckdb"


def test_two_warehouses_do_not_share_parse_state(settings_of, tmp_path):
    default = settings_of()
    first = settings_of("--warehouse", tmp_path / "a" / "w.duckdb")
    second = settings_of("--warehouse", tmp_path / "b" / "w.duckdb")
    assert default.target_path == PROJECT / "target"
    assert len({default.target_path, first.target_path, second.target_path}) == 3
    assert settings_of(DBT_TARGET_PATH=tmp_path).target_path == tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as-of", "2999-01-01"], "after today"),
        (["--as-of", "31.1.2024"], "Use a date like 2024-01-31"),
        (["--as-of", "2024-02-30"], "Invalid as-of date"),
        (["--raw-data", "does/not/exist"], "does not exist"),
        (["--raw-input", "files"], "no folder is named"),
        (["--raw-input", "tables", "--raw-data", "empty"], "--raw-data goes with files or exports"),
        (["--raw-input", "kafka"], "Invalid raw input 'kafka'. Use sample, files, tables, or"),
        (["--reporting-currency", "Euro"], "Use a code like EUR"),
        (["--activity-window", "0"], "Invalid activity window '0'. Use a whole number of days"),
        (["--activity-window", "60.5"], "Invalid activity window '60.5'"),
        (["--activity-window", "-60"], "Invalid activity window '-60'"),
        (["--activity-window", "a year"], "Invalid activity window 'a year'"),
        (["--activity-window", "10000"], "from 1 to 9999"),
        (["--vars", "{activity_window: 0}"], "Invalid activity window '0'"),
        (["--vars", "[1]"], "not a mapping"),
        (["--keep-builds", "0"], "--keep-builds"),
        (["--project-dir", "empty"], "There is no dbt_project.yml in empty"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, message, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    result = run("refresh", *arguments)
    assert result.exit_code == 2
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert message in errors[0]


def test_a_folder_that_would_not_be_read_is_wrong_usage(delivery, monkeypatch):
    monkeypatch.setenv("RAW_INPUT", "sample")
    result = run("refresh", "--raw-data", delivery)
    assert result.exit_code == 2
    assert "--raw-data goes with files or exports, and --from is sample" in result.stderr


def test_a_surprise_is_one_line_and_debug_lets_it_be_seen(monkeypatch):
    def surprise(**_: object) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(refresh_command, "run_refresh", surprise)
    result = run("refresh")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: RuntimeError: the disk is on fire")
    assert isinstance(run("refresh", "--debug").exception, RuntimeError)


# The real project, from a delivery of six orders, a customer and two answers


@dataclass(frozen=True)
class Refreshed:
    """A refresh of the real project and the folders it worked in."""

    folder: Path
    result: Result

    @property
    def published(self) -> Path:
        """The folder readers open."""
        return self.folder / "published"

    @property
    def log(self) -> Path:
        """The log file of dbt."""
        return self.folder / "target" / "logs" / "dbt.log"


@pytest.fixture(scope="session")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    folder = tmp_path_factory.mktemp("refreshed")
    (folder / "delivery").mkdir()
    for table, rows in (
        ("orders", ORDERS),
        ("customers", CUSTOMERS),
        ("survey_responses", ANSWERS),
    ):
        (folder / "delivery" / f"{table}.csv").write_text(rows)
    return Refreshed(folder=folder, result=refresh_delivery(folder))


@pytest.fixture(scope="session")
def refreshed_without_amount(refreshed: Refreshed) -> Iterator[Refreshed]:
    """Refresh once more, from a delivery that lacks a required column."""
    refreshed.log.unlink()
    orders = refreshed.folder / "delivery" / "orders.csv"
    orders.write_text(ORDERS.replace(",amount,", ",amuont,"))
    return Refreshed(folder=refreshed.folder, result=refresh_delivery(refreshed.folder))


def test_a_refresh_builds_tests_and_publishes(refreshed):
    assert refreshed.result.exit_code == 0, refreshed.result.output
    with duckdb.connect(str(refreshed.published / "marts.duckdb"), read_only=True) as connection:
        found = connection.execute("select table_name from duckdb_tables()").fetchall()
        tables = {name for (name,) in found}
        assert {"dim_customers", "fct_orders", "rpt_retention_periods"} <= tables
        assert not [name for name in tables if name.startswith(("base_", "stg_", "int_"))]
        orders = "select count(*), sum(net_revenue_amount)::text from marts.fct_orders"
        assert connection.execute(orders).fetchall() == [(5, "115.49")]
        # a view in a warehouse of plain dbt
        assert "fct_lifecycle_stages" in tables
        manifest = read_manifest(build=live_build(publish_dir=refreshed.published))
        facts = connection.execute(
            "select build_id, as_of_date::text, reporting_currency, raw_input, project_version "
            "from marts.dim_build"
        ).fetchall()
    names = ("build_id", "as_of_date", "reporting_currency", "raw_input")
    told = [manifest[name] for name in names]
    assert facts == [(*told, manifest["versions"]["project"])]
    with duckdb.connect(str(refreshed.folder / "warehouse.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute(orders).fetchall() == [(5, "115.49")]


def shown_on_a_terminal(refreshed: Refreshed, /) -> list[str]:
    """Show what was published, as a terminal has it."""
    file = io.StringIO()
    show_published(
        publish_dir=refreshed.published,
        published=live_build(publish_dir=refreshed.published),
        console=Console(file=file, force_terminal=True, color_system=None, width=100),
    )
    return file.getvalue().splitlines()


def test_the_headline_numbers_are_those_of_the_delivery(refreshed):
    numbers = dict(
        [part.strip() for part in line.strip("│").split("│")]
        for line in shown_on_a_terminal(refreshed)
        if line.startswith("│")
    )
    assert numbers["As of"] == "2024-06-30"
    assert numbers["Customers"] == "2 customers"
    assert numbers["Orders, returns included"] == "5 orders"
    assert numbers["Net revenue of orders"] == "115.49 EUR"
    assert numbers["Last complete month"] == "2024-06"
    assert numbers["Raw rows"] == "9 rows"
    assert numbers["Raw rows rejected"] == "1 row"
    assert numbers["Share of raw rows rejected"] == "11.1%"


def test_names_that_no_seed_and_no_product_has_are_counted(refreshed):
    warnings = [line for line in refreshed.result.stderr.splitlines() if "Warning: " in line]
    assert [line for line in warnings if "(s) " in line] == [
        "Warning: 1 churn event(s) have a churn reason that counts as unknown: 1 reason(s). "
        "rpt_churn_reasons has them. Add them to seeds/reference/churn_reasons.csv.",
        "Warning: survey_responses: 1 customer(s) answered about a category that no product has. "
        "All that they spend with you is compared with their answers. int_wallet_answers has them "
        "(is_category_sold): use a product_category of products.",
        "Warning: 1 customer(s) have a share of wallet only if they answered a survey: "
        "1 customer segment(s) lack a benchmark. dim_customers has the segments: add them to "
        "seeds/reference/wallet_benchmarks.csv.",
    ]


def test_without_a_terminal_a_refresh_says_twenty_lines_and_the_log_has_them_all(refreshed):
    said = (refreshed.result.stderr + refreshed.result.stdout).splitlines()
    assert len(said) <= 20
    log = refreshed.folder / "target" / "logs" / "refresh.jsonl"
    logged = [json.loads(line)["message"] or "" for line in log.read_text().splitlines()]
    for line in refreshed.result.stderr.splitlines():
        assert line.removeprefix("Warning: ") in logged
    for phase in ("Read 3 raw file(s)", "Built and passed in", "Audited: "):
        assert [line for line in said if line.startswith(phase)]


def test_without_a_terminal_the_log_has_the_warnings_and_lines_that_are_not_shown(
    tmp_path, monkeypatch
):
    lines = [f"test number {number}: Got 1 result." for number in range(40)]

    def fail(*, log: Log, **_: object) -> None:
        for line in lines:
            log.warn(line)
        raise BuildError("\n".join([*lines, "Do this."]))

    monkeypatch.setattr(refresh_command, "run_refresh", fail)
    result = run("refresh", "--log-file", tmp_path / "log.jsonl")
    assert result.exit_code == 1
    shown = result.stderr.splitlines()
    assert len(shown) <= 25
    assert shown[-1] == "Do this."
    assert [line for line in shown if "more" in line] == [
        f"Warning: more warnings are in {tmp_path / 'log.jsonl'}.",
        f"29 more lines are in {tmp_path / 'log.jsonl'}",
    ]
    logged = (tmp_path / "log.jsonl").read_text()
    assert all(logged.count(line) == 2 for line in lines)


def test_a_missing_required_column_is_one_clear_line(refreshed_without_amount):
    result = refreshed_without_amount.result
    assert result.exit_code == 4
    lines = [line for line in result.stderr.splitlines() if line.startswith("orders: ")]
    assert len(lines) == 1
    orders = refreshed_without_amount.folder / "delivery" / "orders.csv"
    assert f"the required column amount (found: amuont?) is missing from {orders}" in lines[0]
    assert f"log of dbt: {refreshed_without_amount.log}" in result.stderr
    assert "skipped" in result.stderr


def test_a_failed_build_leaves_the_published_one_live(refreshed_without_amount):
    published = refreshed_without_amount.published
    assert len(list((published / "builds").iterdir())) == 1
    with duckdb.connect(str(published / "marts.duckdb"), read_only=True) as connection:
        count = connection.execute("select count(*) from marts.fct_orders").fetchall()
    assert count == [(5,)]


def test_a_second_refresh_does_not_parse_the_project_again(refreshed_without_amount):
    log = refreshed_without_amount.log.read_text()
    assert "Unable to do partial parsing" not in log
    assert "no changes found, skipping parsing" in log


# A small project, for what takes only dbt and not the real models


@pytest.fixture(scope="session")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("small_project")
    for name in ("profiles.example.yml", *PROJECT_MACROS):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, project / name)
    files = {
        "dbt_project.yml": """
            name: customer_lifecycle_warehouse  # whose schemas have no prefix
            version: 0.0.1
            profile: customer_lifecycle_warehouse
            test-paths: [tests/singular]
            models: {customer_lifecycle_warehouse: {+materialized: table}}
            flags: {send_anonymous_usage_stats: false}
        """,
        "models/int_run_settings.sql": """
            {{ config(schema='intermediate') }}
            {% do exceptions.warn('orders: not in the contract, so ignored: colour') %}
            select
                date '2024-06-30' as as_of_date,
                'EUR' as reporting_currency,
                null::integer as activity_window_days
        """,
        "models/fct_orders.sql": f"""
            {MART}
            select 1 as order_id, 9.5::decimal(18, 2) as net_revenue_amount
            from {{{{ ref('int_run_settings') }}}}
        """,
        "tests/singular/assert_orders_are_many.sql": """
            {{ config(severity='warn') }}
            select count(*) from {{ ref('fct_orders') }} having count(*) < 10
        """,
    }
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(textwrap.dedent(text).lstrip())
    return project


@pytest.fixture
def refresh_small_project(small_project: Path):
    def refresh(*arguments: object) -> Result:
        return run("refresh", "--project-dir", small_project, *arguments)

    return refresh


@pytest.fixture
def failing_tests(small_project: Path) -> Iterator[None]:
    folder = small_project / "tests" / "singular"
    files = [folder / "assert_no_orders.sql", folder / "assert_still_no_orders.sql"]
    for file in files:
        file.write_text("select * from {{ ref('fct_orders') }}\n")
    yield
    for file in files:
        file.unlink()


def test_a_project_without_headlines_is_published_all_the_same(refresh_small_project, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    result = refresh_small_project()
    assert result.exit_code == 0, result.output
    assert "As of" in result.stdout
    assert "Customers" not in result.stdout


def test_warnings_of_models_and_tests_are_shown_once(refresh_small_project):
    result = refresh_small_project()
    warnings = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert warnings[0] == "Warning: orders: not in the contract, so ignored: colour"
    assert warnings[1].startswith("Warning: test assert_orders_are_many: Got 1 result")
    assert warnings[2].startswith("Warning: nothing was audited: ")
    assert len(warnings) == 3


def test_failing_tests_publish_nothing_and_each_names_its_compiled_sql(
    refresh_small_project, tmp_path, small_project, failing_tests
):
    result = refresh_small_project("--publish-dir", tmp_path / "published", "--retry", 1)
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("test ")]
    assert [line.split(": ")[0] for line in lines] == [
        "test assert_no_orders",
        "test assert_still_no_orders",
    ]
    for line in lines:
        assert "Got 1 result" in line
        compiled = Path(re.search(r"\((/.*)\)$", line)[1])
        assert "{{" not in compiled.read_text()
    assert "Warning: orders: not in the contract" in result.stderr
    assert not (tmp_path / "published" / "marts.duckdb").exists()


def test_a_warehouse_open_elsewhere_is_one_clear_line(refresh_small_project, tmp_path):
    warehouse = tmp_path / "w.duckdb"
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        holder.stdout.readline()
        result = refresh_small_project(
            *("--warehouse", warehouse, "--publish-dir", tmp_path / "p"),
            *("--retry", 1, "--retry-wait", 0),
        )
        holder.communicate("\n")
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("IO Error: Could not")]
    assert len(lines) == 1
    assert f"PID {holder.pid}" in lines[0]
    assert "The warehouse is open in another program. Close it, then run again." in lines[0]
    assert len(re.findall("^Trying again in 0 s: ", result.stderr, re.M)) == 1


def test_a_build_that_cannot_be_published_is_exit_code_3(refresh_small_project, tmp_path):
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "marts.duckdb").write_text("of someone else")
    result = refresh_small_project("--publish-dir", tmp_path / "published")
    assert result.exit_code == 3
    assert "was not made by publishing" in result.stderr.splitlines()[-1]


def test_a_profile_that_closes_the_warehouse_is_refused_before_the_build(
    refresh_small_project, tmp_path, monkeypatch
):
    example = (PROJECT / "profiles.example.yml").read_text()
    assert "keep_open: true" in example
    (tmp_path / "profiles.yml").write_text(example.replace("keep_open: true", "keep_open: false"))
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path))
    places = ("--warehouse", tmp_path / "w.duckdb", "--publish-dir", tmp_path / "published")
    result = refresh_small_project(*places)
    assert result.exit_code == 2
    assert "profiles.yml says keep_open: false" in result.stderr.splitlines()[-1]
    assert not (tmp_path / "w.duckdb").exists()
    # as profiles were before
    (tmp_path / "profiles.yml").write_text(re.sub("keep_open: true.*", "", example))
    assert refresh_small_project(*places).exit_code == 0


def test_plain_dbt_and_refreshes_take_turns_in_a_warehouse(
    refresh_small_project, small_project, tmp_path
):
    """The marts of the warehouse are always those of the build before."""
    warehouse, publish_dir = tmp_path / "w.duckdb", tmp_path / "published"
    folders = find_folders(
        Places(project_dir=small_project, warehouse=warehouse, publish_dir=publish_dir)
    )

    def refresh() -> None:
        result = refresh_small_project("--warehouse", warehouse, "--publish-dir", publish_dir)
        assert result.exit_code == 0, result.output

    def plain_dbt() -> None:
        build_module.build(settings=resolve_settings(folders), log=Log(file=folders.log_file))

    for build, kind in (
        *((plain_dbt, "BASE TABLE"), (refresh, "VIEW")),
        *((plain_dbt, "BASE TABLE"), (refresh, "VIEW")),
    ):
        build()
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            kinds = connection.execute(
                "select distinct table_type from information_schema.tables "
                "where table_schema = 'marts'"
            ).fetchall()
            orders = connection.execute("select order_id from marts.fct_orders").fetchall()
        assert (kinds, orders) == ([(kind,)], [(1,)])


def test_a_refresh_leaves_the_environment_as_it_was(refresh_small_project, monkeypatch):
    monkeypatch.setenv("THREADS", "2")
    before = dict(os.environ)
    refresh_small_project("--as-of", "2024-06-30")
    # pytest keeps the name of the running test there
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    before.pop("PYTEST_CURRENT_TEST", None)
    assert dict(os.environ) == before


def test_vars_reach_dbt(refresh_small_project):
    result = refresh_small_project("--vars", "{no_such_setting: 1")
    assert result.exit_code == 2
    result = refresh_small_project("--vars", "{raw_input: tables}")
    assert result.exit_code == 0, result.output


# Status


def test_status_says_what_is_live(refreshed):
    result = run("status", "--publish-dir", refreshed.published)
    assert result.exit_code == 0
    assert "2024-06-30" in result.stdout
    assert str(refreshed.folder / "delivery") in result.stdout
    assert re.search(r"fct_orders\s+│\s+5 ", result.stdout)
    assert re.search(r"MB │ live", result.stdout)
    assert re.search(r"UTC, 0:\d\d h ago", result.stdout)


def test_status_where_nothing_is_published_is_one_line_and_exit_code_1(tmp_path):
    result = run("status", "--publish-dir", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == f"Error: Nothing is published in {tmp_path}: run refresh first.\n"


# Docs


def test_docs_build_a_missing_warehouse_once_and_publish_nothing(small_project, tmp_path):
    arguments = ("docs", "--project-dir", small_project, "--warehouse", tmp_path / "w.duckdb")
    published = sorted(small_project.glob("published/*"))
    for is_built in (True, False):
        result = run(*arguments)
        assert result.exit_code == 0, result.output
        assert ("colour" in result.stderr) == is_built
        page = Path(re.fullmatch(r"Open (.*) in a browser\.\n", result.stdout)[1])
        assert '"model.customer_lifecycle_warehouse.fct_orders"' in page.read_text()
        assert str(small_project) not in page.read_text()
    assert sorted(small_project.glob("published/*")) == published


@pytest.mark.usefixtures("failing_tests")
def test_docs_of_a_warehouse_that_cannot_be_built_say_so(small_project, tmp_path):
    result = run("docs", "--project-dir", small_project, "--warehouse", tmp_path / "w.duckdb")
    assert result.exit_code == 1
    _, cause = result.stderr.split("Error: No page was written.\n")
    assert cause.startswith("test assert_no_orders")


@pytest.mark.parametrize("command", ["refresh", "audit"])
def test_without_spark_a_command_says_what_to_install(command, tmp_path, monkeypatch):
    monkeypatch.setattr(session_module, "NEEDED", ("a_module_that_nobody_has",))
    monkeypatch.setitem(sys.modules, "pyspark", None)  # importing it fails
    places = ("--warehouse", tmp_path / "warehouse.duckdb", "--publish-dir", tmp_path / "published")
    if command == "audit":
        duckdb.connect(str(tmp_path / "warehouse.duckdb")).close()
    result = run(command, "--engine", "spark", *places)
    assert result.exit_code == 2
    assert "needs dbt-spark and pyspark, and Java 17" in result.stderr


def test_a_rollback_to_a_build_of_duckdb_needs_no_spark(tmp_path, monkeypatch):
    monkeypatch.setattr(session_module, "NEEDED", ("a_module_that_nobody_has",))
    builds = [
        publish(tmp_path, build_id=f"2025020{day}T060000Z", engine=engine)
        for day, engine in ((1, "duckdb"), (2, "spark"))
    ]
    result = run("rollback", "--publish-dir", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert live_build(publish_dir=tmp_path) == builds[0]
    result = run("rollback", "--to", builds[1].name, "--publish-dir", tmp_path)
    assert result.exit_code == 2
    assert "needs dbt-spark and pyspark" in result.stderr
