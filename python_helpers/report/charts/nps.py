"""Net promoter score by quarter, with how far chance may move it."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import colour
from python_helpers.report.words import count, month


def spec() -> alt.LayerChart:
    """Draw a dot per quarter and a line for its interval."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=240).encode(
        x=alt.X("quarter_end:T", timeUnit="utcyearquarter", title=None).scale(padding=14)
    )
    interval = base.mark_rule(strokeWidth=6, opacity=0.35, color=colour("blue")).encode(
        y=alt.Y("ci_low:Q", title="NPS").scale(domain=[-100, 100]), y2="ci_high:Q"
    )
    return interval + base.mark_point(filled=True, size=60, opacity=1).encode(y="nps:Q")


def sentence(rows: Sequence[Row]) -> str:
    """Say the latest score, how sure it is, and whether it has really moved in a year."""
    last = rows[-1]
    said = (
        f"NPS was {score(last['nps'])} in the quarter to {month(last['quarter_end'])}, of "
        f"{count(last['responses'], 'answer')}"
    )
    if last["ci_high"] - last["ci_low"] > 100:
        return f"{said}: too few to say much, its 95% interval is wider than 100 points."
    said += f", with a 95% interval of {score(last['ci_low'])} to {score(last['ci_high'])}."
    if last["year_before"] is None:
        return said
    verdict = "more than chance explains" if last["is_changed"] else "chance may explain that"
    return f"{said} A year before it was {score(last['year_before'])}: {verdict}."


def score(points: float, /) -> str:
    """Write a score, with a minus sign."""
    return f"{points:.0f}".replace("-", "\N{MINUS SIGN}")


CHART = Chart(
    place=810,
    section="What customers say",
    title="Would they recommend us?",
    query="""
        select
            scores.segment,
            scores.closes_on as quarter_end,
            scores.responses,
            scores.promoters,
            scores.passives,
            scores.detractors,
            scores.nps,
            scores.ci_low,
            scores.ci_high,
            changes.metric_value_before as year_before,
            changes.is_changed
        from rpt_nps_sliced as scores
        left join rpt_changes as changes
            on
                scores.period_grain = changes.period_grain
                and scores.period_start_date = changes.period_start_date
                and scores.segment_name = changes.segment_name
                and scores.segment_value = changes.segment_value
                and changes.metric = 'nps'
                and changes.compared_with = 'year_before'
        where scores.period_grain = 'quarter' and is_complete_period and nps is not null
        order by segment, quarter_end
    """,
    columns={
        "quarter_end": Column(label="Quarter to", unit="day"),
        "responses": Column(label="Answers", unit="count"),
        "promoters": Column(label="Promoters", unit="count"),
        "passives": Column(label="Passives", unit="count"),
        "detractors": Column(label="Detractors", unit="count"),
        "nps": Column(label="NPS", unit="number"),
        "ci_low": Column(label="95% interval from", unit="number"),
        "ci_high": Column(label="to", unit="number"),
    },
    spec=spec,
    sentence=sentence,
)
