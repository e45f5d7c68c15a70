"""The raw contract: its tables and columns, for use outside of dbt."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CONTRACT = Path("models", "staging", "_raw.yml")
EXPORTS = "models/connectors/*/_*.yml"


@dataclass(frozen=True, kw_only=True)
class PersonalTable:
    """A raw table whose rows are of customers."""

    name: str
    key: tuple[str, ...]
    restricted: tuple[str, ...]
    """Its columns that identify the customer: e-mail address, name, comment, foreign key."""


def personal_tables(*, project_dir: Path) -> list[PersonalTable]:
    """Return the raw tables with a customer_id; none in a project without a contract."""
    return [
        PersonalTable(
            name=table["name"],
            key=tuple(meta_of(table).get("key", ())),
            restricted=tuple(
                name
                for name, meta in columns.items()
                if meta.get("restricted") or meta.get("of_person")
            ),
        )
        for table in contract_of(project_dir=project_dir)
        if "customer_id"
        in (columns := {each["name"]: meta_of(each) for each in table.get("columns", ())})
    ]


def raw_tables(*, project_dir: Path) -> tuple[str, ...]:
    """Return the names of the raw tables; none in a project without a contract."""
    return tuple(table["name"] for table in contract_of(project_dir=project_dir))


def contract_of(*, project_dir: Path) -> list[dict[str, Any]]:
    """Read the contract, table by table."""
    contract = project_dir / CONTRACT
    if not contract.is_file():
        return []
    return [table for source in sources_in(contract) for table in source["tables"]]


def sources_in(file: Path, /) -> list[dict[str, Any]]:
    """Return the sources that a YAML file describes."""
    # the loader in C is four times as fast
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    described: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)
    return list(described["sources"])


def sources_of(*, project_dir: Path) -> dict[str, dict[str, Any]]:
    """Return the contract as dbt has it in its graph, by the name of the table."""
    tables = contract_of(project_dir=project_dir)
    return {table["name"]: as_in_graph("raw", table) for table in tables}


def exports_of(*, project_dir: Path) -> dict[str, dict[str, Any]]:
    """Return the exports that connectors read as dbt has them in its graph: `shopify.orders`."""
    return {
        f"{source['name']}.{table['name']}": as_in_graph(source["name"], table)
        | {"schema": source.get("schema", source["name"])}
        for file in sorted(project_dir.glob(EXPORTS))
        for source in sources_in(file)
        for table in source["tables"]
    }


def as_in_graph(source_name: str, table: dict[str, Any], /) -> dict[str, Any]:
    """Write a table of a source as it is in dbt's graph."""
    return {
        "source_name": source_name,
        "name": table["name"],
        "config": {"meta": meta_of(table)},
        "columns": {
            each["name"]: each | {"config": {"meta": meta_of(each)}} for each in table["columns"]
        },
    }


def meta_of(entry: dict[str, Any], /) -> dict[str, Any]:
    """Return the meta of a table or a column."""
    meta: dict[str, Any] = entry.get("config", {}).get("meta", {})
    return meta
