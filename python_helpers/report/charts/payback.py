"""What a customer has brought by each month of their life, against what winning one costs."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import series
from python_helpers.report.words import amount, count, of_few

MARGIN, COST = "Margin to date", "Cost (CAC)"


def spec() -> alt.LayerChart:
    """Draw the margin as it grows, and the cost as a line across."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=240).encode(
        x=alt.X("months_since:Q", title="months since the first activity").axis(
            tickMinStep=1, format="d"
        ),
        color=alt.Color("what:N").scale(domain=[MARGIN, COST], range=series("blue", "orange")),
    )
    margin = base.transform_calculate(what=f"{MARGIN!r}").mark_line(point=True)
    cost = base.transform_calculate(what=f"{COST!r}").mark_line(strokeDash=[6, 4])
    return margin.encode(y=alt.Y("margin:Q", title="a customer").axis(format="~s")) + cost.encode(
        y="cac_amount:Q"
    )


def sentence(rows: Sequence[Row]) -> str:
    """Say after how many months the cost is paid back, and how far the value can be trusted."""
    first, last = rows[0], rows[-1]
    cost, months = first["cac_amount"], first["payback_months"]
    if cost is None:
        said = (
            f"A customer brings {amount(first['margin'])} in the first month and "
            f"{amount(last['margin'])} by month {last['months_since']}; what winning one costs is "
            "not known."
        )
    elif months is None:
        said = f"Winning a customer costs {amount(cost)}; no age has paid that back yet."
    else:
        paid = f"{count(months, 'month')} after the month" if months else "in the month"
        said = f"Winning a customer costs {amount(cost)}, paid back {paid} in which they come."
    if first["ltv_status"] not in (None, "ok"):
        said += f" How much more they will bring is not reliable: {first['ltv_status']}."
    if last["customers"] < first["customers"] / 2:
        said += (
            f" Month {last['months_since']} rests on {last['customers']:,} of "
            f"{count(first['customers'])}: the others are younger."
        )
    return said + of_few(first["customers"])


CHART = Chart(
    place=930,
    section="What customers are worth",
    title="When a customer has paid back",
    # of each age, all cohorts that have reached it together, as in rpt_formula_ltv; an age that few
    # have reached would show those few, not the age
    query="""
        with ages as (
            select
                segment,
                segment_name,
                segment_value,
                months_since,
                sum(cohort_customers)::bigint as customers,
                sum(cumulative_margin_amount) / nullif(sum(cohort_customers), 0) as margin
            from rpt_cohort_retention_sliced
            where relationship = 'any' and is_complete_period
            group by segment, segment_name, segment_value, months_since
            qualify customers >= 0.2 * max(customers) over (partition by segment)
        )
        select
            ages.segment,
            ages.months_since,
            ages.customers,
            ages.margin,
            formulas.cac_amount,
            formulas.payback_months,
            formulas.ltv_status
        from ages
        left join rpt_formula_ltv as formulas
            on
                ages.segment_name = formulas.segment_name
                and ages.segment_value = formulas.segment_value
                and formulas.relationship = 'any'
                and formulas.period_grain = 'quarter'
        order by segment, months_since
    """,
    columns={
        "months_since": Column(label="Months since", unit="count"),
        "customers": Column(label="Customers of that age", unit="count"),
        "margin": Column(label="Margin of a customer to date", unit="money"),
        "cac_amount": Column(label="Cost of winning one", unit="money"),
    },
    spec=spec,
    sentence=sentence,
    is_wide=True,
)
