"""docs/bring_your_own_data.md is true: its command builds from exports, its example connects."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from connected import EXPORTS
from lifecycle import PROJECT, VARIABLES

from python_helpers.delivery.rendering import Macros

GUIDE = (PROJECT / "docs" / "bring_your_own_data.md").read_text(encoding="utf-8")
# A block whose text before it names a file is that file; one without a name is a query.
FILES = dict(
    re.findall(
        r"`([\w/.-]+)`[^\n]*\n\n^```(?:csv|yaml|sql)\n(.*?)^```$",
        GUIDE,
        flags=re.MULTILINE | re.DOTALL,
    )
)
QUERIES = [
    query
    for query in re.findall(r"^```sql\n(.*?)^```$", GUIDE, flags=re.MULTILINE | re.DOTALL)
    if query not in FILES.values()
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do what the guide says, in a folder of its own: refresh from exports of two systems."""
    folder = tmp_path_factory.mktemp("own_data")
    (folder / "your" / "folder").mkdir(parents=True)
    for system in ("shopify", "stripe"):
        for file in (EXPORTS / system).iterdir():
            shutil.copy(file, folder / "your" / "folder")
    (folder / "your" / "folder" / "stock.csv").write_text("sku,on hand\nT1,5\n")
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment |= {
        "PYTHONPATH": str(PROJECT),
        "WAREHOUSE_PATH": str(folder / "warehouse.duckdb"),
        "PUBLISH_DIR": str(folder / "published"),
        "ERASURES_DIR": str(folder / "erasures"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "REPORTING_CURRENCY": "EUR",
        "REPORTING_TIMEZONE": "Europe/Berlin",
    }
    command = re.findall(r"^```sh\n(.*?)^```$", GUIDE, flags=re.MULTILINE | re.DOTALL)[0]
    (words,) = map(shlex.split, command.splitlines())
    assert words[:2] == [".venv/bin/lifecycle", "refresh"]
    result = subprocess.run(
        [sys.executable, "-m", "python_helpers", *words[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.fixture(scope="module")
def warehouse(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open what was built."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def answer(warehouse: duckdb.DuckDBPyConnection, query: str, /) -> list[tuple]:
    """Return the rows of a query, numbers as text so that 30.00 is not 30.000001."""
    rows = warehouse.execute(query).fetchall()
    return [tuple(str(cell) for cell in row) for row in rows]


# Exports


def test_one_address_in_two_systems_is_one_customer(warehouse):
    # Ben bought three times in the shop as 7002; cus_2 subscribes, and bought by an invoice
    assert answer(
        warehouse,
        "select source_customer_id, region, purchases_count from marts.dim_customers "
        "where customer_id in (select customer_id from staging.stg_subscriptions "
        "where subscription_id = 'stripe-sub_B')",
    ) == [("7002, cus_2", "US", "4")]
    assert answer(
        warehouse,
        "select count(distinct orders.customer_id) from marts.fct_orders as orders "
        "inner join marts.fct_subscription_versions as versions "
        "on orders.customer_id = versions.customer_id where source_name = 'shopify'",
    ) == [("1",)]


def test_the_books_are_those_of_the_exports(warehouse):
    # in the shop 45 + 30 + 10 + 12 + 25 + 20; of what was invoiced without a subscription see the
    # connector's own test
    assert answer(
        warehouse,
        "select source_name, sum(net_revenue_amount) from marts.fct_orders "
        "where source_name = 'shopify' group by all",
    ) == [("shopify", "142.00")]
    # half past midnight in Berlin; and a refund has the day that the transactions say
    assert answer(
        warehouse,
        "select order_date, refunded_on from marts.fct_orders "
        "where order_id in ('shopify-5001', 'shopify-5002') order by order_id",
    ) == [("2025-02-01", "None"), ("2025-02-10", "2025-03-05")]
    assert answer(
        warehouse,
        "select moved_on, mrr_change_amount from marts.fct_mrr_movements as movements "
        "inner join marts.dim_customers as customers "
        "on movements.customer_id = customers.customer_id and source_customer_id = 'cus_1' "
        "order by moved_on",
    ) == [("2025-01-15", "60.00"), ("2025-04-01", "30.00")]


def test_the_manifest_lists_the_files_that_were_read(folder):
    manifest = json.loads((folder / "published" / "manifest.json").read_text())
    listed = {Path(file["path"]).name for file in manifest["input_files"]}
    assert listed == {path.name for path in (folder / "your" / "folder").iterdir()} - {"stock.csv"}


def test_no_address_of_a_customer_is_outside_the_restricted_schema(warehouse):
    tables = warehouse.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema <> 'restricted' and table_catalog = current_database()"
    ).fetchall()
    assert tables
    for schema, table in tables:
        text = str(warehouse.execute(f"from {schema}.{table}").fetchall())
        assert "@example.com" not in text, table


def test_the_checks_after_the_first_build_answer(folder):
    lost, rejected, revenue, costs, windows = QUERIES
    with duckdb.connect(str(folder / "published" / "marts.duckdb"), read_only=True) as marts:
        assert answer(marts, lost) == []
        assert answer(marts, rejected) == []
        assert len(answer(marts, revenue)) == 1
        ((estimated,),) = marts.execute(costs).fetchall()
        assert 0 < estimated < 1  # the shop knows some costs, the contracts none
        chosen = [row for row in answer(marts, windows) if row[-2] == "True"]
        assert [(vertical, window) for vertical, window, *_ in chosen] == [("unknown", "60")]


# The example of a connector


def test_the_example_connects_a_system(tmp_path):
    project = tmp_path / "project"
    for part in ("models", "macros", "seeds"):
        shutil.copytree(PROJECT / part, project / part)
    shutil.copy(PROJECT / "dbt_project.yml", project)
    for name, content in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content, encoding="utf-8")
    registry = project / "macros" / "connectors" / "connected.sql"
    listed = registry.read_text(encoding="utf-8")
    registry.write_text(listed.replace("{{ return({", "{{ return({'acme': ['orders'],", 1))
    (tmp_path / "salt").write_text("salt", encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        settings = {
            "raw_input": "acme",
            "raw_data_dir": str(project / "acme"),
            "erasures_dir": str(tmp_path),
        }
        macros = Macros(connection=connection, project_dir=project, settings=settings)
        macros.ref("stg_orders")
        assert answer(
            connection,
            "select order_id, ordered_at::date, amount, tax_amount, status "
            "from staging.stg_orders order by 1",
        ) == [
            ("acme-S-1", "2025-01-31", "1000.00", "190.00", "completed"),
            ("acme-S-2", "2025-02-01", "50.00", "9.50", "pending"),
        ]
