-- Customers at the end of one period of the calendar are there at the beginning of the next.
with

periods as (
    select
        *,
        lag(closing_customers, 1, 0) over (
            partition by relationship, period_grain, {{ segment_columns() }}
            order by period_start_date
        ) as closing_before
    from {{ ref('rpt_retention_periods') }}
    where {{ is_of_grains('period_grain', calendar_grains()) }}
)

select * from periods
where opening_customers <> closing_before
