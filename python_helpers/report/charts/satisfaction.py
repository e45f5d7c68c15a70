"""Satisfied answers (CSAT) and easy ones (CES), over twelve months each."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import series
from python_helpers.report.words import FEW, count, month, share


def spec() -> alt.LayerChart:
    """Draw a line per question, in the band of its interval."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=240).encode(
        x=alt.X("closes_on:T", timeUnit="utcyearmonth", title=None).scale(padding=6),
        color=alt.Color("question:N")
        .scale(domain=["Satisfied (CSAT)", "Easy (CES)"], range=series("blue", "orange"))
        .legend(symbolOpacity=1),
    )
    band = base.mark_area(opacity=0.15, tooltip=False).encode(
        y=alt.Y("ci_low:Q", title="share of answers").axis(format="%").scale(domain=[0, 1]),
        y2="ci_high:Q",
    )
    return band + base.mark_line(point=True).encode(y="share:Q")


def sentence(rows: Sequence[Row]) -> str:
    """Say the latest share of each question, and how sure it is."""
    latest = {row["question"]: row for row in rows}.values()
    said = " ".join(
        f"{row['question']}: {share(row['share'])} of {count(row['responses'], 'answer')} in the "
        f"twelve months to {month(row['closes_on'])}, with a 95% interval of "
        f"{share(row['ci_low'])} to {share(row['ci_high'])}."
        for row in latest
    )
    few = f" Fewer than {FEW} answers say little."
    return said + few * any(row["responses"] < FEW for row in latest)


CHART = Chart(
    place=820,
    section="What customers say",
    title="Are they satisfied, and was it easy?",
    # a quarter alone has few answers: at the end of each, those of the twelve months to it
    query="""
        with answers as (
            select
                segment, closes_on, 'Satisfied (CSAT)' as question, responses,
                csat as share, ci_low, ci_high
            from rpt_csat_sliced
            where period_grain = 'trailing_12_months' and is_complete_period
            union all
            select
                segment, closes_on, 'Easy (CES)' as question, responses,
                easy_share as share, ci_low, ci_high
            from rpt_ces_sliced
            where period_grain = 'trailing_12_months' and is_complete_period
        )
        select segment, question, closes_on, responses, share, ci_low, ci_high
        from answers
        where share is not null and month(closes_on) % 3 = 0
        order by segment, question desc, closes_on
    """,
    columns={
        "question": Column(label="Answers"),
        "closes_on": Column(label="Twelve months to", unit="day"),
        "responses": Column(label="Number of answers", unit="count"),
        "share": Column(label="Share", unit="share"),
        "ci_low": Column(label="95% interval from", unit="share"),
        "ci_high": Column(label="to", unit="share"),
    },
    spec=spec,
    sentence=sentence,
)
