"""What this build says of past months that the last one said otherwise."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import colour
from python_helpers.report.words import count, month, share


def spec() -> alt.LayerChart:
    """Draw a bar per month: up where there is more now, down where there is less."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=220)
    bars = base.mark_bar().encode(
        x=alt.X("month:T", timeUnit="utcyearmonth", title=None),
        y=alt.Y("value_change:Q", title="now less published").axis(format="~s"),
        color=alt.when("datum.value_change > 0")
        .then(alt.value(colour("teal")))
        .otherwise(alt.value(colour("orange"))),
    )
    return base.mark_rule().encode(y=alt.datum(0)) + bars


def sentence(rows: Sequence[Row]) -> str:
    """Say how many months changed, and where the greatest change is."""
    months = {row["month"] for row in rows}
    said = (
        f"{count(len(months), 'closed month')} {'differs' if len(months) == 1 else 'differ'} from "
        "what the last build published"
    )
    relative = [row for row in rows if row["relative_change"] is not None]
    if not relative:
        return f"{said}."
    most = max(relative, key=lambda row: abs(row["relative_change"]))
    word = "more" if most["relative_change"] > 0 else "less"
    return (
        f"{said}; the most in {most['measure'].lower()} of {month(most['month'])}: "
        f"{share(abs(most['relative_change']))} {word}."
    )


CHART = Chart(
    place=1030,
    section="Can the numbers be trusted?",
    title="Past months that have changed",
    query="""
        select
            case measure
                when 'total_revenue_amount' then 'Revenue'
                when 'closing_customers' then 'Active customers'
                when 'lost_customers' then 'Lost customers'
                when 'closing_mrr_amount' then 'Recurring revenue'
                else measure
            end as measure,
            period_start_date as month,
            published_value,
            current_value,
            value_change,
            value_change / nullif(abs(published_value), 0) as relative_change
        from rpt_restatements
        where period_grain = 'month'
        order by mart desc, measure, month
    """,
    columns={
        "measure": Column(label="Number"),
        "month": Column(label="Month", unit="month"),
        "published_value": Column(label="Published", unit="number"),
        "current_value": Column(label="Now", unit="number"),
        "value_change": Column(label="Change", unit="number"),
        "relative_change": Column(label="Of what was published", unit="share"),
    },
    spec=spec,
    sentence=sentence,
    is_wide=True,
    switch="measure",
)
