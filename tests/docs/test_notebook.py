"""The notebook runs on a published build, and draws three charts with rows."""

import runpy
import sys
from pathlib import Path

import altair as alt
from lifecycle import PROJECT
from sample import published_sample

NOTEBOOK = PROJECT / "docs" / "notebook.py"


def test_the_notebook_draws_three_charts_of_what_is_published(tmp_path_factory, monkeypatch):
    marts = published_sample(tmp_path_factory) / "published" / "marts.duckdb"
    monkeypatch.setattr(sys, "argv", [NOTEBOOK.name, "--marts", str(marts)])
    _, defined = runpy.run_path(str(NOTEBOOK))["app"].run()
    charts = [each for each in defined.values() if isinstance(each, alt.Chart)]
    assert len(charts) == 3
    assert all(len(chart.data) > 3 for chart in charts)
    # the same number from the events themselves
    ((lost,),) = (
        defined["marts"]
        .execute(
            "select count(*) from fct_churn_events where relationship = 'any' and churned_on < "
            "(select max(next_period_start_date) from dim_periods "
            "where period_grain = 'month' and is_complete_period)"
        )
        .fetchall()
    )
    defined["marts"].close()
    assert 0 < defined["churn_chart"].data["lost_customers"].sum() <= lost


def test_the_notebook_says_how_it_is_opened():
    (command,) = [
        line for line in NOTEBOOK.read_text().splitlines() if line.startswith(".venv/bin/marimo")
    ]
    program, action, file, dashes, option, marts = command.split()
    assert (action, dashes, option) == ("edit", "--", "--marts")
    assert Path(file) == NOTEBOOK.relative_to(PROJECT)
    assert (Path(sys.executable).parent / Path(program).name).exists()
    assert marts == "published/marts.duckdb"
