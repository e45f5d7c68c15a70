-- Grain: one row per stretch of a subscription that is billed at one price.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- every state that lasted, so that it is known what follows what
versions as (
    select
        subscription_id,
        item_id,
        started_at,
        customer_id,
        started_on,
        stopped_on,
        ended_on,
        paid_through_on,
        status,
        currency,
        exchange_rate,
        deliveries_per_term,
        term_price as price,
        original_credited_amount,
        {{ months_of_term() }} as months_in_term,
        {{ days_of_term() }} as days_in_term,
        monthly_price > 0
        and {{ months_of_term() }} + {{ days_of_term() }} > 0 as is_billed,
        is_paid_back
    from {{ ref('int_subscription_versions') }}
    where stopped_on is null or started_on < stopped_on
),

-- one number stands for all that is billed: a window over many columns takes long
versions_hashed as (
    select
        *,
        case
            when is_billed
                then {{ hash_number(
                    'customer_id, price, currency, months_in_term, days_in_term,'
                    ~ ' deliveries_per_term'
                ) }}
        end as bill
    from versions
),

versions_in_order as (
    select
        *,
        lag(bill) over item_versions as previous_bill,
        lag(case when not is_paid_back then stopped_on end) over item_versions
            as previous_stopped_on,
        lead(started_on) over item_versions as next_started_on
    from versions_hashed
    window item_versions as (
        partition by subscription_id, item_id
        order by started_at
    )
),

-- a failed payment, a request to cancel or a renewal on time is a version of its own and leaves
-- price and term as they are: the terms run on, as if one row had told it all
versions_continued as (
    select
        *,
        coalesce(previous_bill = bill and previous_stopped_on = started_on, false)
            as is_continuation
    from versions_in_order
),

-- the first version of a stretch says when it began and at which rate, the last one how it ends
stretches as (
    select
        *,
        max(case when not is_continuation then started_on end) over versions_so_far
            as billed_from,
        {{ last_not_null(
            'case when not is_continuation then exchange_rate end', 'versions_so_far'
        ) }} as first_exchange_rate,
        coalesce(
            lead(is_continuation) over (
                partition by subscription_id, item_id
                order by started_at
            ),
            false
        ) as is_continued
    from versions_continued
    window versions_so_far as (
        partition by subscription_id, item_id
        order by started_at
        rows unbounded preceding
    )
),

-- what was paid for is served, whenever the churn is recognised; a credit ends it at once
stretches_ended as (
    select
        *,
        case
            when stopped_on is null then {{ open_end() }}
            when is_paid_back
                then least(coalesce(ended_on, stopped_on), coalesce(next_started_on, stopped_on))
            else least(
                greatest(stopped_on, ended_on, paid_through_on),
                coalesce(next_started_on, {{ open_end() }})
            )
        end as ends_on
    from stretches
    where is_billed and not is_continued
),

stretches_judged as (
    select
        *,
        coalesce(next_started_on = ends_on, false) as is_replaced,
        coalesce(paid_through_on > billed_from, false) as is_paid_through_known
    from stretches_ended
)

select
    -- keys
    stretches_judged.subscription_id,
    stretches_judged.item_id,
    stretches_judged.billed_from,
    stretches_judged.customer_id,

    -- dates
    stretches_judged.ends_on,
    -- a term that begins when the time paid for is over was never paid: payments fail for a while
    -- before a contract is ended
    least(
        stretches_judged.ends_on,
        {{ days_after('settings.as_of_date', 1) }},
        case
            when not stretches_judged.is_paid_through_known
                then case
                    when
                        stretches_judged.status = 'past_due'
                        and stretches_judged.started_on > stretches_judged.billed_from
                        then stretches_judged.started_on
                    else stretches_judged.ends_on
                end
            when
                stretches_judged.status = 'past_due'
                or (
                    stretches_judged.stopped_on is not null
                    and not stretches_judged.is_paid_back
                    and not stretches_judged.is_replaced
                )
                then stretches_judged.paid_through_on
            else stretches_judged.ends_on
        end
    ) as billed_until,

    -- the term
    cast(stretches_judged.months_in_term as bigint) as months_in_term,
    cast(stretches_judged.days_in_term as bigint) as days_in_term,
    stretches_judged.deliveries_per_term,
    stretches_judged.currency,
    stretches_judged.first_exchange_rate as exchange_rate,

    -- amounts, in the currency of the subscription
    stretches_judged.price as original_billed_amount,
    abs(stretches_judged.original_credited_amount) as original_credited_amount,

    -- flags
    stretches_judged.is_paid_back
    or stretches_judged.is_replaced
    or stretches_judged.status = 'past_due' as is_returned
from stretches_judged
cross join settings
