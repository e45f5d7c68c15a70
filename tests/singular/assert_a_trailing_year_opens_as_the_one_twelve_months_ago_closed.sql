-- Twelve months close as the month they end with, and open as the twelve months before them closed,
-- in every segment: with customers as with MRR. Before a segment's first month there is nothing.
with

periods as (
    select
        relationship,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        opening_customers as opening,
        closing_customers as closing
    from {{ ref('rpt_retention_periods') }}

    union all

    select
        'mrr' as relationship,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        opening_mrr_amount as opening,
        closing_mrr_amount as closing
    from {{ ref('rpt_mrr_periods') }}
),

months as (
    select
        *,
        {{ trailing_start('period_start_date') }} as year_start_date
    from periods
    where period_grain = 'month'
),

years as (
    select
        *,
        lag(closing, 12, 0) over (
            partition by relationship, {{ segment_columns() }}
            order by period_start_date
        ) as closing_a_year_ago
    from periods
    where period_grain = '{{ trailing_grain() }}'
)

select
    coalesce(years.relationship, months.relationship) as relationship,
    coalesce(years.period_start_date, months.year_start_date) as year_start_date,
    years.opening,
    years.closing_a_year_ago,
    years.closing,
    months.closing as closing_of_month
from years
full join months
    on
        years.period_start_date = months.year_start_date
        and {{ same_values('years', 'months', ['relationship'] + segments()) }}
where
    years.closing is distinct from months.closing
    or years.opening <> years.closing_a_year_ago
