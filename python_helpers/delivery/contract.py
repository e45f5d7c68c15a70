"""What the raw contract says of each column, for those who ask outside of dbt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from python_helpers.delivery.files import CONTRACT


@dataclass(frozen=True, kw_only=True)
class RawColumn:
    """A column of a raw table."""

    name: str
    data_type: str
    is_restricted: bool
    accepted_values: tuple[str, ...]

    @property
    def is_text(self) -> bool:
        """Tell whether any text is of its type."""
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
    """Return the raw tables whose rows are of customers; none in a project without a contract."""
    contract = project_dir / CONTRACT
    if not contract.is_file():
        return []
    sources = yaml.safe_load(contract.read_text(encoding="utf-8"))["sources"]
    tables = [raw_table(table) for source in sources for table in source["tables"]]
    return [table for table in tables if "customer_id" in table.names()]


def raw_table(table: dict, /) -> RawTable:
    """Read what is said of a table."""
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


def meta_of(entry: dict, /) -> dict:
    """Return the meta of a table or a column."""
    return entry.get("config", {}).get("meta", {})
