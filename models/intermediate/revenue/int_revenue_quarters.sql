-- Grain: one row per customer and complete quarter in which the customer moved revenue.

with

quarters as (
    select
        period_start_date,
        next_period_start_date
    from {{ ref('int_periods') }}
    where period_grain = 'quarter' and is_complete_period
),

-- what a change adds to its own quarter: the rest of its month and the months after it
recurring_changes as (
    select
        customer_id,
        {{ period_start("'quarter'", 'changed_on') }} as quarter_start_date,
        sum(mrr_change_amount) as mrr_change,
        sum(
            revenue_amount + mrr_change_amount * (2 - {{ months_between(
                period_start("'quarter'", 'changed_on'), 'changed_on'
            ) }})
        ) as revenue
    from {{ ref('int_recurring_revenue_typed') }}
    where mrr_change_amount <> 0 or revenue_amount <> 0
    group by customer_id, {{ period_start("'quarter'", 'changed_on') }}
),

recurring_levels as (
    select
        customer_id,
        quarter_start_date,
        revenue,
        sum(mrr_change) over quarters_so_far as mrr_after,
        (sum(mrr_change) over quarters_so_far) - mrr_change as mrr_before,
        lead(quarter_start_date) over (
            partition by customer_id
            order by quarter_start_date
        ) as next_quarter_start_date
    from recurring_changes
    window quarters_so_far as (
        partition by customer_id
        order by quarter_start_date
        rows unbounded preceding
    )
),

-- MRR from before the change, and MRR that continues after it, is earned in all three months
recurring_quarters as (
    select
        recurring_levels.customer_id,
        quarters.period_start_date as quarter_start_date,
        case
            when quarters.period_start_date = recurring_levels.quarter_start_date
                then recurring_levels.revenue + recurring_levels.mrr_before * 3
            else recurring_levels.mrr_after * 3
        end as revenue
    from recurring_levels
    inner join quarters
        on
            recurring_levels.quarter_start_date <= quarters.period_start_date
            and coalesce(
                recurring_levels.next_quarter_start_date > quarters.period_start_date, true
            )
    where
        recurring_levels.mrr_after <> 0
        or quarters.period_start_date = recurring_levels.quarter_start_date
),

-- grouped only once, because there are many orders
revenues as (
    select
        customer_id,
        {{ period_start("'quarter'", 'revenue_date') }} as quarter_start_date,
        revenue_amount
    from {{ ref('int_revenue_entries') }}
    where revenue_amount <> 0 and customer_id <> 'anonymous'

    union all

    select
        customer_id,
        quarter_start_date,
        {{ as_amount('revenue') }} as revenue_amount
    from recurring_quarters
)

select
    -- keys
    revenues.customer_id,
    quarters.period_start_date as quarter_start_date,

    -- amounts
    {{ as_amount('sum(revenues.revenue_amount)') }} as revenue_amount
from revenues
inner join quarters
    on revenues.quarter_start_date = quarters.period_start_date
group by revenues.customer_id, quarters.period_start_date
