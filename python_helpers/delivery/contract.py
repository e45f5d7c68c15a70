"""The raw contract: its tables and columns, for use outside of dbt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CONTRACT = Path("models", "staging", "_raw.yml")


@dataclass(frozen=True, kw_only=True)
class RawColumn:
    """A column of a raw table."""

    name: str
    data_type: str
    is_restricted: bool
    accepted_values: tuple[str, ...]

    @property
    def is_text(self) -> bool:
        """Tell whether it can hold any text."""
        return self.data_type == "string"


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """A raw table, its columns in order."""

    name: str
    key: tuple[str, ...]
    columns: tuple[RawColumn, ...]

    def names(self) -> list[str]:
        """List the columns."""
        return [column.name for column in self.columns]


def personal_tables(*, project_dir: Path) -> list[RawTable]:
    """Return the raw tables with a customer_id; none in a project without a contract."""
    tables = map(raw_table, contract_of(project_dir=project_dir))
    return [table for table in tables if "customer_id" in table.names()]


def raw_tables(*, project_dir: Path) -> tuple[str, ...]:
    """Return the names of the raw tables; none in a project without a contract."""
    return tuple(table["name"] for table in contract_of(project_dir=project_dir))


def contract_of(*, project_dir: Path) -> list[dict[str, Any]]:
    """Read the contract, table by table."""
    contract = project_dir / CONTRACT
    if not contract.is_file():
        return []
    sources = yaml.safe_load(contract.read_text(encoding="utf-8"))["sources"]
    return [table for source in sources for table in source["tables"]]


def raw_table(table: dict[str, Any], /) -> RawTable:
    """Read the contract of a table."""
    return RawTable(
        name=table["name"],
        key=tuple(meta_of(table).get("key", ())),
        columns=tuple(
            RawColumn(
                name=column["name"],
                data_type=column["data_type"],
                is_restricted=bool(meta_of(column).get("restricted")),
                accepted_values=tuple(meta_of(column).get("accepted_values", ())),
            )
            for column in table.get("columns", ())
        ),
    )


def meta_of(entry: dict[str, Any], /) -> dict[str, Any]:
    """Return the meta of a table or a column."""
    meta: dict[str, Any] = entry.get("config", {}).get("meta", {})
    return meta
