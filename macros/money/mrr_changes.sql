{#- What the versions that count change in recurring revenue, each from its start to its stop: a query with one row
    per customer, day, plan, billing term and currency. Gaps within the grace period are closed. -#}
{% macro mrr_changes(starts_on, stops_on, counts) %}
    {%- set grace_days = var('renewal_grace_days') %}
    {%- set plan = ['plan_id', 'billing_term', 'currency'] %}
    {%- set changes = ['mrr_change', 'margin_change', 'uncosted_change', 'fx_change'] %}
    {%- set anything_changed = 'sum(' ~ changes | join(') <> 0 or sum(') ~ ') <> 0' %}
    with

    paying_versions as (
        select
            subscription_id,
            item_id,
            customer_id,
            currency,
            {{ starts_on }} as started_on,
            coalesce(plan_id, 'unknown') as plan_id,
            {{ billing_term() }} as billing_term,
            coalesce({{ stops_on }}, {{ open_end() }}) as stopped_on,
            monthly_price,
            mrr_amount,
            margin_mrr_amount,
            case when is_margin_estimated then mrr_amount else 0 end as uncosted_mrr_amount,
            lead({{ starts_on }}) over (
                partition by subscription_id, item_id, customer_id
                order by {{ starts_on }}
            ) as next_started_on
        from {{ ref('int_subscription_versions') }}
        where {{ counts }} and ({{ stops_on }} is null or {{ starts_on }} < {{ stops_on }})
    ),

    -- a late renewal is not churn: gaps within the grace period are filled inside an item
    versions_bridged as (
        select
            *,
            case
                when {{ days_between('stopped_on', 'next_started_on') }} <= {{ grace_days }}
                    then next_started_on
                else stopped_on
            end as paid_until
        from paying_versions
    ),

    -- where one paid version follows another, the part of the change that comes from the exchange rate
    versions_revalued as (
        select
            versions_bridged.*,
            case
                when versions_bridged.paid_until = versions_bridged.next_started_on
                    then
                        {{ monthly_in_reporting_currency(
                            'versions_bridged.monthly_price', 'coalesce(rates.exchange_rate, 1)'
                        ) }} - versions_bridged.mrr_amount
                else 0
            end as fx_change_amount
        from versions_bridged
        left join {{ ref('int_exchange_rates_daily') }} as rates
            on
                versions_bridged.currency = rates.currency
                and versions_bridged.next_started_on = rates.rate_date
    ),

    versions_begun_and_over as (
        select
            customer_id,
            {{ plan | join(',\n        ') }},
            started_on as changed_on,
            mrr_amount as mrr_change,
            margin_mrr_amount as margin_change,
            uncosted_mrr_amount as uncosted_change,
            0 as fx_change
        from versions_revalued

        union all

        -- what the exchange rate changed belongs to the plan that it was paid for
        select
            customer_id,
            {{ plan | join(',\n        ') }},
            paid_until as changed_on,
            -mrr_amount as mrr_change,
            -margin_mrr_amount as margin_change,
            -uncosted_mrr_amount as uncosted_change,
            fx_change_amount as fx_change
        from versions_revalued
        where paid_until < {{ open_end() }}
    ),

    plan_days as (
        select
            customer_id,
            {{ plan | join(',\n        ') }},
            changed_on,
            {{ of_each(changes, 'sum({})') }}
        from versions_begun_and_over
        group by customer_id, {{ plan | join(', ') }}, changed_on
        having {{ anything_changed }}
    ),

    customer_days as (
        select
            customer_id,
            changed_on,
            sum(mrr_change) as mrr_change
        from plan_days
        group by customer_id, changed_on
    ),

    customer_days_cumulated as (
        select
            customer_id,
            changed_on,
            sum(mrr_change) over (
                partition by customer_id
                order by changed_on
                rows unbounded preceding
            ) as mrr_after,
            lead(changed_on) over (
                partition by customer_id
                order by changed_on
            ) as next_changed_on
        from customer_days
    ),

    -- the same grace period applies where all of the customer's revenue would fall to zero
    gaps as (
        select
            customer_id,
            changed_on,
            next_changed_on
        from customer_days_cumulated
        where
            mrr_after = 0
            and {{ days_between('changed_on', 'next_changed_on') }} <= {{ grace_days }}
    ),

    -- what was paid before a gap changes when the gap is over
    plan_days_bridged as (
        select
            plan_days.customer_id,
            plan_days.{{ plan | join(',\n        plan_days.') }},
            coalesce(gaps.next_changed_on, plan_days.changed_on) as changed_on,
            plan_days.{{ changes | join(',\n        plan_days.') }}
        from plan_days
        left join gaps
            on
                plan_days.customer_id = gaps.customer_id
                and plan_days.changed_on = gaps.changed_on
    )

    select
        -- keys
        customer_id,
        changed_on,
        {{ plan | join(',\n    ') }},

        -- amounts
        {{ as_amount('sum(mrr_change)') }} as mrr_change_amount,
        {{ as_amount('sum(fx_change)') }} as fx_change_amount,
        {{ as_amount('sum(margin_change)') }} as margin_change_amount,
        {{ as_amount('sum(uncosted_change)') }} as uncosted_mrr_change_amount
    from plan_days_bridged
    group by customer_id, changed_on, {{ plan | join(', ') }}
    having {{ anything_changed }}
{% endmacro %}
