"""What customers lack that the best customers like them hold."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.words import amount, count, readable, total


def spec() -> alt.LayerChart:
    """Draw a bar per category, as long as the margin it could bring."""
    bars = (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=alt.Step(24))
        .mark_bar()
        .encode(
            x=alt.X("potential:Q", title="potential margin of a year").axis(format="~s"),
            y=alt.Y("category:N", title=None, sort=None),
        )
    )
    text = bars.mark_text(align="left", dx=5, tooltip=False).encode(text="customers:Q")
    return bars + text


def sentence(rows: Sequence[Row]) -> str:
    """Name the category with the largest potential."""
    best, all_of_it = rows[0], amount(total(rows, "potential"))
    return (
        f"{best['category']} is what {count(best['customers'])} lack, worth "
        f"{amount(best['potential'])} of margin a year if they came to the median of the best "
        f"quarter of customers like them; all categories together are worth {all_of_it}."
    )


CHART = Chart(
    place=980,
    section="What to do",
    title="What customers lack",
    query=f"""
        select
            segment,
            {readable("product_category")} as category,
            count(*) as customers,
            avg(holders_share) as holders_share,
            sum(potential_margin_amount) as potential
        from fct_product_gaps
        inner join dim_customers_sliced using (customer_id)
        group by all
        order by segment, potential desc, category
    """,
    columns={
        "category": Column(label="Category"),
        "customers": Column(label="Customers who lack it", unit="count"),
        "holders_share": Column(label="Best customers who hold it", unit="share"),
        "potential": Column(label="Potential margin", unit="money"),
    },
    spec=spec,
    sentence=sentence,
)
