"""The models of dbt that are written in Python, run on Spark.

dbt makes their tables, without rows: it cannot run them in a session of Spark. They are small
statistics, so the same files run here, in the process of the driver. Spark filters and groups, and
DuckDB, in memory, holds what is left.
"""

import runpy
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parents[2]
BUILT = ("model", "seed", "snapshot")
SIZE_OF_PARTS = "spark.sql.adaptive.advisoryPartitionSizeInBytes"


@dataclass(frozen=True, kw_only=True)
class Wave:
    """What dbt builds, and the Python models among it in the order in which they run then."""

    built: Sequence[str]
    python: Sequence[str]


def waves(*, manifest: Mapping[str, Any]) -> Iterator[Wave]:
    """Yield the models and seeds of a manifest in as few turns of dbt and Python as there can be.

    Tests of a wave are those of its models; dbt's indirect selection has to be `buildable` for it.
    """
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] in BUILT}
    parents = {
        key: nodes.keys() & set(node["depends_on"].get("nodes", ())) for key, node in nodes.items()
    }
    turns: dict[str, int] = {}
    for key in TopologicalSorter(parents).static_order():
        # a Python model waits for SQL models alone: those in Python run one after the other
        turns[key] = max(
            (
                turns[each] + (is_python(nodes[each]) > is_python(nodes[key]))
                for each in parents[key]
            ),
            default=0,
        )
    for turn in range(max(turns.values(), default=-1) + 1):
        of_turn = [nodes[key] for key in turns if turns[key] == turn]
        yield Wave(
            built=[node["name"] for node in of_turn],
            python=[node["name"] for node in of_turn if is_python(node)],
        )


def is_python(node: Mapping[str, Any]) -> bool:
    """Tell whether a node of a manifest is a model in Python."""
    return node.get("language") == "python"


def run_python_models(
    *, session: "SparkSession", manifest: Mapping[str, Any], names: Iterable[str], limits: str
) -> None:
    """Run models in this order and fill the tables that dbt made for them.

    `limits` is SQL that limits DuckDB and names a folder for what does not fit into memory. The new
    rows are one file, so that a reader sees all of them or none.
    """
    nodes = {
        node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] in BUILT
    }
    for name in names:
        node = nodes[name]
        table = session.table(node["relation_name"])
        with duckdb.connect() as memory:
            memory.execute(limits)
            model = runpy.run_path(str(PROJECT / node["original_file_path"]))["model"]
            found = model(dbt_of(node=node, nodes=nodes, session=session, memory=memory), memory)
            rows = found.project(", ".join(f'"{column}"' for column in table.columns)).fetchall()
        frame = session.createDataFrame(rows, table.schema)
        frame.coalesce(1).write.insertInto(node["relation_name"], overwrite=True)


def dbt_of(
    *,
    node: Mapping[str, Any],
    nodes: Mapping[str, Mapping[str, Any]],
    session: "SparkSession",
    memory: duckdb.DuckDBPyConnection,
) -> SimpleNamespace:
    """Return what dbt hands to a model as `dbt`: its references and its settings."""

    def config(**_: object) -> None:
        """Take what the model says of itself; dbt has read it."""

    config.meta_get = node["config"]["meta"].get  # type: ignore[attr-defined]
    return SimpleNamespace(
        config=config,
        ref=lambda name: Relation(
            query=f"select * from {nodes[name]['relation_name']}", session=session, memory=memory
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A query of Spark that looks like a relation of DuckDB.

    Spark filters and groups. For anything else the rows are fetched into DuckDB, which goes on with
    them, so what a model does first has to leave few enough for the memory of the driver.
    """

    query: str
    session: "SparkSession"
    memory: duckdb.DuckDBPyConnection

    def filter(self, condition: str) -> "Relation":
        """Return the rows that meet a condition."""
        return replace(self, query=f"select * from ({self.query}) as rows where {condition}")

    def aggregate(self, expressions: str, groups: str = "") -> "Relation":
        """Return a row per group, or one row without groups."""
        by_groups = f" group by {groups}" if groups else ""
        return replace(self, query=f"select {expressions} from ({self.query}) as rows{by_groups}")

    def __getattr__(self, name: str) -> Any:
        """Fetch the rows, once, and return an attribute of what DuckDB makes of them."""
        if "fetched" not in self.__dict__:
            self.__dict__["fetched"] = fetched(
                query=self.query, session=self.session, memory=self.memory
            )
        return getattr(self.__dict__["fetched"], name)


def fetched(
    *, query: str, session: "SparkSession", memory: duckdb.DuckDBPyConnection
) -> duckdb.DuckDBPyRelation:
    """Fetch the rows of a query of Spark into a table of DuckDB, with their types.

    They go through a file with one row of JSON a line, where DuckDB puts what does not fit into
    memory: this needs no library beyond the two engines, and Python holds few of the rows at once.
    """
    frame = session.sql(query)
    types = {field.name: field.dataType.simpleString() for field in frame.schema}
    name = f"fetched_{uuid.uuid4().hex}"
    size = session.conf.get(SIZE_OF_PARTS)
    ((folder,),) = memory.execute("select current_setting('temp_directory')").fetchall()
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json", dir=folder) as file:
        session.conf.set(SIZE_OF_PARTS, "4MB")  # the driver takes one part at a time
        try:
            lines = frame.selectExpr("to_json(struct(*)) as line").hint("rebalance")
            file.writelines(line + "\n" for (line,) in lines.toLocalIterator())
        finally:
            session.conf.set(SIZE_OF_PARTS, size)
        file.flush()
        memory.read_json(file.name, columns=types, format="newline_delimited").create(name)
    return memory.table(name)
