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
        label="datum.measure === 'Revenue per customer to date'"
        " ? format(datum.value, ',.0f') : format(datum.value, '.0%')",
    )


def sentence(rows: Sequence[Row]) -> str:
    """Say what is left of all cohorts after about a year."""
    active = [row for row in rows if row["measure"] == MEASURES[0]]
    ages = sorted({row["months_since"] for row in active}, key=lambda age: abs(age - 12))
    if not ages or not ages[0]:
        return "No cohort is old enough yet to say what is left of it."
    of_age = [row for row in active if row["months_since"] == ages[0]]
    best, worst = (pick(of_age, key=lambda row: row["value"]) for pick in (max, min))
    said = f"After {ages[0]} months {share(worst['value'])} of {worst['cohort']} are active"
    if best is worst:
        return f"{said}; no other cohort is as old."
    return (
        f"{said}, the fewest of {len(of_age)} cohorts, and {share(best['value'])} of "
        f"{best['cohort']}, the most."
    )


CHART = Chart(
    place=310,
    section="Cohorts",
    title="What is left of each cohort",
    # a row is a month of first activity where there are few of them, and a quarter beyond
    query="""
        with cells as (
            select
                *,
                date_diff(
                    'month', min(cohort_month) over (), max(cohort_month) over ()
                ) > 18 as has_quarters
            from rpt_cohort_retention_sliced
            where relationship = 'any'
        ),
        cohorts as (
            select
                segment,
                case when has_quarters
                    then strftime(cohort_month, '%Y') || ' Q' || quarter(cohort_month)
                    else strftime(cohort_month, '%Y-%m')
                end as cohort,
                months_since,
                sum(active_customers) / nullif(sum(cohort_customers), 0) as active,
                sum(purchasing_customers) / nullif(sum(cohort_customers), 0) as purchasing,
                sum(cumulative_revenue_amount) / nullif(sum(cohort_customers), 0) as revenue
            from cells
            where not has_quarters or months_since % 3 = 0
            group by segment, has_quarters, cohort, months_since
            having
                bool_and(is_complete_period)
                and (not has_quarters or count(distinct cohort_month) = 3 or segment > 0)
        )
        select
            segment,
            unnest(['Still active', 'Buying that month', 'Revenue per customer to date'])
                as measure,
            cohort,
            months_since,
            unnest([active, purchasing, revenue]) as value
        from cohorts
        order by segment, cohort, months_since, list_position(
            ['Still active', 'Buying that month', 'Revenue per customer to date'], measure
        )
    """,
    columns={
        "measure": Column(label="Measure"),
        "cohort": Column(label="First active in"),
        "months_since": Column(label="Months since", unit="count"),
        "value": Column(label="Share, or revenue per customer", unit="number"),
    },
    spec=spec,
    sentence=sentence,
    is_wide=True,
    switch="measure",
)
