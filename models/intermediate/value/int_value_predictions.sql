-- Grain: one row per customer.
{{ config(materialized='table') }}

with

customers as (
    select * from {{ ref('int_customers') }}
),

history as (
    select
        history_months,
        ltv_months
    from {{ ref('int_history_measured') }}
),

judgements as (
    select * from {{ ref('int_value_models_judged') }}
),

-- the parameters of the models in use, fitted to all customers, on one row; at most one family of
-- purchases is in use
purchase_models as (
    select
        max(case when fits.statistic = 'r' then fits.model end) as family,
        max(case when fits.statistic = 'r' then fits.value end) as r,
        max(case when fits.statistic = 'alpha' then fits.value end) as alpha,
        max(case when fits.statistic = 'a' then fits.value end) as a,
        max(case when fits.statistic = 'b' then fits.value end) as b,
        max(case when fits.statistic = 'p' then fits.value end) as p,
        max(case when fits.statistic = 'q' then fits.value end) as q,
        max(case when fits.statistic = 'v' then fits.value end) as v
    from {{ ref('int_purchase_model_fits') }} as fits
    inner join judgements
        on {{ same_values('fits', 'judgements', ['model', 'segment_name', 'segment_value']) }}
    where
        fits.segment_name = 'all'
        and fits.frequency_class = 'all'
        and fits.chance_decile = 'all'
        and judgements.verdict = 'used'
),

dropouts as (
    select
        coalesce(max(case when verdict = 'dropout not identified' then 1 end) = 1, false)
            as is_dropout_unknown
    from judgements
    where segment_name = 'all'
),

-- in weeks, the unit of the models; a customer may have left after each repeat or, by MBG/NBD,
-- after each purchase
buyers as (
    select
        states.customer_id,
        states.frequency,
        states.age_days,
        dropouts.is_dropout_unknown,
        models.family,
        models.a is not null as is_frequency_used,
        models.p is not null as is_margin_used,
        models.r + states.frequency as shape,
        models.alpha + cast(states.age_days as double) / 7 as reach,
        models.alpha + cast(states.recency_days as double) / 7 as reach_of_last_purchase,
        models.a,
        models.b,
        cast(states.activity_window_days as double) / 7 as window_weeks,
        states.frequency + case when models.family = 'mbg_nbd' then 1 else 0 end
            as chances_to_leave,
        models.p * (models.v + greatest(cast(states.limited_repeat_margin_amount as double), 0))
        / (models.p * states.frequency + models.q - 1) as margin_per_purchase
    from {{ ref('int_purchase_states') }} as states
    cross join purchase_models as models
    cross join dropouts
    where states.cutoff = 'as_of'
),

buyers_with_odds as (
    select
        *,
        case
            when chances_to_leave > 0
                then ln(a / (b + chances_to_leave - 1)) + shape * ln(reach / reach_of_last_purchase)
        end as log_odds_of_having_left,
        1 - exp(-shape * ln(1 + window_weeks / reach)) as buys_in_window_if_alive
    from buyers
),

-- exp() overflows beyond 700, where the chance is zero anyway
buyers_alive as (
    select
        *,
        case
            when not is_frequency_used then null
            when log_odds_of_having_left is null then 1
            else 1 / (1 + exp(least(log_odds_of_having_left, 700)))
        end as alive
    from buyers_with_odds
),

-- without the chance of leaving, only windows as long as the hold-out are tested
purchases_predicted as (
    select
        buyers_alive.customer_id,
        buyers_alive.family,
        buyers_alive.is_dropout_unknown,
        buyers_alive.is_frequency_used,
        buyers_alive.is_frequency_used and buyers_alive.is_margin_used as is_model_used,
        buyers_alive.alive as p_alive,
        case
            when
                buyers_alive.is_frequency_used
                or buyers_alive.window_weeks <= {{ var('ltv_holdout_weeks') }}
                then 1 - coalesce(buyers_alive.alive, 1) * buyers_alive.buys_in_window_if_alive
        end as p_no_purchase_next_window,
        buyers_alive.alive * forecasts.purchases_12m_if_alive as predicted_purchases_12m,
        buyers_alive.alive * forecasts.purchases_12m_if_alive * buyers_alive.margin_per_purchase
            as margin_12m,
        buyers_alive.alive
        * forecasts.discounted_purchases_if_alive
        * buyers_alive.margin_per_purchase as ltv
    from buyers_alive
    left join {{ ref('int_purchase_forecasts') }} as forecasts
        on
            buyers_alive.frequency = forecasts.frequency
            and buyers_alive.age_days = forecasts.age_days
),

contracts_predicted as (
    select
        contracts.customer_id,
        contracts.monthly_margin_amount,
        coalesce(judgements.verdict = 'used', false) as is_model_used,
        forecasts.paid_months_12m * contracts.monthly_margin_amount as margin_12m,
        forecasts.discounted_paid_months * contracts.monthly_margin_amount as ltv
    from {{ ref('int_contracts_running') }} as contracts
    left join {{ ref('int_renewal_forecasts') }} as forecasts
        on
            contracts.billing_term = forecasts.billing_term
            and contracts.contract_age = forecasts.contract_age
    left join judgements
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
        (1 - coalesce(churn_rate, 0)) * power(1 + {{ var('annual_discount_rate') }}, -1 / 12)
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

-- the months that a customer who is still active is expected to stay
formulas as (
    select
        formula_choices.relationship,
        formula_choices.customer_segment,
        formula_choices.ampu,
        {{ geometric_sum('formula_choices.kept', 12) }} as months_12m,
        {{ geometric_sum('formula_choices.kept_and_discounted', 'history.ltv_months') }}
            as discounted_months
    from formula_choices
    cross join history
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
        purchases.family,
        history.history_months,
        history.ltv_months,
        purchases.customer_id is not null as has_purchases,
        contracts.customer_id is not null as has_contract,
        coalesce(purchases.is_dropout_unknown, false) as is_dropout_unknown,
        coalesce(purchases.is_frequency_used, false) as is_frequency_used,
        coalesce(purchases.is_model_used, false) as is_purchase_model_used,
        coalesce(contracts.is_model_used, false) as is_renewal_model_used,
        case
            when purchases.is_model_used then purchases.margin_12m
            when purchases.customer_id is null then 0
            when active_buyers.customer_id is null then 0
            else order_formulas.ampu * order_formulas.months_12m
        end as margin_12m_of_purchases,
        case
            when purchases.is_model_used then purchases.ltv
            when purchases.customer_id is null then 0
            when active_buyers.customer_id is null then 0
            else order_formulas.ampu * order_formulas.discounted_months
        end as ltv_of_purchases,
        case
            when contracts.is_model_used then contracts.margin_12m
            when contracts.customer_id is null then 0
            else contracts.monthly_margin_amount * contract_formulas.months_12m
        end as margin_12m_of_contract,
        case
            when contracts.is_model_used then contracts.ltv
            when contracts.customer_id is null then 0
            else contracts.monthly_margin_amount * contract_formulas.discounted_months
        end as ltv_of_contract
    from customers
    cross join history
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
        has_purchases and not is_purchase_model_used as is_without_purchase_model,
        has_contract and not is_renewal_model_used as is_without_renewal_model,
        margin_12m_of_purchases + margin_12m_of_contract as margin_12m,
        case
            when (has_purchases or has_contract) and ltv_months > 0
                then {{ in_cents('(ltv_of_purchases + ltv_of_contract)') }}
        end as predicted_ltv_amount
    from parts
)

select
    -- keys
    customer_id,

    -- purchases
    p_alive,
    p_no_purchase_next_window,
    case when history_months >= 12 then predicted_purchases_12m end as predicted_purchases_12m,

    -- amounts
    case
        when history_months >= 12 and predicted_ltv_amount is not null
            then {{ in_cents('margin_12m') }}
    end as predicted_margin_12m_amount,
    predicted_ltv_amount,
    case when predicted_ltv_amount is not null then ltv_months end as ltv_months,

    -- words
    case
        when predicted_ltv_amount is null then 'none'
        when is_without_purchase_model or is_without_renewal_model then 'formula'
        when has_purchases and has_contract then 'both models'
        when has_purchases then family || '_gamma_gamma'
        else 'shifted_beta_geometric'
    end as ltv_method,
    case
        when not has_purchases and not has_contract then 'nothing to predict'
        when has_purchases and is_dropout_unknown then 'dropout not identified'
        when has_purchases and not is_frequency_used then 'purchases not predictable'
        when is_without_purchase_model then 'margins not predictable'
        when is_without_renewal_model then 'renewals not predictable'
        else 'ok'
    end as ltv_status
from parts_added
