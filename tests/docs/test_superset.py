"""Superset, installed by `make test-bi`, draws the cohorts of a published build and stays shut in.

It is a real one, with its own database of settings, spoken to as a browser does: connection,
dataset and chart are made through its API, with what docs/bi.md says to put into the form.
"""

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import requests
from lifecycle import PROJECT, refresh_delivery
from open_as_documented import BLOCKS, ESCAPES, PAGE

pytestmark = pytest.mark.bi

SUPERSET = Path(os.environ.get("SUPERSET", PROJECT / "target" / "superset")) / "bin" / "superset"
PASSWORD = "only on this machine, for some minutes"
CONFIG = """
SECRET_KEY = "only on this machine, for some minutes"
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
WTF_CSRF_ENABLED = False
"""
MARTS = ("rpt_cohort_retention", "dim_customers")
STARTS_WITHIN = 120  # seconds
RATE = {
    "expressionType": "SQL",
    "sqlExpression": "sum(active_customers) / sum(cohort_customers)",
    "label": "active_share",
}
MEMBERS = {
    "expressionType": "SQL",
    "sqlExpression": "sum(cohort_customers)",
    "label": "cohort_customers",
}
HEAT_MAP = {
    "viz_type": "heatmap_v2",
    "x_axis": "months_since",
    "groupby": "cohort_month",
    "metric": RATE,
    "adhoc_filters": [
        {
            **{"expressionType": "SIMPLE", "clause": "WHERE", "operator": "=="},
            **{"subject": "relationship", "comparator": "any"},
        },
        {"expressionType": "SQL", "clause": "WHERE", "sqlExpression": "is_complete_period"},
    ],
}


def publish_sample(folder: Path, /, *, as_of: str) -> None:
    """Publish the marts of the chart, as of a day."""
    result = refresh_delivery(
        folder,
        *("--as-of", as_of, "--reporting-currency", "EUR", "--skip-audit"),
        delivery=PROJECT / "seeds" / "sample",
        select=[f"+{mart}" for mart in MARTS],
    )
    assert result.exit_code == 0, result.output


class Superset:
    """A Superset that runs, and what was made in it."""

    def __init__(self, *, address: str, folder: Path) -> None:
        """Log in; make the connection and the dataset."""
        self.address = address
        self.folder = folder
        self.session = requests.Session()
        form = {"username": "admin", "password": PASSWORD}
        self.session.post(f"{address}/login/", data=form, timeout=60).raise_for_status()
        extra = {"engine_params": json.loads(BLOCKS["json", "superset"])}
        self.database = self.post(
            "database/",
            database_name="marts",
            sqlalchemy_uri=f"duckdb:///{folder}/published/marts.duckdb",
            extra=json.dumps(extra),
            expose_in_sqllab=True,
        )["id"]
        self.dataset = self.post(
            "dataset/", database=self.database, schema="main", table_name=MARTS[0]
        )["id"]

    def post(self, path: str, /, **values: object) -> dict:
        """Post to the API; the answer must be a good one."""
        response = self.session.post(f"{self.address}/api/v1/{path}", json=values, timeout=120)
        assert response.ok, response.text
        return response.json()

    def get(self, path: str, /) -> dict:
        """Get from the API; the answer must be a good one."""
        response = self.session.get(f"{self.address}/api/v1/{path}", timeout=120)
        assert response.ok, response.text
        return response.json()

    def ask(self, sql: str, /) -> requests.Response:
        """Ask a query in SQL Lab."""
        return self.session.post(
            f"{self.address}/api/v1/sqllab/execute/",
            json={"database_id": self.database, "sql": sql, "runAsync": False},
            timeout=120,
        )

    def query_of_the_chart(self) -> dict:
        """Return what the heat map asks the dataset."""
        return {
            "datasource": {"id": self.dataset, "type": "table"},
            "force": True,  # not from the cache
            "result_format": "json",
            "result_type": "full",
            "queries": [
                {
                    "columns": ["cohort_month", "months_since"],
                    "metrics": [RATE, MEMBERS],
                    "filters": [
                        {"col": "relationship", "op": "==", "val": "any"},
                        {"col": "is_complete_period", "op": "==", "val": True},
                    ],
                    "row_limit": 10000,
                }
            ],
        }

    def cells(self) -> dict[tuple, tuple]:
        """Return the cells of the chart: (milliseconds of the cohort, months) -> what it holds."""
        (result,) = self.post("chart/data", **self.query_of_the_chart())["result"]
        return {
            (row["cohort_month"], row["months_since"]): (
                row["active_share"],
                row["cohort_customers"],
            )
            for row in result["data"]
        }


def cells_of_the_mart(folder: Path, /) -> dict[tuple, tuple]:
    """Return what the cells must be, from the rows of the mart added up here."""
    totals: dict[tuple, list[int]] = {}
    with duckdb.connect(str(folder / "published" / "marts.duckdb"), read_only=True) as marts:
        rows = marts.execute(
            "select epoch_ms(cohort_month), months_since, active_customers, cohort_customers, "
            "relationship, is_complete_period from marts.rpt_cohort_retention"
        ).fetchall()
    for cohort, months, active, customers, relationship, is_complete in rows:
        if relationship == "any" and is_complete:
            total = totals.setdefault((cohort, months), [0, 0])
            total[0] += active
            total[1] += customers
    return {
        cell: (pytest.approx(active / customers), customers)
        for cell, (active, customers) in totals.items()
    }


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """Set a Superset up, run it, and connect it to a published sample."""
    assert SUPERSET.exists(), "make test-bi installs Superset"
    folder = tmp_path_factory.mktemp("superset")
    publish_sample(folder, as_of="2025-06-30")
    config = folder / "superset_config.py"
    config.write_text(CONFIG.format(folder=folder))
    environment = os.environ | {"SUPERSET_CONFIG_PATH": str(config), "FLASK_APP": "superset"}
    who = ("--firstname", "a", "--lastname", "b", "--email", "admin@example.com")
    for command in (
        ("db", "upgrade"),
        ("fab", "create-admin", "--username", "admin", "--password", PASSWORD, *who),
        ("init",),
    ):
        done = subprocess.run(
            [SUPERSET, *command], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [SUPERSET, "run", "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, server=server, log=folder / "server.log")
        yield Superset(address=address, folder=folder)
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for(address: str, /, *, server: subprocess.Popen, log: Path) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until and server.poll() is None:
        try:
            requests.get(f"{address}/health", timeout=5).raise_for_status()
            return
        except requests.RequestException:
            time.sleep(0.5)
    raise AssertionError(log.read_text()[-2000:])


def test_every_cell_of_the_heat_map_is_that_of_the_mart(superset):
    expected = cells_of_the_mart(superset.folder)
    assert len(expected) > 400
    assert superset.cells() == expected


def test_the_chart_is_kept_and_says_the_same_when_it_is_opened_again(superset):
    source = f"{superset.dataset}__table"
    query = superset.query_of_the_chart()
    chart = superset.post(
        "chart/",
        slice_name="Cohorts",
        viz_type="heatmap_v2",
        datasource_id=superset.dataset,
        datasource_type="table",
        params=json.dumps(HEAT_MAP | {"datasource": source}),
        query_context=json.dumps(query),
    )
    (result,) = superset.get(f"chart/{chart['id']}/data/?force=true")["result"]
    assert result["rowcount"] == len(cells_of_the_mart(superset.folder))


def test_descriptions_of_columns_arrive(superset):
    columns = superset.get(f"dataset/{superset.dataset}")["result"]["columns"]
    described = {column["column_name"]: column["description"] for column in columns}
    with duckdb.connect(str(superset.folder / "published" / "marts.duckdb"), read_only=True) as m:
        comments = m.execute(
            "select column_name, comment from duckdb_columns() where table_name = $mart",
            {"mart": MARTS[0]},
        ).fetchall()
    assert described == dict(comments)


def test_the_list_of_schemas_has_the_one_of_the_page(superset):
    assert "marts.main" in superset.get(f"database/{superset.database}/schemas/")["result"]


@pytest.mark.parametrize(
    "sql", ["select * from read_csv('/etc/passwd')", "select * from '/etc/passwd'", *ESCAPES]
)
def test_sql_lab_does_not_leave_the_file(superset, tmp_path, sql):
    (tmp_path / "private.csv").write_text("a,b\n1,2\n")
    duckdb.sql(f"copy (select 1 as a) to '{tmp_path}/private.parquet'")
    before = sorted(tmp_path.rglob("*"))
    # the table of the list is another one's
    sql = sql.format(folder=tmp_path).replace("fct_orders", "dim_customers")
    answer = superset.ask(sql.replace("set number", "set customer_id"))
    assert not answer.ok, answer.text
    assert sorted(tmp_path.rglob("*")) == before


def test_sql_lab_says_why_as_the_page_does(superset):
    answer = superset.ask("select * from read_csv('/etc/passwd')")
    said = re.search(r"`(file system operations .*?)`", PAGE, flags=re.DOTALL)[1]
    assert " ".join(said.split()) in answer.text


def test_the_next_query_after_a_publish_shows_the_new_build(superset):
    before = superset.cells()
    publish_sample(superset.folder, as_of="2025-12-31")
    expected = cells_of_the_mart(superset.folder)
    assert len(expected) > len(before)
    assert superset.cells() == expected
