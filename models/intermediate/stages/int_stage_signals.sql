-- Grain: one row per customer, signal and interval of days over which it holds. The intervals of a
-- signal do not overlap.

with

spells as (
    select * from {{ ref('fct_activity_spells') }}
),

spells_of_any as (
    select * from spells
    where relationship = 'any'
),

first_spells as (
    select
        customer_id,
        started_on as first_active_on
    from spells_of_any
    where spell_number = 1
),

-- how long a customer may be silent, by the gaps between purchase days so far
purchases as (
    select
        purchases.customer_id,
        purchases.order_date,
        lead(purchases.days_since_previous_order) over (
            partition by purchases.customer_id
            order by purchases.order_number
        ) as days_to_next,
        count(case when purchases.days_since_previous_order > 0 then 1 end) over purchases_so_far
            as gaps,
        {{ running_median(
            'case when purchases.days_since_previous_order > 0'
            ~ ' then purchases.days_since_previous_order end',
            'purchases_so_far',
        ) }} as median_gap,
        customers.activity_window_days
    from {{ ref('int_orders_sequenced') }} as purchases
    inner join {{ ref('int_customers') }} as customers
        on purchases.customer_id = customers.customer_id
    where purchases.is_purchase
    window purchases_so_far as (
        partition by purchases.customer_id
        order by purchases.order_number
        rows unbounded preceding
    )
),

purchases_with_patience as (
    select
        customer_id,
        order_date,
        days_to_next,
        cast(ceil(
            case
                when gaps < 2
                    then activity_window_days * {{ var('at_risk_default_window_share') }}
                else least(
                    greatest(
                        {{ var('at_risk_gap_multiple') }} * median_gap,
                        {{ var('at_risk_min_days') }}
                    ),
                    activity_window_days * {{ var('at_risk_max_window_share') }}
                )
            end
        ) as integer) as patience_days
    from purchases
),

subscription_spells as (
    select
        *,
        sum(days_in_spell) over (
            partition by customer_id
            order by spell_number
            rows unbounded preceding
        ) as paid_days
    from spells
    where relationship = 'subscription'
),

versions as (
    select * from {{ ref('fct_subscription_versions') }}
),

-- the latest answer counts, until it is too old
nps_answers as (
    select
        customer_id,
        score,
        event_date as answered_on,
        least(
            lead(event_date) over (
                partition by customer_id
                order by responded_at, response_id
            ),
            {{ months_after('event_date', var('nps_valid_months')) }}
        ) as outdated_on
    from {{ ref('stg_survey_responses') }}
    where
        survey_type = 'nps'
        and customer_id is not null
        and responded_at is not null
        and score is not null
),

-- what a prospect began; after the first spell it changes nothing
engagements as (
    select
        events.customer_id,
        events.event_type,
        events.engaged_on
    from {{ ref('int_own_engagements') }} as events
    left join first_spells
        on events.customer_id = first_spells.customer_id
    where
        first_spells.first_active_on is null
        or events.engaged_on < first_spells.first_active_on
),

-- an engagement counts for some days: enough of them at once, and the prospect is nurtured
engagement_days as (
    select
        customer_id,
        changed_on,
        sum(change) as change
    from (
        select
            customer_id,
            engaged_on as changed_on,
            1 as change
        from engagements
        union all
        select
            customer_id,
            {{ days_after('engaged_on', var('nurtured_days')) }} as changed_on,
            -1 as change
        from engagements
    ) as changes
    group by customer_id, changed_on
),

engagement_counts as (
    select
        *,
        sum(change) over (
            partition by customer_id
            order by changed_on
            rows unbounded preceding
        ) as engagements
    from engagement_days
),

nurtured_changes as (
    select
        customer_id,
        changed_on as holds_from,
        engagements >= {{ var('nurtured_min_engagements') }} as is_nurtured,
        lead(changed_on) over (
            partition by customer_id
            order by changed_on
        ) as holds_to
    from engagement_counts
    where
        (engagements >= {{ var('nurtured_min_engagements') }})
        <> (engagements - change >= {{ var('nurtured_min_engagements') }})
),

-- several at a time are one
warnings as (
    select
        customer_id,
        'warning' as relationship,
        started_on as active_from,
        coalesce(stopped_on, {{ open_end() }}) as active_to
    from versions
    where status = 'past_due'

    union all

    select
        customer_id,
        'warning' as relationship,
        greatest(started_on, cancel_requested_on) as active_from,
        coalesce(stopped_on, {{ open_end() }}) as active_to
    from versions
    where cancel_requested_on is not null

    union all

    select
        customer_id,
        'warning' as relationship,
        answered_on as active_from,
        outdated_on as active_to
    from nps_answers
    where score <= 6
),

warnings_that_last as (
    select * from warnings
    where active_from < active_to
),

-- what was known of the reason for leaving: on the day itself, and when a survey told more
exit_reasons as (
    select
        churn_days.customer_id,
        churn_days.ended_on as known_on,
        churn_days.next_started_on,
        coalesce(contracts.cancel_reason, 'unknown') as churn_reason,
        0 as is_survey
    from spells_of_any as churn_days
    left join {{ ref('int_contracts_ended') }} as contracts
        on
            churn_days.customer_id = contracts.customer_id
            and churn_days.ended_on = contracts.stopped_on
    where churn_days.ended_on is not null

    union all

    select
        churn_days.customer_id,
        answers.known_on,
        churn_days.next_started_on,
        coalesce(answers.reason_code, contracts.cancel_reason, 'unknown') as churn_reason,
        1 as is_survey
    from spells_of_any as churn_days
    inner join {{ ref('int_exits_explained') }} as answers
        on
            churn_days.customer_id = answers.customer_id
            and churn_days.ended_on = answers.ended_on
    left join {{ ref('int_contracts_ended') }} as contracts
        on
            churn_days.customer_id = contracts.customer_id
            and churn_days.ended_on = contracts.stopped_on
    where churn_days.next_started_on is null or answers.known_on < churn_days.next_started_on
),

exit_types as (
    select
        exit_reasons.customer_id,
        exit_reasons.known_on,
        least(
            lead(exit_reasons.known_on) over (
                partition by exit_reasons.customer_id
                order by exit_reasons.known_on, exit_reasons.is_survey
            ),
            exit_reasons.next_started_on
        ) as holds_to,
        reasons.exit_type
    from exit_reasons
    left join {{ ref('churn_reasons') }} as reasons
        on exit_reasons.churn_reason = {{ reason_code('reasons.reason_code') }}
),

signals as (
    select
        customer_id,
        'spell' as signal,
        started_on as holds_from,
        ended_on as holds_to
    from spells_of_any

    union all

    select
        customer_id,
        'customer' as signal,
        first_active_on as holds_from,
        cast(null as date) as holds_to
    from first_spells

    union all

    select
        customer_id,
        case when spell_number = 1 then 'new' else 'won_back' end as signal,
        started_on as holds_from,
        least({{ days_after('started_on', var('stage_fresh_days')) }}, ended_on) as holds_to
    from spells_of_any

    union all

    select
        customer_id,
        exit_type as signal,
        known_on as holds_from,
        holds_to
    from exit_types
    where exit_type in ('natural', 'preventable')

    union all

    select
        customer_id,
        'silent' as signal,
        {{ days_after('order_date', 'patience_days') }} as holds_from,
        {{ days_after('order_date', 'days_to_next') }} as holds_to
    from purchases_with_patience
    where days_to_next is null or patience_days < days_to_next

    union all

    select
        customer_id,
        'paying' as signal,
        started_on as holds_from,
        ended_on as holds_to
    from subscription_spells

    union all

    select
        customer_id,
        relationship as signal,
        active_from as holds_from,
        case when active_to < {{ open_end() }} then active_to end as holds_to
    from (
        {{ merged_intervals('warnings_that_last') }}
    ) as warnings_merged

    union all

    select
        customer_id,
        'promoter' as signal,
        answered_on as holds_from,
        outdated_on as holds_to
    from nps_answers
    where score >= 9

    union all

    select
        customer_id,
        'seasoned' as signal,
        min(seasoned_on) as holds_from,
        cast(null as date) as holds_to
    from (
        select
            customer_id,
            order_date as seasoned_on
        from {{ ref('int_orders_sequenced') }}
        where order_number = {{ var('advocate_min_purchases') }}
        union all
        select
            customer_id,
            {{ days_after(
                'started_on',
                var('advocate_min_paid_days') ~ ' - (paid_days - days_in_spell) - 1',
            ) }} as seasoned_on
        from subscription_spells
        where
            paid_days >= {{ var('advocate_min_paid_days') }}
            and paid_days - days_in_spell < {{ var('advocate_min_paid_days') }}
    ) as seasoned
    group by customer_id

    union all

    -- a second purchase, a second term of the first contract, or a second spell
    select
        customer_id,
        'repeat' as signal,
        min(repeated_on) as holds_from,
        cast(null as date) as holds_to
    from (
        select
            customer_id,
            order_date as repeated_on
        from {{ ref('int_orders_sequenced') }}
        where order_number = 2
        union all
        select
            first_terms.customer_id,
            first_terms.first_term_ended_on as repeated_on
        from {{ ref('int_first_terms') }} as first_terms
        inner join subscription_spells
            on
                first_terms.customer_id = subscription_spells.customer_id
                and first_terms.first_paid_on = subscription_spells.started_on
        where
            subscription_spells.ended_on is null
            or first_terms.first_term_ended_on < subscription_spells.ended_on
        union all
        select
            customer_id,
            started_on as repeated_on
        from spells_of_any
        where spell_number = 2
    ) as repeats
    group by customer_id

    union all

    select
        customer_id,
        trend as signal,
        holds_from,
        holds_to
    from {{ ref('int_spending_trends') }}

    union all

    select
        customer_id,
        'nurtured' as signal,
        holds_from,
        holds_to
    from nurtured_changes
    where is_nurtured

    union all

    -- who left an address: in a form, or when created
    select
        customer_id,
        'captured' as signal,
        min(captured_on) as holds_from,
        cast(null as date) as holds_to
    from (
        select
            customer_id,
            engaged_on as captured_on
        from engagements
        where event_type = 'form_submitted'
        union all
        select
            customers.customer_id,
            coalesce(created.event_date, customers.known_since) as captured_on
        from {{ ref('int_customers') }} as customers
        inner join {{ ref('stg_customers') }} as created
            on customers.customer_id = created.customer_id
        where created.has_email
    ) as captures
    group by customer_id

    union all

    select
        customer_id,
        'known' as signal,
        known_since as holds_from,
        cast(null as date) as holds_to
    from {{ ref('int_customers') }}
    where known_since is not null
)

select
    customer_id,
    signal,
    holds_from,
    holds_to
from signals
where holds_to is null or holds_from < holds_to
