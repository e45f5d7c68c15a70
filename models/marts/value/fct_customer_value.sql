-- Grain: one row per known customer.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
    where not is_anonymous
),

histories as (
    select * from {{ ref('int_purchase_histories') }}
),

-- a refund that is known but dated after as-of has not happened yet
order_revenues as (
    select
        entries.customer_id,
        sum(entries.revenue_amount) as net_revenue,
        sum(entries.margin_amount) as margin,
        sum(abs(entries.revenue_amount)) as absolute_revenue,
        sum(entries.uncosted_revenue_amount) as uncosted_revenue
    from {{ ref('int_revenue_entries') }} as entries
    inner join settings
        on entries.revenue_date <= settings.as_of_date
    where entries.customer_id <> 'anonymous'
    group by entries.customer_id
),

-- a change earns the rest of its own month and every month after it
recurring_revenues as (
    select
        changes.customer_id,
        sum(
            changes.revenue_amount + changes.mrr_change_amount
            * {{ months_between('changes.changed_on', 'settings.as_of_date') }}
        ) as net_revenue,
        sum(
            changes.margin_amount + changes.margin_mrr_change_amount
            * {{ months_between('changes.changed_on', 'settings.as_of_date') }}
        ) as margin,
        sum(
            changes.uncosted_revenue_amount + changes.uncosted_mrr_change_amount
            * {{ months_between('changes.changed_on', 'settings.as_of_date') }}
        ) as uncosted_revenue
    from {{ ref('int_recurring_revenue_typed') }} as changes
    cross join settings
    group by changes.customer_id
),

subscribers as (
    select
        customer_id,
        max(case when is_active then 1 else 0 end) = 1 as is_subscribed
    from {{ ref('int_activity_spells') }}
    where relationship = 'subscription'
    group by customer_id
),

acquisition_costs as (
    select
        month_start_date,
        channel,
        media_cac_amount,
        cac_amount
    from {{ ref('rpt_marketing_mix') }}
    where cac_amount is not null
),

values_to_date as (
    select
        customers.customer_id,
        customers.purchases_count as orders_count,
        customers.cohort_month,
        lower({{ trimmed('customers.acquisition_channel') }}) as channel,
        histories.last_purchase_on,
        histories.clv_frequency,
        histories.clv_recency_days,
        histories.clv_age_days,
        visits_predicted.next_visit_on as next_purchase_on,
        {{ as_amount(
            'coalesce(order_revenues.net_revenue, 0)'
            ~ ' + coalesce(recurring_revenues.net_revenue, 0)'
        ) }} as net_revenue_to_date_amount,
        {{ as_amount(
            'coalesce(order_revenues.margin, 0) + coalesce(recurring_revenues.margin, 0)'
        ) }} as margin_to_date_amount,
        {{ as_amount(
            'coalesce(order_revenues.absolute_revenue, 0)'
            ~ ' + coalesce(recurring_revenues.net_revenue, 0)'
        ) }} as absolute_revenue_to_date_amount,
        {{ as_amount(
            'coalesce(order_revenues.uncosted_revenue, 0)'
            ~ ' + coalesce(recurring_revenues.uncosted_revenue, 0)'
        ) }} as uncosted_revenue_to_date_amount
    from customers
    left join histories
        on customers.customer_id = histories.customer_id
    left join order_revenues
        on customers.customer_id = order_revenues.customer_id
    left join recurring_revenues
        on customers.customer_id = recurring_revenues.customer_id
    left join {{ ref('int_visits_predicted') }} as visits_predicted
        on customers.customer_id = visits_predicted.customer_id
),

-- quintiles of all buyers; ties go by customer_id, so that a rebuild gives the same scores
buyers_scored as (
    select
        customer_id,
        ntile(5) over (order by last_purchase_on, customer_id) as recency_score,
        ntile(5) over (order by orders_count, customer_id) as frequency_score,
        ntile(5) over (order by net_revenue_to_date_amount, customer_id) as monetary_score
    from values_to_date
    where last_purchase_on is not null
),

customers_ranked as (
    select
        customer_id,
        ntile(10) over (order by margin_to_date_amount desc, customer_id asc) as value_decile
    from values_to_date
    where net_revenue_to_date_amount > 0
)

select
    -- keys
    values_to_date.customer_id,

    -- to date
    values_to_date.orders_count,
    values_to_date.net_revenue_to_date_amount,
    values_to_date.margin_to_date_amount,
    values_to_date.absolute_revenue_to_date_amount,
    values_to_date.uncosted_revenue_to_date_amount,
    {{ estimated_margin_share(
        'values_to_date.uncosted_revenue_to_date_amount',
        'values_to_date.absolute_revenue_to_date_amount',
    ) }} as estimated_margin_share,
    customers_ranked.value_decile,

    -- purchase history
    values_to_date.clv_frequency,
    values_to_date.clv_recency_days,
    values_to_date.clv_age_days,
    values_to_date.next_purchase_on,

    -- recency, frequency, monetary value
    buyers_scored.recency_score,
    buyers_scored.frequency_score,
    buyers_scored.monetary_score,
    case
        when buyers_scored.customer_id is null and subscribers.is_subscribed then 'subscriber'
        when buyers_scored.customer_id is null and subscribers.customer_id is not null
            then 'former subscriber'
        when buyers_scored.customer_id is null then 'never bought'
        else coalesce(segments.rfm_segment, 'unknown')
    end as rfm_segment,

    -- to come
    predictions.p_alive,
    predictions.p_no_purchase_next_window,
    predictions.predicted_purchases_12m,
    predictions.predicted_margin_12m_amount,
    predictions.predicted_ltv_amount,
    predictions.ltv_months,
    coalesce(predictions.ltv_method, 'none') as ltv_method,
    coalesce(predictions.ltv_status, 'nothing to predict') as ltv_status,

    -- cost
    acquisition_costs.media_cac_amount,
    acquisition_costs.cac_amount,
    {{ rate(
        '(values_to_date.margin_to_date_amount + predictions.predicted_ltv_amount)',
        'acquisition_costs.cac_amount',
    ) }} as ltv_to_cac
from values_to_date
left join customers_ranked
    on values_to_date.customer_id = customers_ranked.customer_id
left join buyers_scored
    on values_to_date.customer_id = buyers_scored.customer_id
left join subscribers
    on values_to_date.customer_id = subscribers.customer_id
left join {{ ref('rfm_segments') }} as segments
    on
        buyers_scored.recency_score = segments.recency_score
        and buyers_scored.frequency_score = segments.frequency_score
left join acquisition_costs
    on
        values_to_date.cohort_month = acquisition_costs.month_start_date
        and values_to_date.channel = acquisition_costs.channel
left join {{ ref('int_value_predictions') }} as predictions
    on values_to_date.customer_id = predictions.customer_id
