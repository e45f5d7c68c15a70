-- Grain: one row per customer and trigger.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

gaps as (
    select
        gaps.customer_id,
        'cross_sell' as trigger_name,
        gaps.product_category,
        'Lacks ' || gaps.product_category || ', which '
        || cast(cast(round(100 * gaps.holders_share) as bigint) as string)
        || ' % of the best customers' || case gaps.profile_level
            when 'all' then '' else ' of the same ' || gaps.profile_level
        end || ' hold.' as why,
        cast(null as date) as event_on,
        cast(null as double) as signal_chance,
        gaps.potential_margin_amount as signal_margin_amount
    from {{ ref('fct_product_gaps') }} as gaps
    inner join {{ ref('dim_customers') }} as customers
        on gaps.customer_id = customers.customer_id
    where gaps.gap_rank = 1 and customers.may_be_contacted
),

signals as (
    select
        customer_id,
        trigger_name,
        product_category,
        why,
        event_on,
        signal_chance,
        signal_margin_amount
    from {{ ref('int_trigger_signals') }}

    union all

    select
        customer_id,
        trigger_name,
        product_category,
        why,
        event_on,
        signal_chance,
        signal_margin_amount
    from gaps
),

histories as (
    select
        customer_id,
        {{ rate('margin_amount', 'purchase_days_count') }} as purchase_margin
    from {{ ref('int_purchase_histories') }}
),

-- of prospects, and of customers who never bought
purchases as (
    select coalesce(avg(purchase_margin), 0) as mean_purchase_margin
    from histories
),

signals_valued as (
    select
        signals.*,
        odds.priority,
        odds.effect_source,
        odds.measure,
        odds.contact_effect,
        odds.difference,
        risks.first_reason,
        settings.as_of_date,
        {{ days_after('contacted.last_contacted_on', var('contact_min_gap_days')) }} as rested_on,
        {{ days_after('signals.event_on', '-odds.lead_days') }} as wanted_on,
        odds.chance_basis,
        case odds.chance_basis
            when 'signal' then signals.signal_chance
            when 'churn risk' then coalesce(signals.signal_chance, risks.churn_risk)
            when 'purchase chance' then 1 - customer_values.p_no_purchase_next_window
        end as own_chance,
        odds.observed_chance,
        odds.assumed_chance,
        odds.margin_basis,
        case odds.margin_basis
            when 'next 12 months' then customer_values.predicted_margin_12m_amount
            when 'a purchase' then histories.purchase_margin
            else signals.signal_margin_amount
        end as own_margin,
        coalesce(histories.purchase_margin, purchases.mean_purchase_margin) as purchase_margin
    from signals
    inner join {{ ref('rpt_trigger_odds') }} as odds
        on signals.trigger_name = odds.trigger_name
    left join {{ ref('fct_churn_risk') }} as risks
        on signals.customer_id = risks.customer_id
    left join {{ ref('fct_customer_value') }} as customer_values
        on signals.customer_id = customer_values.customer_id
    left join histories
        on signals.customer_id = histories.customer_id
    left join {{ ref('int_customers_contacted') }} as contacted
        on signals.customer_id = contacted.customer_id
    cross join purchases
    cross join settings
),

factors as (
    select
        *,
        coalesce(own_chance, observed_chance, assumed_chance) as chance,
        case
            when own_chance is not null and chance_basis = 'signal' then 'share of the bundle'
            when own_chance is not null then chance_basis
            when observed_chance is not null then 'observed'
            else 'assumed'
        end as chance_source,
        {{ in_cents('greatest(coalesce(own_margin, purchase_margin), 0)') }}
            as margin_at_stake_amount,
        case when own_margin is not null then margin_basis else 'a purchase' end as margin_source
    from signals_valued
),

factors_capped as (
    select
        *,
        -- at most as many in a hundred are kept, or won, as the campaigns kept or won; and a
        -- contact prevents at most the whole loss, and makes a gain at most certain
        least(
            contact_effect,
            case
                when effect_source = 'measured' and chance > 0 then difference / chance
                else contact_effect
            end,
            case
                when measure = 'retention' then 1
                when chance > 0 then (1 - chance) / chance
                else contact_effect
            end
        ) as capped_effect
    from factors
),

triggers as (
    select
        *,
        {{ in_cents('chance * margin_at_stake_amount * capped_effect') }}
            as expected_value_amount
    from factors_capped
)

select
    -- keys
    customer_id,
    trigger_name,

    -- words
    product_category,
    -- the first reason of a churn risk tells why it is high
    why || case
        when chance_source = 'churn risk' and first_reason is not null
            then ' ' || first_reason || '.'
        else ''
    end as why,

    -- dates
    greatest(
        {{ days_after('as_of_date', 1) }},
        coalesce(rested_on, as_of_date),
        coalesce(wanted_on, as_of_date)
    ) as due_on,
    case when rested_on > {{ days_after('as_of_date', 1) }} then rested_on end as suppressed_until,

    -- ranks
    row_number() over (
        partition by customer_id
        order by expected_value_amount desc, priority asc, trigger_name asc
    ) as customer_rank,
    row_number() over (
        order by expected_value_amount desc, priority asc, customer_id asc, trigger_name asc
    ) as overall_rank,

    -- value
    chance,
    chance_source,
    margin_at_stake_amount,
    margin_source,
    capped_effect as contact_effect,
    effect_source,
    expected_value_amount
from triggers
