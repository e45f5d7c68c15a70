-- Grain: one row per customer and milestone reached.
{%- set min_paid_days = var('advocate_min_paid_days') %}

with

customers as (
    select * from {{ ref('int_customers') }}
),

purchases as (
    select
        customer_id,
        order_date,
        order_number
    from {{ ref('int_orders_sequenced') }}
    where order_number in (2, {{ var('advocate_min_purchases') }})
),

spells as (
    select * from {{ ref('int_activity_spells') }}
),

subscription_spells as (
    select
        customer_id,
        started_on,
        ended_on,
        days_in_spell,
        sum(days_in_spell) over (
            partition by customer_id
            order by spell_number
            rows unbounded preceding
        ) as paid_days
    from spells
    where relationship = 'subscription'
),

milestones as (
    select
        customer_id,
        'known' as milestone,
        known_since as reached_on
    from customers
    where known_since is not null

    union all

    -- an address is left in a form, or is there when the customer is created
    select
        customer_id,
        'captured' as milestone,
        engaged_on as reached_on
    from {{ ref('int_own_engagements') }}
    where event_type = 'form_submitted'

    union all

    select
        customers.customer_id,
        'captured' as milestone,
        coalesce(created.event_date, customers.known_since) as reached_on
    from customers
    inner join {{ ref('stg_customers') }} as created
        on customers.customer_id = created.customer_id
    where created.has_email

    union all

    select
        customer_id,
        'seasoned' as milestone,
        order_date as reached_on
    from purchases
    where order_number = {{ var('advocate_min_purchases') }}

    union all

    select
        customer_id,
        'seasoned' as milestone,
        {{ days_after('started_on', min_paid_days ~ ' - (paid_days - days_in_spell) - 1') }}
            as reached_on
    from subscription_spells
    where paid_days >= {{ min_paid_days }} and paid_days - days_in_spell < {{ min_paid_days }}

    union all

    -- a second purchase, a second term of the first contract or a second spell
    select
        customer_id,
        'bought_again' as milestone,
        order_date as reached_on
    from purchases
    where order_number = 2

    union all

    select
        first_terms.customer_id,
        'bought_again' as milestone,
        first_terms.first_term_ended_on as reached_on
    from {{ ref('int_first_terms') }} as first_terms
    inner join subscription_spells
        on
            first_terms.customer_id = subscription_spells.customer_id
            and first_terms.first_paid_on = subscription_spells.started_on
    where
        subscription_spells.ended_on is null
        or first_terms.first_term_ended_on < subscription_spells.ended_on

    union all

    select
        customer_id,
        'bought_again' as milestone,
        started_on as reached_on
    from spells
    where relationship = 'any' and spell_number = 2
)

select
    customer_id,
    milestone,
    min(reached_on) as reached_on
from milestones
group by customer_id, milestone
