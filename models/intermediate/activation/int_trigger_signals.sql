-- Grain: one row per customer and trigger that their own history gives.
{{ config(materialized='table') }}
{%- set triggers = [
    'risks', 'failed_payments', 'renewals', 'bad_contacts', 'needs_for_help', 'services',
    'next_purchases', 'bundles', 'new_products', 'rising_baskets', 'departures', 'near_purchases',
    'thanks',
] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

customers as (
    select
        customers.customer_id,
        stages.lifecycle_stage,
        stages.entered_on,
        histories.last_purchase_on,
        histories.median_gap_days,
        settings.as_of_date,
        settings.reporting_currency,
        spells.customer_id is not null as is_active
    from {{ ref('int_customers') }} as customers
    inner join {{ ref('int_lifecycle_stages') }} as stages
        on customers.customer_id = stages.customer_id and stages.is_current
    left join {{ ref('int_activity_spells') }} as spells
        on
            customers.customer_id = spells.customer_id
            and spells.relationship = 'any'
            and spells.is_active
    left join {{ ref('int_purchase_histories') }} as histories
        on customers.customer_id = histories.customer_id
    cross join settings
    where customers.may_be_contacted
),

active_customers as (
    select * from customers
    where is_active
),

risks as (
    select
        customer_id,
        'at_risk' as trigger_name,
        'At risk since ' || cast(entered_on as string) || '.' as why
    from customers
    where lifecycle_stage = 'at_risk'
),

failed_payments as (
    select
        customers.customer_id,
        'payment_failed' as trigger_name,
        'Payment of ' || coalesce('plan ' || versions.plan_id, 'the contract') || ' failed on '
        || cast(versions.started_on as string) || '.' as why,
        versions.margin_mrr_amount * 12 as signal_margin
    from active_customers as customers
    inner join {{ ref('int_subscription_versions') }} as versions
        on
            customers.customer_id = versions.customer_id
            and customers.as_of_date >= versions.started_on
    where
        versions.status = 'past_due'
        and coalesce(versions.stopped_on > customers.as_of_date, true)
    qualify row_number() over (
        partition by customers.customer_id
        order by
            versions.margin_mrr_amount desc,
            versions.subscription_id asc,
            versions.item_id asc
    ) = 1
),

renewals as (
    select
        customers.customer_id,
        'renewal_due' as trigger_name,
        renewals.renewal_on as event_on,
        'The ' || renewals.billing_term || ' of '
        || coalesce('plan ' || renewals.plan_id, 'the contract') || ' ends on '
        || cast(renewals.renewal_on as string) || '.' as why,
        renewals.margin_mrr_amount * 12 as signal_margin
    from active_customers as customers
    inner join {{ ref('int_renewals_due') }} as renewals
        on
            customers.customer_id = renewals.customer_id
            and {{ days_after('customers.as_of_date', var('renewal_due_days')) }}
            >= renewals.renewal_on
    qualify row_number() over (
        partition by customers.customer_id
        order by
            renewals.renewal_on asc,
            renewals.margin_mrr_amount desc,
            renewals.subscription_id asc,
            renewals.item_id asc
    ) = 1
),

bad_contacts as (
    select
        customers.customer_id,
        'bad_service_contact' as trigger_name,
        'Bad service contact on ' || cast(contacts.contacted_on as string) || ': '
        || case when contacts.is_resolved then 'scored ' else 'not resolved' end
        || case
            when contacts.is_resolved then cast(contacts.outcome_score as string) || ' of 5'
            else ''
        end || '.' as why
    from active_customers as customers
    inner join {{ ref('int_service_contacts') }} as contacts
        on
            customers.customer_id = contacts.customer_id
            and {{ days_after('customers.as_of_date', -var('bad_contact_answer_days')) }}
            < contacts.contacted_on
            and customers.as_of_date >= contacts.contacted_on
    where contacts.is_bad
    qualify row_number() over (
        partition by customers.customer_id
        order by contacts.contacted_on desc, contacts.contact_id desc
    ) = 1
),

uses as (
    select
        customers.customer_id,
        {{ days_between('uses.engaged_on', 'customers.as_of_date') }} as days_ago
    from active_customers as customers
    inner join {{ ref('int_own_engagements') }} as uses
        on
            customers.customer_id = uses.customer_id
            and customers.as_of_date >= uses.engaged_on
            and {{ days_after('customers.as_of_date', -2 * var('help_days')) }} < uses.engaged_on
    where uses.event_type in ('portal_login', 'tool_use')
),

uses_counted as (
    select
        customer_id,
        count(case when days_ago < {{ var('help_days') }} then 1 end) as recent_uses,
        count(case when days_ago >= {{ var('help_days') }} then 1 end) as earlier_uses
    from uses
    group by customer_id
),

readings as (
    select
        readings.customer_id,
        readings.asset_id,
        customers.as_of_date,
        readings.event_date as read_on,
        max(readings.reading) as reading
    from active_customers as customers
    inner join {{ ref('stg_usage_readings') }} as readings
        on customers.customer_id = readings.customer_id
    group by
        readings.customer_id, readings.asset_id, customers.as_of_date, readings.event_date
),

readings_compared as (
    select
        *,
        lag(read_on) over asset_readings as previous_on,
        lag(reading) over asset_readings as previous_reading,
        first_value(read_on) over asset_readings as first_on,
        first_value(reading) over asset_readings as first_reading,
        lead(read_on) over asset_readings is null as is_last
    from readings
    window asset_readings as (
        partition by customer_id, asset_id
        order by read_on
    )
),

-- between the last two readings, and before them
asset_uses as (
    select
        customer_id,
        asset_id,
        {{ rate('(reading - previous_reading) * 365', days_between('previous_on', 'read_on')) }}
        / 12 as recent_use,
        {{ rate(
            '(previous_reading - first_reading) * 365',
            days_between('first_on', 'previous_on'),
        ) }} / 12 as earlier_use
    from readings_compared
    where is_last and read_on > {{ days_after('as_of_date', -2 * var('help_days')) }}
),

needs as (
    select
        customer_id,
        'Logins and tools used ' || cast(recent_uses as string) || ' times in '
        || '{{ var('help_days') }} days, ' || cast(earlier_uses as string)
        || ' times in the days before.' as why
    from uses_counted
    where
        earlier_uses >= {{ var('help_min_uses') }}
        and recent_uses <= earlier_uses * (1 - {{ var('help_fall_share') }})

    union all

    select
        customer_id,
        'Use of ' || asset_id || ' fell from ' || cast(cast(earlier_use as bigint) as string)
        || ' to ' || cast(cast(recent_use as bigint) as string) || ' a month.' as why
    from asset_uses
    where earlier_use > 0 and recent_use <= earlier_use * (1 - {{ var('help_fall_share') }})
),

needs_for_help as (
    select
        customer_id,
        'needs_help' as trigger_name,
        min(why) as why
    from needs
    group by customer_id
),

services as (
    select
        customers.customer_id,
        'service_due' as trigger_name,
        services.service_due_on as event_on,
        'Service of ' || services.asset_id || ' is due on '
        || cast(services.service_due_on as string) || ', by ' || services.method || '.' as why
    from customers
    inner join {{ ref('int_services_due') }} as services
        on
            customers.customer_id = services.customer_id
            and {{ days_after('customers.as_of_date', var('service_due_days')) }}
            >= services.service_due_on
            and {{ days_after('customers.as_of_date', -var('service_overdue_days')) }}
            <= services.service_due_on
    qualify row_number() over (
        partition by customers.customer_id
        order by services.service_due_on, services.asset_id
    ) = 1
),

next_purchases as (
    select
        customers.customer_id,
        'near_next_purchase' as trigger_name,
        visits.next_visit_on as event_on,
        'Last purchase on ' || cast(customers.last_purchase_on as string)
        || coalesce(
            ', usually one every ' || cast(
                cast(round(customers.median_gap_days) as bigint) as string
            )
            || ' days', ''
        ) || '; the next is expected on ' || cast(visits.next_visit_on as string)
        || '.' as why
    from active_customers as customers
    inner join {{ ref('int_visits_predicted') }} as visits
        on
            customers.customer_id = visits.customer_id
            and customers.as_of_date < visits.next_visit_on
            and {{ days_after('customers.as_of_date', var('near_purchase_days')) }}
            >= visits.next_visit_on
),

bundles as (
    select
        customers.customer_id,
        'buys_bundles' as trigger_name,
        offers.product_category,
        'Holds ' || offers.with_category || '; '
        || cast(cast(round(100 * offers.confidence) as bigint) as string)
        || ' % of the orders with it also have ' || offers.product_category || '.' as why,
        offers.confidence as signal_chance
    from active_customers as customers
    inner join {{ ref('int_bundle_offers') }} as offers
        on customers.customer_id = offers.customer_id
),

new_products as (
    select
        customers.customer_id,
        'new_product' as trigger_name,
        buyers.new_category as product_category,
        'Was among the first to buy ' || buyers.newest_category || ' on '
        || cast(buyers.bought_on as string) || '; ' || buyers.new_category || ' is new.' as why
    from active_customers as customers
    inner join {{ ref('int_new_product_buyers') }} as buyers
        on customers.customer_id = buyers.customer_id
    where buyers.new_category is not null
),

rising_baskets as (
    select
        customers.customer_id,
        'ready_to_spend_more' as trigger_name,
        'Three rising baskets, from ' || cast(baskets.first_basket_amount as string)
        || ' to ' || cast(baskets.last_basket_amount as string) || ' '
        || customers.reporting_currency || '.' as why
    from active_customers as customers
    inner join {{ ref('int_rising_baskets') }} as baskets
        on customers.customer_id = baskets.customer_id
),

-- the last time that they left
departed as (
    select
        customers.customer_id,
        customers.lifecycle_stage,
        exits.churned_on,
        exits.churn_reason,
        {{ months_after('exits.churned_on', -12) }} as from_date,
        exits.churned_on as to_date
    from customers
    inner join {{ ref('int_churn_events_explained') }} as exits
        on
            customers.customer_id = exits.customer_id
            and exits.relationship = 'any'
            and exits.returned_on is null
            and {{ days_after('customers.as_of_date', -var('win_back_days')) }} < exits.churned_on
    where not customers.is_active
),

earned_before_leaving as (
    {{ earned_in_windows('departed', ['customer_id']) }}
),

departures as (
    select
        departed.customer_id,
        'win_back' as trigger_name,
        'Left on ' || cast(departed.churned_on as string) || case departed.churn_reason
            when 'unknown' then '' else ', reason: ' || replace(departed.churn_reason, '_', ' ')
        end || '.' as why,
        earned.margin_amount as signal_margin
    from departed
    inner join earned_before_leaving as earned
        on departed.customer_id = earned.customer_id
    where departed.lifecycle_stage in ('churned_preventable', 'churned_unknown')
),

near_purchases as (
    select
        customer_id,
        'almost_bought' as trigger_name,
        'Active without a purchase since ' || cast(entered_on as string) || '.' as why
    from customers
    where lifecycle_stage = 'nurtured'
),

-- nothing is to be won from customers who left for a natural reason: they are thanked
thanks as (
    select
        customer_id,
        'thank_advocate' as trigger_name,
        'An advocate since ' || cast(entered_on as string) || '.' as why,
        cast(null as double) as signal_chance
    from customers
    where lifecycle_stage = 'advocate'

    union all

    select
        customer_id,
        'thank_advocate' as trigger_name,
        'Left for a natural reason on ' || cast(churned_on as string) || '.' as why,
        0 as signal_chance
    from departed
    where lifecycle_stage = 'churned_natural'
),

{%- set columns = {
    'product_category': "'none'",
    'event_on': 'cast(null as date)',
    'signal_chance': 'cast(null as double)',
    'signal_margin': 'cast(null as decimal(18, 2))',
} %}
{%- set given = {
    'failed_payments': ['signal_margin'],
    'renewals': ['event_on', 'signal_margin'],
    'services': ['event_on'],
    'next_purchases': ['event_on'],
    'bundles': ['product_category', 'signal_chance'],
    'new_products': ['product_category'],
    'departures': ['signal_margin'],
    'thanks': ['signal_chance'],
} %}

signals as (
    {%- for trigger in triggers %}
    select
        customer_id,
        trigger_name,
        {%- for column, default in columns.items() %}
        {% if column not in given.get(trigger, []) %}{{ default }} as {% endif %}{{ column }},
        {%- endfor %}
        why
    from {{ trigger }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    -- keys
    signals.customer_id,
    signals.trigger_name,

    -- words
    signals.product_category,
    signals.why,

    -- dates
    signals.event_on,

    -- chance and margin, where the signal itself has them
    signals.signal_chance,
    {{ as_amount('signals.signal_margin') }} as signal_margin_amount
from signals
inner join customers
    on signals.customer_id = customers.customer_id
where customers.lifecycle_stage <> 'churned_natural' or signals.trigger_name = 'thank_advocate'
