-- Grain: one row per customer who may have begun before the data.

select
    spells.customer_id,
    spells.started_on as first_active_on
from {{ ref('int_activity_spells') }} as spells
inner join {{ ref('int_customers') }} as customers
    on spells.customer_id = customers.customer_id
-- without history_starts_on the join finds no row
inner join {{ ref('int_run_settings') }} as settings
    on
        spells.started_on
        < {{ days_after('settings.history_starts_on', 'customers.activity_window_days') }}
where spells.relationship = 'any' and spells.spell_number = 1
