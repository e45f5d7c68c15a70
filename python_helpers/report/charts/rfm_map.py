"""Buyers by how recently and how often they bought, and what they brought."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import Chart, Column, Row
from python_helpers.report.drawing import BARE, heat_map
from python_helpers.report.words import amount, count, of_few, share


def spec() -> alt.LayerChart:
    """Draw a cell per pair of scores."""
    return heat_map(
        x=alt.X("frequency_score:O", title="how often (5: most often)").axis(**BARE),
        y=alt.Y("recency_score:O", title="how recently (5: latest)", sort="descending").axis(
            **BARE
        ),
        label="datum.value >= 1000 ? format(datum.value, '.2~s') : format(datum.value, '.0f')",
        row_height=40,
    )


def sentence(rows: Sequence[Row]) -> str:
    """Name the largest group, and the one that brought most."""
    totals: dict[str, dict[str, float]] = {"Customers": {}, "Net revenue": {}}
    for row in rows:
        groups = totals[row["measure"]]
        groups[row["rfm_segment"]] = groups.get(row["rfm_segment"], 0) + float(row["value"])
    customers, revenue = totals.values()
    largest, richest = (max(groups, key=lambda name: groups[name]) for groups in totals.values())
    buyers, all_revenue = sum(customers.values()), sum(revenue.values())
    said = (
        f"Of {count(buyers, 'buyer')} the largest group is “{largest}” with "
        f"{count(customers[largest])} ({share(customers[largest] / buyers)})"
    )
    if all_revenue <= 0:
        return f"{said}.{of_few(buyers)}"
    brought = f"{amount(revenue[richest])} ({share(revenue[richest] / all_revenue)})"
    if richest == largest:
        return f"{said}; it also brought most, {brought}.{of_few(buyers)}"
    return (
        f"{said}; “{richest}” brought most, {brought} from {count(customers[richest])}."
        f"{of_few(buyers)}"
    )


CHART = Chart(
    place=640,
    section="Where revenue comes from",
    title="How recently and how often customers buy",
    query="""
        with cells as (
            select
                segment,
                rfm_segment,
                recency_score,
                frequency_score,
                count(*) as customers,
                sum(net_revenue_to_date_amount) as revenue
            from fct_customer_value
            inner join dim_customers_sliced using (customer_id)
            where recency_score is not null
            group by all
        )
        select
            segment,
            unnest(['Customers', 'Net revenue']) as measure,
            rfm_segment,
            recency_score,
            frequency_score,
            unnest([customers, revenue]) as value
        from cells
        order by segment, measure, recency_score desc, frequency_score desc
    """,
    columns={
        "measure": Column(label="Measure"),
        "rfm_segment": Column(label="Group"),
        "recency_score": Column(label="How recently", unit="count"),
        "frequency_score": Column(label="How often", unit="count"),
        "value": Column(label="Customers, or net revenue to date", unit="count"),
    },
    spec=spec,
    sentence=sentence,
    switch="measure",
)
