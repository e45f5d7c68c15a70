"""How recurring revenue went from a year ago to now."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import series
from python_helpers.report.words import amount


def spec() -> alt.LayerChart:
    """Draw a bar per movement, which begins where the one before ended."""
    base = (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=260)
        .transform_calculate(
            bar_from="datum.kind === 'level' ? 0 : datum.after_amount - datum.mrr_amount",
            top="max(datum.bar_from, datum.after_amount)",
        )
        .encode(
            x=alt.X("movement:N", title=None, sort=None).axis(
                labelAngle=-35, labelLimit=90, labelOverlap=False
            )
        )
    )
    bars = base.mark_bar().encode(
        y=alt.Y("bar_from:Q", title="recurring revenue a month"),
        y2="after_amount:Q",
        color=alt.Color("kind:N", legend=None).scale(
            domain=["level", "more", "less"], range=series("grey", "blue", "orange")
        ),
    )
    text = base.mark_text(dy=-7, tooltip=False).encode(
        y=alt.Y("top:Q"), text=alt.Text("mrr_amount:Q", format=".2~s")
    )
    return bars + text


def sentence(rows: Sequence[Row]) -> str:
    """Compare the end with the start, and name what took most."""
    first, last = rows[0], rows[-1]
    said = (
        f"Recurring revenue went from {amount(first['mrr_amount'])} to "
        f"{amount(last['mrr_amount'])} a month"
    )
    if first["mrr_amount"]:
        said += f" ({float(last['mrr_amount'] / first['mrr_amount']) - 1:+.0%})"
    # rates of exchange are nobody's gain or loss
    moves = [row for row in rows if row["movement"] != "Exchange rates"]
    lost = -sum(float(row["mrr_amount"]) for row in moves if row["kind"] == "less")
    gained = sum(float(row["mrr_amount"]) for row in moves if row["kind"] == "more")
    if not lost:
        return f"{said}, and nothing was lost."
    return f"{said}: for each unit lost, {gained / lost:.1f} were gained (the quick ratio)."


CHART = Chart(
    place=510,
    section="Recurring revenue",
    title="Recurring revenue, the last twelve months",
    query="""
        with moved as (
            select
                segment,
                sum(opening_mrr_amount) filter (where is_first) as opening,
                sum(new_mrr_amount) as new,
                sum(reactivation_mrr_amount) as reactivation,
                sum(expansion_mrr_amount) as expansion,
                sum(contraction_mrr_amount) as contraction,
                sum(churn_mrr_amount) as churn,
                sum(fx_mrr_amount) as fx,
                sum(closing_mrr_amount) filter (where is_last) as closing
            from (
                select
                    *,
                    closes_on = max(closes_on) over () as is_last,
                    closes_on = min(closes_on) over () as is_first
                from rpt_mrr_periods_sliced
                where
                    period_grain = 'month'
                    and is_complete_period
                    and closes_on > (
                        select max(closes_on) - interval 12 months
                        from rpt_mrr_periods
                        where period_grain = 'month' and is_complete_period
                    )
            )
            group by segment
        ),
        movements as (
            select
                segment,
                unnest(range(8)) as number,
                unnest([
                    'Start', 'New', 'Came back', 'Expansion', 'Contraction', 'Churn',
                    'Exchange rates', 'End'
                ]) as movement,
                unnest([
                    opening, new, reactivation, expansion, contraction, churn, fx, closing
                ]) as mrr_amount
            from moved
        )
        select
            segment,
            movement,
            case
                when number in (0, 7) then 'level'
                when mrr_amount < 0 then 'less'
                else 'more'
            end as kind,
            coalesce(mrr_amount, 0) as mrr_amount,
            case
                when number = 7 then mrr_amount
                else sum(mrr_amount) over (partition by segment order by number)
            end as after_amount
        from movements
        where number in (0, 7) or mrr_amount <> 0
        order by segment, number
    """,
    columns={
        "movement": Column(label="Movement"),
        "kind": Column(label="Kind"),
        "mrr_amount": Column(label="Amount a month", unit="money"),
        "after_amount": Column(label="After it", unit="money"),
    },
    spec=spec,
    sentence=sentence,
)
