-- The closing MRR of a period of the calendar is the opening MRR of the next, in every segment.
with

periods as (
    select
        *,
        lag(closing_mrr_amount, 1, 0) over (
            partition by period_grain, {{ segment_columns() }}
            order by period_start_date
        ) as closing_before_amount
    from {{ ref('rpt_mrr_periods') }}
    where {{ is_of_grains('period_grain', calendar_grains()) }}
)

select * from periods
where opening_mrr_amount <> closing_before_amount
