-- Grain: one row per customer with a contact through as-of.
{{ config(materialized='table') }}

select
    -- keys
    contacts.customer_id,

    -- dates
    contacts.contacted_on as last_contacted_on,

    -- words
    contacts.contact_type as last_contact_type,
    contacts.contact_outcome as last_contact_outcome
from {{ ref('int_customer_contacts') }} as contacts
inner join {{ ref('int_run_settings') }} as settings
    on contacts.contacted_on <= settings.as_of_date
where contacts.customer_id is not null
qualify row_number() over (
    partition by contacts.customer_id
    order by contacts.contacted_on desc, contacts.contact_id desc
) = 1
