"""The models in Python, on Spark: the tables they write are those that DuckDB writes."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lifecycle import build_with_dbt

pytest.importorskip("pyspark")
pytestmark = pytest.mark.spark

FITS = {
    "int_purchase_model_fits",
    "int_purchase_forecasts",
    "int_renewal_model_fits",
    "int_renewal_forecasts",
    "int_churn_risk_fits",
}
SETTINGS = {
    "spark.master": "local[2]",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.sources.default": "parquet",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that both engines write to."""
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(scope="module")
def warehouse(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build the models in Python, and what they read, of the sample with DuckDB."""
    with build_with_dbt(folder=folder, select=[f"+{name}" for name in FITS]) as connection:
        yield connection


@pytest.fixture(scope="module")
def manifest(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return the manifest of that build, with the names that its tables have on Spark."""
    found = json.loads((folder / "target" / "manifest.json").read_text())
    for node in found["nodes"].values():
        node["relation_name"] = f"{node['schema']}.{node['name']}"
    return found


@pytest.fixture(scope="module")
def session(folder: Path) -> Iterator[Any]:
    """Start Spark."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.config("spark.sql.warehouse.dir", str(folder / "tables"))
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def engines(
    folder: Path,
    session: Any,
    warehouse: duckdb.DuckDBPyConnection,
    manifest: dict[str, Any],
) -> None:
    """Give Spark what the models read, and the empty tables that dbt makes of them."""
    session.sql("create schema if not exists intermediate")
    nodes = {node["name"]: node for node in manifest["nodes"].values()}
    read = {parent for name in FITS for parent in nodes[name]["depends_on"]["nodes"]}
    for name in {parent.split(".")[-1] for parent in read} - FITS:
        file = str(folder / f"{name}.parquet")
        warehouse.sql(f"from intermediate.{name}").write_parquet(file)
        session.read.parquet(file).write.saveAsTable(f"intermediate.{name}", mode="overwrite")
    for name in FITS:
        columns = nodes[name]["columns"].values()
        types = ", ".join(f"{column['name']} {column['data_type']}" for column in columns)
        session.sql(f"drop table if exists intermediate.{name}")
        session.sql(f"create table intermediate.{name} ({types})")


@pytest.fixture
def spill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for what does not fit into memory; that of the machine takes nothing."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    return tmp_path / "spill"


@pytest.mark.usefixtures("engines")
def test_the_fits_and_forecasts_of_spark_are_those_of_duckdb(session, warehouse, manifest, spill):
    from python_helpers.spark.python_models import run_python_models, waves

    first, *_ = waves(manifest=manifest)
    assert set(first.python) == FITS
    for _ in range(2):  # the second time, rows are replaced
        run_python_models(
            session=session,
            manifest=manifest,
            names=first.python,
            limits=f"set memory_limit = '1GB'; set temp_directory = '{spill}'",
        )
    assert not [*spill.iterdir()]
    for name in FITS:
        expected = by_words(warehouse.table(f"intermediate.{name}").fetchall())
        rows = session.table(f"intermediate.{name}").collect()
        found = by_words(rows)
        assert found.keys() == expected.keys()
        assert len(found) == len(rows) > 10
        for words, values in found.items():
            assert values == pytest.approx(expected[words], rel=1e-6, nan_ok=True), words


def test_spark_filters_and_groups_before_anything_is_fetched(session, spill):
    from python_helpers.spark.python_models import Relation
    from python_helpers.value.tables import sampled

    with duckdb.connect(config={"temp_directory": str(spill)}) as memory:
        customers = Relation(
            query="select concat('c', id) as customer_id, id from range(1000)",
            session=session,
            memory=memory,
        )
        taken = sampled(relation=customers, most=100)
        assert memory.sql("show tables").fetchall() == [(name,) for name in tables(memory)]
        keys = {key for (key,) in taken.project("customer_id").fetchall()}
        of_duckdb = memory.sql("select 'c' || id as customer_id from range(1000) as n(id)")
        assert keys == {key for (key,) in sampled(relation=of_duckdb, most=100).fetchall()}
        # the count, and the sample
        assert sorted(memory.table(name).shape[0] for name in tables(memory)) == [1, len(keys)]


def test_texts_numbers_and_what_is_not_known_arrive_as_they_are(session, spill):
    from python_helpers.spark.python_models import fetched

    query = """
        select cast(0.1 as double) as ratio, cast(12.30 as decimal(18, 2)) as amount,
            'a "b", \\\\c\nd' as word, date '2024-02-29' as day, true as flag
        union all
        select double('NaN'), null, '', null, null
    """
    with duckdb.connect(config={"temp_directory": str(spill)}) as memory:
        rows = fetched(query=query, session=session, memory=memory)
        assert [str(kind) for kind in rows.types] == [
            *("DOUBLE", "DECIMAL(18,2)", "VARCHAR", "DATE", "BOOLEAN")
        ]
        known = rows.filter("flag").project("* exclude day, day = '2024-02-29'").fetchall()
        assert [(*row[:1], float(row[1]), *row[2:]) for row in known] == [
            (0.1, 12.3, 'a "b", \\c\nd', True, True)
        ]
        (unknown,) = rows.filter("flag is null").fetchall()
        assert unknown[0] != unknown[0]
        assert unknown[1:] == (None, "", None, None)
        nothing = fetched(
            query=f"select * from ({query}) where false", session=session, memory=memory
        )
        assert (nothing.fetchall(), nothing.types) == ([], rows.types)


def test_the_rows_of_a_mart_are_copied_on_the_disk_of_the_run(session, spill):
    from python_helpers.spark.marts_file import copy_rows

    spill.mkdir()
    session.sql("select 1 as number, 'a' as word").createOrReplaceTempView("one_row")
    with duckdb.connect() as connection:
        connection.execute("create table mart (number integer, word varchar)")
        copy_rows(
            session=session, table="one_row", connection=connection, mart="mart", folder=spill
        )
        assert connection.table("mart").fetchall() == [(1, "a")]
    assert not [*spill.iterdir()]


def by_words(rows: list[tuple]) -> dict[tuple, list[float]]:
    """Return the measures of each row, by all of its words and counts."""
    return {
        tuple(value for value in row if not isinstance(value, float)): [
            value for value in row if isinstance(value, float)
        ]
        for row in rows
    }


def tables(memory: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the names of the fetched tables."""
    return [name for (name,) in memory.sql("show tables").fetchall()]
