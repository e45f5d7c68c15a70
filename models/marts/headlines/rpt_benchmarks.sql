-- Grain: one row per metric and kind of company with a published benchmark.
{%- set month_start_of_today = month_start(days_after('settings.as_of_date', 1)) %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- the last 12 complete months
last_year as (
    select
        {{ months_after(month_start_of_today, -12) }} as window_start_date,
        {{ days_after(month_start_of_today, -1) }} as window_end_date
    from settings
),

-- a year that began before the data tells nothing of a year
history as (
    select
        greatest(
            min(months.period_start_date),
            coalesce(max(settings.history_starts_on), min(months.period_start_date))
        ) as first_day
    from {{ ref('dim_periods') }} as months
    cross join settings
    where months.period_grain = 'month'
),

years_observed as (
    select last_year.*
    from last_year
    inner join history
        on last_year.window_start_date >= history.first_day
),

-- without categories of products and without contracts, no revenue can be told to be expansion
expansion_sources as (
    select product_category as source_of_expansion
    from {{ ref('dim_products') }}
    where product_category <> 'unknown'

    union all

    select subscription_id as source_of_expansion
    from {{ ref('fct_subscription_versions') }}
),

revenue_shares as (
    select
        years.window_start_date,
        years.window_end_date,
        {{ rate(
            'sum(mix.repeat_revenue_amount + mix.expansion_revenue_amount)',
            'sum(mix.total_revenue_amount - mix.unattributed_revenue_amount)',
        ) }} as existing_customer_revenue_share,
        case
            when exists (select 1 from expansion_sources)
                then {{ rate(
                    'sum(mix.expansion_revenue_amount)',
                    'sum(mix.total_revenue_amount - mix.unattributed_revenue_amount)',
                ) }}
        end as expansion_revenue_share
    from {{ ref('rpt_revenue_mix') }} as mix
    inner join years_observed as years
        on mix.period_start_date between years.window_start_date and years.window_end_date
    where mix.period_grain = 'month'
    group by years.window_start_date, years.window_end_date
),

-- a customer kept for a whole year is kept twelve times
cost_ratios as (
    select
        years.window_start_date,
        years.window_end_date,
        {{ rate(
            'sum(mix.acquisition_spend_amount) * sum(mix.retained_customers)',
            '(12 * sum(mix.retention_spend_amount) * sum(mix.new_customers))',
        ) }} as cost_ratio
    from {{ ref('rpt_marketing_mix') }} as mix
    inner join years_observed as years
        on mix.month_start_date between years.window_start_date and years.window_end_date
    group by years.window_start_date, years.window_end_date
),

-- of all customers, by the periods that the uplift is reckoned from
lifetime_values as (
    select
        formulas.window_start_date,
        formulas.window_end_date,
        formulas.ltv_to_cac,
        uplifts.profit_change
    from {{ ref('rpt_retention_uplift') }} as uplifts
    inner join {{ ref('rpt_formula_ltv') }} as formulas
        on {{ same_values(
            'uplifts', 'formulas', ['relationship', 'period_grain', 'segment_name', 'segment_value']
        ) }}
    inner join history
        on formulas.window_start_date >= history.first_day
    where uplifts.relationship = 'any' and uplifts.segment_name = 'all'
),

-- of the whole quarters within these months
sale_odds as (
    select
        {%- for audience in ['customer', 'prospect'] %}
        {{ rate(
            "sum(case when odds.audience = '" ~ audience ~ "' then odds.bought_customers end)",
            "sum(case when odds.audience = '" ~ audience ~ "' then odds.decided_customers end)",
        ) }} as {{ audience }}_sale_rate,
        {%- endfor %}
        years.window_start_date,
        years.window_end_date
    from {{ ref('rpt_sale_odds') }} as odds
    inner join years_observed as years
        on
            odds.quarter_start_date >= years.window_start_date
            and {{ months_after('odds.quarter_start_date', 3) }}
            <= {{ days_after('years.window_end_date', 1) }}
    group by years.window_start_date, years.window_end_date
),

own_values as (
    {%- for relation, metric, column in [
        ('revenue_shares', 'existing_customer_revenue_share', 'existing_customer_revenue_share'),
        ('revenue_shares', 'expansion_revenue_share', 'expansion_revenue_share'),
        ('cost_ratios', 'blended_acquisition_to_retention_cost_ratio', 'cost_ratio'),
        ('lifetime_values', 'profit_change', 'profit_change'),
        ('lifetime_values', 'ltv_to_cac', 'ltv_to_cac'),
        ('sale_odds', 'customer_sale_rate', 'customer_sale_rate'),
        ('sale_odds', 'prospect_sale_rate', 'prospect_sale_rate'),
    ] %}
    select
        '{{ metric }}' as metric,
        window_start_date,
        window_end_date,
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
    own_values.window_start_date,
    own_values.window_end_date,

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
