-- Grain: one row per customer who was won: whose first spell of `any` began in the data.
{{ config(materialized='table') }}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

newcomers as (
    select
        spells.customer_id,
        spells.started_on as won_on,
        spells.ended_on as churned_on,
        spells.days_in_spell,
        spells.is_active as is_in_first_spell,
        customers.acquisition_channel,
        customers.activity_window_days,
        coalesce(customers.acquisition_campaign_id, 'unknown') as acquisition_campaign,
        customers.discount
    from {{ ref('int_activity_spells') }} as spells
    inner join {{ ref('int_customers') }} as customers
        on spells.customer_id = customers.customer_id
    left join {{ ref('int_customers_inherited') }} as inherited
        on spells.customer_id = inherited.customer_id
    where
        spells.relationship = 'any'
        and spells.spell_number = 1
        and inherited.customer_id is null
),

-- customers whose first twelve months are over
first_years as (
    select
        newcomers.customer_id,
        newcomers.won_on as from_date,
        {{ months_after('newcomers.won_on', 12) }} as to_date
    from newcomers
    inner join settings
        on {{ months_after('newcomers.won_on', 12) }} <= {{ days_after('settings.as_of_date', 1) }}
),

margins as (
    {{ earned_in_windows('first_years', ['customer_id']) }}
)

select
    -- keys
    newcomers.customer_id,

    -- dates
    newcomers.won_on,
    newcomers.churned_on,
    case
        when histories.first_purchase_on = newcomers.won_on then histories.first_purchase_on
    end as first_purchase_on,
    case
        when histories.first_purchase_on = newcomers.won_on then histories.second_purchase_on
    end as second_purchase_on,
    -- the day on which the first activity alone would have ended
    greatest(
        newcomers.won_on,
        coalesce(
            case
                when histories.first_purchase_on = newcomers.won_on
                    then {{ days_after('newcomers.won_on', 'newcomers.activity_window_days') }}
            end,
            newcomers.won_on
        ),
        coalesce(
            case
                when terms.first_paid_on = newcomers.won_on then terms.first_term_ended_on
            end,
            newcomers.won_on
        )
    ) as first_activity_ends_on,

    -- words
    newcomers.acquisition_channel,
    newcomers.acquisition_campaign,
    newcomers.discount,
    lower({{ trimmed('newcomers.acquisition_channel') }}) as channel,

    -- lengths
    newcomers.days_in_spell,

    -- amounts
    margins.margin_amount as margin_12m_amount,

    -- flags
    newcomers.is_in_first_spell
from newcomers
left join {{ ref('int_purchase_histories') }} as histories
    on newcomers.customer_id = histories.customer_id
left join {{ ref('int_first_terms') }} as terms
    on newcomers.customer_id = terms.customer_id
left join margins
    on newcomers.customer_id = margins.customer_id
