"""What stands in for the objects of dbt where its macros are rendered without it."""

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import duckdb

from python_helpers.core.errors import SettingsError
from python_helpers.core.sql import name as quoted


class CompilerError(SettingsError):
    """What exceptions.raise_compiler_error() raises."""


class Returned(Exception):
    """Carries the value of a macro that calls return(), as in dbt."""


@dataclass(frozen=True)
class Relation:
    """A table, written as dbt writes it."""

    database: str
    schema: str
    identifier: str

    def __str__(self) -> str:
        """Quote each part."""
        return ".".join(map(quoted, (self.database, self.schema, self.identifier)))


class Row(tuple):
    """A row of a query, whose values have names as well."""

    names: tuple[str, ...]

    def __getitem__(self, place: Any) -> Any:
        """Find a value by its place or its name."""
        return super().__getitem__(self.names.index(place) if isinstance(place, str) else place)


def agate_table(cursor: duckdb.DuckDBPyConnection, /) -> SimpleNamespace:
    """Return the rows of a query as macros read them; dbt makes a JSON text of a list."""
    names = tuple(each[0] for each in cursor.description or ())
    kind = type("NamedRow", (Row,), {"names": names})
    rows = [
        kind(
            json.dumps(each, default=str) if isinstance(each, list | dict) else each for each in row
        )
        for row in cursor.fetchall()
    ]
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    of_column = [SimpleNamespace(values=lambda column=column: column) for column in columns]
    return SimpleNamespace(rows=rows, columns=of_column)
