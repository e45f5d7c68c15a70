-- Grain: one row per order as the till wrote it, before anything is judged.
select
    order_id,
    amount
from {{ source('raw', 'orders') }}
