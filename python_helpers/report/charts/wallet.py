"""What customers of small and large wallets spend here, and what they could."""

from collections.abc import Sequence

import altair as alt

from python_helpers.report.chart import ROWS, Chart, Column, Row
from python_helpers.report.theme import colour, series
from python_helpers.report.words import FEWEST_CUSTOMERS, amount, count, month, of_few, share, total

SURVEYED, ASSUMED = "As customers say", "As assumed for their segment"
HERE, ELSEWHERE = "Spent here", "Spent elsewhere"


def spec() -> alt.LayerChart:
    """Draw a bar per group of wallets: what is spent here, what is not, and the share."""
    base = alt.Chart(alt.NamedData(name=ROWS), width="container", height=240).encode(
        x=alt.X("wallet:O", title="a customer's wallet, from small to large").axis(
            format=".2~s", labelAngle=0
        )
    )
    bars = (
        base.transform_fold(["spend", "headroom"], as_=["where", "per_customer"])
        .transform_calculate(where=f"datum.where === 'spend' ? {HERE!r} : {ELSEWHERE!r}")
        .mark_bar()
        .encode(
            y=alt.Y("per_customer:Q", title="a customer's spend in a year").axis(format="~s"),
            color=alt.Color("where:N").scale(
                domain=[HERE, ELSEWHERE], range=series("blue", "line")
            ),
            order=alt.Order("where:N", sort="descending"),
        )
    )
    shares = (
        base.transform_calculate(top="datum.spend + datum.headroom")
        .mark_text(dy=-7, tooltip=False, color=colour("text"))
        .encode(y="top:Q", text=alt.Text("share:Q", format=".0%"))
    )
    return bars + shares


def sentence(rows: Sequence[Row]) -> str:
    """Say how much of the wallets is spent here, of those who said so and of the others."""
    said = f"In the year to {month(rows[0]['quarter_end'])}:"
    for source, words in ((SURVEYED, "as they say"), (ASSUMED, "as assumed for their segment")):
        groups = [row for row in rows if row["source"] == source]
        if not groups:
            continue
        customers = total(groups, "customers")
        spend, headroom = (
            sum(row["customers"] * float(row[column]) for row in groups)
            for column in ("spend", "headroom")
        )
        said += (
            f" {count(customers)}, {words}, spent {amount(spend + headroom)}, "
            f"{share(spend / (spend + headroom))} of it here and {amount(headroom)} elsewhere."
            f"{of_few(customers)}"
        )
    return said


CHART = Chart(
    place=830,
    section="What customers say",
    title="Share of wallet by size of wallet",
    # an assumed wallet is one of a few sizes; what customers say is in up to ten groups, none so
    # small that a bar is the answer of one
    query=f"""
        with latest as (
            select max(quarter_end_date) as quarter_end from fct_share_of_wallet
        ),
        wallets as (
            select
                *,
                dense_rank() over by_size as size_number,
                row_number() over (by_size rows unbounded preceding) - 1 as place,
                count(*) over (partition by segment, wallet_source) as customers_of_source
            from fct_share_of_wallet
            inner join latest on quarter_end_date = quarter_end
            inner join dim_customers_sliced using (customer_id)
            where wallet_headroom_amount + own_spend_amount > 0
            window by_size as (partition by segment, wallet_source order by wallet_amount)
        ),
        groups as (
            select
                *,
                case wallet_source
                    when 'benchmark' then size_number
                    else
                        place * least(10, customers_of_source // {FEWEST_CUSTOMERS})
                        // customers_of_source
                end as size_group
            from wallets
            where customers_of_source >= {FEWEST_CUSTOMERS}
        )
        select
            segment,
            case wallet_source when 'survey' then '{SURVEYED}' else '{ASSUMED}' end as source,
            round(avg(wallet_amount)) as wallet,
            count(*) as customers,
            avg(own_spend_amount) as spend,
            avg(wallet_headroom_amount) as headroom,
            sum(own_spend_amount) / sum(own_spend_amount + wallet_headroom_amount) as share,
            quarter_end
        from groups
        group by segment, wallet_source, size_group, quarter_end
        order by segment, wallet_source desc, size_group
    """,
    columns={
        "source": Column(label="Wallet"),
        "wallet": Column(label="Average wallet", unit="money"),
        "customers": Column(label="Customers", unit="count"),
        "spend": Column(label="Spent here by each", unit="money"),
        "headroom": Column(label="Spent elsewhere by each", unit="money"),
        "share": Column(label="Share of wallet", unit="share"),
    },
    spec=spec,
    sentence=sentence,
    is_wide=True,
    switch="source",
)
