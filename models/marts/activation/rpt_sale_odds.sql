-- Grain: one row per quarter and audience in which campaigns targeted someone.
{%- set last_day = days_after('targets.targeted_on', var('sale_odds_days')) %}
{%- set day_after_as_of = days_after('settings.as_of_date', 1) %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- whom campaigns target, once in a quarter; customers held out are targeted by nothing
targets as (
    select
        {{ period_start("'quarter'", 'targeted_on') }} as quarter_start_date,
        audience,
        customer_id,
        min(targeted_on) as targeted_on
    from {{ ref('fct_campaign_touches') }}
    where not is_control
    group by {{ period_start("'quarter'", 'targeted_on') }}, audience, customer_id
),

targets_decided as (
    select
        targets.*,
        {{ last_day }} <= {{ day_after_as_of }} as is_decided
    from targets
    cross join settings
),

buyers as (
    select distinct
        targets.quarter_start_date,
        targets.audience,
        targets.customer_id
    from targets
    inner join {{ ref('int_sales_made') }} as sales
        on
            targets.customer_id = sales.customer_id
            and targets.targeted_on <= sales.sold_on
            and {{ last_day }} > sales.sold_on
),

counts as (
    select
        targets.quarter_start_date,
        targets.audience,
        count(*) as targeted,
        count(case when targets.is_decided then 1 end) as decided,
        count(case when targets.is_decided then buyers.customer_id end) as bought
    from targets_decided as targets
    left join buyers
        on {{ same_values(
            'targets', 'buyers', ['quarter_start_date', 'audience', 'customer_id']
        ) }}
    group by targets.quarter_start_date, targets.audience
),

rates as (
    select
        *,
        {{ rate('bought', 'decided') }} as sale_rate
    from counts
)

select
    -- keys
    rates.quarter_start_date,
    rates.audience,

    -- counts
    rates.targeted as targeted_customers,
    rates.decided as decided_customers,
    rates.targeted - rates.decided as pending_customers,
    rates.bought as bought_customers,

    -- rates
    rates.sale_rate,
    {{ wilson_bound('rates.bought', 'rates.decided', '-') }} as ci_low,
    {{ wilson_bound('rates.bought', 'rates.decided', '+') }} as ci_high,
    benchmarks.low_value as published_low_rate,
    benchmarks.high_value as published_high_rate,

    -- flags
    {{ months_after('rates.quarter_start_date', 3) }} <= {{ day_after_as_of }}
        as is_complete_period
from rates
cross join settings
left join {{ ref('metric_benchmarks') }} as benchmarks
    on rates.audience || '_sale_rate' = benchmarks.metric and benchmarks.company_kind = 'published'
