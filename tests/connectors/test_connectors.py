"""All connectors: what is true of each, and what happens to exports that cannot be read."""

import re
from pathlib import Path

import pytest
import yaml
from connected import EXPORTS, connected
from lifecycle import PROJECT, run

from python_helpers.delivery.contract import exports_of, sources_of
from python_helpers.delivery.standins import CompilerError
from python_helpers.delivery.systems import plain, required_names

CONNECTORS = PROJECT / "models" / "connectors"
SYSTEMS = sorted(path.name for path in CONNECTORS.iterdir())
GUIDE = (PROJECT / "docs" / "bring_your_own_data.md").read_text(encoding="utf-8")
ORDERS = (
    "Id,Name,Email,Created at,Lineitem quantity,Lineitem name,Lineitem price,Subtotal\n"
    "1,#1,kim@example.com,2025-01-05 10:00:00 +0000,1,Cup,10.00,10.00\n"
)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_connector_is_registered_described_and_tested(system: str) -> None:
    described = yaml.safe_load((CONNECTORS / system / f"_{system}.yml").read_text())
    models = {path.stem for path in (CONNECTORS / system).glob("*.sql")}
    assert [source["name"] for source in described["sources"]] == [system]
    assert {model["name"] for model in described["models"]} == models
    macros = (PROJECT / "macros" / "connectors" / "connected.sql").read_text()
    (tables,) = re.findall(rf"'{system}': \[([^]]*)\]", macros)
    contract = sources_of(project_dir=PROJECT)
    given = {f"{system}__{table}" for table in re.findall(r"\w+", tables)}
    assert given == models & {f"{system}__{table}" for table in contract}
    assert f"      {system}:\n        +enabled:" in (PROJECT / "dbt_project.yml").read_text()
    assert f"| `{system}` |" in GUIDE
    assert (EXPORTS / f"test_{system}.py").is_file()


def test_no_header_is_of_two_exports() -> None:
    exports = exports_of(project_dir=PROJECT)
    files = {name: export for name, export in exports.items() if not name.startswith("fivetran")}
    for name, export in files.items():
        header = {next(iter(names)) for names in required_names(export)}
        assert header, name
        found = [
            other
            for other, wanted in files.items()
            if all(names & header for names in required_names(wanted))
        ]
        # the lines above the rows of a file may be an export of their own
        same = [other for other in files if required_names(files[other]) == required_names(export)]
        assert found == same


def test_a_name_of_a_column_is_given_once() -> None:
    for export, described in exports_of(project_dir=PROJECT).items():
        names = [
            plain(name)
            for column in described["columns"].values()
            for name in {column["name"], *column["config"]["meta"].get("names", ())}
        ]
        assert len(names) >= len(described["columns"]), export
        assert {name for name in names if names.count(name) > 1} == set(), export


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            ORDERS.replace(",10.00,10.00", ",ten,10.00"),
            "1 value of lineitem price is not a number, written like 'xxx'. Export it again",
        ),
        (
            ORDERS.replace("2025-01-05 10:00:00 +0000", "yesterday"),
            "1 value of created at is not a time, written like 'xxxxxxxxx'",
        ),
        (ORDERS.replace("Lineitem price", "Price"), "orders.csv lacks lineitem price."),
        (
            ORDERS.replace("\n1,", "\n5.46E+12,"),
            "id written like '9.99x+99' was rounded by a spreadsheet",
        ),
    ],
)
def test_an_export_that_cannot_be_read_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "orders.csv").write_text(content, encoding="utf-8")
    with (
        pytest.raises(CompilerError, match=re.escape(said)),
        connected(tmp_path, "shopify", salts=tmp_path),
    ):
        pass


def test_an_export_is_told_from_a_file_of_the_contract(tmp_path: Path) -> None:
    (tmp_path / "orders_export.csv").write_text(ORDERS, encoding="utf-8")
    contract = "order_id,ordered_at,amount,source_name\n7,2025-01-06,5.00,till\n"
    (tmp_path / "orders_till.csv").write_text(contract, encoding="utf-8")
    with connected(tmp_path, "shopify", salts=tmp_path) as ask:
        assert ask(
            "select order_id, source_name, amount::int from staging.stg_orders order by 1"
        ) == [
            ("7", "till", 5),
            ("shopify-1", "shopify", 10),
        ]
    result = run("check", tmp_path)
    assert result.exit_code == 4
    assert "orders_export.csv is an export of shopify. Read it with --from shopify." in " ".join(
        result.output.split()
    )
