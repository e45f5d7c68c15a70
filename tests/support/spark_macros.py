"""Calls the project's macros, and makes its models, on a Spark session, without dbt."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lifecycle import PROJECT

from python_helpers.delivery import rendering
from python_helpers.delivery.standins import Relation, Row


class SparkRelation(Relation):
    """A table of Spark, whose schema is its database."""

    def __str__(self) -> str:
        """Quote schema and name."""
        return f"`{self.schema}`.`{self.identifier}`"


class SparkMacros(rendering.Macros):
    """The macros of this project on Spark; a model is made when it is referred to."""

    def __init__(self, *, spark: Any, **options: Any) -> None:
        """Load every macro; the options are those of rendering.Macros."""
        super().__init__(connection=None, project_dir=PROJECT, **options)
        self.spark = spark
        quote = "`{}`".format
        self.environment.globals["adapter"] = SimpleNamespace(dispatch=self.dispatch, quote=quote)

    def ref(self, name: str) -> Relation:
        """Make a model or a seed, and all that it reads, unless it is made already."""
        if name not in self.made:
            folders = (self.project_dir / "models", self.project_dir / "seeds")
            found = [path for each in folders for path in each.rglob(f"{name}.*")]
            (path,) = (path for path in found if path.suffix in (".sql", ".csv"))
            relation = self.relation(self.schema_of(path), name)
            is_view = "connectors" in path.parts
            query = self.render(path) if path.suffix == ".sql" else seed_query(path)
            self.spark.sql(f"create schema if not exists `{relation.schema}`")
            self.spark.sql(f"drop {'view' if is_view else 'table'} if exists {relation}")
            self.spark.sql(f"create {'view' if is_view else 'table'} {relation} as {query}")
            self.made[name] = relation
        return self.made[name]

    def relation(self, schema: str, name: str) -> Relation:
        """Name a table."""
        return SparkRelation("", schema, name)

    def load_relation(self, relation: Relation) -> Relation | None:
        """Return a relation that exists."""
        exists = self.spark.catalog.tableExists(f"{relation.schema}.{relation.identifier}")
        return relation if exists else None

    def dispatch(self, name: str, namespace: str = "") -> Callable[..., Any]:
        """Choose the macro of Spark, else the default one."""
        return self.macros.get(f"spark__{name}") or self.macros[f"default__{name}"]

    def run_query(self, query: str) -> SimpleNamespace:
        """Run a query and return what macros read of agate's table."""
        found = self.spark.sql(query)
        kind = type("NamedRow", (Row,), {"names": tuple(found.columns)})
        rows = [kind(row) for row in found.collect()]
        columns = list(zip(*rows, strict=True)) or [()] * len(found.columns)
        of_column = [SimpleNamespace(values=lambda column=column: column) for column in columns]
        return SimpleNamespace(rows=rows, columns=of_column)


def seed_query(path: Path, /) -> str:
    """Write a query that reads a seed, all of its columns as text."""
    return f"select * from csv.`{path}` with ('header' = 'true')"


def cause(error: Exception, /) -> str:
    """Return what an error of Spark says first, without its stack trace and its class."""
    return re.sub(r"^\[[A-Z_.]+\] | SQLSTATE: .*", "", str(error).split("\n")[0])
