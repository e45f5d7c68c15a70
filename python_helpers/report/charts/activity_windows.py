"""How many customers come back after a silence, by its length."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.words import share


def spec() -> alt.LayerChart:
    """Draw a curve per vertical, with the window in use and the suggested one marked."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=240).encode(
        x=alt.X("window_days:Q", title="days without a purchase"),
        y=alt.Y("return_rate:Q", title="share who come back").axis(format="%"),
        color=alt.Color("vertical:N"),
    )
    points = (
        base.transform_filter("datum.mark !== ''")
        .mark_point(size=90, filled=True)
        .encode(
            shape=alt.Shape("mark:N")
            .legend(orient="bottom")
            .scale(
                domain=["in use", "suggested", "in use and suggested"],
                range=["circle", "triangle-up", "diamond"],
            )
        )
    )
    return base.mark_line() + points


def sentence(rows: Sequence[Row]) -> str:
    """Say for each vertical how many of those called lost come back."""
    said = []
    for row in rows:
        if "in use" not in row["mark"]:
            continue
        where = "" if row["vertical"] == "unknown" else f" ({row['vertical']})"
        words = (
            f"{share(row['return_rate'])} of those silent for {row['window_days']} days{where} "
            "come back"
        )
        other = next((each for each in rows if is_other(each, row)), None)
        said.append(f"{words}: {other['window_days']} days are suggested" if other else words)
    if not said:
        return "The window in use is longer than the data can judge."
    return f"{'; '.join(said[:3])}. Who is silent for as long counts as lost."


def is_other(row: Row, of: Row, /) -> bool:
    """Tell whether a window is the one suggested in place of the one in use."""
    return bool(row["vertical"] == of["vertical"] and row["mark"] == "suggested")


CHART = Chart(
    place=430,
    section="How long customers stay",
    title="Does the activity window fit?",
    query="""
        select
            vertical,
            window_days,
            waits,
            return_rate,
            case
                when is_chosen and is_suggested then 'in use and suggested'
                when is_chosen then 'in use'
                when is_suggested then 'suggested'
                else ''
            end as mark
        from rpt_activity_window_fit
        where return_rate is not null
        order by vertical, window_days
    """,
    columns={
        "vertical": Column(label="Vertical"),
        "window_days": Column(label="Days without a purchase", unit="count"),
        "waits": Column(label="Waits", unit="count"),
        "return_rate": Column(label="Come back", unit="share"),
        "mark": Column(label="Window"),
    },
    spec=spec,
    sentence=sentence,
)
