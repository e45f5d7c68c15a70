-- Grain: one row per relationship, slice and day since the first spell began on which somebody
-- churned or was last seen, and day 0.

with

first_spells as (
    select
        spells.relationship,
        {{ slice_columns('customers') }},
        spells.days_in_spell,
        count(*) as customers,
        count(case when not spells.is_active then 1 end) as churned_customers
    from {{ ref('int_activity_spells') }} as spells
    inner join {{ ref('int_customers') }} as customers
        on spells.customer_id = customers.customer_id
    -- of customers who may have begun before the data, nobody knows when their first spell began
    left join {{ ref('int_customers_inherited') }} as inherited
        on spells.customer_id = inherited.customer_id
    where spells.spell_number = 1 and inherited.customer_id is null
    group by
        spells.relationship,
        {{ slice_columns('customers') }},
        spells.days_in_spell
),

first_spells_by_slice as (
    {{ rows_by_slice('first_spells') }}
),

durations as (
    select
        relationship,
        segment_name,
        segment_value,
        days_in_spell as days_since,
        sum(customers) as customers,
        sum(churned_customers) as churned_customers
    from first_spells_by_slice
    group by relationship, segment_name, segment_value, days_in_spell
),

-- on day 0 all customers are there and none has left
durations_from_zero as (
    select * from durations

    union all

    select distinct
        relationship,
        segment_name,
        segment_value,
        0 as days_since,
        0 as customers,
        0 as churned_customers
    from durations
),

-- customers last seen on a day are still at risk on that day
risk_sets as (
    select
        *,
        cast(sum(customers) over (
            partition by relationship, segment_name, segment_value
            order by days_since desc
            rows unbounded preceding
        ) as double) as risk_set_customers
    from durations_from_zero
),

-- the logarithm of Kaplan and Meier's product, and Greenwood's sum
estimates as (
    select
        *,
        {{ log_survival('churned_customers', 'risk_set_customers') }}
            over days_so_far as log_survival,
        {{ greenwood_sum('churned_customers', 'risk_set_customers') }}
            over days_so_far as greenwood_sum,
        -- once all customers at risk have left, survival is zero
        {{ extinctions('churned_customers', 'risk_set_customers') }} over days_so_far > 0
            as is_extinct
    from risk_sets
    window days_so_far as (
        partition by relationship, segment_name, segment_value
        order by days_since
        rows unbounded preceding
    )
),

survival as (
    select
        *,
        case when is_extinct then 0 else exp(log_survival) end as survival_rate,
        -- at 0 and at 1 the log-log scale of the interval is not defined
        is_extinct or log_survival = 0 as is_at_bound
    from estimates
)

select
    -- keys
    relationship,
    segment_name,
    segment_value,
    cast(days_since as integer) as days_since,

    -- counts
    cast(risk_set_customers as bigint) as risk_set_customers,
    cast(churned_customers as bigint) as churned_customers,
    cast(customers - churned_customers as bigint) as censored_customers,

    -- rates
    survival_rate,
    case when not is_at_bound then survival_rate * sqrt(greenwood_sum) end
        as standard_error,
    case when not is_at_bound then {{ log_log_bound('log_survival', 'greenwood_sum', '-') }} end
        as ci_low,
    case when not is_at_bound then {{ log_log_bound('log_survival', 'greenwood_sum', '+') }} end
        as ci_high
from survival
