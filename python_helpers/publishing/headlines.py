"""The few numbers a person looks at first, read from the published marts.

Sums and ratios of what the marts hold; a definition lives in its mart.
"""

from collections.abc import Iterator

import duckdb

# The SQL of one row (or none), and the lines its columns fill: label -> format of {the column},
# with {currency}. A line with a NULL is left out.
HEADLINES: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "select count(*) as customers from dim_customers where not is_anonymous",
        {"Customers": "{customers:,}"},
    ),
    (
        "select count(*) as orders, sum(net_revenue_amount) as revenue from fct_orders",
        {"Orders": "{orders:,}", "Net revenue of orders": "{revenue:,.2f} {currency}"},
    ),
    (
        """
        select
            period_start_date as month,
            sum(opening_customers) as opening,
            sum(new_customers) as new,
            sum(reactivated_customers) as reactivated,
            sum(lost_customers) as lost,
            sum(closing_customers) as closing,
            sum(lost_customers) / nullif(sum(opening_customers), 0) as churn_rate
        from rpt_retention_periods
        where relationship = 'any' and period_grain = 'month' and is_complete_period
        group by period_start_date
        order by period_start_date desc
        limit 1
        """,
        {
            "Last complete month": "{month:%Y-%m}",
            "  active customers at its start": "{opening:,}",
            "  + new": "{new:,}",
            "  + reactivated": "{reactivated:,}",
            "  - lost": "{lost:,}",
            "  = active customers at its end": "{closing:,}",
            "  churn rate": "{churn_rate:.1%}",
        },
    ),
    (
        """
        select
            sum(opening_mrr_amount) as opening,
            sum(new_mrr_amount + reactivation_mrr_amount) as won,
            sum(expansion_mrr_amount) as expansion,
            -sum(churn_mrr_amount + contraction_mrr_amount) as lost,
            sum(fx_mrr_amount) as fx,
            sum(closing_mrr_amount) as closing
        from rpt_mrr_periods
        where period_grain = 'month' and is_complete_period
        group by period_start_date
        order by period_start_date desc
        limit 1
        """,
        {
            "  monthly recurring revenue at its start": "{opening:,.2f} {currency}",
            "  + new and reactivated": "{won:,.2f}",
            "  + expansion": "{expansion:,.2f}",
            "  - churn and contraction": "{lost:,.2f}",
            "  + exchange rates": "{fx:,.2f}",
            "  = monthly recurring revenue at its end": "{closing:,.2f} {currency}",
        },
    ),
    (
        """
        select coalesce(format('{:,} days', median_days), 'not reached yet') as median_length
        from rpt_survival_summary
        where relationship = 'any' and segment_name = 'all'
        """,
        {"Median length of a first spell": "{median_length}"},
    ),
    (
        """
        select
            sum(repeat_revenue_amount + expansion_revenue_amount)
            / nullif(sum(total_revenue_amount - unattributed_revenue_amount), 0) as existing_share
        from rpt_revenue_mix
        where
            period_grain = 'month'
            and period_start_date
                between date_trunc('month', $as_of_date::date + 1) - interval 12 months
                and date_trunc('month', $as_of_date::date + 1) - interval 1 month
        """,
        {"Revenue from existing customers, last 12 complete months": "{existing_share:.1%}"},
    ),
    (
        """
        select
            sum(raw_rows) as raw,
            sum(rejected_rows) as rejected,
            sum(rejected_rows) / nullif(sum(raw_rows), 0) as rejected_share
        from row_reconciliation
        """,
        {"Raw rows": "{raw:,}", "  of them rejected": "{rejected:,} ({rejected_share:.2%})"},
    ),
)


def headlines(
    *, connection: duckdb.DuckDBPyConnection, as_of_date: str, currency: str
) -> Iterator[tuple[str, str]]:
    """Yield labels and readable values; those whose mart or column is missing are left out."""
    yield "As of", as_of_date
    for sql, lines in HEADLINES:
        parameters = {"as_of_date": as_of_date} if "$as_of_date" in sql else {}
        try:
            result = connection.execute(sql, parameters)
        except duckdb.Error:  # it is published all the same, with one line less
            continue
        row = result.fetchone()
        if not row:
            continue
        columns = [column[0] for column in result.description]
        values = dict(zip(columns, row, strict=True))
        for label, template in lines.items():
            wanted = [column for column in columns if f"{{{column}" in template]
            if all(values[column] is not None for column in wanted):
                yield label, template.format(**values, currency=currency)
