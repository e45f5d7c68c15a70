"""Cohorts down, time across: what is left of each, and what each customer of it brought."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import Chart, Column, Row
from python_helpers.report.drawing import BARE, heat_map
from python_helpers.report.words import share

MEASURES = ("Still active", "Buying that month", "Revenue per customer to date")


def spec() -> alt.LayerChart:
    """Draw a cell per cohort and age."""
    return heat_map(
        x=alt.X("months_since:O", title="months since the first activity").axis(
            orient="top", **BARE
        ),
        y=alt.Y("cohort:O", title=None).axis(**BARE),
        value="isValid(datum.customer_share) ? datum.customer_share : datum.revenue_amount",
        label="format(datum.value, isValid(datum.customer_share) ? '.0%' : ',.0f')",
    )


def sentence(rows: Sequence[Row]) -> str:
    """Say what is left of all cohorts after about a year."""
    active = [row for row in rows if row["measure"] == MEASURES[0]]
    ages = sorted({row["months_since"] for row in active}, key=lambda age: abs(age - 12))
    if not ages or not ages[0]:
        return "No cohort is old enough yet to say what is left of it."
    of_age = [row for row in active if row["months_since"] == ages[0]]
    best, worst = (pick(of_age, key=lambda row: row["customer_share"]) for pick in (max, min))
    said = (
        f"After {ages[0]} months {share(worst['customer_share'])} of {worst['cohort']} are active"
    )
    if best is worst:
        return f"{said}; no other cohort is as old."
    return (
        f"{said}, the fewest of {len(of_age)} cohorts, and {share(best['customer_share'])} of "
        f"{best['cohort']}, the most."
    )


CHART = Chart(
    place=310,
    section="Cohorts",
    title="What is left of each cohort",
    # cohorts of a month where there are few of them, of a quarter beyond, and of a year
    query="""
        with cells as (
            select
                *,
                date_diff('month', min(cohort_month) over (), max(cohort_month) over ()) as months,
                case when months < 18 then 1 when months < 72 then 3 else 12 end as step
            from rpt_cohort_retention_sliced
            where relationship = 'any'
        ),
        cohorts as (
            select
                segment,
                case step
                    when 1 then strftime(cohort_month, '%Y-%m')
                    when 3 then strftime(cohort_month, '%Y') || ' Q' || quarter(cohort_month)
                    else strftime(cohort_month, '%Y')
                end as cohort,
                months_since,
                sum(active_customers) / nullif(sum(cohort_customers), 0) as active,
                sum(purchasing_customers) / nullif(sum(cohort_customers), 0) as purchasing,
                sum(cumulative_revenue_amount) / nullif(sum(cohort_customers), 0) as revenue
            from cells
            where months_since % step = 0
            group by segment, step, cohort, months_since
            -- a cohort is whole; of a segment, not every month has customers
            having
                bool_and(is_complete_period)
                and (segment > 0 or count(distinct cohort_month) = step)
        )
        select
            segment,
            unnest(['Still active', 'Buying that month', 'Revenue per customer to date'])
                as measure,
            cohort,
            months_since,
            unnest([active, purchasing, null]) as customer_share,
            unnest([null, null, revenue]) as revenue_amount
        from cohorts
        order by segment, cohort, months_since, list_position(
            ['Still active', 'Buying that month', 'Revenue per customer to date'], measure
        )
    """,
    columns={
        "measure": Column(label="Measure"),
        "cohort": Column(label="First active in"),
        "months_since": Column(label="Months since", unit="count"),
        "customer_share": Column(label="Share of the cohort", unit="share"),
        "revenue_amount": Column(label="Revenue per customer", unit="money"),
    },
    spec=spec,
    sentence=sentence,
    is_wide=True,
    switch="measure",
)
