-- Grain: one row per run: how long the history is.

with

settings as (
    select
        as_of_date,
        history_starts_on
    from {{ ref('int_run_settings') }}
),

first_days as (
    select min(first_started_on) as first_active_on
    from {{ ref('int_activity_spells') }}
),

histories as (
    select
        settings.as_of_date,
        case
            when first_days.first_active_on < settings.history_starts_on
                then settings.history_starts_on
            else first_days.first_active_on
        end as history_from
    from settings
    cross join first_days
),

-- as-of is over: a history from January 1 to December 31 is a year long
histories_in_months as (
    select
        history_from,
        case
            when history_from <= as_of_date
                then {{ whole_months_between('history_from', days_after('as_of_date', 1)) }}
            else 0
        end as history_months
    from histories
)

select
    history_from,
    cast(history_months as bigint) as history_months,
    cast(least(history_months, {{ var('ltv_horizon_months') }}) as bigint) as ltv_months
from histories_in_months
