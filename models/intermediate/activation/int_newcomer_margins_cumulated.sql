-- Grain: one row per month in which customers were won, acquisition channel, campaign, discount and
-- complete month since.
{%- set cohort = ['won_month', 'acquisition_channel', 'acquisition_campaign', 'discount'] %}
{{ config(materialized='table') }}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

newcomers as (
    select
        customer_id,
        acquisition_channel,
        acquisition_campaign,
        discount,
        {{ month_start('won_on') }} as won_month
    from {{ ref('int_newcomers_followed') }}
),

cohorts as (
    select
        {{ cohort | join(', ') }},
        count(*) as cohort_customers
    from newcomers
    group by {{ cohort | join(', ') }}
),

earnings as (
    select
        entries.customer_id,
        {{ month_start('entries.revenue_date') }} as earned_month,
        entries.margin_amount as margin,
        0 as margin_mrr_change
    from {{ ref('int_revenue_entries') }} as entries
    -- a refund that is known but dated after as-of has not happened yet
    inner join settings
        on entries.revenue_date <= settings.as_of_date

    union all

    select
        customer_id,
        {{ month_start('changed_on') }} as earned_month,
        margin_amount as margin,
        margin_mrr_change_amount as margin_mrr_change
    from {{ ref('int_recurring_revenue_typed') }}
),

cohort_earnings as (
    select
        newcomers.{{ cohort | join(', newcomers.') }},
        -- money that moved before the first spell belongs to its first month
        greatest(earnings.earned_month, newcomers.won_month) as period_start_date,
        sum(earnings.margin) as margin,
        sum(earnings.margin_mrr_change) as margin_mrr_change
    from earnings
    inner join newcomers
        on earnings.customer_id = newcomers.customer_id
    group by
        newcomers.{{ cohort | join(', newcomers.') }},
        greatest(earnings.earned_month, newcomers.won_month)
),

cohort_months as (
    {{ periods_of_groups('cohorts', cohort, 'won_month', ['month']) }}
),

cohort_months_earned as (
    select
        cohort_months.{{ cohort | join(', cohort_months.') }},
        cohort_months.period_start_date,
        coalesce(cohort_earnings.margin, 0) as margin,
        coalesce(cohort_earnings.margin_mrr_change, 0) as margin_mrr_change
    from cohort_months
    left join cohort_earnings
        on {{ same_values('cohort_months', 'cohort_earnings', cohort + ['period_start_date']) }}
    where cohort_months.is_complete_period
),

cohort_margins as (
    select
        {{ cohort | join(', ') }},
        period_start_date,
        {{ earned_in_month('margin', 'margin_mrr_change', 'cohort_life') }} as margin
    from cohort_months_earned
    window cohort_life as (
        partition by {{ cohort | join(', ') }}
        order by period_start_date
        rows unbounded preceding
    )
)

select
    -- keys
    cohort_margins.won_month,
    cohort_margins.acquisition_channel,
    cohort_margins.acquisition_campaign,
    cohort_margins.discount,
    {{ months_between('cohort_margins.won_month', 'cohort_margins.period_start_date') }}
        as months_since,

    -- counts
    cohorts.cohort_customers,

    -- amounts
    {{ as_amount('sum(cohort_margins.margin) over cohort_life') }} as cumulative_margin_amount
from cohort_margins
inner join cohorts
    on {{ same_values('cohort_margins', 'cohorts', cohort) }}
window cohort_life as (
    partition by cohort_margins.{{ cohort | join(', cohort_margins.') }}
    order by cohort_margins.period_start_date
    rows unbounded preceding
)
