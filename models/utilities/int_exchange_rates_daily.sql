-- Grain: one row per currency and day, from its first known rate to the day after today.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- the direct pair, and the inverse pair turned round
rates as (
    select
        direct_rates.from_currency as currency,
        direct_rates.rate_date,
        cast(direct_rates.rate as double) as exchange_rate,
        true as is_direct
    from {{ ref('stg_exchange_rates') }} as direct_rates
    inner join settings
        on direct_rates.to_currency = settings.reporting_currency

    union all

    select
        inverse_rates.to_currency as currency,
        inverse_rates.rate_date,
        1 / cast(inverse_rates.rate as double) as exchange_rate,
        false as is_direct
    from {{ ref('stg_exchange_rates') }} as inverse_rates
    inner join settings
        on inverse_rates.from_currency = settings.reporting_currency
),

-- once a direct rate is known, inverse rates are no longer used
rates_used as (
    select
        *,
        min(case when is_direct then rate_date end)
            over (partition by currency) as first_direct_date
    from rates
    qualify is_direct or first_direct_date is null or rate_date < first_direct_date
),

rates_with_end as (
    select
        rates_used.currency,
        rates_used.rate_date,
        rates_used.exchange_rate,
        lead(
            rates_used.rate_date, 1, {{ days_after('settings.last_plausible_date', 1) }}
        ) over (
            partition by rates_used.currency
            order by rates_used.rate_date
        ) as next_rate_date
    from rates_used
    cross join settings
),

days as (
    {{ dates_from_to('min(rate_date)', 'max(next_rate_date)', 'rates_with_end') }}
)

-- each rate holds until the next one; with a row per day, converting is a plain join
select
    rates_with_end.currency,
    days.date_day as rate_date,
    rates_with_end.exchange_rate
from rates_with_end
inner join days
    on
        rates_with_end.rate_date <= days.date_day
        and rates_with_end.next_rate_date > days.date_day
