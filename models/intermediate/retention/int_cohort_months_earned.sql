-- Grain: one row per relationship, cohort month, months since and combination of segments.
{{ config(materialized='table') }}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

spells as (
    select * from {{ ref('int_activity_spells') }}
),

first_spells as (
    select
        spells.customer_id,
        spells.relationship,
        {{ month_start('spells.started_on') }} as cohort_month,
        {{ segment_columns('customers') }}
    from spells
    inner join {{ ref('int_customers') }} as customers
        on spells.customer_id = customers.customer_id
    where spells.spell_number = 1
),

-- numbered, so that the steps below group by one number instead of six columns
cohorts as (
    select
        relationship,
        cohort_month,
        {{ segment_columns() }},
        count(*) as cohort_customers,
        row_number() over (
            order by relationship, cohort_month, {{ segment_columns() }}
        ) as cohort_number
    from first_spells
    group by relationship, cohort_month, {{ segment_columns() }}
),

cohort_members as (
    select
        first_spells.customer_id,
        first_spells.relationship,
        cohorts.cohort_number
    from first_spells
    inner join cohorts
        on {{ same_values(
            'first_spells', 'cohorts', ['relationship', 'cohort_month'] + segments()
        ) }}
),

-- what a customer does in a relationship counts in the cohort of that relationship and in the
-- cohort of `any`
cohorts_of_customers as (
    select
        customer_id,
        max(case when relationship = 'any' then cohort_number end) as cohort_of_any,
        max(case when relationship = 'orders' then cohort_number end) as cohort_of_orders,
        max(case when relationship = 'subscription' then cohort_number end)
            as cohort_of_subscription
    from cohort_members
    group by customer_id
),

-- the first purchase of a month counts the customer in that month
purchasing_months as {{ not_materialized() }} (
    select
        customer_id,
        {{ month_start('order_date') }} as activity_month
    from {{ ref('int_orders_sequenced') }}
    where
        order_number = 1
        or days_since_previous_order >= day(order_date)
),

customer_activities as (
    -- a refund that is known but dated after as-of has not happened yet
    select
        entries.customer_id,
        entries.relationship,
        {{ month_start('entries.revenue_date') }} as activity_month,
        0 as purchasing_customers,
        entries.revenue_amount,
        entries.margin_amount,
        abs(entries.revenue_amount) as absolute_revenue_amount,
        entries.uncosted_revenue_amount
    from {{ ref('int_revenue_entries') }} as entries
    inner join settings
        on entries.revenue_date <= settings.as_of_date

    union all

    select
        customer_id,
        'orders' as relationship,
        activity_month,
        1 as purchasing_customers,
        0 as revenue_amount,
        0 as margin_amount,
        0 as absolute_revenue_amount,
        0 as uncosted_revenue_amount
    from purchasing_months
),

cohort_activities as (
    select
        customers.cohort_of_any,
        case customer_activities.relationship
            when 'orders' then customers.cohort_of_orders
        end as cohort_of_relationship,
        customer_activities.activity_month,
        sum(customer_activities.purchasing_customers) as purchasing_customers,
        sum(customer_activities.revenue_amount) as revenue_amount,
        sum(customer_activities.margin_amount) as margin_amount,
        sum(customer_activities.absolute_revenue_amount) as absolute_revenue_amount,
        sum(customer_activities.uncosted_revenue_amount) as uncosted_revenue_amount
    from customer_activities
    inner join cohorts_of_customers as customers
        on customer_activities.customer_id = customers.customer_id
    group by
        customers.cohort_of_any,
        case customer_activities.relationship
            when 'orders' then customers.cohort_of_orders
        end,
        customer_activities.activity_month
),

subscription_spells as (
    select
        *,
        {{ month_start('started_on') }} as first_month,
        {{ month_start(days_after('ended_on', -1)) }} as last_month,
        {{ month_start(days_after('previous_ended_on', -1)) }} as previous_last_month
    from spells
    where relationship = 'subscription'
),

-- one more customer pays from the first month of a spell on, one fewer after its last month; a
-- month shared by two spells counts once
paid_months as (
    select
        customer_id,
        case
            when previous_last_month = first_month then {{ months_after('first_month', 1) }}
            else first_month
        end as activity_month,
        1 as paying_customers_change
    from subscription_spells

    union all

    select
        customer_id,
        {{ months_after('last_month', 1) }} as activity_month,
        -1 as paying_customers_change
    from subscription_spells
    where last_month is not null
),

recurring_changes as (
    select
        customer_id,
        {{ month_start('changed_on') }} as activity_month,
        0 as paying_customers_change,
        revenue_amount,
        margin_amount,
        mrr_change_amount,
        margin_mrr_change_amount,
        uncosted_revenue_amount,
        uncosted_mrr_change_amount
    from {{ ref('int_recurring_revenue_typed') }}

    union all

    select
        customer_id,
        activity_month,
        paying_customers_change,
        0 as revenue_amount,
        0 as margin_amount,
        0 as mrr_change_amount,
        0 as margin_mrr_change_amount,
        0 as uncosted_revenue_amount,
        0 as uncosted_mrr_change_amount
    from paid_months
),

recurring_activities as (
    select
        customers.cohort_of_any,
        customers.cohort_of_subscription as cohort_of_relationship,
        changes.activity_month,
        sum(changes.paying_customers_change) as paying_customers_change,
        sum(changes.revenue_amount) as revenue_amount,
        sum(changes.margin_amount) as margin_amount,
        sum(changes.mrr_change_amount) as mrr_change,
        sum(changes.margin_mrr_change_amount) as margin_mrr_change,
        sum(changes.uncosted_revenue_amount) as uncosted_revenue_amount,
        sum(changes.uncosted_mrr_change_amount) as uncosted_mrr_change
    from recurring_changes as changes
    inner join cohorts_of_customers as customers
        on changes.customer_id = customers.customer_id
    inner join settings
        on changes.activity_month <= settings.as_of_date
    group by
        customers.cohort_of_any, customers.cohort_of_subscription, changes.activity_month
),

-- in `any`, customers who also buy in a month they pay a subscription for count once; two spells
-- may share that month
purchases_in_paid_months as (
    select
        cohort_of_any,
        activity_month,
        count(*) as purchases
    from (
        select distinct
            customers.cohort_of_any,
            purchasing_months.customer_id,
            purchasing_months.activity_month
        from purchasing_months
        inner join subscription_spells
            on
                purchasing_months.customer_id = subscription_spells.customer_id
                and purchasing_months.activity_month >= subscription_spells.first_month
                and purchasing_months.activity_month
                <= coalesce(subscription_spells.last_month, {{ open_end() }})
        inner join cohorts_of_customers as customers
            on purchasing_months.customer_id = customers.customer_id
    ) as purchasing_and_paying
    group by cohort_of_any, activity_month
),

-- orders count in the cohort of `orders` and in the cohort of `any`
order_months as (
    select
        cohorts.cohort_number,
        -- money that moved before the first spell belongs to its first month
        greatest(activities.activity_month, cohorts.cohort_month) as month_start_date,
        sum(activities.purchasing_customers) as purchasing_customers,
        sum(activities.revenue_amount) as revenue_amount,
        sum(activities.margin_amount) as margin_amount,
        sum(activities.absolute_revenue_amount) as absolute_revenue_amount,
        sum(activities.uncosted_revenue_amount) as uncosted_revenue_amount
    from (
        {%- for cohort_number in ['cohort_of_relationship', 'cohort_of_any'] %}
        select
            {{ cohort_number }} as cohort_number,
            activity_month,
            purchasing_customers,
            revenue_amount,
            margin_amount,
            absolute_revenue_amount,
            uncosted_revenue_amount
        from cohort_activities
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as activities
    inner join cohorts
        on activities.cohort_number = cohorts.cohort_number
    group by
        cohorts.cohort_number,
        greatest(activities.activity_month, cohorts.cohort_month)
),

-- recurring revenue counts in the cohort of `subscription` and in the cohort of `any`
recurring_months as (
    select
        cohort_number,
        activity_month as month_start_date,
        sum(paying_customers_change) as paying_customers_change,
        sum(revenue_amount) as revenue_amount,
        sum(margin_amount) as margin_amount,
        sum(mrr_change) as mrr_change,
        sum(margin_mrr_change) as margin_mrr_change,
        sum(uncosted_revenue_amount) as uncosted_revenue_amount,
        sum(uncosted_mrr_change) as uncosted_mrr_change
    from (
        {%- for cohort_number in ['cohort_of_relationship', 'cohort_of_any'] %}
        select
            {{ cohort_number }} as cohort_number,
            activity_month,
            paying_customers_change,
            revenue_amount,
            margin_amount,
            mrr_change,
            margin_mrr_change,
            uncosted_revenue_amount,
            uncosted_mrr_change
        from recurring_activities
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as activities
    group by cohort_number, activity_month
),

-- spells begun less spells ended are active customers
spell_months as (
    select
        cohort_members.cohort_number,
        changes.month_start_date,
        sum(changes.active_customers_change) as active_customers_change
    from (
        {%- for day, change in [('started_on', 1), ('ended_on', -1)] %}
        select
            customer_id,
            relationship,
            {{ month_start(day) }} as month_start_date,
            {{ change }} as active_customers_change
        from spells
        where {{ day }} is not null
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as changes
    inner join cohort_members
        on
            changes.customer_id = cohort_members.customer_id
            and changes.relationship = cohort_members.relationship
    group by cohort_members.cohort_number, changes.month_start_date
),

cohort_periods as (
    {{ periods_of_groups('cohorts', ['cohort_number'], 'cohort_month') }}
),

cohort_months as (
    select
        months.cohort_number,
        months.period_start_date as month_start_date,
        months.is_complete_period,
        coalesce(order_months.purchasing_customers, 0)
        - coalesce(purchases_in_paid_months.purchases, 0) as purchasing_customers,
        coalesce(spell_months.active_customers_change, 0) as active_customers_change,
        coalesce(recurring_months.paying_customers_change, 0) as paying_customers_change,
        coalesce(order_months.revenue_amount, 0)
        + coalesce(recurring_months.revenue_amount, 0) as revenue_amount,
        coalesce(order_months.margin_amount, 0)
        + coalesce(recurring_months.margin_amount, 0) as margin_amount,
        coalesce(order_months.absolute_revenue_amount, 0)
        + coalesce(recurring_months.revenue_amount, 0) as absolute_revenue_amount,
        coalesce(order_months.uncosted_revenue_amount, 0)
        + coalesce(recurring_months.uncosted_revenue_amount, 0) as uncosted_revenue_amount,
        coalesce(recurring_months.mrr_change, 0) as mrr_change,
        coalesce(recurring_months.margin_mrr_change, 0) as margin_mrr_change,
        coalesce(recurring_months.uncosted_mrr_change, 0) as uncosted_mrr_change
    from cohort_periods as months
    left join order_months
        on
            months.cohort_number = order_months.cohort_number
            and months.period_start_date = order_months.month_start_date
    left join purchases_in_paid_months
        on
            months.cohort_number = purchases_in_paid_months.cohort_of_any
            and months.period_start_date = purchases_in_paid_months.activity_month
    left join recurring_months
        on
            months.cohort_number = recurring_months.cohort_number
            and months.period_start_date = recurring_months.month_start_date
    left join spell_months
        on
            months.cohort_number = spell_months.cohort_number
            and months.period_start_date = spell_months.month_start_date
    where months.period_grain = 'month'
),

-- a month earns the MRR of the end of the month before, plus what its own changes add
cohort_months_earned as (
    select
        cohort_number,
        month_start_date,
        is_complete_period,
        purchasing_customers + sum(paying_customers_change) over cohort_life
            as purchasing_customers,
        sum(active_customers_change) over cohort_life as active_customers,
        {{ earned_in_month('revenue_amount', 'mrr_change', 'cohort_life') }} as revenue_amount,
        {{ earned_in_month('margin_amount', 'margin_mrr_change', 'cohort_life') }}
            as margin_amount,
        {{ earned_in_month('absolute_revenue_amount', 'mrr_change', 'cohort_life') }}
            as absolute_revenue_amount,
        {{ earned_in_month('uncosted_revenue_amount', 'uncosted_mrr_change', 'cohort_life') }}
            as uncosted_revenue_amount
    from cohort_months
    window cohort_life as (
        partition by cohort_number
        order by month_start_date
        rows unbounded preceding
    )
),

cohort_months_cumulated as (
    select
        *,
        sum(revenue_amount) over cohort_life as cumulative_revenue_amount,
        sum(margin_amount) over cohort_life as cumulative_margin_amount
    from cohort_months_earned
    window cohort_life as (
        partition by cohort_number
        order by month_start_date
        rows unbounded preceding
    )
)

select
    -- keys
    cohorts.relationship,
    cohorts.cohort_month,
    cast(
        {{ months_between('cohorts.cohort_month', 'cohort_months.month_start_date') }}
        as integer
    ) as months_since,
    {{ segment_columns('cohorts') }},

    -- counts
    cohorts.cohort_customers,
    cast(cohort_months.purchasing_customers as bigint) as purchasing_customers,
    cast(cohort_months.active_customers as bigint) as active_customers,

    -- amounts
    {{ as_amount('cohort_months.revenue_amount') }} as revenue_amount,
    {{ as_amount('cohort_months.margin_amount') }} as margin_amount,
    {{ as_amount('cohort_months.cumulative_revenue_amount') }} as cumulative_revenue_amount,
    {{ as_amount('cohort_months.cumulative_margin_amount') }} as cumulative_margin_amount,
    {{ as_amount('cohort_months.absolute_revenue_amount') }} as absolute_revenue_amount,
    {{ as_amount('cohort_months.uncosted_revenue_amount') }} as uncosted_revenue_amount,

    -- flags
    cohort_months.is_complete_period
from cohort_months_cumulated as cohort_months
inner join cohorts
    on cohort_months.cohort_number = cohorts.cohort_number
