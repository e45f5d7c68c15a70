-- What customers are owed when a period closes is owed when the next one opens, and every grain
-- that closes on a day closes with the same.
with

deferred as (
    select * from {{ ref('rpt_deferred_revenue') }}
),

openings as (
    select
        *,
        lag(closing_deferred_amount, 1, 0) over (
            partition by period_grain, segment_name, segment_value
            order by period_start_date
        ) as previous_closing_amount
    from deferred
    where {{ is_of_grains('period_grain', period_grains()) }}
)

select
    period_grain,
    period_start_date,
    segment_name,
    segment_value
from openings
where opening_deferred_amount <> previous_closing_amount

union all

select
    others.period_grain,
    others.period_start_date,
    others.segment_name,
    others.segment_value
from deferred as months
inner join deferred as others
    on
        months.closes_on = others.closes_on
        and months.segment_name = others.segment_name
        and months.segment_value = others.segment_value
where
    months.period_grain = 'month'
    and months.closing_deferred_amount <> others.closing_deferred_amount
