-- Grain: one row per period and slice in which a term fell due.
{%- set keys = ['period_grain', 'period_start_date', 'segment_name', 'segment_value'] %}

with

periods as (
    select * from {{ ref('int_periods') }}
),

-- added up first, so that each grain is made of few rows; the days to renew stay apart, because a
-- median is of them
terms as (
    select
        {{ month_start('terms.due_on') }} as due_month,
        terms.outcome,
        terms.days_to_renew,
        {{ slice_columns('customers') }},
        count(*) as terms_due
    from {{ ref('int_renewal_terms') }} as terms
    inner join {{ ref('int_customers') }} as customers
        on terms.customer_id = customers.customer_id
    group by
        {{ month_start('terms.due_on') }},
        terms.outcome,
        terms.days_to_renew,
        {{ slice_columns('customers') }}
),

terms_by_slice as (
    {{ rows_by_slice('terms') }}
),

month_counts as (
    select
        due_month,
        outcome,
        days_to_renew,
        segment_name,
        segment_value,
        sum(terms_due) as terms_due
    from terms_by_slice
    group by due_month, outcome, days_to_renew, segment_name, segment_value
),

-- a month lies in one period of each calendar grain, and in twelve trailing years
period_counts as (
    select
        periods.period_grain,
        periods.period_start_date,
        month_counts.segment_name,
        month_counts.segment_value,
        month_counts.outcome,
        month_counts.days_to_renew,
        sum(month_counts.terms_due) as terms_due
    from month_counts
    inner join periods
        on
            month_counts.due_month >= periods.period_start_date
            and month_counts.due_month < periods.next_period_start_date
            and {{ is_of_grains(
                'periods.period_grain', period_grains() | list + [trailing_grain()]
            ) }}
    group by
        periods.period_grain,
        periods.period_start_date,
        month_counts.segment_name,
        month_counts.segment_value,
        month_counts.outcome,
        month_counts.days_to_renew
),

-- the renewed terms in a row, quick ones first, of which the median is the one in the middle
terms_in_order as (
    select
        *,
        sum(case when days_to_renew is not null then terms_due end) over (
            partition by {{ keys | join(', ') }}
        ) as terms_renewed,
        sum(case when days_to_renew is not null then terms_due end) over (
            partition by {{ keys | join(', ') }}
            order by days_to_renew nulls last
            rows unbounded preceding
        ) as last_in_order
    from period_counts
),

renewals as (
    select
        {{ keys | join(',\n        ') }},
        sum(terms_due) as terms_due,
        coalesce(max(terms_renewed), 0) as terms_renewed,
        {%- for outcome in ['lapsed', 'pending', 'early', 'on_time', 'late'] %}
        sum(case when outcome = '{{ outcome }}' then terms_due else 0 end) as {{ outcome }},
        {%- endfor %}
        -- of an even number of terms, the mean of the two in the middle
        (
            min(case when last_in_order >= floor((terms_renewed + 1) / 2.0) then days_to_renew end)
            + min(
                case when last_in_order >= ceil((terms_renewed + 1) / 2.0) then days_to_renew end
            )
        ) / 2.0 as median_days_to_renew
    from terms_in_order
    group by {{ keys | join(', ') }}
)

select
    -- keys
    renewals.period_grain,
    renewals.period_start_date,
    renewals.segment_name,
    renewals.segment_value,

    -- dates
    periods.closes_on,

    -- counts
    cast(renewals.terms_due as bigint) as terms_due,
    cast(renewals.terms_renewed as bigint) as terms_renewed,
    cast(renewals.lapsed as bigint) as terms_lapsed,
    cast(renewals.pending as bigint) as terms_pending,
    cast(renewals.early as bigint) as early,
    cast(renewals.on_time as bigint) as on_time,
    cast(renewals.late as bigint) as late,

    -- averages
    cast(renewals.median_days_to_renew as double) as median_days_to_renew,

    -- rates
    case
        when periods.has_rates
            then {{ rate('renewals.terms_renewed', 'renewals.terms_due - renewals.pending') }}
    end as renewal_rate,

    -- flags
    periods.is_complete_period
from renewals
inner join periods
    on {{ same_values('renewals', 'periods', ['period_grain', 'period_start_date']) }}
