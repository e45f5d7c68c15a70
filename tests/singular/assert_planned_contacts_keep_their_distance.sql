-- Planned contacts of a customer are numbered by day, and each is at least the smallest gap after
-- the one before it: the last one made, for the first.
with

contacts_made as (
    select
        customer_id,
        max(contacted_on) as last_contacted_on
    from {{ ref('int_customer_contacts') }}
    group by customer_id
),

contacts_with_previous as (
    select
        plan.customer_id,
        plan.contact_number,
        plan.contact_on,
        coalesce(
            lag(plan.contact_on) over (
                partition by plan.customer_id
                order by plan.contact_number
            ),
            contacts_made.last_contacted_on
        ) as previous_contact_on,
        row_number() over (
            partition by plan.customer_id
            order by plan.contact_on
        ) as place
    from {{ ref('fct_contact_plan') }} as plan
    left join contacts_made
        on plan.customer_id = contacts_made.customer_id
)

select *
from contacts_with_previous
where
    contact_number <> place
    or {{ days_between('previous_contact_on', 'contact_on') }} < {{ var('contact_min_gap_days') }}
