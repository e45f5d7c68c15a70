-- Grain: one row per day looked at and customer who was active on it, as far as was known then.
{{ config(materialized='table') }}
{%- set risk_days = var('churn_risk_days') %}
{%- set lookback_days = var('churn_risk_lookback_days') %}
{%- set span_days = var('trend_days') %}
{%- set sample_customers = var('churn_risk_sample_customers') %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

-- of many customers, past days look at some: those whose hash is the smallest, on every engine
samples as (
    select
        case
            when count(*) <= {{ sample_customers }} then 'g'
            else lower(lpad(
                hex(cast(floor({{ sample_customers }} * 4294967296.0 / count(*)) as bigint)), 8, '0'
            ))
        end as first_hash_left_out
    from {{ ref('int_customers') }}
),

customers as (
    select
        customers.customer_id,
        customers.activity_window_days,
        customers.is_discount_acquired,
        md5(customers.customer_id) < samples.first_hash_left_out as is_sampled
    from {{ ref('int_customers') }} as customers
    cross join samples
),

days as (
    {%- for day_role, days_back in churn_risk_days() %}
    select
        '{{ day_role }}' as day_role,
        {{ days_after('as_of_date', -days_back) }} as scored_on
    from settings
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

customer_days as (
    select
        customers.customer_id,
        days.scored_on,
        days.day_role,
        customers.activity_window_days,
        customers.is_discount_acquired
    from customers
    inner join days
        on customers.is_sampled or days.day_role = 'as_of'
),

purchases as {{ not_materialized() }} (
    select
        customer_id,
        order_date,
        days_since_previous_order
    from {{ ref('int_orders_sequenced') }}
    where is_purchase
),

purchases_undone as {{ materialized() }} (
    select * from {{ ref('int_purchases_undone') }}
),

customers_restated as (
    select distinct customer_id from purchases_undone
),

-- where a purchase was taken back later, the days before still had it, and other gaps
restated_days as (
    select distinct
        customer_days.customer_id,
        customer_days.scored_on,
        orders.order_date
    from (
        select
            purchases.customer_id,
            purchases.order_date,
            {{ open_end() }} as undone_on
        from purchases
        inner join customers_restated
            on purchases.customer_id = customers_restated.customer_id
        union all
        select
            customer_id,
            order_date,
            undone_on
        from purchases_undone
    ) as orders
    inner join customer_days
        on
            orders.customer_id = customer_days.customer_id
            and orders.order_date <= customer_days.scored_on
            and orders.undone_on > customer_days.scored_on
),

-- everybody else's gaps are the same on every day
purchase_days_known as {{ not_materialized() }} (
    select
        customer_days.customer_id,
        customer_days.scored_on,
        purchases.order_date,
        purchases.days_since_previous_order as gap_days
    from customer_days
    inner join purchases
        on
            customer_days.customer_id = purchases.customer_id
            and customer_days.scored_on >= purchases.order_date
    where
        coalesce(purchases.days_since_previous_order > 0, true)
        and customer_days.customer_id not in (
            select customers_restated.customer_id from customers_restated
        )

    union all

    select
        customer_id,
        scored_on,
        order_date,
        {{ days_between(
            'lag(order_date) over (partition by customer_id, scored_on order by order_date)',
            'order_date',
        ) }} as gap_days
    from restated_days
),

buyers as (
    select
        customer_id,
        scored_on,
        min(order_date) as first_purchase_on,
        max(order_date) as last_purchase_on,
        count(*) as purchase_days,
        count(gap_days) as gaps,
        median(gap_days) as median_gap_days
    from purchase_days_known
    group by customer_id, scored_on
),

-- an end counts from the day on which it was known: a cancelled contract without a day of its end,
-- from when it was over
versions as (
    select
        *,
        least(
            coalesce(ended_on, greatest(paid_through_on, cancel_requested_on)),
            (select settings.as_of_date from settings)
        ) as end_known_on
    from {{ ref('int_subscription_versions') }}
),

versions_known as (
    select
        customer_days.customer_id,
        customer_days.scored_on,
        versions.started_on,
        versions.status,
        versions.paid_through_on,
        versions.cancel_requested_on,
        versions.mrr_amount,
        versions.is_paying,
        versions.is_for_life,
        versions.own_stop_on is not null as is_over_by_now,
        coalesce(least(
            case
                when versions.end_known_on <= customer_days.scored_on then versions.own_stop_on
            end,
            case
                when versions.next_started_on <= customer_days.scored_on
                    then versions.next_started_on
            end
        ), {{ open_end() }}) as stops_on,
        {{ terms_after(
            'versions.started_on',
            '(' ~ terms_between('versions.started_on', 'customer_days.scored_on') ~ ' + 1)'
        ) }} as term_ends_on
    from customer_days
    inner join (
        select
            *,
            {{ months_of_term() }} as months_in_term,
            {{ days_of_term() }} as days_in_term
        from versions
    ) as versions
        on
            customer_days.customer_id = versions.customer_id
            and customer_days.scored_on >= versions.started_on
),

subscribers as (
    select
        customer_id,
        scored_on,
        min(
            case when (is_paying or is_for_life) and started_on < stops_on then started_on end
        ) as first_paid_on,
        max(
            case when (is_paying or is_for_life) and stops_on > scored_on then stops_on end
        ) as stops_on,
        max(case when is_paying and stops_on = {{ open_end() }} then term_ends_on end)
            as term_ends_on,
        {%- for name, days in {
            'mrr': 0, 'mrr_before': lookback_days, 'mrr_a_span_before': span_days,
        }.items() %}
        coalesce(sum(
            case
                when
                    is_paying
                    and started_on <= {{ days_after('scored_on', -days) }}
                    and stops_on > {{ days_after('scored_on', -days) }}
                    then mrr_amount
            end
        ), 0) as {{ name }},
        {%- endfor %}
        -- one that is over by now ran on after the last day paid for
        max(
            case
                when
                    stops_on > scored_on
                    and (
                        status = 'past_due'
                        or (
                            is_paying
                            and is_over_by_now
                            and stops_on = {{ open_end() }}
                            and paid_through_on <= scored_on
                        )
                    )
                    then 1
                else 0
            end
        ) = 1 as is_past_due,
        max(
            case when stops_on > scored_on and cancel_requested_on <= scored_on then 1 else 0 end
        ) = 1 as is_cancel_requested,
        max(case when is_for_life and stops_on > scored_on then 1 else 0 end) = 1 as is_for_life
    from versions_known
    group by customer_id, scored_on
),

active_customers as {{ materialized() }} (
    select
        customer_days.*,
        buyers.first_purchase_on,
        buyers.last_purchase_on,
        coalesce(buyers.purchase_days, 0) as purchase_days,
        coalesce(buyers.gaps, 0) as gaps,
        buyers.median_gap_days,
        {{ days_after('buyers.last_purchase_on', 'customer_days.activity_window_days') }}
            as window_ends_on,
        subscribers.first_paid_on,
        subscribers.stops_on,
        subscribers.term_ends_on,
        coalesce(subscribers.mrr, 0) as mrr,
        coalesce(subscribers.mrr_before, 0) as mrr_before,
        coalesce(subscribers.mrr_a_span_before, 0) as mrr_a_span_before,
        coalesce(subscribers.is_past_due, false) as is_past_due,
        coalesce(subscribers.is_cancel_requested, false) as is_cancel_requested,
        coalesce(subscribers.is_for_life, false) as is_for_life
    from customer_days
    left join buyers
        on {{ same_values('customer_days', 'buyers', ['customer_id', 'scored_on']) }}
    left join subscribers
        on {{ same_values('customer_days', 'subscribers', ['customer_id', 'scored_on']) }}
    where
        {{ days_after('buyers.last_purchase_on', 'customer_days.activity_window_days') }}
        > customer_days.scored_on
        or subscribers.mrr > 0
        or subscribers.is_for_life
),

-- money counts on the day on which it moved
amounts as (
    select
        customers.customer_id,
        customers.scored_on,
        {%- for name, from_days, to_days in [
            ('spent', span_days, 0), ('spent_before', 2 * span_days, span_days),
        ] %}
        sum(
            case
                when
                    orders.order_date > {{ days_after('customers.scored_on', -from_days) }}
                    and orders.order_date <= {{ days_after('customers.scored_on', -to_days) }}
                    then orders.gross_amount - orders.discount_amount
                else 0
            end
            - case
                when
                    orders.refunded_on > {{ days_after('customers.scored_on', -from_days) }}
                    and orders.refunded_on <= {{ days_after('customers.scored_on', -to_days) }}
                    then orders.refunded_amount
                else 0
            end
        ) as {{ name }},
        {%- endfor %}
        sum(case when orders.gross_amount > 0 then orders.gross_amount else 0 end)
            as gross_amount,
        sum(case when orders.gross_amount > 0 then orders.discount_amount else 0 end)
            as discount_amount
    from active_customers as customers
    inner join {{ ref('int_orders_valued') }} as orders
        on
            customers.customer_id = orders.customer_id
            and customers.scored_on >= orders.order_date
            and coalesce(orders.refunded_on, orders.order_date)
            > {{ days_after('customers.scored_on', -2 * span_days) }}
    group by customers.customer_id, customers.scored_on
),

engagements as (
    select
        customers.customer_id,
        customers.scored_on,
        count(*) as engagements,
        count(
            case
                when
                    events.engaged_on
                    > {{ days_after('customers.scored_on', -(lookback_days // 3)) }}
                    then 1
            end
        ) as recent_engagements
    from active_customers as customers
    inner join {{ ref('int_own_engagements') }} as events
        on
            customers.customer_id = events.customer_id
            and customers.scored_on >= events.engaged_on
            and events.engaged_on > {{ days_after('customers.scored_on', -lookback_days) }}
    group by customers.customer_id, customers.scored_on
),

bad_contacts as (
    select
        customers.customer_id,
        customers.scored_on,
        count(*) as bad_contacts
    from active_customers as customers
    inner join {{ ref('int_service_contacts') }} as contacts
        on
            customers.customer_id = contacts.customer_id
            and customers.scored_on >= contacts.contacted_on
            and contacts.contacted_on > {{ days_after('customers.scored_on', -lookback_days) }}
    where contacts.is_bad
    group by customers.customer_id, customers.scored_on
),

-- a day in the past has its outcome: whether the customer was still there after the next days
stayed as (
    select distinct
        customers.customer_id,
        customers.scored_on
    from active_customers as customers
    inner join {{ ref('int_activity_spells') }} as spells
        on
            customers.customer_id = spells.customer_id
            and customers.scored_on >= spells.started_on
            and coalesce(spells.ended_on, {{ open_end() }})
            > {{ days_after('customers.scored_on', risk_days) }}
    where spells.relationship = 'any' and customers.day_role <> 'as_of'
),

known as (
    select
        customers.*,
        customers.mrr > 0 or customers.is_for_life as is_subscribed,
        least(customers.first_purchase_on, customers.first_paid_on) as first_active_on,
        case
            when customers.stops_on = {{ open_end() }} then null
            when customers.window_ends_on > customers.scored_on
                then greatest(customers.window_ends_on, customers.stops_on)
            else customers.stops_on
        end as lapses_on,
        coalesce(amounts.gross_amount, 0) as gross_amount,
        coalesce(amounts.discount_amount, 0) as discount_amount,
        coalesce(amounts.spent, 0) as spent,
        coalesce(amounts.spent_before, 0) as spent_before,
        coalesce(engagements.engagements, 0) as engagements,
        coalesce(engagements.recent_engagements, 0) as recent_engagements,
        coalesce(bad_contacts.bad_contacts, 0) as bad_contacts,
        coalesce(answers.nps_category, 'unknown') as nps_category,
        stayed.customer_id is null as has_gone
    from active_customers as customers
    left join amounts
        on {{ same_values('customers', 'amounts', ['customer_id', 'scored_on']) }}
    left join engagements
        on {{ same_values('customers', 'engagements', ['customer_id', 'scored_on']) }}
    left join bad_contacts
        on {{ same_values('customers', 'bad_contacts', ['customer_id', 'scored_on']) }}
    left join {{ ref('int_nps_answers_valid') }} as answers
        on
            customers.customer_id = answers.customer_id
            and customers.scored_on >= answers.valid_from
            and customers.scored_on < answers.valid_to
    left join stayed
        on {{ same_values('customers', 'stayed', ['customer_id', 'scored_on']) }}
)

select
    -- keys
    scored_on,
    customer_id,
    day_role,

    -- dates
    first_active_on,
    last_purchase_on,
    lapses_on,
    term_ends_on,

    -- days
    {{ days_between('first_active_on', 'scored_on') }} as tenure_days,
    {{ days_between('last_purchase_on', 'scored_on') }} as days_since_purchase,
    activity_window_days,
    {{ days_between('scored_on', 'lapses_on') }} as days_to_lapse,
    {{ days_between('scored_on', 'term_ends_on') }} as days_to_term_end,

    -- the rhythm
    purchase_days,
    gaps,
    cast(median_gap_days as double) as median_gap_days,

    -- words
    nps_category,

    -- counts
    bad_contacts,
    engagements,
    recent_engagements,

    -- amounts; a trend has to be two spans old
    {{ as_amount('mrr') }} as mrr_amount,
    {{ as_amount('mrr_before') }} as mrr_before_amount,
    {%- for name, mrr in [('spent', 'mrr'), ('spent_before', 'mrr_a_span_before')] %}
    case
        when {{ days_between('first_active_on', 'scored_on') }} >= {{ 2 * span_days }}
            then {{ as_amount(name ~ ' + ' ~ mrr ~ ' * ' ~ span_days // 30) }}
    end as {{ name }}_amount,
    {%- endfor %}
    {{ as_amount('gross_amount') }} as gross_amount,
    {{ as_amount('discount_amount') }} as discount_amount,

    -- flags
    is_subscribed,
    is_subscribed and stops_on < {{ open_end() }} as is_contract_ending,
    is_past_due,
    is_cancel_requested,
    is_discount_acquired,
    coalesce(
        (
            not is_subscribed
            and days_since_purchase
            >= {{ patience_days('activity_window_days', 'gaps', 'median_gap_days') }}
        )
        or is_past_due
        or is_cancel_requested
        or nps_category = 'detractor',
        false
    ) as is_at_risk,
    coalesce(days_to_lapse <= {{ risk_days }}, not is_for_life) as can_lapse,
    case when day_role <> 'as_of' then has_gone end as is_churned
from known
