-- Grain: one row per term of a subscription that fell due by as-of.
{%- set window_days = var('renewal_window_days') %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- versions that can begin a term; a version with a failed payment does not
paid_versions as (
    select
        versions.subscription_id,
        versions.item_id,
        versions.started_at,
        versions.customer_id,
        versions.started_on,
        versions.paid_through_on,
        versions.stop_reason,
        versions.billing_interval,
        versions.billing_interval_count,
        settings.as_of_date,
        coalesce(versions.stopped_on, {{ open_end() }}) as lasts_until,
        {{ months_of_term() }} as months_in_term,
        {{ days_of_term() }} as days_in_term
    from {{ ref('int_subscription_versions') }} as versions
    cross join settings
    where
        versions.is_paying
        and versions.status <> 'past_due'
        and (versions.stopped_on is null or versions.started_on < versions.stopped_on)
),

-- terms are due on the day the version is paid through, and whole terms before and after it
long_versions as (
    select
        *,
        {{ term_anchor() }} as anchor_on
    from paid_versions
    where {{ is_long_term() }}
),

versions_counted as (
    select
        *,
        -- whole terms from the start to the anchor, at most one too many
        case
            when months_in_term > 0
                then floor({{ months_between('started_on', 'anchor_on') }} / months_in_term)
            else floor({{ days_between('started_on', 'anchor_on') }} / days_in_term)
        end as terms_to_anchor,
        case
            when months_in_term > 0
                then floor(
                    {{ months_between('started_on', 'least(lasts_until, as_of_date)') }}
                    / months_in_term
                )
            else floor(
                {{ days_between('started_on', 'least(lasts_until, as_of_date)') }} / days_in_term
            )
        end + 2 as terms_begun
    from long_versions
),

-- terms are longer than a day, so there are never more terms than days
term_numbers as (
    select row_number() over (order by date_day) - 1 as term_number
    from {{ ref('int_dates') }}
),

due_days as (
    select
        versions_counted.*,
        {{ terms_after(
            'anchor_on', 'term_numbers.term_number - versions_counted.terms_to_anchor'
        ) }} as due_on
    from versions_counted
    inner join term_numbers
        on versions_counted.terms_begun >= term_numbers.term_number
),

-- whole terms counted back from the anchor need not meet the start: a due day within the window of
-- the start is not a term
terms as (
    select
        *,
        lag(due_on) over (
            partition by subscription_id, item_id, started_at
            order by due_on
        ) as previous_due_on
    from due_days
    where
        due_on > {{ days_after('started_on', window_days) }}
        or due_on = anchor_on
),

-- a term has begun if the version outlasted the one before by more than the window; a version
-- replaced long before its due day is a change of plan, neither a renewal nor a lapse
terms_due as (
    select * from terms
    where
        due_on <= as_of_date
        and (
            previous_due_on is null
            or {{ days_after('previous_due_on', window_days) }} < lasts_until
        )
        and not (
            stop_reason = 'replaced'
            and lasts_until < {{ days_after('due_on', -window_days) }}
        )
),

-- the same contract goes on, or the customer begins another term: in the same subscription and item
-- first, then the nearest one
next_terms as (
    select
        terms_due.subscription_id,
        terms_due.item_id,
        terms_due.started_at,
        terms_due.due_on,
        successors.started_on as renewed_on
    from terms_due
    inner join paid_versions as successors
        on
            terms_due.customer_id = successors.customer_id
            and successors.started_on
            between {{ days_after('terms_due.due_on', -window_days) }}
            and {{ days_after('terms_due.due_on', window_days) }}
    where
        successors.started_on > terms_due.started_on
        and terms_due.lasts_until <= {{ days_after('terms_due.due_on', window_days) }}
    qualify row_number() over (
        partition by
            terms_due.subscription_id,
            terms_due.item_id,
            terms_due.started_at,
            terms_due.due_on
        order by
            case
                when terms_due.subscription_id = successors.subscription_id then 0 else 1
            end,
            case
                when terms_due.item_id is not distinct from successors.item_id then 0 else 1
            end,
            abs({{ days_between('terms_due.due_on', 'successors.started_on') }}),
            successors.started_on,
            successors.subscription_id,
            successors.item_id
    ) = 1
),

terms_answered as (
    select
        terms_due.*,
        case
            when terms_due.lasts_until > {{ days_after('terms_due.due_on', window_days) }}
                then terms_due.due_on
            else next_terms.renewed_on
        end as renewed_on
    from terms_due
    left join next_terms
        on
            terms_due.subscription_id = next_terms.subscription_id
            and terms_due.item_id is not distinct from next_terms.item_id
            and terms_due.started_at = next_terms.started_at
            and terms_due.due_on = next_terms.due_on
)

select
    -- keys
    subscription_id,
    item_id,
    started_at,
    due_on,
    customer_id,

    -- the answer
    renewed_on,
    {{ days_between('due_on', 'renewed_on') }} as days_to_renew,
    case
        when renewed_on < due_on then 'early'
        when renewed_on <= {{ days_after('due_on', var('renewal_grace_days')) }} then 'on_time'
        when renewed_on is not null then 'late'
        when {{ days_after('due_on', window_days) }} > as_of_date then 'pending'
        else 'lapsed'
    end as outcome
from terms_answered
