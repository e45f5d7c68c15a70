"""The chance to buy again as it was predicted, against what came."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import colour
from python_helpers.report.words import count, of_few, share


def spec() -> alt.LayerChart:
    """Draw a dot per tenth of the customers; on the line, as many bought as predicted."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=260).encode(
        x=alt.X("predicted:Q", title="predicted chance to buy").axis(format="%", tickCount=5)
    )
    line = base.mark_line(color=colour("muted"), strokeDash=[4, 4], strokeWidth=1).encode(
        y=alt.Y("predicted:Q", title="share who bought").axis(format="%")
    )
    dots = base.mark_circle(opacity=0.75).encode(
        y="bought:Q", size=alt.Size("customers:Q", legend=None).scale(range=[60, 200], zero=True)
    )
    return line + dots


def sentence(rows: Sequence[Row]) -> str:
    """Compare the chances with the customers who bought, in all and where they are worst."""
    customers = sum(row["customers"] for row in rows)
    predicted, bought = (
        sum(row[column] * row["customers"] for row in rows) / customers
        for column in ("predicted", "bought")
    )
    worst = max(rows, key=lambda row: abs(row["bought"] - row["predicted"]))
    said = (
        f"In the last weeks, held out from the model, {share(bought)} of {count(customers)} bought "
        f"and {share(predicted)} was predicted. The widest gap is in the tenth for which "
        f"{share(worst['predicted'])} was predicted: {share(worst['bought'])} bought."
        f"{of_few(customers)}"
    )
    if not rows[0]["is_used"]:
        said += f" The model is not used to predict: {rows[0]['verdict']}."
    return said


CHART = Chart(
    place=910,
    section="What customers are worth",
    title="Did those predicted to buy do so?",
    query="""
        select
            segment,
            chance_decile::integer as tenth,
            max(value) filter (where statistic = 'decile_customers')::bigint as customers,
            max(value) filter (where statistic = 'decile_chance') as predicted,
            max(value) filter (where statistic = 'decile_share') as bought,
            model,
            verdict,
            is_used
        from rpt_ltv_model_fit_sliced
        where is_chosen and statistic like 'decile%' and frequency_class = 'all'
        group by all
        order by segment, tenth
    """,
    columns={
        "tenth": Column(label="Tenth, 1 the likeliest", unit="count"),
        "customers": Column(label="Customers", unit="count"),
        "predicted": Column(label="Predicted chance", unit="share"),
        "bought": Column(label="Who bought", unit="share"),
    },
    spec=spec,
    sentence=sentence,
)
