{#- What the two connectors of Stripe share: its money, and how states of subscriptions become versions. -#}


{#- Stripe's amounts are whole numbers of the currency's smallest unit: cents, but yen. It keeps two decimals for ISK
    and UGX, which have none. -#}
{% macro money_of_smallest_unit(amount, currency) %}
    {{ return('cast(' ~ amount ~ ' as double) / case when ' ~ currency ~ " in ('BIF', 'CLP', 'DJF', 'GNF', 'JPY',"
        ~ " 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 1 when " ~ currency
        ~ " in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 1000 else 100 end") }}
{% endmacro %}


{#- Without the day of each file, nobody knows which of several is the newest. A single file needs none. -#}
{% macro stop_at_undated_files(export) %}
    {% set files_of_folder = {} %}
    {% for path in (export_files(export) if execute else []) %}
        {% do files_of_folder.setdefault(path.split('/')[:-1] | join('/'), []).append(path) %}
    {% endfor %}
    {% for files in files_of_folder.values() %}
        {% for path in files if files | length > 1
            and not modules.re.search('[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[^/]*$', path) %}
            {% do raw_data_error(
                export ~ ': ' ~ path ~ ' has no day in its name. There are ' ~ files | length
                ~ ' of these files, so each needs the day of its export, for example subscriptions_2025-03-01.csv.'
            ) %}
        {% endfor %}
    {% endfor %}
{% endmacro %}


{#- A query: versions of subscriptions in the columns of the contract, from a relation with one row per item of a
    subscription and time at which it was seen. `seen_at` is that time, and `known_until` is when the newest delivery
    ends; `began_at` counts where an item is seen for the first time, and `is_gone` marks what is listed no more. -#}
{% macro stripe_versions(states) %}
{%- set item = 'partition by subscription_id, item_id' %}
{%- set kept = [
    'subscription_id', 'item_id', 'customer_id', 'state_number', 'seen_at', 'plan_id', 'amount', 'quantity', 'currency',
    'billing_interval', 'billing_interval_count', 'paid_through_at', 'planned_end_at', 'cancel_requested_at',
    'cancel_reason', 'is_payment_failed',
] %}
with

states as (
    select
        *,
        -- while a trial lasts, it ends with the current period
        coalesce(
            trial_ends_at, case when status = 'trialing' then current_period_ends_at end
        ) as own_trial_ends_at,
        case
            when status = 'canceled'
                -- at the latest when what was paid for was over
                then coalesce(ended_at, cancel_requested_at, seen_at, current_period_ends_at)
            when status = 'unpaid' then coalesce(seen_at, current_period_began_at, began_at)
        end as over_at,
        row_number() over ({{ item }} order by seen_at) as state_number,
        max(case when status = 'active' then 1 else 0 end) over (
            partition by subscription_id order by seen_at
        ) = 1 as was_active,
        max(case when status = 'trialing' then 1 else 0 end) over (
            partition by subscription_id order by seen_at
        ) = 1 as was_trialing
    from {{ states }}
),

trials as (
    select
        *,
        {{ last_not_null(
            'own_trial_ends_at',
            '(partition by subscription_id order by seen_at, item_id rows unbounded preceding)'
        ) }} as last_trial_ends_at
    from states
),

-- a trial that ends without a payment never becomes a paid subscription
trials_judged as (
    select
        *,
        last_trial_ends_at is not null
        and not was_active
        and (
            is_gone
            or coalesce(cast(over_at as date) <= cast(last_trial_ends_at as date), false)
            or (
                (status in ('past_due', 'unpaid') or is_payment_failed)
                and coalesce(current_period_began_at <= last_trial_ends_at, was_trialing)
            )
        ) as is_unpaid_trial
    from trials
),

judged as (
    select
        *,
        case
            when status in ('canceled', 'unpaid') then 'cancelled'
            when status = 'past_due' and is_unpaid_trial then 'trialing'
            when status in ('active', 'past_due') and is_collection_paused then 'paused'
            else status
        end as state
    from trials_judged
),

followed as (
    select
        *,
        lead(coalesce(over_at, seen_at)) over ({{ item }} order by seen_at) as next_at,
        lead(state) over ({{ item }} order by seen_at) as next_state,
        lead(is_unpaid_trial) over ({{ item }} order by seen_at) as is_next_unpaid_trial
    from judged
),

-- the time that a state stands for; what is over when it is first seen had a life before
lived as (
    select
        *,
        case when state_number = 1 then began_at else seen_at end as lived_from,
        case when state = 'cancelled' then over_at else next_at end as lived_until,
        case
            when status = 'trialing' then own_trial_ends_at
            when state_number = 1 and not is_unpaid_trial then trial_ends_at
        end as trial_until,
        case
            when state = 'cancelled' and is_unpaid_trial then 'trialing'
            when state = 'cancelled' then 'active'
            when coalesce(status, '') <> 'trialing' then state
            when next_state in ('active', 'past_due') then 'active'
            when next_state = 'cancelled' and not is_next_unpaid_trial then 'active'
            else 'trialing'
        end as state_after_trial
    from followed
    where state <> 'cancelled' or state_number = 1
),

-- a state also changes when its trial ends, and when its discount begins or ends
changes as (
    select
        subscription_id,
        item_id,
        state_number,
        lived_from as changed_at
    from lived
    {%- for change in ['trial_until', 'discount_began_at', 'discount_ends_at'] %}

    union

    select
        subscription_id,
        item_id,
        state_number,
        {{ change }} as changed_at
    from lived
    where {{ change }} > lived_from and {{ change }} < coalesce(lived_until, known_until)
    {%- endfor %}
),

points as (
    select
        {%- for name in kept %}
        lived.{{ name }},
        {%- endfor %}
        changes.changed_at,
        0 as is_end,
        case
            when changes.changed_at < lived.trial_until then 'trialing'
            else lived.state_after_trial
        end as state,
        case
            when
                changes.changed_at >= coalesce(lived.discount_began_at, changes.changed_at)
                and (lived.discount_ends_at is null or changes.changed_at < lived.discount_ends_at)
                then lived.discount_amount
        end as discount_amount
    from lived
    inner join changes
        on
            lived.subscription_id = changes.subscription_id
            and lived.item_id is not distinct from changes.item_id
            and lived.state_number = changes.state_number

    union all

    select
        {%- for name in kept %}
        {{ name }},
        {%- endfor %}
        over_at as changed_at,
        1 as is_end,
        state,
        cast(null as decimal(18, 2)) as discount_amount
    from followed
    where state = 'cancelled'
),

points_with_terms as (
    select
        *,
        case
            when is_end = 1 then 'end'
            else concat_ws(
                '|', state, coalesce(plan_id, ''), amount, quantity, coalesce(discount_amount, 0),
                currency, billing_interval, billing_interval_count
            )
        end as terms
    from points
),

points_compared as (
    select
        *,
        case
            when terms = lag(terms) over ({{ item }} order by state_number, is_end, changed_at)
                then 0
            else 1
        end as is_change
    from points_with_terms
),

points_numbered as (
    select
        *,
        sum(is_change) over (
            {{ item }} order by state_number, is_end, changed_at rows unbounded preceding
        ) as version_number
    from points_compared
),

points_ranked as (
    select
        *,
        min(changed_at) over ({{ item }}, version_number) as started_at,
        row_number() over (
            {{ item }}, version_number
            order by
                -- an end counts as it was first seen
                case when is_end = 1 then -state_number else state_number end desc,
                changed_at desc
        ) as recency
    from points_numbered
),

-- the latest row of each version, beside what ends it
versions as (
    select
        *,
        lead(is_end) over versions_of_item as is_next_end,
        lead(started_at) over versions_of_item as next_started_at,
        lead(paid_through_at) over versions_of_item as next_paid_through_at,
        lead(cancel_requested_at) over versions_of_item as next_cancel_requested_at,
        lead(cancel_reason) over versions_of_item as next_cancel_reason,
        lead(is_payment_failed) over versions_of_item as is_next_payment_failed,
        lead(seen_at) over versions_of_item as next_seen_at,
        lag(state) over versions_of_item as previous_state,
        lag(started_at) over versions_of_item as previous_started_at
    from points_ranked
    where recency = 1
    window versions_of_item as ({{ item }} order by version_number)
),

-- a version that earns money carries its end; after a trial or a pause the end is a row of its own
versions_ended as (
    select
        subscription_id,
        item_id,
        customer_id,
        started_at,
        case
            when is_end = 1 then started_at
            when is_next_end = 1 then greatest(next_started_at, started_at)
            when next_started_at is null then planned_end_at
        end as ended_at,
        plan_id,
        amount,
        quantity,
        discount_amount,
        currency,
        billing_interval,
        billing_interval_count,
        case
            when is_next_end = 1 and state in ('active', 'past_due') then 'cancelled'
            else state
        end as status,
        case
            when is_end = 1 or state not in ('active', 'past_due') then null
            when is_next_end = 1 then next_paid_through_at
            else paid_through_at
        end as paid_through_at,
        case
            when is_next_end = 1 then next_cancel_requested_at
            when next_started_at is null or is_end = 1 then cancel_requested_at
        end as cancel_requested_at,
        case
            when is_next_end = 1 then next_cancel_reason
            when next_started_at is null or is_end = 1 then cancel_reason
        end as cancel_reason,
        case when is_next_end = 1 then is_next_payment_failed else is_payment_failed end
            as is_payment_failed,
        case when is_next_end = 1 then next_seen_at else seen_at end as updated_at
    from versions
    where
        is_end = 0
        or (previous_state not in ('active', 'past_due') and started_at > previous_started_at)
)

select
    subscription_id,
    item_id,
    customer_id,
    started_at,
    ended_at,
    plan_id,
    amount,
    quantity,
    discount_amount,
    currency,
    billing_interval,
    billing_interval_count,
    status,
    paid_through_at,
    cancel_requested_at,
    cancel_reason,
    case when cancel_reason is not null then is_payment_failed end as is_involuntary,
    updated_at
from versions_ended
{%- endmacro %}


{#- A query: invoices in the columns of orders, from a relation with one row per invoice that was sent. -#}
{% macro stripe_orders(invoices) %}
with

invoices as (
    select
        *,
        lower(status) as state,
        coalesce(total_excluding_tax, total) as net_total
    from {{ invoices }}
),

credited as (
    select
        *,
        {{ as_amount(money_of_smallest_unit(
            'coalesce(subtotal_excluding_tax, net_total)', 'currency'
        )) }} as amount,
        {{ as_amount(money_of_smallest_unit('net_total', 'currency')) }} as net_amount,
        {{ as_amount(money_of_smallest_unit('total - net_total', 'currency')) }}
            as tax_amount,
        -- a credit note covers tax as well; this is the part without it
        least(
            coalesce(
                cast(
                    coalesce(pre_payment_credit_notes_amount, 0)
                    + coalesce(post_payment_credit_notes_amount, 0) as double
                ) / nullif(total, 0), 0
            ), 1
        ) as credited_share
    from invoices
)

select
    {{ source_key('id') }} as order_id,
    source_name,
    customer_id,
    created as ordered_at,
    amount,
    amount - net_amount as discount_amount,
    case when credited_share > 0 then {{ as_amount('net_amount * credited_share') }} end
        as refunded_amount,
    tax_amount,
    currency,
    case
        when state = 'paid' and credited_share = 1 then 'refunded'
        when state = 'paid' then 'completed'
        when coalesce(state, 'open') = 'open' then 'pending'
        else 'cancelled'
    end as status,
    {{ source_key('subscription') }} as subscription_id,
    'billing' as sales_channel
from credited
{%- endmacro %}
