-- Grain: one row per period in which customers were won and slice.
{%- set repeat_days = var('acquisition_repeat_days') %}
{%- set early_days = var('acquisition_early_days') %}
{%- set year_days = 365 %}
{%- set segment_names = ['acquisition_channel', 'acquisition_campaign', 'discount'] %}
{%- set segment_list = segment_names | join(', ') %}
{%- set keys = ['period_grain', 'period_start_date', 'segment_name', 'segment_value'] %}
{%- set period = keys[:2] %}
{%- set shares = ['repeat', 'retained', 'early_lost'] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

newcomers as (
    select
        newcomers.*,
        {{ month_start('newcomers.won_on') }} as won_month,
        coalesce(
            {{ days_after('newcomers.first_purchase_on', repeat_days) }} <= settings.as_of_date,
            false
        ) as is_repeat_decided,
        coalesce(
            newcomers.second_purchase_on
            <= {{ days_after('newcomers.first_purchase_on', repeat_days) }},
            false
        ) as has_repeated,
        {{ days_after('newcomers.first_activity_ends_on', early_days) }} <= settings.as_of_date
            as is_early_loss_decided,
        coalesce(
            newcomers.churned_on
            <= {{ days_after('newcomers.first_activity_ends_on', early_days) }},
            false
        ) as is_lost_early
    from {{ ref('int_newcomers_followed') }} as newcomers
    cross join settings
),

-- one row for all who were won alike and stayed as long, so that little is repeated below
tallies as (
    select
        won_month,
        channel,
        days_in_spell,
        {{ segment_list }},
        count(*) as customers,
        count(case when not is_in_first_spell then 1 end) as churned,
        count(case when is_repeat_decided then 1 end) as repeat_decided,
        count(case when is_repeat_decided and has_repeated then 1 end) as repeated,
        count(case when is_early_loss_decided then 1 end) as early_decided,
        count(case when is_early_loss_decided and is_lost_early then 1 end) as early_lost,
        count(margin_12m_amount) as years,
        sum(margin_12m_amount) as margin
    from newcomers
    group by won_month, channel, days_in_spell, {{ segment_list }}
),

tallies_by_slice as (
    {{ rows_by_slice('tallies', segment_names) }}
),

tallies_by_period as (
    {{ rows_by_period_and_ever('tallies_by_slice', 'won_month') }}
),

counts as (
    select
        {{ keys | join(', ') }},
        sum(customers) as customers,
        sum(repeat_decided) as repeat_decided,
        sum(repeated) as repeated,
        sum(early_decided) as early_decided,
        sum(early_lost) as early_lost,
        sum(years) as years,
        sum(margin) as margin
    from tallies_by_period
    group by {{ keys | join(', ') }}
),

-- the lengths of the first spells; after the year nothing counts
durations as (
    select
        {{ keys | join(', ') }},
        days_in_spell,
        sum(customers) as customers,
        sum(case when days_in_spell <= {{ year_days }} then churned else 0 end) as churned
    from tallies_by_period
    group by {{ keys | join(', ') }}, days_in_spell
),

risk_sets as (
    select
        *,
        cast(sum(customers) over (
            partition by {{ keys | join(', ') }}
            order by days_in_spell desc
            rows unbounded preceding
        ) as double) as at_risk
    from durations
),

estimates as (
    select
        {{ keys | join(', ') }},
        sum(churned) as churned,
        {{ log_survival('churned', 'at_risk') }} as log_survival,
        {{ greenwood_sum('churned', 'at_risk') }} as greenwood_sum,
        {{ extinctions('churned', 'at_risk') }} > 0 as is_extinct,
        max(days_in_spell) >= {{ year_days }} as is_followed
    from risk_sets
    group by {{ keys | join(', ') }}
),

-- what became of everybody is known, or somebody was followed that long
survival as (
    select
        {{ keys | join(', ') }},
        churned,
        case when is_extinct then 0 when is_followed then exp(log_survival) end as retained_rate,
        case
            when is_followed and not is_extinct
                then {{ log_log_bound('log_survival', 'greenwood_sum', '-') }}
        end as retained_low,
        case
            when is_followed and not is_extinct
                then {{ log_log_bound('log_survival', 'greenwood_sum', '+') }}
        end as retained_high
    from estimates
),

-- what a customer of each channel cost in each period
mix_months as (
    select * from {{ ref('rpt_marketing_mix') }}
),

mix_by_period as (
    {{ rows_by_period_and_ever('mix_months', 'month_start_date') }}
),

channel_costs as (
    select
        mix.period_grain,
        mix.period_start_date,
        mix.channel,
        {{ full_cac('mix') }} as cac
    from mix_by_period as mix
    group by mix.period_grain, mix.period_start_date, mix.channel
),

costs_of_all as (
    select
        mix.period_grain,
        mix.period_start_date,
        {{ media_cac('mix') }} as cac
    from mix_by_period as mix
    group by mix.period_grain, mix.period_start_date
),

campaign_spends as (
    select
        month_start_date,
        campaign_id,
        sum(spend_amount) as spend
    from {{ ref('int_marketing_spends') }}
    where is_acquisition and campaign_id is not null
    group by month_start_date, campaign_id
),

campaign_spends_by_period as (
    {{ rows_by_period_and_ever('campaign_spends', 'month_start_date') }}
),

campaign_costs as (
    select
        {{ period | join(', ') }},
        campaign_id,
        sum(spend) as spend
    from campaign_spends_by_period
    group by {{ period | join(', ') }}, campaign_id
),

-- of customers whose channel has no known spend, nothing is known to have been paid
channel_costs_by_slice as (
    select
        won.{{ keys | join(', won.') }},
        {{ rate('sum(won.customers * channel_costs.cac)', 'sum(won.customers)') }} as cac
    from tallies_by_period as won
    inner join channel_costs
        on {{ same_values('won', 'channel_costs', period + ['channel']) }}
    group by won.{{ keys | join(', won.') }}
),

costs as (
    select
        counts.{{ keys | join(', counts.') }},
        {{ in_cents(
            "case counts.segment_name when 'all' then costs_of_all.cac"
            ~ " when 'acquisition_campaign' then "
            ~ rate('campaign_costs.spend', 'counts.customers')
            ~ ' else channel_costs.cac end'
        ) }} as cac
    from counts
    left join costs_of_all
        on {{ same_values('counts', 'costs_of_all', period) }}
    left join channel_costs_by_slice as channel_costs
        on {{ same_values('counts', 'channel_costs', keys) }}
    left join campaign_costs
        on
            {{ same_values('counts', 'campaign_costs', period) }}
            and counts.segment_value = campaign_costs.campaign_id
),

cohort_months as (
    select * from {{ ref('int_newcomer_margins_cumulated') }}
),

cohort_months_by_slice as (
    {{ rows_by_slice('cohort_months', segment_names) }}
),

cohort_months_by_period as (
    {{ rows_by_period_and_ever('cohort_months_by_slice', 'won_month') }}
),

-- all cohorts of the period that have reached an age, taken together
lives as (
    select
        {{ keys | join(', ') }},
        months_since,
        {{ rate('sum(cumulative_margin_amount)', 'sum(cohort_customers)') }} as margin_per_customer
    from cohort_months_by_period
    group by {{ keys | join(', ') }}, months_since
),

paybacks as (
    select
        lives.{{ keys | join(', lives.') }},
        min(lives.months_since) as payback_months
    from lives
    inner join costs
        on
            {{ same_values('lives', 'costs', keys) }}
            and lives.margin_per_customer >= costs.cac
    group by lives.{{ keys | join(', lives.') }}
),

rates as (
    select
        counts.*,
        survival.churned,
        costs.cac,
        paybacks.payback_months,
        {{ rate('counts.repeated', 'counts.repeat_decided') }} as repeat_rate,
        {{ wilson_bound('counts.repeated', 'counts.repeat_decided', '-') }} as repeat_low,
        {{ wilson_bound('counts.repeated', 'counts.repeat_decided', '+') }} as repeat_high,
        survival.retained_rate,
        survival.retained_low,
        survival.retained_high,
        {{ rate('counts.early_lost', 'counts.early_decided') }} as early_lost_rate,
        {{ wilson_bound('counts.early_lost', 'counts.early_decided', '-') }} as early_lost_low,
        {{ wilson_bound('counts.early_lost', 'counts.early_decided', '+') }} as early_lost_high
    from counts
    inner join survival
        on {{ same_values('counts', 'survival', keys) }}
    left join costs
        on {{ same_values('counts', 'costs', keys) }}
    left join paybacks
        on {{ same_values('counts', 'paybacks', keys) }}
),

full_price_rates as (
    select * from rates
    where segment_name = 'discount' and segment_value = 'full price'
),

-- customers won at a discount, less those of the same period won at full price
differences as (
    select
        rates.{{ keys | join(', rates.') }}
        {%- for share in shares %}
        {%- set sides = [] %}
        {%- for relation in ['rates', 'full_price_rates'] %}
        {%- for side in ['rate', 'low', 'high'] %}
        {%- do sides.append(relation ~ '.' ~ share ~ '_' ~ side) %}
        {%- endfor %}
        {%- endfor %},
        {{ sides[0] }} - {{ sides[3] }} as {{ share }}_difference,
        {{ difference_bound(*sides, side='-') }} as {{ share }}_difference_low,
        {{ difference_bound(*sides, side='+') }} as {{ share }}_difference_high
        {%- endfor %}
    from rates
    inner join full_price_rates
        on {{ same_values('rates', 'full_price_rates', period) }}
    where rates.segment_name = 'discount' and rates.segment_value = 'discount'
)

select
    -- keys
    rates.period_grain,
    rates.period_start_date,
    rates.segment_name,
    rates.segment_value,

    -- dates
    coalesce(periods.closes_on, settings.as_of_date) as closes_on,

    -- counts
    cast(rates.customers as bigint) as new_customers,
    cast(rates.repeat_decided as bigint) as repeat_decided_customers,
    cast(rates.repeated as bigint) as repeat_customers,
    cast(rates.churned as bigint) as churned_12m_customers,
    cast(rates.years as bigint) as observed_12m_customers,
    cast(rates.early_decided as bigint) as early_decided_customers,
    cast(rates.early_lost as bigint) as early_lost_customers,

    -- amounts
    {{ as_amount('rates.margin') }} as margin_12m_amount,
    {{ amount_per('rates.margin', 'nullif(rates.years, 0)') }} as margin_12m_per_customer_amount,
    rates.cac as cac_amount,

    -- lengths
    cast(rates.payback_months as integer) as payback_months,

    -- rates
    rates.repeat_rate,
    rates.repeat_low as repeat_ci_low,
    rates.repeat_high as repeat_ci_high,
    rates.retained_rate as retained_12m_rate,
    rates.retained_low as retained_12m_ci_low,
    rates.retained_high as retained_12m_ci_high,
    rates.early_lost_rate,
    rates.early_lost_low as early_lost_ci_low,
    rates.early_lost_high as early_lost_ci_high,

    -- discount less full price
    differences.repeat_difference,
    differences.repeat_difference_low as repeat_difference_ci_low,
    differences.repeat_difference_high as repeat_difference_ci_high,
    differences.retained_difference as retained_12m_difference,
    differences.retained_difference_low as retained_12m_difference_ci_low,
    differences.retained_difference_high as retained_12m_difference_ci_high,
    differences.early_lost_difference,
    differences.early_lost_difference_low as early_lost_difference_ci_low,
    differences.early_lost_difference_high as early_lost_difference_ci_high,

    -- flags
    coalesce(periods.is_complete_period, false) as is_complete_period
from rates
cross join settings
-- all time is no period of the calendar
left join {{ ref('int_periods') }} as periods
    on {{ same_values('rates', 'periods', period) }}
left join differences
    on {{ same_values('rates', 'differences', keys) }}
