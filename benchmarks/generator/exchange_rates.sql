-- Working days only, so that a weekend takes Friday's rate. Dollars are quoted into EUR
-- and pounds out of it: the inverse pair has to be found.
with days as (
    select (getvariable('starts_on')::date - 10 + range::int) as rate_date
    from range(getvariable('days') + 10)
),

quotes as (
    select
        rate_date,
        rate_date - date '2020-01-01' as day_no,
        unnest(['USD', 'EUR']) as from_currency,
        unnest(['EUR', 'GBP']) as to_currency,
        unnest([0.92, 0.86]) as middle
    from days
    where isodow(rate_date) <= 5
)

select
    row_number() over (order by rate_date, from_currency) as _row,
    rate_date,
    from_currency,
    to_currency,
    -- slow swings with a little noise
    round(
        middle
        + 0.03 * sin(day_no / 97.0) + 0.012 * cos(day_no / 23.0)
        + 0.004 * (rnd(day_no, from_currency) - 0.5),
        4
    )::decimal(12, 4) as rate
from quotes
