"""Whom to contact, for what reason, and what it is expected to bring."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import series
from python_helpers.report.words import amount, count, readable, total

SOURCES = {"measured": "Effect measured", "assumed": "Effect assumed"}


def spec() -> alt.LayerChart:
    """Draw a bar per trigger, as long as its contacts are worth."""
    bars = (
        alt.Chart(alt.NamedData(name=ROWS), width="container", height=alt.Step(24))
        .mark_bar()
        .encode(
            x=alt.X("value:Q", title="expected value").axis(format="~s"),
            y=alt.Y("trigger:N", title=None, sort=None),
            color=alt.Color("source:N").scale(
                domain=list(SOURCES.values()), range=series("teal", "blue")
            ),
        )
    )
    text = bars.mark_text(align="left", dx=5, tooltip=False).encode(
        text="customers:Q", color=alt.value("var(--text)")
    )
    return bars + text


def sentence(rows: Sequence[Row]) -> str:
    """Say how many customers have a reason to be contacted, and what the contacts are worth."""
    best = rows[0]
    assumed = total([row for row in rows if row["source"] == SOURCES["assumed"]], "value")
    said = (
        f"{count(total(rows, 'customers'))} have a reason to be contacted, each counted for the "
        f"best one: the contacts are expected to bring {amount(total(rows, 'value'))}, most of it "
        f"through {best['trigger'].lower()} ({count(best['customers'])}, {amount(best['value'])})."
    )
    return f"{said} {amount(assumed)} of it rests on effects that are assumed." if assumed else said


CHART = Chart(
    place=970,
    section="What to do",
    title="Whom to contact, and what for",
    query=f"""
        select
            segment,
            {readable("trigger_name")} as trigger,
            case effect_source when 'measured' then '{SOURCES["measured"]}'
            else '{SOURCES["assumed"]}' end as source,
            count(*) as customers,
            count(suppressed_until) as waiting,
            avg(chance) as chance,
            sum(margin_at_stake_amount) as margin,
            sum(expected_value_amount) as value
        from fct_customer_triggers
        inner join dim_customers_sliced using (customer_id)
        where customer_rank = 1
        group by all
        order by segment, value desc, trigger
    """,
    columns={
        "trigger": Column(label="Reason"),
        "source": Column(label="Effect"),
        "customers": Column(label="Customers", unit="count"),
        "waiting": Column(label="Of these contacted lately", unit="count"),
        "chance": Column(label="Chance of the loss or gain", unit="share"),
        "margin": Column(label="Margin at stake", unit="money"),
        "value": Column(label="Expected value", unit="money"),
    },
    spec=spec,
    sentence=sentence,
)
