-- Grain: one row per period and slice in which a term fell due.

with

periods as (
    select * from {{ ref('int_periods') }}
),

terms as (
    select
        terms.*,
        {{ segment_columns('customers') }}
    from {{ ref('int_renewal_terms') }} as terms
    inner join {{ ref('int_customers') }} as customers
        on terms.customer_id = customers.customer_id
),

terms_by_period as (
    {{ rows_by_period('terms', 'due_on') }}
),

terms_by_slice as (
    {{ rows_by_slice('terms_by_period') }}
),

renewals as (
    select
        period_grain,
        period_start_date,
        segment_name,
        segment_value,
        count(*) as terms_due,
        count(renewed_on) as terms_renewed,
        count(case when outcome = 'lapsed' then 1 end) as terms_lapsed,
        count(case when outcome = 'pending' then 1 end) as terms_pending,
        count(case when outcome = 'early' then 1 end) as early,
        count(case when outcome = 'on_time' then 1 end) as on_time,
        count(case when outcome = 'late' then 1 end) as late,
        median(days_to_renew) as median_days_to_renew
    from terms_by_slice
    group by period_grain, period_start_date, segment_name, segment_value
)

select
    -- keys
    renewals.period_grain,
    renewals.period_start_date,
    renewals.segment_name,
    renewals.segment_value,

    -- counts
    renewals.terms_due,
    renewals.terms_renewed,
    renewals.terms_lapsed,
    renewals.terms_pending,
    renewals.early,
    renewals.on_time,
    renewals.late,

    -- averages
    renewals.median_days_to_renew,

    -- rates
    {{ rate('renewals.terms_renewed', 'renewals.terms_due - renewals.terms_pending') }}
        as renewal_rate,

    -- flags
    periods.is_complete_period
from renewals
inner join periods
    on
        renewals.period_grain = periods.period_grain
        and renewals.period_start_date = periods.period_start_date
