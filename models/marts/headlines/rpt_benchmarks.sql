-- Grain: one row per metric and kind of company with a published benchmark.
{%- set month_start_of_today = month_start(days_after('settings.as_of_date', 1)) %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- the last 12 complete months
last_year as (
    select
        {{ months_after(month_start_of_today, -12) }} as measured_from,
        {{ days_after(month_start_of_today, -1) }} as measured_to,
        settings.history_starts_on
    from settings
),

-- a year that began before the data tells of no year
years_observed as (
    select
        last_year.measured_from,
        last_year.measured_to
    from last_year
    inner join {{ ref('dim_periods') }} as months
        on last_year.measured_from = months.period_start_date
    where
        months.period_grain = 'month'
        and coalesce(last_year.history_starts_on <= last_year.measured_from, true)
),

revenue_shares as (
    select
        years.measured_from,
        years.measured_to,
        {{ rate(
            'sum(mix.repeat_revenue_amount + mix.expansion_revenue_amount)',
            'sum(mix.total_revenue_amount - mix.unattributed_revenue_amount)',
        ) }} as existing_customer_revenue_share,
        {{ rate(
            'sum(mix.expansion_revenue_amount)',
            'sum(mix.total_revenue_amount - mix.unattributed_revenue_amount)',
        ) }} as expansion_revenue_share
    from {{ ref('rpt_revenue_mix') }} as mix
    inner join years_observed as years
        on mix.period_start_date between years.measured_from and years.measured_to
    where mix.period_grain = 'month'
    group by years.measured_from, years.measured_to
),

-- a customer kept for a whole year is kept twelve times
cost_ratios as (
    select
        years.measured_from,
        years.measured_to,
        {{ rate(
            'sum(mix.acquisition_spend_amount) * sum(mix.retained_customers)',
            '(12 * sum(mix.retention_spend_amount) * sum(mix.new_customers))',
        ) }} as cost_ratio
    from {{ ref('rpt_marketing_mix') }} as mix
    inner join years_observed as years
        on mix.month_start_date between years.measured_from and years.measured_to
    group by years.measured_from, years.measured_to
),

-- of all customers, by the periods that the uplift is reckoned from
lifetime_values as (
    select
        formulas.window_start_date as measured_from,
        formulas.window_end_date as measured_to,
        formulas.ltv_to_cac,
        uplifts.profit_change
    from {{ ref('rpt_retention_uplift') }} as uplifts
    inner join {{ ref('rpt_formula_ltv') }} as formulas
        on {{ same_values(
            'uplifts', 'formulas', ['relationship', 'period_grain', 'segment_name', 'segment_value']
        ) }}
    where uplifts.relationship = 'any' and uplifts.segment_name = 'all'
),

own_values as (
    {%- for relation, metric, column in [
        ('revenue_shares', 'existing_customer_revenue_share', 'existing_customer_revenue_share'),
        ('revenue_shares', 'expansion_revenue_share', 'expansion_revenue_share'),
        ('cost_ratios', 'blended_acquisition_to_retention_cost_ratio', 'cost_ratio'),
        ('lifetime_values', 'profit_change', 'profit_change'),
        ('lifetime_values', 'ltv_to_cac', 'ltv_to_cac'),
    ] %}
    select
        '{{ metric }}' as metric,
        measured_from,
        measured_to,
        {{ column }} as own_value
    from {{ relation }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    -- keys
    benchmarks.metric,
    benchmarks.company_kind,

    -- dates
    own_values.measured_from,
    own_values.measured_to,

    -- numbers
    own_values.own_value,
    benchmarks.low_value,
    benchmarks.high_value,

    -- words
    case
        when own_values.own_value is null then 'not known'
        when own_values.own_value < benchmarks.low_value then 'below'
        when own_values.own_value > benchmarks.high_value then 'above'
        else 'within'
    end as compared_with_benchmark,
    benchmarks.comment as source
from {{ ref('metric_benchmarks') }} as benchmarks
left join own_values
    on benchmarks.metric = own_values.metric
