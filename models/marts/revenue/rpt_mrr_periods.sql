-- Grain: one row per period and combination of segments.
{%- set movements = ['new', 'expansion', 'contraction', 'churn', 'reactivation', 'fx'] %}
{%- set keys = ['segment_number', 'period_grain', 'period_start_date'] %}

with

-- numbered, so that the steps below group by one number instead of four columns
segments as (
    select
        {{ segment_columns() }},
        row_number() over (order by {{ segment_columns() }}) as segment_number
    from {{ ref('int_customers') }}
    group by {{ segment_columns() }}
),

movements as (
    select
        movements.*,
        segments.segment_number
    from {{ ref('fct_mrr_movements') }} as movements
    inner join {{ ref('int_customers') }} as customers
        on movements.customer_id = customers.customer_id
    inner join segments
        on {{ same_values('customers', 'segments', segments()) }}
),

-- by month first: three grains are then added up from few rows
months_moved as (
    select
        segment_number,
        {{ month_start('moved_on') }} as moved_month,
        {%- for movement in movements %}
        sum(case when movement = '{{ movement }}' then mrr_change_amount else 0 end)
            as {{ movement }}_mrr,
        {%- endfor %}
        sum(
            case
                when movement in ('new', 'reactivation') then 1
                when movement = 'churn' then -1
                else 0
            end
        ) as paying_customers_change
    from movements
    group by segment_number, {{ month_start('moved_on') }}
),

months_by_period as (
    {{ rows_by_period('months_moved', 'moved_month') }}
),

periods_moved as (
    select
        segment_number,
        period_grain,
        period_start_date,
        {%- for movement in movements %}
        sum({{ movement }}_mrr) as {{ movement }}_mrr,
        {%- endfor %}
        sum(
            {%- for movement in movements %}
            {{ '+ ' if not loop.first }}{{ movement }}_mrr
            {%- endfor %}
        ) as mrr_change,
        sum(paying_customers_change) as paying_customers_change
    from months_by_period
    group by segment_number, period_grain, period_start_date
),

movements_by_period as (
    {{ rows_by_period('movements', 'moved_on') }}
),

-- the opening MRR of a customer is the MRR before the first movement of the period
customers_moved as (
    select
        customer_id,
        segment_number,
        period_grain,
        period_start_date,
        sum(mrr_change_amount) as mrr_change,
        sum(case when movement = 'fx' then mrr_change_amount else 0 end) as fx_mrr,
        sum(case when previous_moved_on >= period_start_date then 0 else mrr_before_amount end)
            as opening_mrr
    from movements_by_period
    group by customer_id, segment_number, period_grain, period_start_date
),

-- only customers who paid at the opening can be retained; customers who left are not, whatever
-- exchange rates did before
customers_retained as (
    select
        *,
        case
            when opening_mrr + mrr_change > 0
                then greatest(opening_mrr + mrr_change - fx_mrr, 0)
            else 0
        end as retained_mrr
    from customers_moved
    where opening_mrr > 0
),

-- retained MRR is the opening MRR plus this change
periods_retained as (
    select
        segment_number,
        period_grain,
        period_start_date,
        sum(least(retained_mrr, opening_mrr) - opening_mrr) as gross_retained_change,
        sum(retained_mrr - opening_mrr) as net_retained_change
    from customers_retained
    group by segment_number, period_grain, period_start_date
),

segment_periods as (
    {{ periods_of_groups('months_moved', ['segment_number'], 'moved_month') }}
),

segment_periods_moved as (
    select
        segment_periods.*,
        {%- for movement in movements %}
        coalesce(periods_moved.{{ movement }}_mrr, 0) as {{ movement }}_mrr,
        {%- endfor %}
        coalesce(periods_moved.mrr_change, 0) as mrr_change,
        coalesce(periods_moved.paying_customers_change, 0) as paying_customers_change,
        coalesce(periods_retained.gross_retained_change, 0) as gross_retained_change,
        coalesce(periods_retained.net_retained_change, 0) as net_retained_change
    from segment_periods
    left join periods_moved
        on {{ same_values('segment_periods', 'periods_moved', keys) }}
    left join periods_retained
        on {{ same_values('segment_periods', 'periods_retained', keys) }}
),

periods_cumulated as (
    select
        *,
        sum(mrr_change) over periods_so_far as closing_mrr,
        sum(paying_customers_change) over periods_so_far as paying_customers
    from segment_periods_moved
    window periods_so_far as (
        partition by segment_number, period_grain
        order by period_start_date
        rows unbounded preceding
    )
),

periods_opened as (
    select
        periods_cumulated.*,
        {{ segment_columns('segments') }},
        periods_cumulated.closing_mrr - periods_cumulated.mrr_change as opening_mrr
    from periods_cumulated
    inner join segments
        on periods_cumulated.segment_number = segments.segment_number
),

periods_with_retention as (
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
from periods_with_retention
