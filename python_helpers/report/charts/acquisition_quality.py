"""How good the customers are that channels bring, and those won at a discount."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.words import FEW, count, of_few, readable, share

WORDS = {"acquisition_channel": "By channel", "discount": "At a discount or not"}


def spec() -> alt.LayerChart:
    """Draw a point with its interval per channel."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=alt.Step(26)).encode(
        y=alt.Y("value:N", title=None, sort=None),
        opacity=alt.condition(alt.datum.new_customers < FEW, alt.value(0.35), alt.value(1)),
    )
    axis = alt.X("ci_low:Q", title="retained after 12 months").axis(format="%")
    intervals = base.mark_rule(strokeWidth=3).encode(x=axis, x2="ci_high:Q")
    return intervals + base.mark_point(filled=True, size=70).encode(x="retained:Q")


def sentence(rows: Sequence[Row]) -> str:
    """Compare the best channel with the worst, and a discount with the full price."""
    said = []
    for by in WORDS.values():
        found = [row for row in rows if row["by"] == by and row["new_customers"] >= FEW]
        if len(found) > 1:
            best, worst = (pick(found, key=lambda row: row["retained"]) for pick in (max, min))
            apart = best["ci_low"] > worst["ci_high"]
            said.append(
                f"{by}: {best['value'].lower()} keeps {share(best['retained'])} of "
                f"{count(best['new_customers'])} for 12 months, {worst['value'].lower()} "
                f"{share(worst['retained'])} of {worst['new_customers']:,}"
                f"{'.' if apart else ', which chance may explain.'}"
            )
    return " ".join(said) or f"No two kinds have {FEW} customers.{of_few(rows[0]['new_customers'])}"


CHART = Chart(
    place=990,
    section="What to do",
    title="How good new customers are",
    query=f"""
        select
            case segment_name when 'discount' then '{WORDS["discount"]}'
            else '{WORDS["acquisition_channel"]}' end as by,
            {readable("segment_value")} as value,
            new_customers,
            repeat_rate,
            retained_12m_rate as retained,
            retained_12m_ci_low as ci_low,
            retained_12m_ci_high as ci_high,
            early_lost_rate,
            margin_12m_per_customer_amount as margin,
            cac_amount as cac,
            payback_months
        from rpt_acquisition_quality
        where
            period_grain = 'all_time'
            and segment_name in ('acquisition_channel', 'discount')
            and retained_12m_ci_low is not null
            and (segment_name, segment_value) <> ('discount', 'unknown')
        order by segment_name, retained desc, segment_value
    """,
    columns={
        "by": Column(label="By"),
        "value": Column(label="Customers"),
        "new_customers": Column(label="New customers", unit="count"),
        "repeat_rate": Column(label="Bought again within 90 days", unit="share"),
        "retained": Column(label="Retained after 12 months", unit="share"),
        "ci_low": Column(label="At least", unit="share"),
        "ci_high": Column(label="At most", unit="share"),
        "early_lost_rate": Column(label="Lost early", unit="share"),
        "margin": Column(label="Margin of 12 months", unit="money"),
        "cac": Column(label="Cost to win", unit="money"),
        "payback_months": Column(label="Payback, months", unit="count"),
    },
    spec=spec,
    sentence=sentence,
    switch="by",
)
