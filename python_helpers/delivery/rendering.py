"""Renders the project's macros and models without dbt, on a DuckDB connection, in milliseconds.

Only the part of dbt's context that the staging layer uses is here. A model that is referred to is
made first, so rendering one model makes all that it reads.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import duckdb
import jinja2
import yaml

from python_helpers.core.folders import PROJECT_FILE
from python_helpers.core.sql import name as quoted
from python_helpers.core.sql import text as sql_text
from python_helpers.delivery.contract import exports_of, sources_of
from python_helpers.delivery.standins import CompilerError, Relation, Returned, agate_table

MACRO = re.compile(r"{%-? macro (\w+)\(.*?{%-? endmacro -?%}", flags=re.DOTALL)


class Macros:
    """The macros of a project as methods, and its models, made when they are referred to."""

    def __init__(
        self,
        *,
        connection: duckdb.DuckDBPyConnection,
        project_dir: Path,
        settings: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Find every macro; `settings` are dbt vars, beside those of the project."""
        project = yaml.safe_load((project_dir / PROJECT_FILE).read_text(encoding="utf-8"))
        self.connection, self.project_dir, self.project = connection, project_dir, project
        self.sources = sources_of(project_dir=project_dir)
        self.exports = exports_of(project_dir=project_dir)
        self.settings = project["vars"] | dict(settings or {})
        self.variables = dict(environment or {})
        self.warnings: dict[str, None] = {}
        self.made: dict[str, Relation] = {}
        self.environment = environment_of_jinja()
        self.environment.globals |= {
            "adapter": SimpleNamespace(dispatch=self.dispatch, quote=quoted),
            "config": lambda **_: "",
            "env_var": lambda name, default="": self.variables.get(name, default),
            "exceptions": SimpleNamespace(raise_compiler_error=self.stop, warn=self.warn),
            "execute": True,
            "flags": SimpleNamespace(WHICH="build"),
            "fromjson": json.loads,
            "graph": {"sources": self.graph_sources()},
            "invocation_args_dict": SimpleNamespace(project_dir=str(project_dir)),
            "load_relation": self.load_relation,
            "modules": SimpleNamespace(re=re),
            "ref": self.ref,
            "return": self.hand_over,
            "run_query": self.run_query,
            "run_started_at": datetime.now(UTC),
            "source": self.source,
            "var": lambda name, default=None: self.settings.get(name, default),
        }
        self.macros: dict[str, Callable[..., Any]] = {
            found[1]: self.callable(found[1], found[0])
            for path in sorted((project_dir / "macros").rglob("*.sql"))
            for found in MACRO.finditer(path.read_text(encoding="utf-8"))
        }
        self.environment.globals |= self.macros

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a macro."""
        return self.macros[name]

    def callable(self, name: str, text: str, /) -> Callable[..., Any]:
        """Make a macro a function that returns what it returns, else what it renders."""
        template = cache(lambda: self.template(text))

        def call(*arguments: object, **named: object) -> object:
            try:
                return getattr(template().module, name)(*arguments, **named)
            except Returned as returned:
                return returned.args[0]

        return call

    def ref(self, name: str) -> Relation:
        """Make a model or a seed, and all that it reads, unless it is made already."""
        if name not in self.made:
            folders = (self.project_dir / "models", self.project_dir / "seeds")
            found = [path for each in folders for path in each.rglob(f"{name}.*")]
            (path,) = (path for path in found if path.suffix in (".sql", ".csv"))
            query = self.render(path) if path.suffix == ".sql" else seed_query(path)
            relation = self.relation(self.schema_of(path), name)
            self.connection.execute(f"create schema if not exists {quoted(relation.schema)}")
            self.connection.execute(f"create table {relation} as {query}")
            self.made[name] = relation
        return self.made[name]

    def render(self, path: Path, /) -> str:
        """Return the SQL of a model."""
        return self.template(path.read_text(encoding="utf-8")).render()

    def template(self, text: str, /) -> jinja2.Template:
        """Make a template of this environment."""
        variables = self.environment.make_globals(None)
        return jinja2.Template.from_code(self.environment, code_of(text), variables)

    def schema_of(self, path: Path, /) -> str:
        """Find the schema that the project gives a model or a seed: that of the nearest folder."""
        kind, *folders, _ = path.relative_to(self.project_dir).parts
        config = self.project[kind][self.project["name"]]
        schema = "main"
        for folder in folders:
            config = config.get(folder, {})
            schema = config.get("+schema", schema)
        return schema

    def relation(self, schema: str, name: str) -> Relation:
        """Name a table of this database."""
        ((database,),) = self.connection.execute("select current_database()").fetchall()
        return Relation(database, schema, name)

    def graph_sources(self) -> dict[str, dict[str, Any]]:
        """Return the sources by their ids in dbt."""
        prefix = f"source.{self.project['name']}."
        contract = {f"{prefix}raw.{name}": source for name, source in self.sources.items()}
        return contract | {f"{prefix}{name}": source for name, source in self.exports.items()}

    def source(self, source_name: str, name: str) -> Relation:
        """Name the table of a source."""
        export = self.exports.get(f"{source_name}.{name}", {})
        return self.relation(export.get("schema", source_name), name)

    def load_relation(self, relation: Relation) -> Relation | None:
        """Return a relation that exists."""
        # not with parameters, for which DuckDB imports numpy
        found = self.connection.execute(
            f"select 1 from duckdb_tables() where schema_name = {sql_text(relation.schema)} "
            f"and table_name = {sql_text(relation.identifier)}"
        ).fetchall()
        return relation if found else None

    def dispatch(self, name: str, namespace: str) -> Callable[..., Any]:
        """Choose the macro of this database, else the default one; `namespace` is our project."""
        return self.macros.get(f"duckdb__{name}") or self.macros[f"default__{name}"]

    def run_query(self, query: str) -> SimpleNamespace:
        """Run a query and return what macros read of agate's table."""
        return agate_table(self.connection.execute(query))

    def warn(self, message: str) -> str:
        """Keep a warning, once."""
        self.warnings[message] = None
        return ""

    @staticmethod
    def hand_over(value: object = None) -> None:
        """End a macro with a value."""
        raise Returned(value)

    @staticmethod
    def stop(message: str) -> None:
        """End the run with a message."""
        raise CompilerError(message)


def environment_of_jinja() -> jinja2.Environment:
    """Make an environment like dbt's."""
    return jinja2.Environment(extensions=["jinja2.ext.do"], undefined=jinja2.ChainableUndefined)


@cache
def code_of(text: str, /) -> CodeType:
    """Compile a template, once in a process: that takes half of the time of a small delivery."""
    return environment_of_jinja().compile(text)


def seed_query(path: Path, /) -> str:
    """Write a query that reads a seed, in the types that its YAML says."""
    described = (
        seed["config"]["column_types"]
        for file in path.parent.glob("*.yml")
        for seed in yaml.safe_load(file.read_text(encoding="utf-8"))["seeds"]
        if seed["name"] == path.stem and "column_types" in seed.get("config", {})
    )
    types = "".join(f", types = {json.dumps(types)}" for types in described)
    return f"from read_csv({sql_text(path)}, header = true{types})"
