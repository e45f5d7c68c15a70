-- Grain: one row per cohort month and slice in which a free trial began.

with

months as (
    select * from {{ ref('int_periods') }}
    where period_grain = 'month'
),

trials as (
    select
        trials.outcome,
        trials.days_to_convert,
        trials.plan_id as plan,
        {{ month_start('trials.began_on') }} as cohort_month,
        {{ slice_columns('customers') }}
    from {{ ref('int_trials') }} as trials
    inner join {{ ref('int_customers') }} as customers
        on trials.customer_id = customers.customer_id
),

trials_by_slice as (
    {{ rows_by_slice('trials', slices() + ['plan']) }}
),

cohorts as (
    select
        cohort_month,
        segment_name,
        segment_value,
        count(*) as trials_begun,
        {%- for outcome in ['converted', 'lost', 'open'] %}
        count(case when outcome = '{{ outcome }}' then 1 end) as trials_{{ outcome }},
        {%- endfor %}
        median(days_to_convert) as median_days_to_convert
    from trials_by_slice
    group by cohort_month, segment_name, segment_value
),

-- a trial that still runs is in no rate
cohorts_decided as (
    select
        cohorts.*,
        months.is_complete_period,
        case
            when months.is_complete_period and months.has_rates
                then cohorts.trials_converted + cohorts.trials_lost
        end as rated_trials
    from cohorts
    inner join months
        on cohorts.cohort_month = months.period_start_date
)

select
    -- keys
    cohort_month,
    segment_name,
    segment_value,

    -- counts
    trials_begun,
    trials_converted,
    trials_lost,
    trials_open,

    -- averages
    cast(median_days_to_convert as double) as median_days_to_convert,

    -- rates
    {{ rate('trials_converted', 'rated_trials') }} as conversion_rate,
    {{ wilson_bound('trials_converted', 'rated_trials', '-') }} as ci_low,
    {{ wilson_bound('trials_converted', 'rated_trials', '+') }} as ci_high,

    -- flags
    trials_open = 0 as is_decided,
    is_complete_period
from cohorts_decided
