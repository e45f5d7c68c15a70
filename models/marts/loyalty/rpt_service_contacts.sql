-- Grain: one row per period and channel in which customers were in contact with service.
{%- set churn_days = var('service_churn_days') %}
{%- set sides = ['bad_rate', 'bad_low', 'bad_high', 'good_rate', 'good_low', 'good_high'] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

periods as (
    select * from {{ ref('int_periods') }}
),

service_contacts as (
    select * from {{ ref('int_service_contacts') }}
),

contacts as (
    {{ rows_by_period('service_contacts', 'contacted_on') }}
),

counts as (
    select
        period_grain,
        period_start_date,
        channel,
        count(*) as contacts,
        count(case when is_resolved then 1 end) as resolved_contacts,
        count(case when not is_resolved then 1 end) as unresolved_contacts,
        count(outcome_score) as scored_contacts,
        avg(outcome_score) as mean_outcome_score,
        count(case when is_bad then 1 end) as bad_contacts
    from contacts
    group by period_grain, period_start_date, channel
),

-- only customers who are active on the day of the contact can churn
spells as (
    select * from {{ ref('int_activity_spells') }}
    where relationship = 'any'
),

-- which group a contact belongs to is known on its day: looking ahead would remove from one group
-- the customers who stayed long enough to join the other
contacts_of_active_customers as (
    select
        contacts.*,
        spells.ended_on as churned_on
    from contacts
    inner join spells
        on
            contacts.customer_id = spells.customer_id
            and contacts.contacted_on >= spells.started_on
            and contacts.contacted_on < coalesce(spells.ended_on, {{ open_end() }})
    where
        contacts.is_bad
        or contacts.last_bad_on is null
        or contacts.contacted_on > {{ days_after('contacts.last_bad_on', churn_days) }}
),

-- a customer counts at most once after a bad contact and once after a good one, from the first of
-- each
first_contacts as (
    select *
    from contacts_of_active_customers
    qualify row_number() over (
        partition by period_grain, period_start_date, channel, customer_id, is_bad
        order by contacted_on, contact_id
    ) = 1
),

customers_compared as (
    select
        first_contacts.period_grain,
        first_contacts.period_start_date,
        first_contacts.channel,
        first_contacts.is_bad,
        {{ days_after('first_contacts.contacted_on', churn_days) }} <= settings.as_of_date
            as is_decided,
        coalesce(
            first_contacts.churned_on
            <= {{ days_after('first_contacts.contacted_on', churn_days) }},
            false
        ) as has_churned
    from first_contacts
    cross join settings
),

comparisons as (
    select
        period_grain,
        period_start_date,
        channel,
        count(case when is_decided and is_bad then 1 end) as after_bad,
        count(case when is_decided and is_bad and has_churned then 1 end) as churned_after_bad,
        count(case when is_decided and not is_bad then 1 end) as after_good,
        count(case when is_decided and not is_bad and has_churned then 1 end)
            as churned_after_good,
        count(case when not is_decided then 1 end) as pending
    from customers_compared
    group by period_grain, period_start_date, channel
),

rates as (
    select
        counts.*,
        periods.closes_on,
        periods.has_rates,
        periods.is_complete_period,
        coalesce(comparisons.after_bad, 0) as after_bad_customers,
        coalesce(comparisons.churned_after_bad, 0) as churned_after_bad_customers,
        coalesce(comparisons.after_good, 0) as after_good_customers,
        coalesce(comparisons.churned_after_good, 0) as churned_after_good_customers,
        coalesce(comparisons.pending, 0) as pending_customers,
        case
            when periods.has_rates
                then {{ rate('comparisons.churned_after_bad', 'comparisons.after_bad') }}
        end as bad_rate,
        {{ wilson_bound('comparisons.churned_after_bad', 'comparisons.after_bad', '-') }}
            as bad_low,
        {{ wilson_bound('comparisons.churned_after_bad', 'comparisons.after_bad', '+') }}
            as bad_high,
        case
            when periods.has_rates
                then {{ rate('comparisons.churned_after_good', 'comparisons.after_good') }}
        end as good_rate,
        {{ wilson_bound('comparisons.churned_after_good', 'comparisons.after_good', '-') }}
            as good_low,
        {{ wilson_bound('comparisons.churned_after_good', 'comparisons.after_good', '+') }}
            as good_high
    from counts
    inner join periods
        on {{ same_values('counts', 'periods', ['period_grain', 'period_start_date']) }}
    left join comparisons
        on
            counts.period_grain = comparisons.period_grain
            and counts.period_start_date = comparisons.period_start_date
            and counts.channel = comparisons.channel
)

select
    -- keys
    period_grain,
    period_start_date,
    channel,

    -- dates
    closes_on,

    -- counts
    contacts,
    resolved_contacts,
    unresolved_contacts,
    scored_contacts,
    bad_contacts,

    -- scores
    case when has_rates then mean_outcome_score end as mean_outcome_score,

    -- churn
    after_bad_customers,
    churned_after_bad_customers,
    after_good_customers,
    churned_after_good_customers,
    pending_customers,

    -- rates
    case
        when has_rates
            then {{ rate(
                'resolved_contacts', 'resolved_contacts + unresolved_contacts'
            ) }}
    end as resolved_share,
    bad_rate as churn_after_bad_rate,
    good_rate as churn_after_good_rate,
    bad_rate - good_rate as churn_rate_difference,
    {{ difference_bound(*sides, side='-') }} as ci_low,
    {{ difference_bound(*sides, side='+') }} as ci_high,

    -- flags
    is_complete_period
from rates
