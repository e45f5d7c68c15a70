"""The warehouse as a package of the project in this folder (docs/as_a_package.md)."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from lifecycle import PROJECT

pytestmark = pytest.mark.long

TABLES = ("customers", "orders", "order_lines", "products", "subscriptions", "exchange_rates")
Dbt = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """Copy the project of the shop, with the sample as its raw tables, and install the package.

    Returns what runs dbt there, as a shell of the shop would: without our settings and paths.
    """
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(Path(__file__).parent, folder, dirs_exist_ok=True)
    (folder / "packages.yml").write_text(f"packages:\n  - local: {PROJECT}\n")
    profile = (PROJECT / "profiles.example.yml").read_text(encoding="utf-8")
    (folder / "profiles.yml").write_text(profile.replace("customer_lifecycle_warehouse:", "shop:"))
    with duckdb.connect(folder / "warehouse.duckdb") as warehouse:
        warehouse.execute("create schema shop_raw")
        for table in (*TABLES, "survey_responses"):
            path = PROJECT / "seeds" / "sample" / f"{table}.csv"
            warehouse.execute(
                f"create table shop_raw.{table} as from read_csv('{path}', all_varchar = true)"
            )
        # as the till writes them; the shop's own `trimmed` takes the sign away
        warehouse.execute("update shop_raw.orders set order_id = '#' || order_id")
    kept = ("PATH", "HOME", "TMPDIR")
    environment = {name: os.environ[name] for name in kept if name in os.environ}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("dbt"), "--no-use-colors", *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    installed = run("deps")
    assert installed.returncode == 0, installed.stdout
    run.folder = folder
    return run


@pytest.fixture(scope="module")
def warehouse(dbt: Dbt) -> duckdb.DuckDBPyConnection:
    """Build what the shop reads, and a report that has a part about surveys."""
    built = dbt("build", "--select", "+package:shop", "+rpt_rate_drivers")
    assert built.returncode == 0, built.stdout
    return duckdb.connect(dbt.folder / "warehouse.duckdb", read_only=True)


def values(warehouse: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    """Return the rows of a query."""
    return warehouse.execute(query).fetchall()


def test_models_of_one_name_stand_side_by_side_in_the_schemas_of_the_target(warehouse):
    found = values(
        warehouse,
        "select table_schema, table_name from information_schema.tables "
        "where table_name in ('stg_orders', 'dim_customers') order by all",
    )
    assert found == [
        ("main_marts", "dim_customers"),
        ("main_shop", "dim_customers"),
        ("main_shop", "stg_orders"),
        ("main_staging", "stg_orders"),
    ]


def test_each_project_reads_its_own_models_and_the_shops_macro_comes_first(warehouse):
    assert values(warehouse, "select bool_and(order_id like '#%') from main_shop.stg_orders") == [
        (True,)
    ]
    # the package's orders are made from its own stg_orders, which has more columns than the shop's
    query = """
        select count(*) > 4000, bool_or(order_id like '#%')
        from main_intermediate.int_orders_classified
    """
    assert values(warehouse, query) == [(True, False)]


def test_python_models_find_their_code(warehouse):
    assert values(
        warehouse,
        "select count(*) > 0 from main_shop.dim_customers where ltv_status = 'ok'",
    ) == [(True,)]


def test_without_surveys_their_marts_are_missing_and_the_others_know_nothing_of_them(warehouse):
    assert (
        values(
            warehouse,
            "select table_name from information_schema.tables where table_name in "
            "('fct_survey_responses', 'rpt_nps', 'rpt_csat', 'rpt_ces')",
        )
        == []
    )
    assert values(warehouse, "select count(*) from main_staging.stg_survey_responses") == [(0,)]
    metrics = values(warehouse, "select distinct metric from main_marts.rpt_rate_drivers")
    assert ("churn_rate",) in metrics
    assert ("nps",) not in metrics
    stages = values(warehouse, "select distinct lifecycle_stage from main_shop.dim_customers")
    assert ("established",) in stages
    assert ("advocate",) not in stages  # a stage of those who recommend


def test_what_lies_below_the_marts_cannot_be_read(dbt, warehouse):
    model = dbt.folder / "models" / "reads_below.sql"
    model.write_text("select * from {{ ref('int_customers') }}")
    refused = dbt("parse")
    model.unlink()
    assert refused.returncode != 0
    assert "int_customers" in refused.stdout
    assert "is not allowed because the referenced node is protected" in refused.stdout
