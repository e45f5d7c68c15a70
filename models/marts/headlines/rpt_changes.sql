-- Grain: one row per metric, relationship, period, period compared with and slice.
{%- set slice = ['metric', 'relationship', 'period_grain', 'segment_name', 'segment_value'] %}
{%- set sides = [
    'metric_value', 'low', 'high', 'metric_value_before', 'low_before', 'high_before'
] %}

with

-- the twelve months to a month share eleven with those before, and cannot be compared so
periods as (
    select * from {{ ref('int_periods') }}
    where
        is_complete_period
        and has_rates
        and {{ is_of_grains('period_grain', period_grains()) }}
),

comparisons as (
    {{ periods_compared('periods') }}
),

retention as (
    select * from {{ ref('rpt_retention_periods') }}
),

retention_by_slice as (
    {{ rows_by_slice('retention', segments()) }}
),

lost as (
    select
        relationship,
        period_grain,
        period_start_date,
        segment_name,
        segment_value,
        sum(lost_customers) as lost_customers,
        sum(opening_customers) as opening_customers
    from retention_by_slice
    group by relationship, period_grain, period_start_date, segment_name, segment_value
),

-- an adjusted interval need not hold the score of a few answers that all agree
measured as (
    select
        'churn_rate' as metric,
        relationship,
        period_grain,
        period_start_date,
        segment_name,
        segment_value,
        lost_customers as numerator,
        opening_customers as denominator,
        {{ rate('lost_customers', 'opening_customers') }} as metric_value,
        {{ wilson_bound('lost_customers', 'opening_customers', '-') }} as low,
        {{ wilson_bound('lost_customers', 'opening_customers', '+') }} as high
    from lost
    where opening_customers > 0
    {%- for metric, numerator in ({
        'nps': 'promoters - detractors', 'csat': 'satisfied_responses'
    }.items() if var('surveys_enabled') else []) %}

    union all

    select
        '{{ metric }}' as metric,
        'any' as relationship,
        period_grain,
        period_start_date,
        segment_name,
        segment_value,
        {{ numerator }} as numerator,
        responses as denominator,
        {{ metric }} as metric_value,
        least(ci_low, {{ metric }}) as low,
        greatest(ci_high, {{ metric }}) as high
    from {{ ref('rpt_' ~ metric) }}
    where {{ metric }} is not null
    {%- endfor %}
),

-- the first cohort may hold customers who began before the data
cohorts as (
    select * from {{ ref('rpt_cohort_retention') }}
    where
        is_complete_period
        and not is_first_cohort_oversized
        and months_since in ({{ var('compared_cohort_months') | join(', ') }})
),

cohorts_by_slice as (
    {{ rows_by_slice('cohorts', segments()) }}
),

-- a cohort is the period in which its customers were won
cohorts_kept as (
    select
        'active_rate_month_' || months_since as metric,
        relationship,
        'month' as period_grain,
        cohort_month as period_start_date,
        segment_name,
        segment_value,
        sum(active_customers) as numerator,
        sum(cohort_customers) as denominator
    from cohorts_by_slice
    group by relationship, months_since, cohort_month, segment_name, segment_value
    having sum(cohort_customers) > 0
),

cohorts_with_rates as (
    select cohorts_kept.*
    from cohorts_kept
    inner join periods
        on {{ same_values('cohorts_kept', 'periods', ['period_grain', 'period_start_date']) }}
),

-- those before it, as one cohort
cohorts_compared as (
    select
        *,
        min(period_start_date) over cohorts_before as compared_period_start_date,
        count(*) over cohorts_before as compared_cohorts,
        sum(numerator) over cohorts_before as numerator_before,
        sum(denominator) over cohorts_before as denominator_before
    from cohorts_with_rates
    window cohorts_before as (
        partition by metric, relationship, segment_name, segment_value
        order by period_start_date
        rows between {{ var('compared_cohorts') }} preceding and 1 preceding
    )
),

both_sides as (
    select
        measured.metric,
        measured.relationship,
        measured.period_grain,
        measured.period_start_date,
        comparisons.compared_with,
        measured.segment_name,
        measured.segment_value,
        comparisons.compared_period_start_date,
        measured.numerator,
        measured.denominator,
        measured_before.numerator as numerator_before,
        measured_before.denominator as denominator_before,
        measured.metric_value,
        measured.low,
        measured.high,
        measured_before.metric_value as metric_value_before,
        measured_before.low as low_before,
        measured_before.high as high_before
    from measured
    inner join comparisons
        on {{ same_values('measured', 'comparisons', ['period_grain', 'period_start_date']) }}
    inner join measured as measured_before
        on
            {{ same_values('measured', 'measured_before', slice) }}
            and comparisons.compared_period_start_date = measured_before.period_start_date

    union all

    select
        metric,
        relationship,
        period_grain,
        period_start_date,
        'cohorts_before' as compared_with,
        segment_name,
        segment_value,
        compared_period_start_date,
        numerator,
        denominator,
        numerator_before,
        denominator_before,
        {{ rate('numerator', 'denominator') }} as metric_value,
        {{ wilson_bound('numerator', 'denominator', '-') }} as low,
        {{ wilson_bound('numerator', 'denominator', '+') }} as high,
        {{ rate('numerator_before', 'denominator_before') }} as metric_value_before,
        {{ wilson_bound('numerator_before', 'denominator_before', '-') }} as low_before,
        {{ wilson_bound('numerator_before', 'denominator_before', '+') }} as high_before
    from cohorts_compared
    where compared_cohorts = {{ var('compared_cohorts') }}
),

intervals as (
    select
        *,
        {{ difference_bound(*sides, side='-') }} as change_ci_low,
        {{ difference_bound(*sides, side='+') }} as change_ci_high
    from both_sides
)

select
    -- keys
    metric,
    relationship,
    period_grain,
    period_start_date,
    compared_with,
    segment_name,
    segment_value,

    -- dates
    compared_period_start_date,

    -- counts
    cast(numerator as bigint) as numerator,
    cast(denominator as bigint) as denominator,
    cast(numerator_before as bigint) as numerator_before,
    cast(denominator_before as bigint) as denominator_before,

    -- the metric
    metric_value,
    metric_value_before,
    metric_value - metric_value_before as metric_change,
    change_ci_low,
    change_ci_high,

    -- flags
    change_ci_low > 0 or change_ci_high < 0 as is_changed
from intervals
