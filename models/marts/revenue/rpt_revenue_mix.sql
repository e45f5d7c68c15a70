-- Grain: one row per period and combination of segments.
{%- set types = ['first_purchase', 'repeated', 'expansion', 'unattributed'] %}
{%- set measures = types + [
    'recurring_first_purchase', 'recurring_repeated', 'recurring_expansion',
] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

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
        {{ in_cents(
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
        total + (sum(mrr_change) over segment_life) - mrr_change as total,
        first_purchase + (sum(first_purchase_change) over segment_life) - first_purchase_change
            as first_purchase,
        expansion + (sum(expansion_change) over segment_life) - expansion_change as expansion
    from recurring_months
    window segment_life as (
        partition by {{ segment_columns() }}
        order by revenue_month
        rows unbounded preceding
    )
),

days as (
    -- a refund that is known but dated after as-of has not happened yet
    select
        order_days.revenue_date,
        {{ segment_columns('order_days') }},
        order_days.first_purchase,
        order_days.repeated,
        order_days.expansion,
        order_days.unattributed,
        0 as recurring_first_purchase,
        0 as recurring_repeated,
        0 as recurring_expansion
    from order_days
    inner join settings
        on order_days.revenue_date <= settings.as_of_date

    union all

    select
        revenue_month as revenue_date,
        {{ segment_columns() }},
        first_purchase,
        total - first_purchase - expansion as repeated,
        expansion,
        0 as unattributed,
        first_purchase as recurring_first_purchase,
        total - first_purchase - expansion as recurring_repeated,
        expansion as recurring_expansion
    from recurring_months_earned
    where total <> 0
),

days_by_period as (
    {{ rows_by_period('days', 'revenue_date') }}
),

calendar_sums as (
    select
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        {{ of_each(measures, 'sum({})') }}
    from days_by_period
    group by period_grain, period_start_date, {{ segment_columns() }}
),

year_changes as (
    {%- for months, sign in [(0, ''), (12, '-')] %}
    select
        {{ months_after('period_start_date', months) }} as changed_month,
        {{ segment_columns() }},
        {{ of_each(measures, sign ~ '{}') }},
        {{ sign }}1 as months_with_revenue
    from calendar_sums
    where period_grain = 'month'
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

years as (
    {{ trailing_years('year_changes', segments(), measures + ['months_with_revenue']) }}
),

sums as (
    {%- for periods, condition in [
        ('calendar_sums', 'true'), ('years', 'months_with_revenue > 0')
    ] %}
    select
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        {{ measures | join(',\n        ') }}
    from {{ periods }}
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

mix as (
    select
        sums.*,
        periods.closes_on,
        periods.has_rates,
        periods.is_complete_period,
        sums.{{ types | join(' + sums.') }} as total,
        sums.recurring_first_purchase + sums.recurring_repeated + sums.recurring_expansion
            as recurring
    from sums
    inner join periods
        on {{ same_values('sums', 'periods', ['period_grain', 'period_start_date']) }}
)

select
    -- keys
    period_grain,
    period_start_date,
    {{ segment_columns() }},

    -- dates
    closes_on,

    -- amounts
    {{ as_amount('total') }} as total_revenue_amount,
    {{ as_amount('first_purchase') }} as first_purchase_revenue_amount,
    {{ as_amount('repeated') }} as repeat_revenue_amount,
    {{ as_amount('expansion') }} as expansion_revenue_amount,
    {{ as_amount('unattributed') }} as unattributed_revenue_amount,

    -- the same, by whether it recurs
    {{ as_amount('recurring') }} as recurring_revenue_amount,
    {{ as_amount('total - recurring') }} as one_off_revenue_amount,
    {{ as_amount('recurring_first_purchase') }} as recurring_first_purchase_revenue_amount,
    {{ as_amount('recurring_repeated') }} as recurring_repeat_revenue_amount,
    {{ as_amount('recurring_expansion') }} as recurring_expansion_revenue_amount,

    -- rates; adding 0 turns the -0 of a negative total into 0
    case
        when has_rates
            then {{ rate('repeated + expansion', 'total - unattributed') }} + 0
    end as existing_customer_revenue_share,
    case
        when has_rates
            then {{ rate('expansion', 'total - unattributed') }} + 0
    end as expansion_revenue_share,
    case
        when has_rates
            then {{ rate('recurring', 'total') }} + 0
    end as recurring_revenue_share,

    -- flags
    is_complete_period
from mix
