-- Grain: one row per period and slice in which a payment failed or a subscriber left.
{%- set outcomes = {'recovered': 'recover', 'lost': 'lose'} %}

with

periods as (
    select * from {{ ref('int_periods') }}
),

-- an episode belongs to the period in which it began, a churn event to that in which it happened
events as (
    select
        customer_id,
        began_on as event_on,
        outcome,
        {{ days_between('began_on', 'decided_on') }} as days_to_decide,
        mrr_amount,
        0 as is_churn_event,
        0 as is_involuntary
    from {{ ref('int_past_due_episodes') }}

    union all

    select
        customer_id,
        churned_on as event_on,
        'churned' as outcome,
        null as days_to_decide,
        0 as mrr_amount,
        1 as is_churn_event,
        case when churn_type = 'involuntary' then 1 else 0 end as is_involuntary
    from {{ ref('int_churn_events_explained') }}
    where relationship = 'subscription'
),

events_of_customers as (
    select
        events.*,
        {{ slice_columns('customers') }}
    from events
    inner join {{ ref('int_customers') }} as customers
        on events.customer_id = customers.customer_id
),

events_by_period as (
    {{ rows_by_period('events_of_customers', 'event_on') }}
),

events_by_slice as (
    {{ rows_by_slice('events_by_period') }}
),

episodes as (
    select
        period_grain,
        period_start_date,
        segment_name,
        segment_value,
        count(case when is_churn_event = 0 then 1 end) as episodes_begun,
        {%- for outcome in outcomes.keys() | list + ['open'] %}
        count(case when outcome = '{{ outcome }}' then 1 end) as episodes_{{ outcome }},
        sum(case when outcome = '{{ outcome }}' then mrr_amount else 0 end) as {{ outcome }}_mrr,
        {%- endfor %}
        {%- for outcome, verb in outcomes.items() %}
        median(case when outcome = '{{ outcome }}' then days_to_decide end)
            as median_days_to_{{ verb }},
        {%- endfor %}
        sum(mrr_amount) as past_due_mrr,
        sum(is_churn_event) as churn_events,
        sum(is_involuntary) as involuntary_churn_events
    from events_by_slice
    group by period_grain, period_start_date, segment_name, segment_value
),

-- an episode that still runs is in no rate
episodes_rated as (
    select
        episodes.*,
        periods.closes_on,
        periods.is_complete_period,
        periods.is_complete_period and periods.has_rates as is_rated
    from episodes
    inner join periods
        on {{ same_values('episodes', 'periods', ['period_grain', 'period_start_date']) }}
)

select
    -- keys
    period_grain,
    period_start_date,
    segment_name,
    segment_value,

    -- dates
    closes_on,

    -- counts
    episodes_begun,
    episodes_recovered,
    episodes_lost,
    episodes_open,
    cast(churn_events as bigint) as churn_events,
    cast(involuntary_churn_events as bigint) as involuntary_churn_events,

    -- amounts
    {{ as_amount('past_due_mrr') }} as past_due_mrr_amount,
    {{ as_amount('recovered_mrr') }} as recovered_mrr_amount,
    {{ as_amount('lost_mrr') }} as lost_mrr_amount,
    {{ as_amount('open_mrr') }} as open_mrr_amount,

    -- averages
    cast(median_days_to_recover as double) as median_days_to_recover,
    cast(median_days_to_lose as double) as median_days_to_lose,

    -- rates
    case
        when is_rated then {{ rate('episodes_recovered', 'episodes_recovered + episodes_lost') }}
    end as recovery_rate,
    case
        when is_rated then {{ rate('involuntary_churn_events', 'churn_events') }}
    end as involuntary_churn_share,

    -- flags
    is_complete_period
from episodes_rated
