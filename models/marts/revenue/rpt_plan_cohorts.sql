-- Grain: one row per cohort month, months since and slice of the first contract.

with

-- months make the report, so a customer's days are added up to them first
customer_months as (
    select
        customer_id,
        {{ month_start('moved_on') }} as moved_month,
        sum(mrr_change_amount) as mrr_change,
        sum(case when movement = 'new' then mrr_change_amount else 0 end) as first_mrr,
        sum(
            case
                when movement in ('new', 'reactivation') then 1
                when movement = 'churn' then -1
                else 0
            end
        ) as active_customers_change
    from {{ ref('fct_mrr_movements') }}
    group by customer_id, {{ month_start('moved_on') }}
),

customers as (
    select
        customer_id,
        first_plan,
        first_billing_term,
        {{ month_start('first_paid_on') }} as cohort_month
    from {{ ref('int_first_terms') }}
),

-- added up before they are sliced
cohort_months as (
    select
        customers.cohort_month,
        customers.first_plan,
        customers.first_billing_term,
        {{ months_between('customers.cohort_month', 'customer_months.moved_month') }}
            as months_since,
        count(case when customer_months.first_mrr > 0 then 1 end) as new_customers,
        sum(customer_months.active_customers_change) as active_customers_change,
        sum(customer_months.first_mrr) as first_mrr,
        sum(customer_months.mrr_change) as mrr_change
    from customer_months
    inner join customers
        on customer_months.customer_id = customers.customer_id
    group by
        customers.cohort_month,
        customers.first_plan,
        customers.first_billing_term,
        {{ months_between('customers.cohort_month', 'customer_months.moved_month') }}
),

cohort_months_by_slice as (
    {{ rows_by_slice('cohort_months', ['first_plan', 'first_billing_term']) }}
),

cohort_changes as (
    select
        cohort_month,
        segment_name,
        segment_value,
        months_since,
        sum(new_customers) as new_customers,
        sum(active_customers_change) as active_customers_change,
        sum(first_mrr) as first_mrr,
        sum(mrr_change) as mrr_change
    from cohort_months_by_slice
    group by cohort_month, segment_name, segment_value, months_since
),

-- everybody begins in the first month of the cohort
cohorts as (
    select
        cohort_month,
        segment_name,
        segment_value,
        new_customers as cohort_customers,
        first_mrr as cohort_mrr
    from cohort_changes
    where months_since = 0
),

-- every month up to that of as-of has a row, whether or not anything happens in it
cohort_ages as (
    select
        cohorts.*,
        periods.is_complete_period,
        {{ months_between('cohorts.cohort_month', 'periods.period_start_date') }} as months_since
    from cohorts
    inner join {{ ref('int_periods') }} as periods
        on cohorts.cohort_month <= periods.period_start_date
    where periods.period_grain = 'month'
),

cohorts_cumulated as (
    select
        ages.*,
        sum(coalesce(changes.active_customers_change, 0)) over months_so_far as active_customers,
        sum(coalesce(changes.mrr_change, 0)) over months_so_far as mrr
    from cohort_ages as ages
    left join cohort_changes as changes
        on {{ same_values(
            'ages', 'changes', ['cohort_month', 'segment_name', 'segment_value', 'months_since']
        ) }}
    window months_so_far as (
        partition by ages.cohort_month, ages.segment_name, ages.segment_value
        order by ages.months_since
        rows unbounded preceding
    )
)

select
    -- keys
    cohort_month,
    cast(months_since as integer) as months_since,
    segment_name,
    segment_value,

    -- counts
    cast(cohort_customers as bigint) as cohort_customers,
    cast(active_customers as bigint) as active_customers,

    -- amounts
    {{ as_amount('cohort_mrr') }} as cohort_mrr_amount,
    {{ as_amount('mrr') }} as mrr_amount,

    -- rates
    {{ rate('active_customers', 'cohort_customers') }} as active_rate,
    {{ rate('mrr', 'cohort_mrr') }} as mrr_retention_rate,

    -- flags
    is_complete_period
from cohorts_cumulated
