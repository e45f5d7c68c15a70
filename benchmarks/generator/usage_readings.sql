-- Pages printed: some buyers of devices have a printer under contract, read every
-- quarter or so and serviced at every third reading.
with printers as (
    select
        customer_no,
        first_ordered_at,
        200 + floor(1800 * rnd(customer_no, 'pages'))::int as pages_a_month,
        unnest(range(date_diff('day', first_ordered_at, least(
            ends_at(), last_ordered_at + interval 200 day
        )) // 91)) as reading_no
    from plan_histories
    inner join plan_customers using (customer_no)
    where vertical = 'electronics' and rnd(customer_no, 'printer') < 0.7
),

readings as (
    select
        *,
        91 * (reading_no + 1) - 20
        + floor(20 * rnd(customer_no * 20 + reading_no, 'read'))::int as days_in_use
    from printers
)

select
    row_number() over (order by customer_no, reading_no) as _row,
    'PR' || lpad(customer_no::varchar, 7, '0') as asset_id,
    customer_id_of(customer_no) as customer_id,
    first_ordered_at + to_days(days_in_use) as read_at,
    pages_a_month * days_in_use // 30 as reading,
    reading_no % 3 = 2 as is_service_visit
from readings
