-- Grain: one row per period and combination of segments.

with

periods as (
    select * from {{ ref('int_periods') }}
),

returns as (
    select
        order_id,
        sale_order_id
    from {{ ref('int_orders_valued') }}
    where order_type = 'return'
),

order_lines as (
    select * from {{ ref('fct_order_lines') }}
),

-- the share of an order that is expansion, as far as its lines tell; zero for most orders
expansion_shares as (
    select
        order_id,
        {{ rate(
            "sum(case when revenue_type = 'expansion' then original_amount else 0 end)",
            'sum(original_amount)'
        ) }} as expansion_share
    from order_lines
    where
        order_id in (
            select expanding_lines.order_id
            from order_lines as expanding_lines
            where expanding_lines.revenue_type = 'expansion'
            union all
            select returns.order_id
            from returns
        )
    group by order_id
),

first_orders as (
    select order_id
    from {{ ref('int_orders_sequenced') }}
    where is_first_order
),

-- a return has the type of what it takes back: by its own lines, else in the proportions of its
-- sale; `repeat` if the sale is unknown
entries_of_sales as (
    select
        entries.revenue_date,
        entries.customer_id,
        entries.revenue_amount,
        own_shares.expansion_share as own_expansion_share,
        case when returns.order_id is null then entries.order_id else returns.sale_order_id end
            as sale_order_id
    from {{ ref('int_revenue_entries') }} as entries
    left join returns
        on entries.order_id = returns.order_id
    left join expansion_shares as own_shares
        on entries.order_id = own_shares.order_id
    where entries.revenue_amount <> 0
),

entries as (
    select
        entries_of_sales.revenue_date,
        {{ segment_columns('customers') }},
        case
            when customers.is_anonymous then 'unattributed'
            when first_orders.order_id is not null then 'first_purchase'
            else 'repeat'
        end as revenue_type,
        entries_of_sales.revenue_amount,
        {{ as_amount(
            'entries_of_sales.revenue_amount'
            ~ ' * coalesce(entries_of_sales.own_expansion_share, sale_shares.expansion_share, 0)'
        ) }} as expansion_amount
    from entries_of_sales
    inner join {{ ref('int_customers_with_anonymous') }} as customers
        on entries_of_sales.customer_id = customers.customer_id
    left join first_orders
        on entries_of_sales.sale_order_id = first_orders.order_id
    left join expansion_shares as sale_shares
        on entries_of_sales.sale_order_id = sale_shares.order_id
),

-- by day first: three grains are then added up from few rows
order_days as (
    select
        revenue_date,
        {{ segment_columns() }},
        sum(revenue_amount) as total,
        sum(case when revenue_type = 'first_purchase' then revenue_amount else 0 end)
            as first_purchase,
        sum(
            case when revenue_type = 'repeat' then revenue_amount - expansion_amount else 0 end
        ) as repeated,
        sum(case when revenue_type = 'repeat' then expansion_amount else 0 end) as expansion,
        sum(case when revenue_type = 'unattributed' then revenue_amount else 0 end)
            as unattributed
    from entries
    group by revenue_date, {{ segment_columns() }}
),

recurring_changes as (
    select
        {{ month_start('changes.changed_on') }} as revenue_month,
        {{ segment_columns('customers') }},
        changes.mrr_change_amount,
        changes.first_purchase_mrr_change_amount,
        changes.expansion_mrr_change_amount,
        changes.revenue_amount,
        changes.first_purchase_revenue_amount,
        changes.expansion_revenue_amount
    from {{ ref('int_recurring_revenue_typed') }} as changes
    inner join {{ ref('int_customers_with_anonymous') }} as customers
        on changes.customer_id = customers.customer_id
),

segment_periods as (
    {{ periods_of_groups('recurring_changes', segments(), 'revenue_month') }}
),

-- recurring revenue is also earned in months without a change
recurring_months as (
    select
        segment_periods.period_start_date as revenue_month,
        {{ segment_columns('segment_periods') }},
        coalesce(sum(changes.mrr_change_amount), 0) as mrr_change,
        coalesce(sum(changes.first_purchase_mrr_change_amount), 0) as first_purchase_change,
        coalesce(sum(changes.expansion_mrr_change_amount), 0) as expansion_change,
        coalesce(sum(changes.revenue_amount), 0) as total,
        coalesce(sum(changes.first_purchase_revenue_amount), 0) as first_purchase,
        coalesce(sum(changes.expansion_revenue_amount), 0) as expansion
    from segment_periods
    left join recurring_changes as changes
        on
            segment_periods.period_start_date = changes.revenue_month
            and {{ same_values('segment_periods', 'changes', segments()) }}
    where segment_periods.period_grain = 'month'
    group by segment_periods.period_start_date, {{ segment_columns('segment_periods') }}
),

recurring_months_earned as (
    select
        revenue_month,
        {{ segment_columns() }},
        total + sum(mrr_change) over segment_life - mrr_change as total,
        first_purchase + sum(first_purchase_change) over segment_life - first_purchase_change
            as first_purchase,
        expansion + sum(expansion_change) over segment_life - expansion_change as expansion
    from recurring_months
    window segment_life as (
        partition by {{ segment_columns() }}
        order by revenue_month
        rows unbounded preceding
    )
),

days as (
    select * from order_days

    union all

    select
        revenue_month as revenue_date,
        {{ segment_columns() }},
        total,
        first_purchase,
        total - first_purchase - expansion as repeated,
        expansion,
        0 as unattributed
    from recurring_months_earned
    where total <> 0
),

mix as (
    select
        periods.period_grain,
        periods.period_start_date,
        periods.is_complete_period,
        {{ segment_columns('days') }},
        sum(days.total) as total,
        sum(days.first_purchase) as first_purchase,
        sum(days.repeated) as repeated,
        sum(days.expansion) as expansion,
        sum(days.unattributed) as unattributed
    from days
    -- the last period closes on as-of: a refund that is known but dated after it has not happened
    -- yet
    inner join periods
        on days.revenue_date between periods.period_start_date and periods.closes_on
    group by
        periods.period_grain,
        periods.period_start_date,
        periods.is_complete_period,
        {{ segment_columns('days') }}
)

select
    -- keys
    period_grain,
    period_start_date,
    {{ segment_columns() }},

    -- amounts
    {{ as_amount('total') }} as total_revenue_amount,
    {{ as_amount('first_purchase') }} as first_purchase_revenue_amount,
    {{ as_amount('repeated') }} as repeat_revenue_amount,
    {{ as_amount('expansion') }} as expansion_revenue_amount,
    {{ as_amount('unattributed') }} as unattributed_revenue_amount,

    -- rates
    {{ rate('repeated + expansion', 'total - unattributed') }}
        as existing_customer_revenue_share,
    {{ rate('expansion', 'total - unattributed') }} as expansion_revenue_share,

    -- flags
    is_complete_period
from mix
