-- Grain: one row per trigger.

with

settings as (
    select
        as_of_date,
        {{ days_after('as_of_date', -365) }} as year_ago
    from {{ ref('int_run_settings') }}
),

triggers as (
    select * from {{ ref('contact_triggers') }}
),

-- what became of those who were in the same position before
renewals as (
    select
        'renewal_due' as trigger_name,
        count(*) as observed_cases,
        count(case when outcome = 'lapsed' then 1 end) as observed_events
    from {{ ref('int_renewal_terms') }}
    where outcome <> 'pending'
),

returns as (
    select
        'win_back' as trigger_name,
        count(*) as observed_cases,
        count(case
            when {{ days_between('exits.churned_on', 'exits.returned_on') }} <= 365 then 1
        end) as observed_events
    from {{ ref('int_churn_events_explained') }} as exits
    inner join settings
        on exits.churned_on <= settings.year_ago
    where exits.relationship = 'any'
),

widenings as (
    select
        lines.customer_id,
        max(case when lines.revenue_type = 'expansion' then 1 else 0 end) as has_widened
    from {{ ref('fct_order_lines') }} as lines
    inner join settings
        on lines.order_date > settings.year_ago
    where lines.revenue_type in ('expansion', 'repeat') and lines.net_revenue_amount > 0
    group by lines.customer_id
),

cross_sales as (
    select
        'cross_sell' as trigger_name,
        count(*) as observed_cases,
        coalesce(sum(has_widened), 0) as observed_events
    from widenings
),

assets as (
    select
        readings.asset_id,
        max(case
            when readings.is_service_visit and settings.year_ago < readings.event_date then 1
            else 0
        end) as has_been_serviced
    from {{ ref('stg_usage_readings') }} as readings
    cross join settings
    group by readings.asset_id, settings.year_ago
    having min(readings.event_date) <= settings.year_ago
),

services as (
    select
        'service_due' as trigger_name,
        count(*) as observed_cases,
        coalesce(sum(has_been_serviced), 0) as observed_events
    from assets
),

novelties as (
    select
        'new_product' as trigger_name,
        count(*) as observed_cases,
        count(buyers.customer_id) as observed_events
    from {{ ref('int_purchase_histories') }} as histories
    left join {{ ref('int_new_product_buyers') }} as buyers
        on histories.customer_id = buyers.customer_id
),

prospects as (
    select
        'almost_bought' as trigger_name,
        count(*) as observed_cases,
        count(case when next_stage = 'new' then 1 end) as observed_events
    from (
        select
            lifecycle_stage,
            lead(lifecycle_stage) over (
                partition by customer_id
                order by stage_number
            ) as next_stage
        from {{ ref('int_lifecycle_stages') }}
    ) as stays
    where lifecycle_stage = 'nurtured' and next_stage is not null
),

-- of a customer without a model: how many buyers buy again within a year
repeat_purchases as (
    select
        triggers.trigger_name,
        repeats.observed_12m_buyers as observed_cases,
        repeats.repeat_12m_buyers as observed_events
    from triggers
    cross join {{ ref('rpt_repeat_purchases') }} as repeats
    where triggers.chance_basis = 'purchase chance' and repeats.segment_name = 'all'
),

observations as (
    {%- for relation in [
        'renewals', 'returns', 'cross_sales', 'services', 'novelties', 'prospects',
        'repeat_purchases',
    ] %}
    select
        trigger_name,
        observed_cases,
        observed_events
    from {{ relation }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- all campaigns of an objective together: those that happened to do well would promise too much
effects_weighted as (
    select
        objective,
        case measure
            when 'retention_{{ var('campaign_follow_days') }}d' then 'retention'
            else measure
        end as measure,
        difference,
        held_out_value,
        -- 1 / variance
        4 * {{ z_95() }} * {{ z_95() }} / ((ci_high - ci_low) * (ci_high - ci_low)) as weight
    from {{ ref('rpt_campaign_effect') }}
    where ci_high > ci_low
),

effects_pooled as (
    select
        objective,
        measure,
        count(*) as campaigns,
        sum(weight * difference) / sum(weight) as difference,
        sum(weight * held_out_value) / sum(weight) as held_out_value,
        {{ z_95() }} / sqrt(sum(weight)) as margin_of_error
    from effects_weighted
    group by objective, measure
),

-- as a share of what would be lost, or won, without the contact
effects as (
    select
        *,
        case measure
            when 'retention' then {{ rate('difference', '(1 - held_out_value)') }}
            else {{ rate('difference', 'held_out_value') }}
        end as relative_effect
    from effects_pooled
),

odds as (
    select
        triggers.*,
        coalesce(observations.observed_cases, 0) as observed_cases,
        coalesce(observations.observed_events, 0) as observed_events,
        coalesce(effects.campaigns, 0) as campaigns,
        effects.difference,
        effects.difference - effects.margin_of_error as ci_low,
        effects.difference + effects.margin_of_error as ci_high,
        effects.held_out_value,
        effects.relative_effect,
        coalesce(
            effects.difference > effects.margin_of_error and effects.relative_effect is not null,
            false
        ) as is_measured
    from triggers
    left join observations
        on triggers.trigger_name = observations.trigger_name
    left join effects
        on triggers.objective = effects.objective and triggers.measure = effects.measure
)

select
    -- keys
    trigger_name,

    -- words
    objective,
    measure,
    chance_basis,
    margin_basis,
    case when is_measured then 'measured' else 'assumed' end as effect_source,

    -- counts
    priority,
    lead_days,
    cast(observed_cases as bigint) as observed_cases,
    cast(observed_events as bigint) as observed_events,
    campaigns,

    -- rates
    {{ rate('observed_events', 'observed_cases') }} as observed_chance,
    assumed_chance,
    difference,
    ci_low,
    ci_high,
    held_out_value,
    case when is_measured then relative_effect else assumed_effect end as contact_effect,
    assumed_effect
from odds
