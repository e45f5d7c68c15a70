-- A fault falls on the first line of an order, so that the order's number can place it.
with sold as (
    select
        order_no,
        'O' as prefix,
        unnest(lines) as line,
        unnest(range(1, len(lines) + 1)) as line_number
    from plan_orders
    where rnd(order_no, 'no_lines') >= 0.02

    union all

    -- what comes back is the first line
    select
        order_no,
        'R' as prefix,
        lines[1] as line,
        1 as line_number
    from plan_orders
    where outcome = 'returned' and rnd(order_no, 'no_lines') >= 0.02
),

priced as (
    select
        *,
        (getvariable('prices')[line.product_no] * line.quantity)::bigint as cents
    from sold
)

select
    if(prefix = 'O' and line_number = 1, order_no, null) as _row,
    order_id_of(prefix, order_no) as order_id,
    line_number::int as line_number,
    'P' || lpad(line.product_no::varchar, 2, '0') as product_id,
    line.quantity::int as quantity,
    as_amount(cents) as amount,
    -- a supplier in five tells no cost
    if(
        line.product_no % 5 = 0,
        null,
        as_amount(cents * (50 + line.product_no % 4 * 4) // 100)
    ) as cost_amount
from priced
