-- Grain: one row per day on which the state is looked at.
{{ config(materialized='table') }}

with

settings as (
    select
        as_of_date,
        {{ calibrated_on('as_of_date') }} as calibrated_on
    from {{ ref('int_run_settings') }}
),

histories as (
    select * from {{ ref('int_purchase_histories') }}
),

-- the hold-out is unseen here too
customer_margins as (
    select
        'as_of' as cutoff,
        customer_id,
        margin_amount
    from histories

    union all

    select
        'calibration' as cutoff,
        customer_id,
        calibration_margin_amount as margin_amount
    from histories
    where calibration_frequency is not null
),

customers_ranked as (
    select
        cutoff,
        margin_amount,
        ntile(10) over (
            partition by cutoff
            order by margin_amount desc, customer_id asc
        ) as margin_decile
    from customer_margins
)

select
    customers_ranked.cutoff,
    case
        when customers_ranked.cutoff = 'as_of' then settings.as_of_date
        else settings.calibrated_on
    end as cutoff_on,
    {{ in_cents('greatest(median(cast(customers_ranked.margin_amount as double)), 0)') }}
        as order_margin_limit_amount
from customers_ranked
cross join settings
where customers_ranked.margin_decile = 1
group by customers_ranked.cutoff, settings.as_of_date, settings.calibrated_on
