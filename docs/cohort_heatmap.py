"""Draws the heat map of cohorts in the README from a file of published marts.

.venv/bin/python docs/cohort_heatmap.py published/marts.duckdb docs/cohort_heatmap.svg
"""

import sys
from pathlib import Path

import altair
import duckdb

# a quarter of cohorts is one row, because a month of the sample brings about ten customers
QUERY = """
    select
        strftime(cohort_month, '%Y') || ' Q' || quarter(cohort_month) as cohort,
        months_since,
        sum(active_customers) as active_customers,
        sum(cohort_customers) as cohort_customers,
        sum(active_customers) / nullif(sum(cohort_customers), 0) as active_share
    from marts.rpt_cohort_retention
    where relationship = 'any' and months_since % 3 = 0
    group by cohort, months_since
    having bool_and(is_complete_period) and count(distinct cohort_month) = 3
    order by cohort, months_since
"""


def cohorts(*, marts: Path) -> list[dict[str, object]]:
    """Return the cells: a row per quarter of first activity and number of months since."""
    with duckdb.connect(
        str(marts),
        read_only=True,
        config={"enable_external_access": False, "lock_configuration": True, "temp_directory": ""},
    ) as connection:
        result = connection.execute(QUERY)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def chart(*, rows: list[dict[str, object]]) -> altair.LayerChart:
    """Draw cohorts down, months across, and the share that is still active as a shade of blue."""
    grid = altair.Chart(altair.Data(values=rows)).encode(
        x=altair.X("months_since:O", title="months since the first activity").axis(
            labelAngle=0, orient="top"
        ),
        y=altair.Y("cohort:O", title="first active in"),
    )
    shades = altair.Color("active_share:Q", title="still active").scale(
        domain=[0, 1], scheme="blues"
    )
    cells = grid.mark_rect(stroke="white").encode(shades.legend(None))
    shares = grid.mark_text(fontSize=12).encode(
        text=altair.Text("active_share:Q", format=".0%"),
        color=altair.when("datum.active_share > 0.65")
        .then(altair.value("white"))
        .otherwise(altair.value("black")),
    )
    title = "Of each quarter's new customers, how many are still active?"
    return (
        altair.layer(cells, shares)
        .properties(title=title, width=720, height=320, background="white", padding=10)
        .configure_title(fontSize=15, anchor="start", offset=12)
        .configure_axis(domain=False, ticks=False, labelFontSize=12, titleFontSize=12)
        .configure_view(stroke=None)
    )


def main(marts: str, picture: str) -> None:
    """Write the picture; its ending says as what, .svg or .png."""
    chart(rows=cohorts(marts=Path(marts))).save(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
