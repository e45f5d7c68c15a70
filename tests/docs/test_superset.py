"""Superset, installed by `make test-bi`, shows the dashboard of a build and stays shut in.

It is a real one, with its own database of settings. The dashboard is imported with the command of
docs/bi.md, and its charts are asked through the API, as a browser does.
"""

import os
import re
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import requests
from dashboard import FOLDER, files, queries
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
(DATABASE,) = files("databases")
(DASHBOARD,) = files("dashboards")
CHARTS = {chart["slice_name"]: chart for chart in files("charts")}
NAMES = {dataset["uuid"]: dataset["table_name"] for dataset in files("datasets")}
OTHER = "dim_customers"
"""A mart that the dashboard does not show."""
STARTS_WITHIN = 120  # seconds


def publish_sample(folder: Path, /, *, as_of: str) -> None:
    """Publish the marts of the dashboard and one more, as of a day."""
    result = refresh_delivery(
        folder,
        *("--as-of", as_of, "--reporting-currency", "EUR", "--skip-audit"),
        delivery=PROJECT / "seeds" / "sample",
        select=[f"+{mart}" for mart in (*NAMES.values(), OTHER, "dim_build")],
    )
    assert result.exit_code == 0, result.output


class Superset:
    """A Superset that runs, and what was imported into it."""

    def __init__(self, *, address: str, folder: Path) -> None:
        """Log in; find the connection and the datasets."""
        self.address = address
        self.folder = folder
        self.session = requests.Session()
        form = {"username": "admin", "password": PASSWORD}
        self.session.post(f"{address}/login/", data=form, timeout=60).raise_for_status()
        (database,) = self.get("database/")["result"]
        self.database = database["id"]
        self.datasets = {each["table_name"]: each["id"] for each in self.get("dataset/")["result"]}

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

    def rows(self, chart: str, /) -> list[dict]:
        """Return the rows that a chart of the dashboard gets, those of all its queries."""
        asked = CHARTS[chart]
        answer = self.post(
            "chart/data",
            datasource={"id": self.datasets[NAMES[asked["dataset_uuid"]]], "type": "table"},
            force=True,  # not from the cache
            result_format="json",
            result_type="full",
            queries=queries(asked),
        )
        return [row for result in answer["result"] for row in result["data"]]

    def cells(self) -> dict[tuple, float]:
        """Return the heat map: (milliseconds of the cohort, months) -> active share."""
        (chart,) = [name for name, chart in CHARTS.items() if chart["viz_type"] == "heatmap_v2"]
        return {
            (row["cohort_month"], row["months_since"]): row["active_rate"]
            for row in self.rows(chart)
        }


def rows_of_the_mart(folder: Path, mart: str, *columns: str) -> list[tuple]:
    """Return columns of a mart, of its rows for months where it has other periods."""
    with duckdb.connect(str(folder / "published" / "marts.duckdb"), read_only=True) as marts:
        months = "" if "months_since" in columns else "where period_grain = 'month'"
        sql = f"select {', '.join(columns)} from marts.{mart} {months}"
        return marts.execute(sql).fetchall()


def cells_of_the_mart(folder: Path, /) -> dict[tuple, float]:
    """Return what the cells must be, from the rows of the mart added up here."""
    totals: dict[tuple, list[int]] = {}
    for cohort, months, active, customers, relationship, is_complete in rows_of_the_mart(
        folder,
        "rpt_cohort_retention",
        *("epoch_ms(cohort_month)", "months_since", "active_customers", "cohort_customers"),
        *("relationship", "is_complete_period"),
    ):
        if relationship == "any" and is_complete:
            total = totals.setdefault((cohort, months), [0, 0])
            total[0] += active
            total[1] += customers
    return {cell: pytest.approx(active / customers) for cell, (active, customers) in totals.items()}


def command_of_the_page(*, folder: Path) -> list[str]:
    """Return the import that docs/bi.md shows, with a copy that has the path of this build."""
    copy = shutil.copytree(FOLDER, folder / "docs" / FOLDER.name)
    connection = copy / "databases" / "marts.yaml"
    own = f"duckdb:///{folder}/published/marts.duckdb"
    connection.write_text(connection.read_text().replace(DATABASE["sqlalchemy_uri"], own))
    program, *arguments = shlex.split(BLOCKS["sh", "superset"])
    assert program == SUPERSET.name
    return arguments


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """Set a Superset up, import the dashboard of a published sample into it, and run it."""
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
        command_of_the_page(folder=folder),
    ):
        done = subprocess.run(
            [SUPERSET, *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
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


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_of_the_dashboard_gets_rows(superset, chart):
    placed = superset.get(f"dashboard/{DASHBOARD['slug']}/charts")["result"]
    assert {each["slice_name"] for each in placed} == CHARTS.keys()
    assert len(superset.rows(chart)) > 5


def test_churn_by_month_is_that_of_the_mart(superset):
    totals: dict[int, list[int]] = {}
    for start, lost, opening, relationship, is_complete in rows_of_the_mart(
        superset.folder,
        "rpt_retention_periods",
        *("epoch_ms(period_start_date)", "lost_customers", "opening_customers"),
        *("relationship", "is_complete_period"),
    ):
        if relationship == "any" and is_complete:
            total = totals.setdefault(start, [0, 0])
            total[0] += lost
            total[1] += opening
    expected = {
        start: pytest.approx(lost / opening) if opening else None
        for start, (lost, opening) in totals.items()
    }
    shown = superset.rows("Churn rate by month")
    assert {row["period_start_date"]: row["churn_rate"] for row in shown} == expected


def test_mrr_ends_each_month_where_the_mart_does(superset):
    totals: dict[int, Decimal] = {}
    for start, closing, is_complete in rows_of_the_mart(
        superset.folder,
        "rpt_mrr_periods",
        *("epoch_ms(period_start_date)", "closing_mrr_amount", "is_complete_period"),
    ):
        if is_complete:
            totals[start] = totals.get(start, Decimal(0)) + closing
    shown = {
        row["period_start_date"]: row["closing_mrr"]
        for row in superset.rows("MRR and its movements")
        if "closing_mrr" in row
    }
    assert shown == {start: pytest.approx(float(total)) for start, total in totals.items()}


def test_descriptions_of_columns_arrive_in_a_new_dataset(superset):
    made = superset.post("dataset/", database=superset.database, schema="main", table_name=OTHER)
    columns = superset.get(f"dataset/{made['id']}")["result"]["columns"]
    described = {column["column_name"]: column["description"] for column in columns}
    with duckdb.connect(str(superset.folder / "published" / "marts.duckdb"), read_only=True) as m:
        comments = m.execute(
            "select column_name, comment from duckdb_columns() where table_name = $mart",
            {"mart": OTHER},
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
