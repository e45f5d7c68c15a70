"""Revenue of each month: of first purchases, repeats and expansion."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import Chart, Column, Row
from python_helpers.report.drawing import folded
from python_helpers.report.theme import series
from python_helpers.report.words import amount, month, share, than, total

KINDS = {
    "first_purchase": "First purchase",
    "repeat": "Repeat",
    "expansion": "Expansion",
    "unattributed": "No customer",
}


def spec() -> alt.Chart:
    """Draw a bar per month, in layers; revenue without a customer only where there is any."""
    return (
        folded(KINDS, what="kind", number="revenue", height=240)
        .transform_filter(f"datum.kind !== {KINDS['unattributed']!r} || datum.revenue !== 0")
        .mark_bar()
        .encode(
            x=alt.X("month:T", timeUnit="utcyearmonth", title=None),
            y=alt.Y("revenue:Q", title="revenue").axis(format="~s"),
            # a kind that is not in the data is not in the legend
            color=alt.Color("kind:N", sort=list(KINDS.values())).scale(
                range=series("blue", "teal", "gold", "grey")
            ),
            order="place:Q",
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Say where the revenue of the last twelve months came from, against the twelve before."""
    year, before = rows[-12:], rows[-24:-12]
    revenue = total(year, "total")
    said = f"In the {len(year)} months to {month(rows[-1]['month'])}, revenue was {amount(revenue)}"
    existing = share_of_existing(year)
    if existing is None:
        return f"{said}, none of it from known customers."
    said += f". {share(existing)} came from customers who had bought before"
    if len(before) == 12 and (past := share_of_existing(before)) is not None:
        said += f", {than(existing, past, low=0.005)} {share(past)} in the twelve months before"
    unattributed = total(year, "unattributed")
    if unattributed:
        said += f"; this leaves out {amount(unattributed)} that belongs to no known customer"
    return f"{said}."


def share_of_existing(rows: Sequence[Row], /) -> float | None:
    """Return what existing customers brought, of all that known customers brought."""
    existing = total(rows, "repeat") + total(rows, "expansion")
    known = existing + total(rows, "first_purchase")
    return existing / known if known > 0 else None


CHART = Chart(
    place=610,
    section="Where revenue comes from",
    title="First purchases, repeats and expansion",
    query="""
        select
            segment,
            period_start_date as month,
            sum(first_purchase_revenue_amount) as first_purchase,
            sum(repeat_revenue_amount) as repeat,
            sum(expansion_revenue_amount) as expansion,
            sum(unattributed_revenue_amount) as unattributed,
            sum(total_revenue_amount) as total
        from rpt_revenue_mix_sliced
        where period_grain = 'month' and is_complete_period
        group by all
        order by all
    """,
    columns={
        "month": Column(label="Month", unit="month"),
        "first_purchase": Column(label="First purchase", unit="money"),
        "repeat": Column(label="Repeat", unit="money"),
        "expansion": Column(label="Expansion", unit="money"),
        "unattributed": Column(label="No customer", unit="money"),
        "total": Column(label="Revenue", unit="money"),
    },
    spec=spec,
    sentence=sentence,
)
