"""How much of the value the best customers bring."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import colour
from python_helpers.report.words import count, of_few, share


def spec() -> alt.LayerChart:
    """Draw the Lorenz curve from the best customer on, and what it is if all bring the same."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=240).encode(
        x=alt.X("customers_share:Q", title="share of customers, the best first").axis(
            format="%", tickCount=5
        )
    )
    curve = base.mark_line(point=True).encode(
        y=alt.Y("value_share:Q", title="share of the value").axis(format="%")
    )
    equal = base.mark_line(color=colour("muted"), strokeDash=[4, 4], strokeWidth=1).encode(
        y="customers_share:Q"
    )
    return equal + curve


def sentence(rows: Sequence[Row]) -> str:
    """Name the share of the best fifth, and the Gini coefficient."""
    last = {row["value_measure"]: row for row in rows}.values()
    shares = " and ".join(
        f"{share(row['top_20_percent_share'])} of {row['value_measure'].lower()} "
        f"(Gini {row['gini']:.2f})"
        for row in last
    )
    customers = max(row["customers"] for row in last)
    return f"The best fifth of {count(customers)} bring {shares}.{of_few(customers)}"


CHART = Chart(
    place=630,
    section="Where revenue comes from",
    title="How much the best customers bring",
    # the curve begins where nobody has brought anything
    query="""
        with tenths as (
            select
                value_measure,
                decile,
                customers,
                cumulative_value_amount,
                cumulative_value_share,
                top_20_percent_share,
                gini
            from rpt_value_concentration
            union all
            select distinct on (value_measure)
                value_measure, 0, 0, 0, 0, top_20_percent_share, gini
            from rpt_value_concentration
        )
        select
            case value_measure when 'margin' then 'Margin' else 'Net revenue' end as value_measure,
            sum(customers) over best_first as customers,
            sum(customers) over best_first / sum(customers) over (partition by value_measure)
                as customers_share,
            cumulative_value_amount as value_amount,
            cumulative_value_share as value_share,
            top_20_percent_share,
            gini
        from tenths
        window best_first as (partition by value_measure order by decile)
        order by value_measure desc, decile
    """,
    columns={
        "value_measure": Column(label="Value"),
        "customers": Column(label="Best customers", unit="count"),
        "customers_share": Column(label="Of all", unit="share"),
        "value_amount": Column(label="Brought to date", unit="money"),
        "value_share": Column(label="Of all value", unit="share"),
    },
    spec=spec,
    sentence=sentence,
    switch="value_measure",
)
