-- One customer in 200 is missing here on purpose, and known from other tables only.
select
    customer_no as _row,
    customer_id_of(customer_no) as customer_id,
    created_at,
    if(
        is_erased or rnd(customer_no, 'mail') > 0.9,
        null,
        'c' || customer_no || '@example.com'
    ) as email,
    if(
        is_erased,
        null,
        pick_evenly(
            rnd(customer_no, 'first'),
            [
                'Ada', 'Ben', 'Chloé', 'Dilan', 'Eva', 'Finn', 'Greta', 'Hugo', 'Jörg'
            ]
        ) || ' ' || pick_evenly(
            rnd(customer_no, 'last'),
            [
                'Adler', 'Brown', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'Green',
                'Huber', 'O''Neill'
            ]
        )
    ) as full_name,
    region,
    industry,
    customer_segment,
    vertical,
    channel as acquisition_channel,
    -- the campaign of the half year, for two thirds of those who came through a paid
    -- channel
    case
        when channel in ('paid_search', 'paid_social')
            and rnd(customer_no, 'campaign') < 0.66
            then campaign_id_of(
                13 + 2 * least(5, joined_day_no * 6 // getvariable('days'))
                + if(channel = 'paid_search', 0, 1)
            )
    end as acquisition_campaign_id,
    is_discount_acquired,
    may_contact,
    coalesce(erased_at, created_at) as updated_at,
    erased_at
from (
    select
        *,
        -- some were known before they bought
        greatest(
            getvariable('starts_on')::timestamp,
            joined_at - to_hours(floor(if(
                rnd(customer_no, 'known') < 0.3, 1400 * rnd(customer_no, 'before'), 0
            ))::int + 1)
        ) as created_at,
        rnd(customer_no, 'erased') < 0.01 as is_erased,
        case
            when is_erased
                then joined_at + (ends_at() - joined_at) * rnd(customer_no, 'erased_at')
        end as erased_at
    from plan_customers
    where is_known and customer_no % 200 != 77
)
