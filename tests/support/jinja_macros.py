"""Calls the project's macros without dbt, on a DuckDB connection: a call takes milliseconds."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duckdb
import jinja2
import yaml
from lifecycle import PROJECT

from python_helpers.delivery.contract import contract_of

MACRO = re.compile(r"{%-? macro (\w+)\(.*?{%-? endmacro -?%}", flags=re.DOTALL)


def raw_sources() -> dict[str, dict]:
    """Return the raw contract as dbt has it in its graph."""
    contract = yaml.safe_load((PROJECT / "models" / "staging" / "_raw.yml").read_text())
    return {
        table["name"]: table
        | {
            "source_name": "raw",
            "columns": {
                column["name"]: {"config": {"meta": {}}} | column for column in table["columns"]
            },
        }
        for table in contract["sources"][0]["tables"]
    }


class CompilerError(Exception):
    """What exceptions.raise_compiler_error() raises."""


class Returned(Exception):
    """Carries the value of a macro that calls return(), as in dbt."""


def sources() -> dict[str, dict[str, object]]:
    """Return the raw contract as dbt keeps the sources in its graph."""
    return {
        table["name"]: table
        | {"source_name": "raw"}
        | {"columns": {each["name"]: {"config": {"meta": {}}} | each for each in table["columns"]}}
        for table in contract_of(project_dir=PROJECT)
    }


class Macros:
    """The macros of the project as methods, with the parts of dbt's context that they use."""

    def __init__(self, *, connection: duckdb.DuckDBPyConnection) -> None:
        """Load every macro; each sees the others and this connection."""
        self.warnings: list[str] = []
        self.environment = environment = jinja2.Environment(extensions=["jinja2.ext.do"])
        environment.globals |= {
            "adapter": SimpleNamespace(
                dispatch=self.dispatch, quote=lambda name: '"' + name.replace('"', '""') + '"'
            ),
            "exceptions": SimpleNamespace(
                raise_compiler_error=self.stop, warn=self.warnings.append
            ),
            "env_var": lambda name, default="": default,
            "execute": True,
            "fromjson": json.loads,
            "graph": {"sources": raw_sources()},
            "invocation_args_dict": SimpleNamespace(project_dir=str(PROJECT)),
            "modules": SimpleNamespace(re=re),
            "none": None,
            "ref": lambda name: name,
            "return": self.hand_over,
            "run_query": self.run_query,
            "source": lambda source, name: f"{source}.{name}",
            "var": lambda name, default=None: self.settings.get(name, default),
        }
        self.connection = connection
        self.settings: dict[str, object] = {}
        self.macros: dict[str, Callable] = {}
        for path in sorted((PROJECT / "macros").rglob("*.sql")):
            for found in MACRO.finditer(path.read_text()):
                self.macros[found[1]] = self.callable(environment, found[1], found[0])
        environment.globals |= self.macros

    def __getattr__(self, name: str) -> Callable:
        """Return a macro."""
        return self.macros[name]

    def render(self, model: Path, /) -> str:
        """Return the SQL of a model."""
        return self.environment.from_string(model.read_text()).render()

    @staticmethod
    def callable(environment: jinja2.Environment, name: str, text: str) -> Callable:
        """Make a macro a function that returns what it returns, else what it renders."""
        template = environment.from_string(text)

        def call(*arguments: object, **named: object) -> object:
            try:
                return getattr(template.module, name)(*arguments, **named)
            except Returned as returned:
                return returned.args[0]

        return call

    def dispatch(self, name: str) -> Callable:
        """Choose the macro of this database, else the default one."""
        return self.macros.get(f"duckdb__{name}") or self.macros[f"default__{name}"]

    def run_query(self, query: str) -> SimpleNamespace:
        """Run a query and return what macros read of agate's table."""
        rows = self.connection.execute(query).fetchall()
        columns = [
            SimpleNamespace(values=lambda column=column: column)
            for column in zip(*rows, strict=True)
        ]
        return SimpleNamespace(rows=rows, columns=columns or [SimpleNamespace(values=tuple)])

    @staticmethod
    def hand_over(value: object) -> None:
        """End a macro with a value."""
        raise Returned(value)

    @staticmethod
    def stop(message: str) -> None:
        """End the run with a message."""
        raise CompilerError(message)
