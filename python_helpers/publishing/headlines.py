"""The few numbers a person looks at first, read from the published marts.

Sums and ratios of what the marts hold; a definition lives in its mart.
"""

from collections.abc import Iterator
from contextlib import suppress

import duckdb

# Each query has one row or none; its columns are the labels. NULL is left out.
HEADLINES = (
    """
    select format('{:,}', count(*)) as "Customers" from dim_customers where not is_anonymous
    """,
    """
    select
        format('{:,}', count(*)) as "Orders",
        format('{:,.2f} ', sum(net_revenue_amount)) || $currency as "Net revenue of orders"
    from fct_orders
    """,
    """
    select
        strftime(period_start_date, '%Y-%m') as "Last complete month",
        format('{:,}', sum(opening_customers)) as "  active customers at its start",
        format('{:,}', sum(new_customers)) as "  + new",
        format('{:,}', sum(reactivated_customers)) as "  + reactivated",
        format('{:,}', sum(lost_customers)) as "  - lost",
        format('{:,}', sum(closing_customers)) as "  = active customers at its end",
        format('{:.1f}%', 100 * sum(lost_customers) / nullif(sum(opening_customers), 0))
            as "  churn rate"
    from rpt_retention_periods
    where relationship = 'any' and period_grain = 'month' and is_complete_period
    group by period_start_date
    order by period_start_date desc
    limit 1
    """,
    """
    select
        format('{:,.2f} ', sum(opening_mrr_amount)) || $currency
            as "  monthly recurring revenue at its start",
        format('{:,.2f}', sum(new_mrr_amount + reactivation_mrr_amount))
            as "  + new and reactivated",
        format('{:,.2f}', sum(expansion_mrr_amount)) as "  + expansion",
        format('{:,.2f}', -sum(churn_mrr_amount + contraction_mrr_amount))
            as "  - churn and contraction",
        format('{:,.2f}', sum(fx_mrr_amount)) as "  + exchange rates",
        format('{:,.2f} ', sum(closing_mrr_amount)) || $currency
            as "  = monthly recurring revenue at its end"
    from rpt_mrr_periods
    where period_grain = 'month' and is_complete_period
    group by period_start_date
    order by period_start_date desc
    limit 1
    """,
    """
    select coalesce(format('{:,} days', median_days), 'not reached yet')
        as "Median length of a first spell"
    from rpt_survival_summary
    where relationship = 'any' and segment_name = 'all'
    """,
    """
    select
        format(
            '{:.1f}%',
            100 * sum(repeat_revenue_amount + expansion_revenue_amount)
            / nullif(sum(total_revenue_amount - unattributed_revenue_amount), 0)
        ) as "Revenue from existing customers, last 12 complete months"
    from rpt_revenue_mix
    where
        period_grain = 'month'
        and period_start_date
            between date_trunc('month', $as_of_date::date + 1) - interval 12 months
            and date_trunc('month', $as_of_date::date + 1) - interval 1 month
    """,
    """
    select
        format('{:,}', sum(raw_rows)) as "Raw rows",
        format(
            '{:,} ({:.2f}%)',
            sum(rejected_rows),
            100 * sum(rejected_rows) / nullif(sum(raw_rows), 0)
        ) as "  of them rejected"
    from row_reconciliation
    """,
)


def headlines(
    *, connection: duckdb.DuckDBPyConnection, as_of_date: str, currency: str
) -> Iterator[tuple[str, str]]:
    """Yield labels and readable values; those whose mart or column is missing are left out."""
    yield "As of", as_of_date
    facts = {"as_of_date": as_of_date, "currency": currency}
    for sql in HEADLINES:
        used = {name: value for name, value in facts.items() if f"${name}" in sql}
        with suppress(duckdb.Error):  # it is published all the same, with one line less
            found = connection.sql(sql, params=used)
            for row in found.fetchall():
                yield from (each for each in zip(found.columns, row, strict=True) if each[1])
