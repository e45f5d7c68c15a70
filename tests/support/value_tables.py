"""The tables of docs/customer_value.md: what builds of three data sets say of their customers.

To write them again after a change: build the data set, then
`python tests/support/value_tables.py NAME path/to/published/marts.duckdb`.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

PAGE = Path(__file__).resolve().parents[2] / "docs" / "customer_value.md"

# of the fits to all customers: one row per statistic, with the number of each model
FITS = """
    select
        statistic,
        max(case when model = '{family}' then value end) as of_purchases,
        max(case when model = 'gamma_gamma' then value end) as of_margins
    from marts.rpt_ltv_model_fit
    where segment_name = 'all' and frequency_class = 'all' and chance_decile = 'all'
    group by statistic
"""


def section(name: str, /) -> re.Pattern[str]:
    """Return what finds the tables of a data set in the page."""
    return re.compile(rf"(?<=<!-- tables of {name} -->\n).*?(?=\n<!-- end -->)", re.DOTALL)


def table(head: Sequence[str], rows: Sequence[Sequence[object]], /) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def percent(share: float | None, /) -> str:
    """Write a share as the page does."""
    return "not known" if share is None else f"{100 * share:.1f} %"


def margin_of_12_months(marts: duckdb.DuckDBPyConnection, /) -> tuple[float, float]:
    """Return the predicted margin of the next 12 months, and that of the last 12 complete ones."""
    (ahead,), (before,) = (
        marts.execute(sql).fetchone() or (0,)
        for sql in (
            "select sum(predicted_margin_12m_amount) from marts.fct_customer_value",
            """
            select margin_amount
            from marts.rpt_formula_ltv
            where
                relationship = 'any'
                and period_grain = 'trailing_12_months'
                and segment_name = 'all'
            """,
        )
    )
    return ahead, before


def tables(marts: duckdb.DuckDBPyConnection, /) -> str:
    """Return the three tables of a build: what was decided, the calibration, the top customers."""

    def rows(sql: str) -> list[tuple]:
        return marts.execute(sql).fetchall()

    def first(sql: str) -> tuple:
        (row,) = rows(sql)
        return row

    judged = """
        select distinct model, verdict, is_chosen
        from marts.rpt_ltv_model_fit
        where segment_name = 'all'
    """
    verdicts = {model: verdict for model, verdict, _ in rows(judged)}
    (chosen,) = (model for model, _, is_chosen in rows(judged) if is_chosen)
    tested = "nbd" if verdicts[chosen] == "dropout not identified" else chosen
    purchases, margins = (
        {statistic: row[place] for statistic, *row in rows(FITS.format(family=tested))}
        for place in (0, 1)
    )
    (gain,) = first(
        "select min(value) from marts.rpt_ltv_model_fit where segment_name = 'all'"
        f" and model = '{chosen}' and statistic like '%log_likelihood_above_nbd'"
    )
    months, buyers, mean, churned_value, churned, alive = first("""
        select
            max(value.ltv_months),
            count(*),
            avg(value.predicted_ltv_amount),
            sum(value.predicted_ltv_amount) filter (not customers.is_active)
            / sum(value.predicted_ltv_amount),
            count(*) filter (not customers.is_active),
            avg(value.p_alive) filter (not customers.is_active)
        from marts.fct_customer_value as value
        inner join marts.dim_customers as customers
            on value.customer_id = customers.customer_id
        where value.orders_count > 0
    """)
    year, last_year = margin_of_12_months(marts)
    methods = rows("""
        select ltv_method || ' ' || count(*)
        from marts.fct_customer_value
        where orders_count > 0
        group by ltv_method
        order by ltv_method
    """)

    def forecast(of: dict) -> str:
        predicted, actual = of["holdout_predicted"], of["holdout_actual"]
        # a fit agrees to six digits from machine to machine, and the fourth says enough
        about = float(f"{predicted:.4g}")
        return f"{about:,.0f} and {actual:,.0f} ({100 * (predicted / actual - 1):+.1f} %)"

    facts = [
        ("customers who bought", f"{buyers:,}"),
        ("most likely family, before the hold-out", f"`{chosen}`"),
        (
            "its log-likelihood above that of a model in which no one leaves",
            f"{round(gain, 1) + 0:.1f}",
        ),
        ("verdict on it", verdicts[chosen]),
        (f"purchase days of the hold-out by `{tested}`: forecast and actual", forecast(purchases)),
        ("margin of the hold-out: forecast and actual", forecast(margins)),
        ("verdict on the model of margins", verdicts["gamma_gamma"]),
        ("no order counts for more than", f"{margins['order_margin_limit']:,.2f}"),
        (
            "Brier score, and that of the overall share",
            f"{purchases['brier_score']:.3f} and {purchases['brier_score_of_share']:.3f}",
        ),
        *(
            (
                f"customers who were {state} before the hold-out and bought in the next window:"
                " predicted and observed",
                f"{percent(purchases.get(f'holdout_{key}_chance'))} and"
                f" {percent(purchases.get(f'holdout_{key}_share'))}",
            )
            for state, key in (("churned", "churned"), ("active", "active"))
        ),
        ("customers by `ltv_method`", ", ".join(method for (method,) in methods)),
        ("margin predicted for 12 months", f"{year:,.0f}"),
        ("margin of the last 12 complete months", f"{last_year:,.0f}"),
        ("months that predicted value looks ahead", months),
        ("mean predicted value", f"{mean:,.2f}"),
        (
            f"share of it in the {churned:,} customers who have churned",
            percent(churned_value),
        ),
        ("their mean `p_alive`", "NULL" if alive is None else f"{alive:.2f}"),
    ]
    deciles = rows(f"""
        select
            chance_decile,
            max(case when statistic = 'decile_customers' then value end),
            max(case when statistic = 'decile_chance' then value end),
            max(case when statistic = 'decile_share' then value end)
        from marts.rpt_ltv_model_fit
        where segment_name = 'all' and model = '{tested}' and chance_decile <> 'all'
        group by chance_decile
        order by cast(chance_decile as integer)
    """)
    best = rows("""
        select
            orders_count,
            margin_to_date_amount,
            predicted_ltv_amount,
            ltv_method
        from marts.fct_customer_value
        order by predicted_ltv_amount desc nulls last, margin_to_date_amount desc, customer_id
        limit 10
    """)
    return "\n\n".join(
        (
            table(("", ""), facts),
            table(
                ("tenth by chance", "customers", "predicted to buy", "bought"),
                [
                    (decile, f"{count:,.0f}", percent(chance), percent(share))
                    for decile, count, chance, share in deciles
                ],
            ),
            table(
                ("rank", "orders", "margin to date", "predicted value", "method"),
                [
                    (rank, orders, f"{margin:,.2f}", f"{value:,.2f}", method)
                    for rank, (orders, margin, value, method) in enumerate(best, start=1)
                ],
            ),
        )
    )


def written(*, name: str, page: str) -> str:
    """Return the tables of a data set that a page has."""
    found = section(name).search(page)
    assert found, f"{PAGE.name} has no tables of {name}"
    return found[0].strip()


if __name__ == "__main__":
    with duckdb.connect(sys.argv[2], read_only=True) as connection:
        made = tables(connection)
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(
        section(sys.argv[1]).sub(lambda _: f"\n{made}\n", text, count=1), encoding="utf-8"
    )
