"""Calls the project's macros without dbt, on a DuckDB connection: a call takes milliseconds."""

import duckdb
from lifecycle import PROJECT

from python_helpers.delivery import rendering, standins

CompilerError = standins.CompilerError


class Macros(rendering.Macros):
    """The macros of this project, in an empty environment; a test makes its tables itself."""

    def __init__(self, *, connection: duckdb.DuckDBPyConnection) -> None:
        """Load every macro."""
        super().__init__(connection=connection, project_dir=PROJECT)
        self.environment.globals["ref"] = lambda name: name
