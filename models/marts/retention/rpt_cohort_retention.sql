-- Grain: one row per relationship, cohort month, months since and combination of segments.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

spells as (
    select
        spells.relationship,
        spells.spell_number,
        {{ month_start('spells.first_started_on') }} as cohort_month,
        {{ month_start('spells.started_on') }} as started_month,
        {{ month_start('spells.ended_on') }} as ended_month,
        spells.customer_id,
        {{ segment_columns('customers') }}
    from {{ ref('fct_activity_spells') }} as spells
    inner join {{ ref('dim_customers') }} as customers
        on spells.customer_id = customers.customer_id
),

cohort_members as (
    select * from spells
    where spell_number = 1
),

cohorts as (
    select
        relationship,
        cohort_month,
        {{ segment_columns() }},
        count(*) as cohort_customers
    from cohort_members
    group by relationship, cohort_month, {{ segment_columns() }}
),

-- a refund known but dated after as-of has not happened yet
revenue_by_relationship as (
    select
        entries.customer_id,
        entries.relationship,
        {{ month_start('entries.revenue_date') }} as activity_month,
        sum(entries.revenue_amount) as revenue_amount,
        sum(entries.margin_amount) as margin_amount,
        max(case when entries.is_purchase then 1 else 0 end) as is_purchasing
    from {{ ref('int_revenue_entries') }} as entries
    cross join settings
    where
        entries.customer_id <> 'anonymous'
        and entries.revenue_date <= settings.as_of_date
    group by
        entries.customer_id,
        entries.relationship,
        {{ month_start('entries.revenue_date') }}
),

customer_months as (
    select * from revenue_by_relationship

    union all

    -- a month counts once for a customer, whatever was bought in it
    select
        customer_id,
        'any' as relationship,
        activity_month,
        sum(revenue_amount) as revenue_amount,
        sum(margin_amount) as margin_amount,
        max(is_purchasing) as is_purchasing
    from revenue_by_relationship
    group by customer_id, activity_month
),

months as (
    select distinct month_start_date
    from {{ ref('dim_dates') }}
    where is_past
),

-- what happened in a month of a cohort's life; spells begun less spells ended are customers
happenings as (
    select
        cohorts.relationship,
        cohorts.cohort_month,
        {{ segment_columns('cohorts') }},
        months.month_start_date as happened_month,
        0 as purchasing_customers,
        0 as active_customers_change,
        0 as revenue_amount,
        0 as margin_amount
    from cohorts
    inner join months
        on cohorts.cohort_month <= months.month_start_date

    union all

    select
        cohort_members.relationship,
        cohort_members.cohort_month,
        {{ segment_columns('cohort_members') }},
        -- money that moved before the first spell belongs to its first month
        greatest(customer_months.activity_month, cohort_members.cohort_month)
            as happened_month,
        sum(customer_months.is_purchasing) as purchasing_customers,
        0 as active_customers_change,
        sum(customer_months.revenue_amount) as revenue_amount,
        sum(customer_months.margin_amount) as margin_amount
    from cohort_members
    inner join customer_months
        on
            cohort_members.customer_id = customer_months.customer_id
            and cohort_members.relationship = customer_months.relationship
    group by
        cohort_members.relationship,
        cohort_members.cohort_month,
        {{ segment_columns('cohort_members') }},
        greatest(customer_months.activity_month, cohort_members.cohort_month)

    union all

    select
        relationship,
        cohort_month,
        {{ segment_columns() }},
        started_month as happened_month,
        0 as purchasing_customers,
        count(*) as active_customers_change,
        0 as revenue_amount,
        0 as margin_amount
    from spells
    group by relationship, cohort_month, {{ segment_columns() }}, started_month

    union all

    select
        relationship,
        cohort_month,
        {{ segment_columns() }},
        ended_month as happened_month,
        0 as purchasing_customers,
        -count(*) as active_customers_change,
        0 as revenue_amount,
        0 as margin_amount
    from spells
    where ended_month is not null
    group by relationship, cohort_month, {{ segment_columns() }}, ended_month
),

cohort_months as (
    select
        relationship,
        cohort_month,
        happened_month,
        {{ segment_columns() }},
        sum(purchasing_customers) as purchasing_customers,
        sum(active_customers_change) as active_customers_change,
        sum(revenue_amount) as revenue_amount,
        sum(margin_amount) as margin_amount
    from happenings
    group by relationship, cohort_month, happened_month, {{ segment_columns() }}
),

cohort_months_cumulated as (
    select
        *,
        sum(active_customers_change) over cohort_life as active_customers,
        sum(revenue_amount) over cohort_life as cumulative_revenue_amount,
        sum(margin_amount) over cohort_life as cumulative_margin_amount
    from cohort_months
    window cohort_life as (
        partition by relationship, cohort_month, {{ segment_columns() }}
        order by happened_month
        rows unbounded preceding
    )
)

select
    -- keys
    cohort_months.relationship,
    cohort_months.cohort_month,
    cast(
        {{ months_between('cohort_months.cohort_month', 'cohort_months.happened_month') }}
        as integer
    ) as months_since,
    {{ segment_columns('cohort_months') }},

    -- counts
    cohorts.cohort_customers,
    cast(cohort_months.purchasing_customers as bigint) as purchasing_customers,
    cast(cohort_months.active_customers as bigint) as active_customers,

    -- amounts
    {{ as_amount('cohort_months.revenue_amount') }} as revenue_amount,
    {{ as_amount('cohort_months.margin_amount') }} as margin_amount,
    {{ as_amount('cohort_months.cumulative_revenue_amount') }} as cumulative_revenue_amount,
    {{ as_amount('cohort_months.cumulative_margin_amount') }} as cumulative_margin_amount,
    {{ amount_per('cohort_months.cumulative_revenue_amount', 'cohorts.cohort_customers') }}
        as cumulative_revenue_per_customer_amount,
    {{ amount_per('cohort_months.cumulative_margin_amount', 'cohorts.cohort_customers') }}
        as cumulative_margin_per_customer_amount,

    -- rates
    {{ rate('cohort_months.active_customers', 'cohorts.cohort_customers') }}
        as active_rate,
    {{ rate('cohort_months.purchasing_customers', 'cohorts.cohort_customers') }}
        as purchasing_rate,

    -- flags
    {{ months_after('cohort_months.happened_month', 1) }}
    <= {{ days_after('settings.as_of_date', 1) }} as is_complete_period
from cohort_months_cumulated as cohort_months
inner join cohorts
    on
        cohort_months.relationship = cohorts.relationship
        and cohort_months.cohort_month = cohorts.cohort_month
        and cohort_months.region = cohorts.region
        and cohort_months.industry = cohorts.industry
        and cohort_months.customer_segment = cohorts.customer_segment
        and cohort_months.acquisition_channel = cohorts.acquisition_channel
cross join settings
