-- Grain: one row per customer and way through a period.
-- Which customers are behind a count of rpt_retention_periods? Set relationship and period below
-- and run `dbt show --select who_is_behind_a_count`: each customer stands beside the count they are
-- in.
{%- set relationship = 'any' %}
{%- set period_grain = 'month' %}
{%- set period_start_date = '2025-11-01' %}

with

period as (
    select * from {{ ref('dim_periods') }}
    where
        period_grain = '{{ period_grain }}'
        and period_start_date = cast('{{ period_start_date }}' as date)
),

-- whether a customer is active on the last day before the period and on its last day
customers_in_period as (
    select
        spells.customer_id,
        period.period_start_date,
        max(
            case
                when
                    spells.started_on < period.period_start_date
                    and coalesce(spells.ended_on >= period.period_start_date, true)
                    then 1
                else 0
            end
        ) = 1 as is_opening,
        max(
            case
                when coalesce(spells.ended_on > period.closes_on, true) then 1
                else 0
            end
        ) = 1 as is_closing,
        max(
            case when spells.ended_on <= period.closes_on then 1 else 0 end
        ) = 1 as is_lost_between,
        min(spells.first_started_on) >= period.period_start_date as is_first_arrival
    from {{ ref('fct_activity_spells') }} as spells
    -- the spells that touch the period
    inner join period
        on
            spells.started_on <= period.closes_on
            and coalesce(spells.ended_on >= period.period_start_date, true)
    where spells.relationship = '{{ relationship }}'
    group by spells.customer_id, period.period_start_date
)

select
    customer_id,
    case
        when is_opening and is_closing and is_lost_between then 'lost_and_returned'
        when is_opening and is_closing then 'stayed'
        when is_opening then 'lost'
        when is_first_arrival and is_closing then 'new'
        when is_first_arrival then 'new_and_lost'
        when is_closing then 'reactivated'
        else 'reactivated_and_lost'
    end as went_through_as
from customers_in_period
order by went_through_as, customer_id
