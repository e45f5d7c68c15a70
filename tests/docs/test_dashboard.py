"""The dashboard for Superset asks for nothing that the marts do not have; it needs no Superset."""

import json
from collections.abc import Iterator

import duckdb
import pytest
from dashboard import FOLDER, files, queries
from open_as_documented import BLOCKS, PAGE
from sample import published_sample

DATASETS = {dataset["uuid"]: dataset for dataset in files("datasets")}
CHARTS = {chart["uuid"]: chart for chart in files("charts")}
(DATABASE,) = files("databases")
(DASHBOARD,) = files("dashboards")
PLACED = [each["meta"] for key, each in DASHBOARD["position"].items() if key.startswith("CHART-")]
FILTERS = DASHBOARD["metadata"]["native_filter_configuration"]


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = published_sample(tmp_path_factory) / "published" / "marts.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def expressions(dataset: dict, /) -> dict[str, str]:
    """Return what a chart may ask a dataset for, by name: the SQL of it."""
    columns = {column["column_name"]: column["column_name"] for column in dataset["columns"]}
    metrics = {metric["metric_name"]: metric["expression"] for metric in dataset["metrics"]}
    return columns | metrics


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda each: each["table_name"])
def test_the_mart_has_every_column_and_computes_every_metric(dataset, marts):
    table = f"{DATABASE['database_name']}.{dataset['schema']}.{dataset['table_name']}"
    for name, expression in expressions(dataset).items():
        rows = marts.execute(f"select {expression} from {table}").fetchall()
        assert any(value is not None for (value,) in rows), name
    types = dict(
        marts.execute(
            "select column_name, data_type from duckdb_columns() where table_name = $mart",
            {"mart": dataset["table_name"]},
        ).fetchall()
    )
    assert {each["column_name"]: each["type"] for each in dataset["columns"]}.items() <= (
        types.items()
    )


@pytest.mark.parametrize("chart", CHARTS.values(), ids=lambda each: each["slice_name"])
def test_a_chart_asks_for_what_its_dataset_has_and_gets_rows(chart, marts):
    dataset = DATASETS[chart["dataset_uuid"]]
    known = expressions(dataset)
    for query in queries(chart):
        filters = {each["col"]: each["val"] for each in query["filters"]}
        asked = [known[name] for name in (*query["columns"], *query["metrics"])]
        assert filters.keys() <= known.keys()
        conditions = " and ".join(f"{column} = ${column}" for column in filters)
        rows = marts.execute(
            f"select {', '.join(asked)} from {dataset['table_name']} where {conditions} "
            f"group by {', '.join(query['columns'])}",
            filters,
        ).fetchall()
        assert 5 < len(rows) < query["row_limit"]
        # a sum over what contains the same customers again is wrong, as the page says
        columns = {column["column_name"] for column in dataset["columns"]}
        once = {"relationship", "period_grain", "segment_name"} & columns
        assert once | {"is_complete_period"} == filters.keys()


def test_every_chart_has_its_place_and_words_that_explain_it():
    assert {each["uuid"] for each in PLACED} == CHARTS.keys()
    for chart in CHARTS.values():
        assert chart["slice_name"] and chart["description"].endswith("."), chart["slice_name"]
        assert chart["params"]["viz_type"] == chart["viz_type"]
    assert {chart["dataset_uuid"] for chart in CHARTS.values()} == DATASETS.keys()
    assert {dataset["database_uuid"] for dataset in DATASETS.values()} == {DATABASE["uuid"]}


@pytest.mark.parametrize("native", FILTERS, ids=lambda each: each["name"])
def test_a_filter_leaves_out_the_charts_without_its_column(native):
    ((column, owner),) = [
        (each["column"]["name"], each["datasetUuid"]) for each in native["targets"]
    ]
    with_it = {
        uuid
        for uuid, dataset in DATASETS.items()
        if column in {each["column_name"] for each in dataset["columns"]}
    }
    assert owner in with_it
    left_out = {
        each["chartId"] for each in PLACED if CHARTS[each["uuid"]]["dataset_uuid"] not in with_it
    }
    assert set(native["scope"]["excluded"]) == left_out


def test_the_connection_has_the_settings_and_the_path_of_the_page():
    block = json.loads(BLOCKS["json", "superset"])
    assert DATABASE["extra"]["engine_params"] == block
    # the order counts
    config = DATABASE["extra"]["engine_params"]["connect_args"]["config"]
    assert list(config)[-1] == "temp_directory"
    assert f"`{DATABASE['sqlalchemy_uri']}`" in PAGE
    assert f"{FOLDER.name}/databases/marts.yaml" in PAGE
