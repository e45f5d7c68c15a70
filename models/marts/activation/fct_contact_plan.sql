-- Grain: one row per contact that is planned with a customer.
{%- set dated_triggers = {
    'service_due': 'service reminder',
    'renewal_due': 'renewal',
    'near_next_purchase': 'next purchase',
} %}
{%- set min_gap_days = var('contact_min_gap_days') %}

with recursive

settings as (
    select
        {{ days_after('as_of_date', 1) }} as first_day,
        {{ days_after('as_of_date', var('contact_plan_days')) }} as last_day
    from {{ ref('int_run_settings') }}
),

customers as (
    select
        customers.customer_id,
        spells.first_started_on,
        contacted.last_contacted_on,
        settings.first_day,
        settings.last_day
    from {{ ref('dim_customers') }} as customers
    inner join {{ ref('int_activity_spells') }} as spells
        on
            customers.customer_id = spells.customer_id
            and spells.relationship = 'any'
            and spells.is_active
    left join {{ ref('int_customers_contacted') }} as contacted
        on customers.customer_id = contacted.customer_id
    cross join settings
    where customers.may_be_contacted
),

triggers as (
    select * from {{ ref('fct_customer_triggers') }}
    where trigger_name in (
        {%- for trigger_name in dated_triggers %}
        '{{ trigger_name }}'{{ ',' if not loop.last }}
        {%- endfor %}
    )
),

-- a contact shortly before the due day, or after it, was about the reason: nothing says what it was
-- about, and a plan that is followed must not repeat itself
dated_reasons as (
    select
        customers.customer_id,
        triggers.trigger_name,
        triggers.due_on,
        triggers.product_category,
        triggers.expected_value_amount,
        customers.first_started_on,
        greatest(triggers.due_on, customers.first_day) as contact_on
    from triggers
    inner join customers
        on triggers.customer_id = customers.customer_id
    where
        triggers.due_on <= customers.last_day
        and (
            customers.last_contacted_on is null
            or {{ days_after('customers.last_contacted_on', min_gap_days) }} <= triggers.due_on
        )
),

dated_reasons_ranked as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by expected_value_amount desc, contact_on asc, trigger_name asc
        ) as reason_rank
    from dated_reasons
),

-- a customer has each trigger once, so there are as many ranks as triggers: each reason is kept if
-- it is not too close to a better one that is kept
dated_contacts_to_rank_1 as (
    select * from dated_reasons_ranked
    where reason_rank = 1
),
{% for reason_rank in range(2, dated_triggers | length + 1) %}
{%- set better = 'dated_contacts_to_rank_' ~ (reason_rank - 1) %}
dated_contacts_to_rank_{{ reason_rank }} as (
    select * from {{ better }}

    union all

    select reasons.*
    from dated_reasons_ranked as reasons
    left join {{ better }} as better_ones
        on
            reasons.customer_id = better_ones.customer_id
            and reasons.contact_on < {{ days_after('better_ones.contact_on', min_gap_days) }}
            and reasons.contact_on > {{ days_after('better_ones.contact_on', -min_gap_days) }}
    where reasons.reason_rank = {{ reason_rank }} and better_ones.customer_id is null
),
{% endfor %}
dated_contacts as (
    select * from dated_contacts_to_rank_{{ dated_triggers | length }}
),

contacts as (
    select
        customer_id,
        first_started_on,
        contact_on
    from dated_contacts

    union all

    select
        customer_id,
        first_started_on,
        last_contacted_on as contact_on
    from customers
    where last_contacted_on is not null
),

-- the cadence keeps its distance from them, and a month of ownership that has had its contact needs
-- no other
cadence_pauses as (
    select
        customer_id,
        {{ days_after('contact_on', 1 - min_gap_days) }} as pauses_on,
        greatest(
            {{ days_after('contact_on', min_gap_days) }},
            {{ months_after(
                'first_started_on',
                whole_months_between('first_started_on', 'contact_on') ~ ' + 1',
            ) }}
        ) as resumes_on
    from contacts
),

cadence_months as (
    select
        customers.customer_id,
        customers.first_day,
        customers.last_day,
        cadence.purpose,
        cadence.channel,
        {{ days_after(
            months_after('customers.first_started_on', 'cadence.month_of_ownership - 1'),
            'cadence.day_of_month - 1',
        ) }} as contact_on
    from customers
    cross join {{ ref('contact_cadence') }} as cadence
),

cadence_reasons as {{ materialized() }} (
    select
        cadence_months.customer_id,
        cadence_months.contact_on,
        cadence_months.purpose,
        cadence_months.channel,
        row_number() over (
            partition by cadence_months.customer_id
            order by cadence_months.contact_on
        ) as reason_number
    from cadence_months
    left join cadence_pauses
        on
            cadence_months.customer_id = cadence_pauses.customer_id
            and cadence_months.contact_on >= cadence_pauses.pauses_on
            and cadence_months.contact_on < cadence_pauses.resumes_on
    where
        cadence_months.contact_on between cadence_months.first_day and cadence_months.last_day
        and cadence_pauses.customer_id is null
),

-- the cadence in the order of time: a contact is kept if it is not too close to the last one kept
cadence_decided as (
    select
        customer_id,
        reason_number,
        purpose,
        channel,
        contact_on,
        contact_on as last_kept_on
    from cadence_reasons
    where reason_number = 1

    union all

    select
        reasons.customer_id,
        reasons.reason_number,
        reasons.purpose,
        reasons.channel,
        reasons.contact_on,
        case
            when
                {{ days_between('decided.last_kept_on', 'reasons.contact_on') }}
                >= {{ min_gap_days }}
                then reasons.contact_on
            else decided.last_kept_on
        end as last_kept_on
    from cadence_decided as decided
    inner join cadence_reasons as reasons
        on
            decided.customer_id = reasons.customer_id
            and decided.reason_number + 1 = reasons.reason_number
),

planned_contacts as (
    select
        customer_id,
        contact_on,
        due_on,
        'dated' as reason_type,
        trigger_name,
        case trigger_name
            {%- for trigger_name, purpose in dated_triggers.items() %}
            when '{{ trigger_name }}' then '{{ purpose }}'
            {%- endfor %}
        end as purpose,
        coalesce(product_category, 'none') as product_category,
        'any' as channel,
        expected_value_amount
    from dated_contacts

    union all

    select
        customer_id,
        contact_on,
        contact_on as due_on,
        'cadence' as reason_type,
        'none' as trigger_name,
        purpose,
        'none' as product_category,
        channel,
        cast(null as decimal(18, 2)) as expected_value_amount
    from cadence_decided
    where contact_on = last_kept_on
)

select
    -- keys
    planned_contacts.customer_id,
    row_number() over (
        partition by planned_contacts.customer_id
        order by planned_contacts.contact_on
    ) as contact_number,

    -- dates
    planned_contacts.contact_on,
    planned_contacts.due_on,

    -- words
    planned_contacts.reason_type,
    planned_contacts.trigger_name,
    planned_contacts.purpose,
    planned_contacts.product_category,
    planned_contacts.channel,

    -- counts
    {{ whole_months_between('customers.first_started_on', 'planned_contacts.contact_on') }} + 1
        as month_of_ownership,

    -- amounts
    planned_contacts.expected_value_amount
from planned_contacts
inner join customers
    on planned_contacts.customer_id = customers.customer_id
