"""What is left of a year's recurring revenue: gross and net retention."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.words import amount, month, share


def spec() -> alt.LayerChart:
    """Draw a line each, and the level at which nothing is lost."""
    lines = (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=260)
        .transform_fold(
            ["net_revenue_retention_rate", "gross_revenue_retention_rate"],
            as_=["measure", "rate"],
        )
        .transform_calculate(
            measure="datum.measure === 'net_revenue_retention_rate'"
            " ? 'Net, with expansion' : 'Gross, without'"
        )
        .mark_line()
        .encode(
            x=alt.X("month:T", timeUnit="utcyearmonth", title=None),
            y=alt.Y("rate:Q", title="of the year before").axis(format="%").scale(zero=False),
            color=alt.Color("measure:N").legend(symbolType="stroke"),
        )
    )
    nothing_lost = (
        alt.Chart(alt.NamedData(name=ROWS))
        .mark_rule(strokeDash=[4, 4])
        .encode(y=alt.datum(1), size=alt.value(1))
    )
    return lines + nothing_lost


def sentence(rows: Sequence[Row]) -> str:
    """Say the latest of both."""
    last = rows[-1]
    net = last["net_revenue_retention_rate"]
    word = "grew" if net > 1 else "shrank" if net < 1 else "stayed the same"
    return (
        f"Customers who paid {amount(last['opening_mrr_amount'])} a month before the year to "
        f"{month(last['month'])} {word}, as a whole: net retention is {share(net)}, gross "
        f"retention {share(last['gross_revenue_retention_rate'])}."
    )


CHART = Chart(
    place=520,
    section="Recurring revenue",
    title="Revenue retention over twelve months",
    query="""
        select
            segment,
            date_trunc('month', closes_on) as month,
            sum(opening_mrr_amount) as opening_mrr_amount,
            sum(net_retained_mrr_amount) / sum(opening_mrr_amount) as net_revenue_retention_rate,
            sum(gross_retained_mrr_amount) / sum(opening_mrr_amount)
                as gross_revenue_retention_rate
        from rpt_mrr_periods_sliced
        where period_grain = 'trailing_12_months' and is_complete_period
        group by segment, closes_on
        having
            sum(opening_mrr_amount) > 0
            and bool_or(net_revenue_retention_rate is not null)
        order by segment, closes_on
    """,
    columns={
        "month": Column(label="Year to", unit="month"),
        "opening_mrr_amount": Column(label="A month, a year before", unit="money"),
        "net_revenue_retention_rate": Column(label="Net retention", unit="share"),
        "gross_revenue_retention_rate": Column(label="Gross retention", unit="share"),
    },
    spec=spec,
    sentence=sentence,
)
