-- Pages printed: some buyers of devices have a printer under contract, a few of them a
-- second one later. It is read every quarter or so, and at each service.
--
-- The device asks for service by its pages. Most owners come when it does, some late, some
-- not before the next time, and a few never. Use rises and falls from one quarter to the
-- next, so the gap between two services says little about the next one, the meter much.
with owners as (
    select
        customer_no,
        first_ordered_at,
        least(ends_at(), last_ordered_at + interval 300 day) as used_until
    from plan_histories
    inner join plan_customers using (customer_no)
    where vertical = 'electronics' and rnd(customer_no, 'printer') < 0.9
),

printers as (
    select
        customer_no,
        customer_no * 2 as printer_no,
        'PR' || lpad(customer_no::varchar, 7, '0') as asset_id,
        first_ordered_at as used_from,
        used_until
    from owners

    union all

    select
        customer_no,
        customer_no * 2 + 1 as printer_no,
        'PR' || lpad(customer_no::varchar, 7, '0') || '-2' as asset_id,
        first_ordered_at
        + to_days(150 + floor(400 * rnd(customer_no, 'second_on'))::int) as used_from,
        used_until
    from owners
    where rnd(customer_no, 'second_printer') < 0.3
),

-- quarters of 91 days
quarters as (
    select
        *,
        400 + floor(1400 * rnd(printer_no, 'pages'))::int as first_pages,
        unnest(range(1 + date_diff('day', used_from, used_until) // 91)) as quarter_no
    from printers
    where used_from < used_until
),

levels as (
    select
        *,
        sum(pick(
            rnd(printer_no * 20 + quarter_no, 'step'), [-1, 0, 1], [0.2, 0.75]
        )) over (partition by printer_no order by quarter_no) as level
    from quarters
),

-- pages in a quarter, in whole pages: their sums are exact
used as (
    select
        *,
        (
            3 * first_pages
            * [0.4, 0.65, 1, 1.6, 2.4][3 + greatest(-2, least(2, level))::int]
            * (0.9 + 0.2 * rnd(printer_no * 20 + quarter_no, 'use'))
        )::int as pages,
        sum(pages) over (partition by printer_no order by quarter_no) - pages
            as pages_before
    from levels
),

quarterly as (
    select
        printer_no,
        quarter_no,
        70 + floor(20 * rnd(printer_no * 20 + quarter_no, 'read'))::int as day_in_quarter,
        false as is_service_visit
    from used
),

services as (
    select
        printer_no,
        sum((getvariable('service_pages') * pick(
            rnd(printer_no * 100 + service_no, 'comes'),
            [
                0.94 + 0.10 * rnd(printer_no * 100 + service_no, 'near'),
                1.10 + 0.35 * rnd(printer_no * 100 + service_no, 'late'),
                2
            ],
            [0.77, 0.93]
        ))::int) over (partition by printer_no order by service_no) as pages_at_service
    from (
        select
            printer_no,
            unnest(range(sum(pages)::bigint // 5600)) as service_no
        from used
        where rnd(printer_no, 'is_served') < 0.88
        group by printer_no
    )
),

readings as (
    select * from quarterly

    union all

    select
        used.printer_no,
        quarter_no,
        ceil(91 * (pages_at_service - pages_before) / pages)::int as day_in_quarter,
        true as is_service_visit
    from services
    inner join used
        on services.printer_no = used.printer_no
        and services.pages_at_service > used.pages_before
        and services.pages_at_service <= used.pages_before + used.pages
),

-- a meter that is read twice on a day was read at the service
by_day as (
    select
        printer_no,
        quarter_no,
        day_in_quarter,
        bool_or(is_service_visit) as is_service_visit
    from readings
    group by all
),

placed as (
    select
        *,
        used_from + to_days((91 * quarter_no + day_in_quarter)::int) as read_at,
        (pages_before + pages * day_in_quarter // 91)::bigint as reading
    from by_day
    inner join used using (printer_no, quarter_no)
)

select
    row_number() over (order by printer_no, read_at) as _row,
    asset_id,
    customer_id_of(customer_no) as customer_id,
    read_at,
    reading,
    is_service_visit
from placed
where read_at < used_until
