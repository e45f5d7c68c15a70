"""What became of the rows that were delivered."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import Chart, Column, Row
from python_helpers.report.drawing import ONE_BELOW_ANOTHER, folded
from python_helpers.report.theme import series
from python_helpers.report.words import count, readable, share, total

FATES = {
    "superseded_rows": "Superseded",
    "rejected_rows": "Rejected",
    "held_back_rows": "Held back",
}


def spec() -> alt.Chart:
    """Draw the share of each table that was not accepted; the accepted rows would dwarf it."""
    return (
        folded(FATES, what="fate", number="rows", height=alt.Step(22))
        .transform_calculate(share="datum.rows / max(datum.raw_rows, 1)")
        .mark_bar()
        .encode(
            x=alt.X("share:Q", title="not accepted").axis(format="%", tickCount=4),
            y=alt.Y("table_name:N", title=None, sort=None).axis(labelLimit=130),
            color=alt.Color("fate:N")
            .scale(domain=list(FATES.values()), range=series("grey", "orange", "gold"))
            .legend(**ONE_BELOW_ANOTHER),
        )
    )


def sentence(rows: Sequence[Row]) -> str:
    """Say how many rows were accepted, and of which table the most were rejected."""
    delivered, rejected = total(rows, "raw_rows"), total(rows, "rejected_rows")
    said = f"Of {count(delivered, 'row')} delivered, "
    if total(rows, "accepted_rows") == delivered:
        return f"{said}all were accepted."
    said += (
        f"{share(total(rows, 'accepted_rows') / delivered)} were accepted and "
        f"{share(rejected / delivered)} rejected"
    )
    if not rejected:
        return f"{said}."
    worst = max(rows, key=lambda row: row["rejected_rows"] / row["raw_rows"])
    return (
        f"{said}, the greatest share of {worst['table_name'].lower()}: "
        f"{share(worst['rejected_rows'] / worst['raw_rows'])}."
    )


CHART = Chart(
    place=1010,
    section="Can the numbers be trusted?",
    title="What became of the rows delivered",
    query=f"""
        select
            {readable("table_name")} as table_name,
            raw_rows,
            accepted_rows,
            superseded_rows,
            rejected_rows,
            held_back_rows,
            conflicting_rows,
            1 - accepted_rows / raw_rows as not_accepted_share
        from row_reconciliation
        where raw_rows > 0
        order by not_accepted_share desc, table_name
    """,
    columns={
        "table_name": Column(label="Table"),
        "raw_rows": Column(label="Rows delivered", unit="count"),
        "accepted_rows": Column(label="Accepted", unit="count"),
        "superseded_rows": Column(label="Superseded by a newer one", unit="count"),
        "rejected_rows": Column(label="Rejected", unit="count"),
        "held_back_rows": Column(label="Held back: after as-of", unit="count"),
        "conflicting_rows": Column(label="Superseded at equal age", unit="count"),
        "not_accepted_share": Column(label="Not accepted", unit="share"),
    },
    spec=spec,
    sentence=sentence,
)
