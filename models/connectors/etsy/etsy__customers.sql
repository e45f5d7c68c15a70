-- Grain: one row per buyer on Etsy who has a username.

with

order_rows as (
    select * from {{ ref('etsy__rows') }}
),

named_orders as (
    select
        {{ source_key('order_id') }} as order_id,
        max(full_name) as full_name
    from ({{ exported('etsy.orders') }}) as orders
    group by {{ source_key('order_id') }}
)

select
    order_rows.customer_id,
    max(order_rows.username) as source_customer_id,
    -- not the name on the parcel, which may be a gift
    coalesce(max(named_orders.full_name), max(order_rows.display_name)) as full_name,
    max(order_rows.ship_country) as region
from order_rows
left join named_orders
    on order_rows.order_id = named_orders.order_id
where order_rows.customer_id is not null
group by order_rows.customer_id
