-- Grain: one row per channel and customer with a bad service contact in one year, the first one.
-- churned_on is filled if the customer left within the days that rpt_service_contacts follows.
{%- set period_start_date = '2025-01-01' %}

with

bad_contacts as (
    select * from {{ ref('int_service_contacts') }}
    where
        is_bad
        and {{ period_start("'year'", 'contacted_on') }}
        = cast('{{ period_start_date }}' as date)
),

contacts_of_active_customers as (
    select
        bad_contacts.*,
        spells.ended_on
    from bad_contacts
    inner join {{ ref('fct_activity_spells') }} as spells
        on
            bad_contacts.customer_id = spells.customer_id
            and spells.relationship = 'any'
            and bad_contacts.contacted_on >= spells.started_on
            and bad_contacts.contacted_on < coalesce(spells.ended_on, {{ open_end() }})
    qualify row_number() over (
        partition by bad_contacts.customer_id, bad_contacts.channel
        order by bad_contacts.contacted_on, bad_contacts.contact_id
    ) = 1
)

select
    channel,
    customer_id,
    contacted_on,
    is_resolved,
    outcome_score,
    case
        when ended_on <= {{ days_after('contacted_on', var('service_churn_days')) }}
            then ended_on
    end as churned_on
from contacts_of_active_customers
order by channel, contacted_on, customer_id
