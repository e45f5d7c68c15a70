-- Grain: one row per period and combination of segments.
{%- set movements = ['new', 'expansion', 'contraction', 'churn', 'reactivation', 'fx'] %}

with

periods as (
    select * from {{ ref('dim_periods') }}
),

grains as (
    select distinct period_grain from periods
),

movements as (
    select
        movements.*,
        grains.period_grain,
        {{ period_start('grains.period_grain', 'movements.moved_on') }} as period_start_date,
        {{ segment_columns('customers') }}
    from {{ ref('fct_mrr_movements') }} as movements
    inner join {{ ref('dim_customers') }} as customers
        on movements.customer_id = customers.customer_id
    cross join grains
),

-- what opened a period is what its first movement found
customers_moved as (
    select
        customer_id,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        {%- for movement in movements %}
        sum(case when movement = '{{ movement }}' then mrr_change_amount else 0 end)
            as {{ movement }}_mrr,
        {%- endfor %}
        sum(
            case movement when 'new' then 1 when 'reactivation' then 1 when 'churn' then -1 else 0 end
        ) as paying_customers_change,
        sum(
            case
                when previous_moved_on is null or previous_moved_on < period_start_date
                    then mrr_before_amount
                else 0
            end
        ) as opening_mrr
    from movements
    group by customer_id, period_grain, period_start_date, {{ segment_columns() }}
),

customers_closed as (
    select
        *,
        {{ movements | reject('eq', 'fx') | join('_mrr + ') }}_mrr as own_change
    from customers_moved
),

-- only who paid at the opening can be retained, and who has left is not, whatever the rate did before
customers_retained as (
    select
        *,
        case
            when opening_mrr > 0 and opening_mrr + own_change + fx_mrr > 0
                then greatest(opening_mrr + own_change, 0)
            else 0
        end as retained_mrr
    from customers_closed
),

segments as (
    select
        {{ segment_columns() }},
        min(period_start_date) as first_month
    from movements
    where period_grain = 'month'
    group by {{ segment_columns() }}
),

-- every period from a segment's first movement on, also those in which nothing moved
happenings as (
    select
        periods.period_grain,
        periods.period_start_date,
        {{ segment_columns('segments') }},
        {%- for movement in movements %}
        0 as {{ movement }}_mrr,
        {%- endfor %}
        0 as paying_customers_change,
        0 as gross_retained_change,
        0 as net_retained_change
    from segments
    inner join periods
        on segments.first_month < periods.next_period_start_date

    union all

    select
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        {%- for movement in movements %}
        sum({{ movement }}_mrr) as {{ movement }}_mrr,
        {%- endfor %}
        sum(paying_customers_change) as paying_customers_change,
        sum(least(retained_mrr, opening_mrr) - opening_mrr) as gross_retained_change,
        sum(retained_mrr - opening_mrr) as net_retained_change
    from customers_retained
    group by period_grain, period_start_date, {{ segment_columns() }}
),

periods_summed as (
    select
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        {%- for movement in movements %}
        sum({{ movement }}_mrr) as {{ movement }}_mrr,
        {%- endfor %}
        sum(paying_customers_change) as paying_customers_change,
        sum(gross_retained_change) as gross_retained_change,
        sum(net_retained_change) as net_retained_change,
        sum({{ movements | join('_mrr + ') }}_mrr) as mrr_change
    from happenings
    group by period_grain, period_start_date, {{ segment_columns() }}
),

periods_cumulated as (
    select
        *,
        sum(mrr_change) over periods_so_far as closing_mrr,
        sum(paying_customers_change) over periods_so_far as paying_customers
    from periods_summed
    window periods_so_far as (
        partition by period_grain, {{ segment_columns() }}
        order by period_start_date
        rows unbounded preceding
    )
),

periods_opened as (
    select
        periods_cumulated.*,
        periods.is_complete_period,
        periods_cumulated.closing_mrr - periods_cumulated.mrr_change as opening_mrr
    from periods_cumulated
    inner join periods
        on
            periods_cumulated.period_grain = periods.period_grain
            and periods_cumulated.period_start_date = periods.period_start_date
),

periods_retained as (
    select
        *,
        opening_mrr + gross_retained_change as gross_retained_mrr,
        opening_mrr + net_retained_change as net_retained_mrr
    from periods_opened
)

select
    -- keys
    period_grain,
    period_start_date,
    {{ segment_columns() }},

    -- amounts
    {{ as_amount('opening_mrr') }} as opening_mrr_amount,
    {{ as_amount('new_mrr') }} as new_mrr_amount,
    {{ as_amount('expansion_mrr') }} as expansion_mrr_amount,
    {{ as_amount('contraction_mrr') }} as contraction_mrr_amount,
    {{ as_amount('churn_mrr') }} as churn_mrr_amount,
    {{ as_amount('reactivation_mrr') }} as reactivation_mrr_amount,
    {{ as_amount('fx_mrr') }} as fx_mrr_amount,
    {{ as_amount('closing_mrr') }} as closing_mrr_amount,
    {{ as_amount('gross_retained_mrr') }} as gross_retained_mrr_amount,
    {{ as_amount('net_retained_mrr') }} as net_retained_mrr_amount,

    -- counts
    cast(paying_customers as bigint) as paying_customers,

    -- averages
    {{ amount_per('closing_mrr', 'nullif(paying_customers, 0)') }} as arpa_amount,

    -- rates
    case
        when is_complete_period
            then {{ rate('-(churn_mrr + contraction_mrr)', 'opening_mrr') }}
    end as gross_mrr_churn_rate,
    case
        when is_complete_period
            then {{ rate(
                '-(churn_mrr + contraction_mrr + expansion_mrr + reactivation_mrr)', 'opening_mrr'
            ) }}
    end as net_mrr_churn_rate,
    case
        when is_complete_period then {{ rate('gross_retained_mrr', 'opening_mrr') }}
    end as gross_revenue_retention_rate,
    case
        when is_complete_period then {{ rate('net_retained_mrr', 'opening_mrr') }}
    end as net_revenue_retention_rate,
    {{ rate('new_mrr + expansion_mrr + reactivation_mrr', '-(churn_mrr + contraction_mrr)') }}
        as quick_ratio,

    -- flags
    is_complete_period
from periods_retained
