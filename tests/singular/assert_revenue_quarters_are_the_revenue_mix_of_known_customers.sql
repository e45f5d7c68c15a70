-- What customers spend in a quarter is the revenue of that quarter without anonymous orders.
with

quarters as (
    select
        quarter_start_date,
        sum(revenue_amount) as revenue_amount
    from {{ ref('int_revenue_quarters') }}
    group by quarter_start_date
),

mix as (
    select
        period_start_date as quarter_start_date,
        sum(total_revenue_amount - unattributed_revenue_amount) as revenue_amount
    from {{ ref('rpt_revenue_mix') }}
    where period_grain = 'quarter' and is_complete_period
    group by period_start_date
)

select
    coalesce(quarters.quarter_start_date, mix.quarter_start_date) as quarter_start_date,
    quarters.revenue_amount,
    mix.revenue_amount as mix_revenue_amount
from quarters
full outer join mix
    on quarters.quarter_start_date = mix.quarter_start_date
where coalesce(quarters.revenue_amount, 0) <> coalesce(mix.revenue_amount, 0)
