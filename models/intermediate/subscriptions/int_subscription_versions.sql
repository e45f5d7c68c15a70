-- Grain: one row per version of a subscription.
{{ config(materialized='table', post_hook='{{ warn_of_doubtful_versions() }}') }}
{%- set stop_order = {
    'paid_through': ['end_at_once', 'last_paid_or_ended_on', 'cancel_requested_on'],
    'cancelled': ['ended_on', 'paid_through_on', 'cancel_requested_on'],
    'requested': ['requested_on', 'ended_on', 'paid_through_on', 'next_version_on'],
} %}
{%- set churn_recognised_at = policy('churn_recognised_at', stop_order.keys() | list) %}
{%- set paused_counts_as = policy('paused_counts_as', ['churn', 'kept']) %}
{%- set free_time_counts_as = policy('free_time_counts_as', ['churn', 'kept']) %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- what comes next in the subscription, unless the version was the last before a cancellation
versions as (
    select
        *,
        least(signed_on, started_on) as committed_since,
        -- days that are joined by: a condition on one side alone makes a join try all pairs
        case when ended_on > started_on and ended_on < paid_through_on then ended_on end
            as cut_short_on,
        case when signed_on < started_on then started_on end as revalued_on,
        row_number() over subscription_life as version_number,
        case when not is_closed then lead(started_on) over subscription_life end
            as next_version_on,
        case when not is_closed then lead(least(signed_on, started_on)) over subscription_life end
            as next_committed_since,
        lead(cancel_requested_on) over subscription_life as next_cancel_requested_on,
        -- a pause that nobody came back from
        coalesce(lead(status = 'paused' and (is_cancelled or ended_on is not null))
            over subscription_life, false) as is_paused_for_good
    from {{ ref('int_subscription_states') }}
    window subscription_life as (
        partition by subscription_id, item_id
        order by started_at
    )
),

-- what was paid for and not used was paid back: by another contract of the customer from that day
-- on, or with an invoice
starts as (
    select distinct
        customer_id,
        started_on
    from versions
),

refunds as (
    select
        subscription_id,
        max(coalesce({{ reporting_day('refunded_at') }}, order_date)) as refunded_on
    from {{ ref('int_orders_classified') }}
    where subscription_id is not null and is_completed and own_refunded_amount > 0
    group by subscription_id
),

-- an end in the future is only planned: the contract is still open
versions_judged as (
    select
        versions.*,
        settings.as_of_date,
        -- what is signed and has not begun replaces nothing yet
        case
            when versions.next_version_on <= settings.as_of_date then versions.next_version_on
        end as next_started_on,
        greatest(versions.paid_through_on, versions.ended_on) as last_paid_or_ended_on,
        coalesce(versions.ended_on <= settings.as_of_date, false)
        or versions.is_cancelled as is_over,
        starts.started_on is not null as is_followed_at_once,
        case
            when
                versions.is_ended_at_once
                or versions.is_refunded
                or versions.credited_amount is not null
                or starts.started_on is not null
                or coalesce(refunds.refunded_on >= versions.ended_on, false)
                then versions.ended_on
        end as end_at_once,
        -- who goes on without a gap, and asks no more, has taken the request back
        case
            when
                versions.next_version_on
                <= coalesce(versions.ended_on, versions.paid_through_on, {{ open_end() }})
                and coalesce(versions.next_cancel_requested_on > versions.next_version_on, true)
                then null
            else versions.cancel_requested_on
        end as requested_on
    from versions
    cross join settings
    left join starts
        on
            versions.customer_id = starts.customer_id
            and versions.cut_short_on = starts.started_on
    left join refunds
        on versions.subscription_id = refunds.subscription_id
),

-- the start of the next version ends this one at the latest
versions_stopped as (
    select
        *,
        {%- for name, choice in {
            'own_stop_on': churn_recognised_at, 'own_paid_stop_on': 'paid_through',
        }.items() %}
        case
            when {{ 'is_over or requested_on is not null' if choice == 'requested' else 'is_over' }}
                then greatest(coalesce({{ stop_order[choice] | join(', ') }}), started_on)
        end as {{ name }},
        {%- endfor %}
        coalesce(
            status,
            case
                when not is_over then 'active'
                when cancel_requested_on is not null or cancel_reason is not null then 'cancelled'
                else 'expired'
            end
        ) as known_status,
        cast(amount as double) * quantity - coalesce(abs(discount_amount), 0) as term_price,
        abs(cast(cost_amount as double)) * quantity as term_cost
    from versions_judged
),

-- in the row's own currency
versions_priced as (
    select
        *,
        least(own_stop_on, next_started_on) as stopped_on,
        least(own_paid_stop_on, next_started_on) as paid_stop_on,
        {{ per_month('term_price') }} as signed_price,
        {{ per_month('term_cost') }} as monthly_cost,
        {%- if free_time_counts_as == 'kept' %}
        -- somebody who has paid goes on into free time
        coalesce(
            max(case when known_status <> 'trialing' and amount > 0 then 1 else 0 end)
                over versions_before, 0
        ) = 1
        and coalesce(max(own_stop_on) over version_before >= started_on, true) as is_of_a_payer
        {%- else %}
        false as is_of_a_payer
        {%- endif %}
    from versions_stopped
    {%- if free_time_counts_as == 'kept' %}
    window
        versions_before as (
            partition by subscription_id, item_id
            order by started_at
            rows between unbounded preceding and 1 preceding
        ),
        version_before as (
            partition by subscription_id, item_id
            order by started_at
            rows between 1 preceding and 1 preceding
        )
    {%- endif %}
),

-- trials earn nothing yet, what was bought for life nothing more, and no price is below zero
versions_paid as (
    select
        *,
        case
            when billing_interval = 'lifetime' then 0
            when known_status = 'trialing' and not is_of_a_payer then 0
            {%- if paused_counts_as == 'churn' %}
            when known_status = 'paused' then 0
            {%- endif %}
            else greatest(signed_price, 0)
        end as monthly_price
    from versions_priced
),

-- what was signed before it began is worth what it is on its first day, once that is known
versions_converted as (
    select
        versions_paid.*,
        coalesce(rates.exchange_rate, versions_paid.exchange_rate) as rate_of_start,
        {{ monthly_in_reporting_currency(
            'versions_paid.monthly_price', 'coalesce(rates.exchange_rate, versions_paid.exchange_rate)'
        ) }} as mrr_amount,
        {{ monthly_in_reporting_currency(
            'versions_paid.monthly_cost', 'coalesce(rates.exchange_rate, versions_paid.exchange_rate)'
        ) }} as monthly_cost_amount,
        versions_paid.billing_interval = 'lifetime'
        and versions_paid.known_status <> 'trialing'
        and versions_paid.started_on <= versions_paid.as_of_date as is_for_life
    from versions_paid
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on
            versions_paid.currency = rates.currency
            and versions_paid.revalued_on = rates.rate_date
)

select
    -- keys
    subscription_id,
    item_id,
    started_at,
    customer_id,
    version_number,
    plan_id,

    -- dates
    started_on,
    stopped_on,
    own_stop_on,
    next_started_on,
    signed_on,
    ended_on,
    paid_through_on,
    cancel_requested_on,
    -- from the signature to the stop under `paid_through`, or to the request to cancel
    committed_since,
    least(
        paid_stop_on,
        case
            when cancel_requested_on < committed_since then committed_since
            else cancel_requested_on
        end,
        next_committed_since
    ) as committed_until,

    -- words
    known_status as status,
    case
        when stopped_on is null then 'open'
        when stopped_on = next_started_on
            then
                case
                    when is_paused_for_good and '{{ paused_counts_as }}' = 'churn' then 'paused'
                    else 'replaced'
                end
        when stopped_on = ended_on and is_followed_at_once then 'replaced'
        when stopped_on = ended_on then 'ended'
        when stopped_on = paid_through_on then 'paid_through'
        when stopped_on = cancel_requested_on then 'cancel_requested'
        else 'ended_before_it_began'
    end as stop_reason,
    coalesce(cancel_reason, 'unknown') as cancel_reason,
    billing_interval,
    cast(billing_interval_count as bigint) as billing_interval_count,
    cast(deliveries_per_term as bigint) as deliveries_per_term,
    currency,

    -- amounts
    quantity,
    amount as original_amount,
    discount_amount as original_discount_amount,
    credited_amount as original_credited_amount,
    term_price,
    monthly_price,
    rate_of_start as exchange_rate,
    mrr_amount,
    case
        when mrr_amount = 0 then {{ as_amount('0') }}
        when monthly_cost is null then {{ as_amount('mrr_amount * ' ~ default_margin_rate()) }}
        else {{ as_amount('mrr_amount - monthly_cost_amount') }}
    end as margin_mrr_amount,
    -- what is paid once, for good
    case when is_for_life then {{ in_cents('greatest(term_price, 0) * rate_of_start') }} end
        as one_off_amount,
    case when is_for_life then {{ in_cents('term_cost * rate_of_start') }} end
        as one_off_cost_amount,

    -- flags
    mrr_amount > 0 and started_on <= as_of_date as is_paying,
    is_for_life,
    term_cost is null as is_margin_estimated,
    is_involuntary,
    is_refunded,
    -- what was paid for and not used went back to the customer
    is_refunded
    or credited_amount is not null
    or coalesce(end_at_once < paid_through_on, false) as is_paid_back,
    term_price < 0 as is_priced_below_zero,
    -- the status says that it lives, but its end has come and no later version exists; a trial ends
    is_over
    and known_status not in ('cancelled', 'expired', 'trialing')
    and not is_closed
    and next_started_on is null as is_over_despite_status
from versions_converted
