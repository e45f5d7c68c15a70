-- Grain: one row per month, combination of segments and channel in which a customer was won.

select
    -- keys
    {{ month_start('spells.started_on') }} as month_start_date,
    {{ segment_columns('customers') }},
    -- as marketing spend names it
    lower({{ trimmed('customers.acquisition_channel') }}) as channel,

    -- counts
    count(*) as new_customers
from {{ ref('int_activity_spells') }} as spells
inner join {{ ref('int_customers') }} as customers
    on spells.customer_id = customers.customer_id
left join {{ ref('int_customers_inherited') }} as inherited
    on spells.customer_id = inherited.customer_id
where
    spells.relationship = 'any'
    and spells.spell_number = 1
    -- whoever may have begun before the data was not won in them
    and inherited.customer_id is null
group by
    {{ month_start('spells.started_on') }},
    {{ segment_columns('customers') }}
