-- Grain: one row per period and slice in which a term fell due.

with

periods as (
    select * from {{ ref('dim_periods') }}
),

terms as (
    select
        terms.*,
        {{ segment_columns('customers') }}
    from {{ ref('int_renewal_terms') }} as terms
    inner join {{ ref('dim_customers') }} as customers
        on terms.customer_id = customers.customer_id
),

slices as (
    {{ segment_names() }}
),

terms_sliced as (
    select
        terms.*,
        slices.segment_name,
        {{ segment_value() }} as segment_value
    from terms
    cross join slices
),

renewals as (
    select
        periods.period_grain,
        periods.period_start_date,
        periods.is_complete_period,
        terms_sliced.segment_name,
        terms_sliced.segment_value,
        count(*) as terms_due,
        count(terms_sliced.renewed_on) as terms_renewed,
        count(case when terms_sliced.outcome = 'lapsed' then 1 end) as terms_lapsed,
        count(case when terms_sliced.outcome = 'pending' then 1 end) as terms_pending,
        count(case when terms_sliced.outcome = 'early' then 1 end) as early,
        count(case when terms_sliced.outcome = 'on_time' then 1 end) as on_time,
        count(case when terms_sliced.outcome = 'late' then 1 end) as late,
        median(terms_sliced.days_to_renew) as median_days_to_renew
    from terms_sliced
    inner join periods
        on terms_sliced.due_on between periods.period_start_date and periods.closes_on
    group by
        periods.period_grain,
        periods.period_start_date,
        periods.is_complete_period,
        terms_sliced.segment_name,
        terms_sliced.segment_value
)

select
    -- keys
    period_grain,
    period_start_date,
    segment_name,
    segment_value,

    -- counts
    terms_due,
    terms_renewed,
    terms_lapsed,
    terms_pending,
    early,
    on_time,
    late,

    -- averages
    median_days_to_renew,

    -- rates
    {{ rate('terms_renewed', 'terms_due - terms_pending') }} as renewal_rate,

    -- flags
    is_complete_period
from renewals
