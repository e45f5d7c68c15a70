"""Exports with addresses: on request only, for customers who may be contacted, for their owner."""

from pathlib import Path

import duckdb
import pytest
from exporting import publish_tables
from lifecycle import VARIABLES, run
from tiny_refresh import make_project

from python_helpers.publishing.builds import check_files, live_build, read_manifest

MARTS = """
    create table dim_customer_360 as select * from (values
        ('ann', 3.50::decimal(18, 2)), ('bob', 2), ('cat', 1), ('dan', 0), ('eve', 9)
    ) as customers (customer_id, expected_value_amount);
    create table rpt_nps as select 1 as nps;
"""
# Bob refuses, Cat has no address, an old row of Ann's was superseded, and Eve was erased since
WAREHOUSE = """
    create schema restricted;
    create schema intermediate;
    create table restricted.base_customers as select * from (values
        ('ann', 'old@example.com', 'Ann Old', false), ('ann', '=ann@example.com', 'Ann Berg', true),
        ('bob', 'bob@example.com', 'Bob', true), ('cat', null, 'Cat', true),
        ('dan', 'dan@example.com', null, true)
    ) as rows (customer_id, email, full_name, is_accepted);
    create table intermediate.int_customers as
        select customer_id, customer_id <> 'bob' as may_be_contacted
        from restricted.base_customers
        where is_accepted;
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    # dbt's answer to a selection is tested with exports
    monkeypatch.setattr(
        "python_helpers.warehouse.selection.selected_models",
        lambda **words: {*" ".join(words["select"]).split()},
    )
    publish_tables(make_project(tmp_path / "tiny"), sql=MARTS)
    with duckdb.connect(str(tmp_path / "tiny/warehouse.duckdb")) as connection:
        connection.execute(WAREHOUSE)
    return tmp_path / "tiny"


def export(project: Path, *arguments: object, code: int = 0) -> str:
    """Export with identifiers; returns what was said."""
    result = run("export", "--project-dir", project, "--with-identifiers", *arguments)
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def test_a_crm_gets_the_address_of_those_who_may_be_contacted_and_of_nobody_else(project):
    said = export(project, "--format", "csv", "--select", "dim_customer_360")
    folder = live_build(publish_dir=project / "exports/csv-with-identifiers")
    check_files(build=folder)
    file = folder / "dim_customer_360.csv"
    assert file.read_text().splitlines() == [
        "email,full_name,customer_id,expected_value_amount",
        "'=ann@example.com,Ann Berg,ann,3.50",
        "dan@example.com,,dan,0.00",
    ]
    assert file.stat().st_mode & 0o077 == 0
    manifest = read_manifest(build=folder)
    assert manifest["rows"] == {"dim_customer_360": 2}
    assert manifest["with_identifiers"] is True
    assert "1 mart" in said and "2 rows" in said


def test_only_the_last_one_is_kept_and_those_without_addresses_are_elsewhere(project):
    for _ in range(2):
        export(project, "--format", "parquet", "--select", "dim_customer_360")
    assert len([*(project / "exports/parquet-with-identifiers/builds").iterdir()]) == 1
    assert not (project / "exports/parquet").exists()
    run("export", "--project-dir", project)
    (plain,) = (project / "exports/parquet/builds").glob("*/dim_customer_360.parquet")
    with duckdb.connect() as connection:
        columns = connection.execute(f"describe from '{plain}'").fetchall()
    assert [column for column, *_ in columns] == ["customer_id", "expected_value_amount"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "csv"), "--with-identifiers needs --select"),
        (("--format", "xlsx", "--select", "dim_customer_360"), "and --format csv or parquet"),
        (("--select", "rpt_nps"), "is for marts with a customer_id, which rpt_nps has not"),
        (
            ("--select", "dim_customer_360", "--warehouse", "nowhere.duckdb"),
            "nowhere.duckdb, which has the addresses. Name it with --warehouse.",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(project, arguments, said):
    assert said in export(project, *arguments, code=2)
    assert not [*(project / "exports").rglob("*.csv")]


def test_a_warehouse_of_another_kind_is_one_line(project):
    with duckdb.connect(str(project / "warehouse.duckdb")) as connection:
        connection.execute("drop table intermediate.int_customers")
    said = export(project, "--select", "dim_customer_360", code=2)
    assert "was not built by this version: run refresh first." in said
