"""What recurring revenue is expected to be in the next twelve months."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import colour
from python_helpers.report.words import amount, month, share


def spec() -> alt.LayerChart:
    """Draw what was as a line, what is expected as another, and the interval behind it."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=260).encode(
        x=alt.X("month:T", timeUnit="utcyearmonth", title=None)
    )
    interval = base.mark_area(opacity=0.2, color=colour("blue")).encode(
        y=alt.Y("forecast_low_amount:Q", title="recurring revenue a month").axis(format="~s"),
        y2="forecast_high_amount:Q",
    )
    known = base.mark_line(color=colour("blue")).encode(y="mrr_amount:Q")
    expected = base.mark_line(color=colour("blue"), strokeDash=[4, 4]).encode(
        y="forecast_mrr_amount:Q"
    )
    return interval + known + expected


def sentence(rows: Sequence[Row]) -> str:
    """Say what is expected at the end, and how good such a forecast was."""
    last = rows[-1]
    return (
        f"At the end of {month(last['month'])}, {amount(last['forecast_mrr_amount'])} a month are "
        f"expected, between {amount(last['forecast_low_amount'])} and "
        f"{amount(last['forecast_high_amount'])} if times do not change. The same forecast made "
        f"before the last {last['holdout_months']} months missed what came by "
        f"{share(last['holdout_forecast_error'])}; expecting no change missed it by "
        f"{share(last['holdout_naive_error'])}."
    )


CHART = Chart(
    place=515,
    section="Recurring revenue",
    title="Recurring revenue, the next twelve months",
    query="""
        with known as (
            select
                date_trunc('month', closes_on) as month,
                sum(closing_mrr_amount) as mrr_amount
            from rpt_mrr_periods
            where
                period_grain = 'month'
                and is_complete_period
                and closes_on > (select min(closes_on) from rpt_mrr_forecast) - interval 13 months
            group by closes_on
        )
        select
            month,
            mrr_amount,
            null as forecast_mrr_amount,
            null as forecast_low_amount,
            null as forecast_high_amount,
            null as holdout_months,
            null as holdout_forecast_error,
            null as holdout_naive_error
        from known
        where exists (select 1 from rpt_mrr_forecast where forecast_status = 'used')
        union all
        select
            month_start_date,
            null,
            forecast_mrr_amount,
            forecast_low_amount,
            forecast_high_amount,
            holdout_months,
            holdout_forecast_error,
            holdout_naive_error
        from rpt_mrr_forecast
        where forecast_status = 'used'
        order by month
    """,
    columns={
        "month": Column(label="Month", unit="month"),
        "mrr_amount": Column(label="At its end", unit="money"),
        "forecast_mrr_amount": Column(label="Expected", unit="money"),
        "forecast_low_amount": Column(label="At least", unit="money"),
        "forecast_high_amount": Column(label="At most", unit="money"),
    },
    spec=spec,
    sentence=sentence,
)
