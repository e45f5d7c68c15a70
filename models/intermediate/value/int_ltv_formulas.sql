-- Grain: one row per relationship, grain of period and slice.
{{ config(materialized='table') }}
{#- how many of the last complete periods of each grain count -#}
{%- set counted_periods = {
    'month': var('ltv_months'),
    'quarter': var('ltv_quarters'),
    'year': var('ltv_years'),
    trailing_grain(): 1,
} %}
{%- set keys = ['relationship', 'period_grain', 'segment_name', 'segment_value'] %}

with

periods_numbered as (
    select
        *,
        row_number() over (
            partition by period_grain
            order by period_start_date desc
        ) as periods_ago
    from {{ ref('int_periods') }}
    where is_complete_period and has_rates
),

-- the last complete periods of each grain
windows as (
    select
        period_grain,
        min(period_start_date) as window_start_date,
        max(period_start_date) as last_period_start_date,
        max(closes_on) as window_end_date,
        count(*) as periods_count
    from periods_numbered
    where
        periods_ago <= case period_grain
            {%- for period_grain, periods_count in counted_periods.items() %}
            when '{{ period_grain }}' then {{ periods_count }}
            {%- endfor %}
        end
    group by period_grain
),

-- periods before the window count as zero, so that a slice without customers in it keeps its row
retention_in_windows as (
    select
        retention.*,
        windows.window_start_date,
        windows.window_end_date,
        windows.periods_count,
        case when retention.period_start_date >= windows.window_start_date then 1 else 0 end
            as is_counted
    from {{ ref('int_retention_periods_counted') }} as retention
    inner join windows
        on
            retention.period_grain = windows.period_grain
            and retention.period_start_date <= windows.last_period_start_date
),

retention_by_slice as (
    {{ rows_by_slice('retention_in_windows', segments()) }}
),

customer_sums as (
    select
        relationship,
        period_grain,
        window_start_date,
        window_end_date,
        periods_count,
        segment_name,
        segment_value,
        sum(opening_customers * is_counted) as opening_customers,
        sum(lost_customers * is_counted) as lost_customers,
        sum(active_in_period_customers * is_counted) as active_in_period_customers
    from retention_by_slice
    group by
        relationship,
        period_grain,
        window_start_date,
        window_end_date,
        periods_count,
        segment_name,
        segment_value
),

margin_months as (
    select * from {{ ref('int_margin_months') }}
),

margins_by_slice as (
    {{ rows_by_slice('margin_months', segments()) }}
),

margin_sums as (
    select
        margins.relationship,
        windows.period_grain,
        margins.segment_name,
        margins.segment_value,
        sum(margins.margin_amount) as margin,
        sum(margins.absolute_revenue_amount) as absolute_revenue,
        sum(margins.uncosted_revenue_amount) as uncosted_revenue
    from margins_by_slice as margins
    inner join windows
        on margins.margin_month between windows.window_start_date and windows.window_end_date
    group by
        margins.relationship,
        windows.period_grain,
        margins.segment_name,
        margins.segment_value
),

formulas as (
    select
        customer_sums.*,
        coalesce(margin_sums.margin, 0) as margin,
        coalesce(margin_sums.absolute_revenue, 0) as absolute_revenue,
        coalesce(margin_sums.uncosted_revenue, 0) as uncosted_revenue,
        {{ rate('coalesce(margin_sums.margin, 0)', 'customer_sums.active_in_period_customers') }}
            as ampu,
        {{ rate('customer_sums.opening_customers', 'customer_sums.lost_customers') }}
            as lifetime_periods
    from customer_sums
    left join margin_sums
        on {{ same_values('customer_sums', 'margin_sums', keys) }}
)

select
    -- keys
    relationship,
    period_grain,
    segment_name,
    segment_value,

    -- dates
    window_start_date,
    window_end_date,

    -- sums
    periods_count,
    cast(opening_customers as bigint) as opening_customers,
    cast(lost_customers as bigint) as lost_customers,
    cast(active_in_period_customers as bigint) as active_in_period_customers,
    {{ as_amount('margin') }} as margin_amount,
    {{ as_amount('absolute_revenue') }} as absolute_revenue_amount,
    {{ as_amount('uncosted_revenue') }} as uncosted_revenue_amount,

    -- the formula
    {{ in_cents('ampu') }} as ampu_amount,
    {{ rate('lost_customers', 'opening_customers') }} as churn_rate,
    lifetime_periods,
    {{ in_cents('ampu * lifetime_periods') }} as ltv_amount,
    case
        when opening_customers = 0 then 'no customers'
        when lost_customers = 0 then 'no churn observed'
        when lost_customers < {{ var('ltv_min_lost_customers') }} then 'too few losses'
        else 'ok'
    end as ltv_status
from formulas
