-- Grain: one row per customer whose next purchase can be predicted.

select
    -- keys
    histories.customer_id,

    -- dates
    histories.last_purchase_on as last_visit_on,
    {{ days_after('histories.last_purchase_on', 'ceil(histories.median_gap_days)') }}
        as next_visit_on,

    -- words
    'median own gap' as method
from {{ ref('int_purchase_histories') }} as histories
inner join {{ ref('int_activity_spells') }} as spells
    on
        histories.customer_id = spells.customer_id
        and spells.relationship = 'orders'
        and spells.is_active
-- one gap is no habit yet
where histories.clv_frequency >= 2
