"""The report: what its page holds, what it must not hold, and how small a new chart is."""

import json
import math
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from lifecycle import PROJECT, run
from sample import published_sample
from tiny_refresh import make_project, run_tiny

from python_helpers.core.folders import Places, find_folders
from python_helpers.core.log import Log
from python_helpers.core.settings import resolve_settings
from python_helpers.operate import refresh as refresh_module
from python_helpers.report import charts as charts_package
from python_helpers.report import tiles
from python_helpers.report.chart import Chart, found_charts
from python_helpers.report.data import SEGMENTS, opened, plain
from python_helpers.report.page import write_report

MOST_BYTES = 3_000_000
IDS = """
    select customer_id from dim_customers where not is_anonymous
    union select order_id from fct_orders
    union select subscription_id from fct_subscription_versions
"""
UNITS = {"text", "month", "day", "count", "money", "share", "number"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_sample(tmp_path_factory) / "published"


@pytest.fixture(scope="module")
def page(published: Path) -> str:
    return (published / "current" / "report.html").read_text(encoding="utf-8")


def data_of(page: str, /) -> dict:
    """Return the data of a page, as its script reads it."""
    return json.loads(re.search(r'id="data">(.*?)</script>', page, flags=re.DOTALL)[1])


def test_a_refresh_publishes_a_report_with_every_chart_and_tile(page):
    data = data_of(page)
    # a first build has restated nothing
    assert {chart["name"] for chart in data["charts"]} == {*found_charts()} - {"restatements"}
    assert len(data["tiles"]["0"]) == 8
    assert all(
        len(row) == len(chart["columns"])
        for chart in data["charts"]
        for rows in chart["rows"].values()
        for row in rows
    )


def test_every_query_of_a_chart_runs_on_the_marts_and_has_the_columns_of_its_table(published):
    with opened(database=published / "current" / "marts.duckdb") as marts:
        for query in tiles.queries():
            marts.connection.execute(query)
        for name, chart in found_charts().items():
            described = marts.connection.execute(f"describe {chart.query}").fetchall()
            assert chart.columns.keys() <= {column for column, *_ in described}, name
            assert {column.unit for column in chart.columns.values()} <= UNITS, name
            assert chart.switch is None or chart.switch in chart.columns, name


def test_the_segments_of_the_report_are_those_of_the_cubes(published):
    cubes = (PROJECT / "macros" / "segments").rglob("*.sql")
    macros = "".join(path.read_text() for path in cubes)
    assert all(f"'{segment}'" in macros for segment in SEGMENTS)


def test_a_page_is_small_and_names_no_customer_and_no_address(published, page):
    assert len(page.encode()) < MOST_BYTES
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)  # not the code of Vega
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page)
    with duckdb.connect(str(published / "marts.duckdb"), read_only=True) as connection:
        ids = {each for (each,) in connection.execute(IDS).fetchall()}
    assert len(ids) > 1000
    words = set(re.findall(r"[\w.@-]+", own))
    assert not ids & words


def test_a_name_that_is_planted_in_a_segment_is_found_in_the_page(published, page):
    """So that the test above could fail: words of marts do reach the page."""
    assert "enterprise" in re.findall(r"\w+", page)


def test_a_name_that_stands_in_the_column_of_a_segment_cannot_be_chosen(published, tmp_path):
    marts = tmp_path / "marts.duckdb"
    marts.write_bytes((published / "marts.duckdb").read_bytes())
    with duckdb.connect(str(marts)) as connection:
        connection.execute(
            "update dim_customers set industry = 'Maria Musterfrau' where customer_id in "
            "(from dim_customers select customer_id where not is_anonymous limit 4)"
        )
    with opened(database=marts) as few:
        assert not [each for each in few.segments if "Maria" in each]


def test_what_is_no_number_is_nothing_in_the_data_of_a_page():
    assert [
        plain(value) for value in (math.nan, math.inf, 1 / 3, None, True, date(2025, 1, 31))
    ] == [*(None, None, 0.333333, None, True, "2025-01-31")]


def test_the_report_of_a_kept_build_is_made_alone(published, page, tmp_path):
    build = (published / "current").resolve().name
    target = tmp_path / "kept.html"
    result = run(
        *("report", "--publish-dir", published, "--build", build, "--output", target),
    )
    assert result.exit_code == 0, result.output
    assert data_of(target.read_text(encoding="utf-8")) == data_of(page)


def test_a_chart_alone_is_a_picture_in_light_colours(published, tmp_path):
    for ending, beginning in ((".svg", b"<svg"), (".png", b"\x89PNG")):
        target = tmp_path / f"cohorts{ending}"
        arguments = ("--publish-dir", published, "--chart", "cohorts", "--output", target)
        assert run("report", *arguments).exit_code == 0
        assert target.read_bytes().startswith(beginning)
    assert "var(--" not in (tmp_path / "cohorts.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--chart", "cohort"), "There is no chart cohort. The charts: active_customers, "),
        (("--chart", "cohorts", "--output", "cohorts.pdf"), "Use an ending of .svg, .png"),
        (("--build", "20200101T000000Z"), "There is no build 20200101T000000Z"),
        (("--output", "missing/report.html"), "report.html cannot be written"),
    ],
)
def test_a_wrong_argument_is_answered_with_what_is_right(
    published, tmp_path, monkeypatch, arguments, said
):
    monkeypatch.chdir(tmp_path)
    result = run("report", "--publish-dir", published, *arguments)
    assert result.exit_code != 0
    assert said in result.output
    assert not [*tmp_path.iterdir()]


GUIDE = (PROJECT / "docs" / "report.md").read_text(encoding="utf-8")
NEW_CHART = re.search(r"```python charts/orders\.py\n(.*?)```", GUIDE, flags=re.DOTALL)[1]


def test_the_new_chart_of_the_guide_is_a_section_of_its_own(published, tmp_path, monkeypatch):
    (tmp_path / "orders.py").write_text(NEW_CHART)
    monkeypatch.setattr(charts_package, "__path__", [*charts_package.__path__, str(tmp_path)])
    target = tmp_path / "report.html"
    assert run("report", "--publish-dir", published, "--output", target).exit_code == 0
    page = target.read_text(encoding="utf-8")
    assert "Orders</a>" in page
    assert re.search(r"\d+ orders in the last month\.", page)


def test_a_mart_that_was_not_published_leaves_its_charts_out(published, tmp_path):
    marts = tmp_path / "marts.duckdb"
    marts.write_bytes((published / "marts.duckdb").read_bytes())
    with duckdb.connect(str(marts)) as connection:
        connection.execute("drop table rpt_nps")
        for mart in ("rpt_mrr_periods", "rpt_mrr_plans", "rpt_trials"):
            connection.execute(f"delete from {mart}")
        # subscribers left, and no payment ever failed
        connection.execute("update rpt_dunning set episodes_begun = 0")
    write_report(
        database=marts,
        facts={"build_id": "x", "as_of_date": "2025-12-31", "reporting_currency": "EUR"},
        target=tmp_path / "report.html",
        cache=tmp_path,
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    data = data_of(page)
    names = {chart["name"] for chart in data["charts"]}
    assert not names & {"nps", "mrr_waterfall", "mrr_retention"}
    assert not names & {"plans", "trials", "failed_payments"}
    assert "Plans, trials and failed payments</a>" not in page
    assert "Left out, because there is no data for it:" in page
    assert {tile["tile"] for tile in data["tiles"]["0"]} == {
        "Active customers",
        "Churn rate of the month",
        "Kept over twelve months",
        "Revenue of the month",
        "Lifetime value to cost of winning",
    }


def test_without_a_report_a_build_is_published_all_the_same(tmp_path):
    folder = tmp_path / "tiny"
    make_project(folder)
    file = folder / "published" / "current" / "report.html"
    for variable, arguments, is_written in (("", (), True), ("", ("--no-report",), False)):
        result = run_tiny(folder, "refresh", *arguments, NUMBER=1, REFRESH_NO_REPORT=variable)
        assert result.returncode == 0, result.stderr
        assert file.exists() == is_written
        assert (f"To look at it: {file}" in result.stdout) == is_written


def test_a_report_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch):
    def fail(*, target: Path, **_: object) -> None:
        target.write_text("<!doctype")
        raise OSError("no room for a picture")

    monkeypatch.setattr(refresh_module, "write_report", fail)
    log = Log(file=tmp_path / "log.jsonl")
    settings = resolve_settings(find_folders(Places(publish_dir=tmp_path / "published")))
    refresh_module.add_report(folder=tmp_path, facts={}, settings=settings, log=log)
    assert log.first_warnings == ["The report could not be written: OSError: no room for a picture"]
    assert not (tmp_path / "report.html").exists()


def test_rates_of_exchange_are_in_no_quick_ratio():
    moves = [("Start", "level", 100), ("New", "more", 50), ("Churn", "less", -25)]
    moves += [("Exchange rates", "less", -25), ("End", "level", 100)]
    rows = [
        {"movement": movement, "kind": kind, "mrr_amount": Decimal(amount)}
        for movement, kind, amount in moves
    ]
    # (new + expansion + reactivation) / (churn + contraction)
    assert "for each unit lost, 2.0 were gained" in found_charts()["mrr_waterfall"].sentence(rows)


def test_the_sentence_of_plans_names_none_of_the_small_ones():
    def plan(name: str, closing: int, moved_in: int) -> dict:
        amounts = {"closing_mrr": closing, "in_mrr": moved_in, "out_mrr": -10}
        return {"plan": name, "closing_share": closing / 1000, **amounts}

    say = found_charts()["plans"].sentence
    rows = [plan("gold", 200, 5), plan("silver", 100, 40), plan("Other plans", 700, 500)]
    assert say(rows) == (
        "gold makes up 20% of recurring revenue, 200 a month; "
        "silver gained the most from other plans, 30."
    )
    assert say(rows[:1]) == "gold makes up 20% of recurring revenue, 200 a month."
    assert say(rows[2:]) == "No plan has 5 paying customers."


def test_open_trials_and_failed_payments_are_in_no_share():
    trials = {"month": date(2025, 1, 1), "trials_converted": 3, "trials_lost": 1}
    say = found_charts()["trials"].sentence
    assert say([trials | {"trials_open": 2}]) == (
        "Of 4 trials begun since January 2025 and decided, 75% were converted; 2 are still open."
    )
    none = {"trials_converted": 0, "trials_lost": 0, "trials_open": 1}
    assert say([trials | none]) == "Nothing is decided yet of 1 trial."
    payments = {"quarter": "2025 Q1", "episodes_recovered": 1, "episodes_lost": 3}
    payments |= {"episodes_open": 9, "churn_events": 10, "involuntary_churn_events": 2}
    assert found_charts()["failed_payments"].sentence([payments]) == (
        "Of 4 failed payments since 2025 Q1 that are decided, 25% were recovered; "
        "20% of the subscribers who left did not choose to."
    )


@pytest.mark.parametrize(
    ("is_changed", "verdict"),
    [(True, "more than chance explains"), (False, "chance may explain that"), (None, None)],
)
def test_a_score_has_moved_only_if_its_mart_says_so(is_changed, verdict):
    before = None if is_changed is None else 10.0
    row = {"nps": 40.0, "ci_low": 30.0, "ci_high": 50.0, "responses": 200, "is_changed": is_changed}
    said = found_charts()["nps"].sentence(
        [row | {"quarter_end": date(2025, 12, 31), "year_before": before}]
    )
    assert said.endswith(f"A year before it was 10: {verdict}." if verdict else "30 to 50.")


def test_charts_are_found_by_their_place():
    places = [chart.place for chart in found_charts().values()]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert all(isinstance(chart, Chart) for chart in found_charts().values())
