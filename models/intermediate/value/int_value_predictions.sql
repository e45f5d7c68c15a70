-- Grain: one row per customer.
{{ config(materialized='table') }}

with

customers as (
    select * from {{ ref('int_customers') }}
),

-- the parameters fitted to all customers, on one row
purchase_models as (
    select
        max(case when statistic = 'r' then value end) as r,
        max(case when statistic = 'alpha' then value end) as alpha,
        max(case when statistic = 'a' then value end) as a,
        max(case when statistic = 'b' then value end) as b,
        max(case when statistic = 'p' then value end) as p,
        max(case when statistic = 'q' then value end) as q,
        max(case when statistic = 'v' then value end) as v
    from {{ ref('int_purchase_model_fits') }}
    where segment_name = 'all' and frequency_class = 'all'
),

verdicts as (
    select
        coalesce(max(case when model = 'bg_nbd' then verdict end) = 'used', false)
            as is_frequency_used,
        coalesce(max(case when model = 'gamma_gamma' then verdict end) = 'used', false)
            as is_margin_used
    from {{ ref('int_value_models_judged') }}
    where segment_name = 'all'
),

-- in weeks, the unit of the models; customers leave only after a repeat purchase, so those who
-- bought once are alive
buyers as (
    select
        histories.customer_id,
        customers.customer_segment,
        histories.clv_frequency,
        histories.clv_age_days,
        verdicts.is_frequency_used,
        verdicts.is_frequency_used and verdicts.is_margin_used as is_model_used,
        models.r + histories.clv_frequency as shape,
        models.alpha + cast(histories.clv_age_days as double) / 7 as reach,
        cast(customers.activity_window_days as double) / 7 as window_weeks,
        case
            when histories.clv_frequency > 0
                then
                    ln(models.a / (models.b + histories.clv_frequency - 1))
                    + (models.r + histories.clv_frequency) * ln(
                        (models.alpha + cast(histories.clv_age_days as double) / 7)
                        / (models.alpha + cast(histories.clv_recency_days as double) / 7)
                    )
        end as log_odds_of_having_left,
        models.p * (models.v + greatest(cast(histories.repeat_margin_amount as double), 0))
        / (models.p * histories.clv_frequency + models.q - 1) as margin_per_purchase
    from {{ ref('int_purchase_histories') }} as histories
    inner join customers
        on histories.customer_id = customers.customer_id
    cross join purchase_models as models
    cross join verdicts
),

-- exp() overflows beyond 700, where the chance is zero anyway
buyers_alive as (
    select
        *,
        case
            when log_odds_of_having_left is null then 1
            else 1 / (1 + exp(least(log_odds_of_having_left, 700)))
        end as alive
    from buyers
),

purchases_predicted as (
    select
        buyers_alive.customer_id,
        buyers_alive.customer_segment,
        buyers_alive.is_model_used,
        case when buyers_alive.is_frequency_used then buyers_alive.alive end as p_alive,
        case
            when buyers_alive.is_frequency_used
                then
                    1 - buyers_alive.alive * (1 - exp(
                        -buyers_alive.shape
                        * ln(1 + buyers_alive.window_weeks / buyers_alive.reach)
                    ))
        end as p_no_purchase_next_window,
        case
            when buyers_alive.is_frequency_used
                then buyers_alive.alive * forecasts.purchases_12m_if_alive
        end as predicted_purchases_12m,
        buyers_alive.alive * forecasts.purchases_12m_if_alive * buyers_alive.margin_per_purchase
            as margin_12m,
        buyers_alive.alive
        * forecasts.discounted_purchases_if_alive
        * buyers_alive.margin_per_purchase as ltv
    from buyers_alive
    left join {{ ref('int_purchase_forecasts') }} as forecasts
        on
            buyers_alive.clv_frequency = forecasts.frequency
            and buyers_alive.clv_age_days = forecasts.age_days
),

contracts_predicted as (
    select
        contracts.customer_id,
        coalesce(judgements.verdict = 'used', false) as is_model_used,
        forecasts.paid_months_12m * contracts.monthly_margin_amount as margin_12m,
        forecasts.discounted_paid_months * contracts.monthly_margin_amount as ltv
    from {{ ref('int_contracts_running') }} as contracts
    inner join {{ ref('int_renewal_forecasts') }} as forecasts
        on
            contracts.billing_term = forecasts.billing_term
            and contracts.contract_age = forecasts.contract_age
    left join {{ ref('int_value_models_judged') }} as judgements
        on
            judgements.model = 'shifted_beta_geometric'
            and contracts.billing_term = judgements.segment_value
),

-- the share of customers kept for a month, and the same discounted by a month
formula_slices as (
    select
        relationship,
        segment_name,
        segment_value,
        ltv_status,
        cast(ampu_amount as double) as ampu,
        1 - coalesce(churn_rate, 0) as kept,
        (1 - coalesce(churn_rate, 0)) * power(1 + {{ var('annual_discount_rate') }}, -1.0 / 12)
            as kept_and_discounted
    from {{ ref('int_ltv_formulas') }}
    where period_grain = 'month' and segment_name in ('all', 'customer_segment')
),

-- a segment with too few losses takes the figures of all customers
formula_choices as (
    select
        everybody.relationship,
        segments.customer_segment,
        coalesce(of_segment.ampu, everybody.ampu) as ampu,
        coalesce(of_segment.kept, everybody.kept) as kept,
        coalesce(of_segment.kept_and_discounted, everybody.kept_and_discounted)
            as kept_and_discounted
    from formula_slices as everybody
    cross join (
        select distinct customer_segment from customers
    ) as segments
    left join formula_slices as of_segment
        on
            everybody.relationship = of_segment.relationship
            and of_segment.segment_name = 'customer_segment'
            and segments.customer_segment = of_segment.segment_value
            and of_segment.ltv_status = 'ok'
    where everybody.segment_name = 'all'
),

-- the value of a customer who is still active
formulas as (
    select
        relationship,
        customer_segment,
        ampu * {{ geometric_sum('kept', 12) }} as margin_12m,
        ampu * {{ geometric_sum('kept_and_discounted', var('ltv_horizon_months')) }} as ltv
    from formula_choices
),

active_buyers as (
    select customer_id from {{ ref('int_activity_spells') }}
    where relationship = 'orders' and is_active
),

parts as (
    select
        customers.customer_id,
        purchases.p_alive,
        purchases.p_no_purchase_next_window,
        purchases.predicted_purchases_12m,
        purchases.customer_id is not null as has_purchases,
        contracts.customer_id is not null as has_contract,
        coalesce(purchases.is_model_used, false) as is_purchase_model_used,
        coalesce(contracts.is_model_used, false) as is_renewal_model_used,
        case
            when purchases.is_model_used then purchases.margin_12m
            when purchases.customer_id is null then 0
            when active_buyers.customer_id is null then 0
            else order_formulas.margin_12m
        end as margin_12m_of_purchases,
        case
            when purchases.is_model_used then purchases.ltv
            when purchases.customer_id is null then 0
            when active_buyers.customer_id is null then 0
            else order_formulas.ltv
        end as ltv_of_purchases,
        case
            when contracts.is_model_used then contracts.margin_12m
            when contracts.customer_id is null then 0
            else contract_formulas.margin_12m
        end as margin_12m_of_contract,
        case
            when contracts.is_model_used then contracts.ltv
            when contracts.customer_id is null then 0
            else contract_formulas.ltv
        end as ltv_of_contract
    from customers
    left join purchases_predicted as purchases
        on customers.customer_id = purchases.customer_id
    left join contracts_predicted as contracts
        on customers.customer_id = contracts.customer_id
    left join active_buyers
        on customers.customer_id = active_buyers.customer_id
    left join formulas as order_formulas
        on
            customers.customer_segment = order_formulas.customer_segment
            and order_formulas.relationship = 'orders'
    left join formulas as contract_formulas
        on
            customers.customer_segment = contract_formulas.customer_segment
            and contract_formulas.relationship = 'subscription'
),

parts_added as (
    select
        *,
        margin_12m_of_purchases + margin_12m_of_contract as margin_12m,
        ltv_of_purchases + ltv_of_contract as ltv
    from parts
)

select
    -- keys
    customer_id,

    -- purchases
    p_alive,
    p_no_purchase_next_window,
    predicted_purchases_12m,

    -- amounts
    case when has_purchases or has_contract then {{ as_amount('margin_12m') }} end
        as predicted_margin_12m_amount,
    case when has_purchases or has_contract then {{ as_amount('ltv') }} end
        as predicted_ltv_amount,

    -- words
    case
        when not has_purchases and not has_contract or ltv is null then 'none'
        when has_purchases and not is_purchase_model_used then 'formula'
        when has_contract and not is_renewal_model_used then 'formula'
        when has_purchases and has_contract then 'both models'
        when has_purchases then 'bg_nbd_gamma_gamma'
        else 'shifted_beta_geometric'
    end as ltv_method
from parts_added
