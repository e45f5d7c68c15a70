"""What each plan won and lost in the last twelve months."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import Chart, Column, Row
from python_helpers.report.drawing import folded
from python_helpers.report.theme import series
from python_helpers.report.words import FEWEST_CUSTOMERS, amount, share

MOST_PLANS = 8
OTHERS = "Other plans"
KINDS = {
    "won_mrr": "New and returned",
    "expansion_mrr": "Expansion",
    "in_mrr": "From other plans",
    "out_mrr": "To other plans",
    "contraction_mrr": "Contraction",
    "churn_mrr": "Churn",
}


def spec() -> alt.Chart:
    """Draw a bar per plan, gains to the right and losses to the left."""
    return (
        folded(KINDS, what="kind", number="mrr", height=alt.Step(26))
        .mark_bar()
        .encode(
            x=alt.X("mrr:Q", title="recurring revenue a month").axis(format="~s"),
            y=alt.Y("plan:N", title=None, sort=None),
            color=alt.Color("kind:N").scale(
                domain=list(KINDS.values()),
                range=series("blue", "teal", "gold", "purple", "orange", "rose"),
            ),
            order="place:Q",
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Name the largest plan, and the one that gained most from the others."""
    plans = [row for row in rows if row["plan"] != OTHERS]
    if not plans:
        return f"No plan has {FEWEST_CUSTOMERS} paying customers."
    largest = max(plans, key=lambda row: row["closing_mrr"])
    said = (
        f"{largest['plan']} makes up {share(largest['closing_share'])} of recurring revenue, "
        f"{amount(largest['closing_mrr'])} a month"
    )
    gained = max(plans, key=lambda row: row["in_mrr"] + row["out_mrr"])
    moved = gained["in_mrr"] + gained["out_mrr"]
    if moved <= 0:
        return f"{said}."
    return f"{said}; {gained['plan']} gained the most from other plans, {amount(moved)}."


CHART = Chart(
    place=540,
    section="Plans, trials and failed payments",
    title="Plans: the last twelve months",
    query=f"""
        with years as (
            select *
            from rpt_mrr_plans
            where
                period_grain = 'trailing_12_months'
                and is_complete_period
                and closes_on = (
                    select max(closes_on)
                    from rpt_mrr_plans
                    where period_grain = 'trailing_12_months' and is_complete_period
                )
        ),
        plans as (
            select
                plan_id || ', by the ' || billing_term as plan,
                sum(paying_customers) >= {FEWEST_CUSTOMERS} and row_number() over (
                    order by sum(closing_mrr_amount) desc, plan_id, billing_term
                ) <= {MOST_PLANS} as is_shown
            from years
            group by plan_id, billing_term
        )
        select
            case when is_shown then plan else '{OTHERS}' end as plan,
            sum(new_mrr_amount + reactivation_mrr_amount) as won_mrr,
            sum(expansion_mrr_amount) as expansion_mrr,
            sum(plan_in_mrr_amount) as in_mrr,
            sum(plan_out_mrr_amount) as out_mrr,
            sum(contraction_mrr_amount) as contraction_mrr,
            sum(churn_mrr_amount) as churn_mrr,
            sum(closing_mrr_amount) as closing_mrr,
            sum(closing_mrr_amount) / max(all_plans_closing_mrr_amount) as closing_share
        from years
        inner join plans on years.plan_id || ', by the ' || years.billing_term = plans.plan
        group by case when is_shown then plan else '{OTHERS}' end, is_shown
        having sum(paying_customers) >= {FEWEST_CUSTOMERS}
        order by is_shown desc, closing_mrr desc
    """,
    columns={
        "plan": Column(label="Plan"),
        "won_mrr": Column(label="New and returned", unit="money"),
        "expansion_mrr": Column(label="Expansion", unit="money"),
        "in_mrr": Column(label="From other plans", unit="money"),
        "out_mrr": Column(label="To other plans", unit="money"),
        "contraction_mrr": Column(label="Contraction", unit="money"),
        "churn_mrr": Column(label="Churn", unit="money"),
        "closing_mrr": Column(label="At the end", unit="money"),
        "closing_share": Column(label="Share of all", unit="share"),
    },
    spec=spec,
    sentence=sentence,
)
