"""Why rows were rejected."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import colour
from python_helpers.report.words import count, readable, share


def spec() -> alt.Chart:
    """Draw a bar per reason and table, of the most frequent."""
    return (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=alt.Step(32))
        .transform_filter("datum.place <= 12")
        .transform_calculate(label="datum.reason + ':' + datum.table_name")
        .mark_bar(color=colour("orange"))
        .encode(
            x=alt.X("rows:Q", title="rows").axis(tickMinStep=1, format="~s", tickCount=4),
            y=alt.Y("label:N", title=None, sort=None).axis(
                labelExpr="split(datum.label, ':')", labelLimit=150
            ),
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Name the most frequent reason, and how much of all it is."""
    first, rejected = rows[0], rows[0]["rejected_rows"]
    said = (
        f"{count(rejected, 'row')} could not be used, {share(first['rows'] / rejected)} of them in "
        f"{first['table_name'].lower()} because of “{first['reason'].lower()}”."
    )
    if len(rows) > 12:
        said += f" The 12 most frequent of {len(rows)} reasons are shown; the table has all."
    return said


CHART = Chart(
    place=1020,
    section="Can the numbers be trusted?",
    title="Why rows were rejected",
    # a row can have several reasons, and counts for each
    query=f"""
        with reasons as (
            select
                table_name,
                trim(unnest(string_split(rejection_reasons, ','))) as reason,
                count(*) over () as rejected_rows
            from rejected_rows
        ),
        counted as (
            select table_name, reason, rejected_rows, count(*) as rows
            from reasons
            group by all
        )
        select
            row_number() over (order by rows desc, table_name, reason) as place,
            {readable("table_name")} as table_name,
            {readable("reason")} as reason,
            rows,
            rejected_rows
        from counted
        order by place
        limit 200
    """,
    columns={
        "place": Column(label="Place", unit="count"),
        "table_name": Column(label="Table"),
        "reason": Column(label="Reason"),
        "rows": Column(label="Rows", unit="count"),
    },
    spec=spec,
    sentence=sentence,
)
