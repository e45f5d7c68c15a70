-- Grain: one row per step from one customer's orders to the lifetime value.
-- How is a predicted lifetime value made? For the customer with the most repeats among those
-- predicted by the models of purchases: what is known, what the fit to all customers adds, and what
-- follows. Change the condition in `the_customer` to see another customer.
{%- set steps = [
    (
        'days with a purchase',
        'cast(purchase_days_count as double)',
        'int_purchase_histories: orders of a day are one',
    ),
    (
        'x: repeats',
        'x',
        'days with a purchase - 1',
    ),
    (
        'k: purchases after which the customer may have left',
        'k',
        'x by bg_nbd, x + 1 by mbg_nbd: the family of the fit',
    ),
    (
        't: weeks from the first purchase to the latest',
        'recency_weeks',
        'clv_recency_days / 7',
    ),
    (
        'T: weeks from the first purchase to as-of',
        'age_weeks',
        'clv_age_days / 7',
    ),
    (
        'margin of the repeats',
        'cast(limited_repeat_margin_amount as double)',
        'int_purchase_states: of each order at most the order_margin_limit',
    ),
    (
        'odds of having left',
        'a / (b + k - 1) * power((alpha + age_weeks) / (alpha + recency_weeks), r + x)',
        'a / (b + k - 1) x ((alpha + T) / (alpha + t))^(r + x), of the fit to everybody',
    ),
    (
        'p_alive',
        '1 / (1 + a / (b + k - 1) * power((alpha + age_weeks) / (alpha + recency_weeks), r + x))',
        '1 / (1 + odds)',
    ),
    (
        'p_alive, as the warehouse has it',
        'p_alive',
        'int_value_predictions',
    ),
    (
        'p_no_purchase_next_window',
        'p_no_purchase_next_window',
        'gone, or silent for activity_window_days',
    ),
    (
        'purchases in 12 months, if alive',
        'purchases_12m_if_alive',
        'int_purchase_forecasts, of x and T',
    ),
    (
        'predicted_purchases_12m',
        'p_alive * purchases_12m_if_alive',
        'p_alive x purchases if alive',
    ),
    (
        'margin of a purchase so far',
        'cast(limited_repeat_margin_amount as double) / nullif(x, 0)',
        'margin of the repeats / x',
    ),
    (
        'margin of a purchase to expect',
        'p * (v + limited_repeat_margin_amount) / (p * x + q - 1)',
        'p (v + margin of the repeats) / (p x + q - 1): drawn towards the mean of all',
    ),
    (
        'predicted_margin_12m_amount',
        'p_alive * purchases_12m_if_alive * p * (v + limited_repeat_margin_amount) / (p * x + q - 1)',
        'purchases x margin',
    ),
    (
        'discounted purchases to the horizon, if alive',
        'discounted_purchases_if_alive',
        'int_purchase_forecasts: months 1 to ltv_months, each over 1.1^(month / 12)',
    ),
    (
        'predicted_ltv_amount',
        'p_alive * discounted_purchases_if_alive * p * (v + limited_repeat_margin_amount) '
        ~ '/ (p * x + q - 1)',
        'p_alive x discounted purchases x margin',
    ),
    (
        'predicted_ltv_amount, as the warehouse has it',
        'cast(predicted_ltv_amount as double)',
        'int_value_predictions',
    ),
] %}

with

predictions as (
    select * from {{ ref('int_value_predictions') }}
),

the_customer as (
    select
        histories.*,
        states.limited_repeat_margin_amount,
        predictions.ltv_method,
        predictions.p_alive,
        predictions.p_no_purchase_next_window,
        predictions.predicted_purchases_12m,
        predictions.predicted_margin_12m_amount,
        predictions.predicted_ltv_amount
    from {{ ref('int_purchase_histories') }} as histories
    inner join {{ ref('int_purchase_states') }} as states
        on
            histories.customer_id = states.customer_id
            and states.cutoff = 'as_of'
    inner join predictions
        on histories.customer_id = predictions.customer_id
    where predictions.ltv_method in ('bg_nbd_gamma_gamma', 'mbg_nbd_gamma_gamma')
    qualify row_number() over (
        order by histories.clv_frequency desc, histories.customer_id asc
    ) = 1
),

models as (
    select
        max(case when statistic = 'r' then value end) as r,
        max(case when statistic = 'alpha' then value end) as alpha,
        max(case when statistic = 'a' then value end) as a,
        max(case when statistic = 'b' then value end) as b,
        max(case when statistic = 'p' then value end) as p,
        max(case when statistic = 'q' then value end) as q,
        max(case when statistic = 'v' then value end) as v
    from {{ ref('rpt_ltv_model_fit') }}
    where
        segment_name = 'all' and frequency_class = 'all' and chance_decile = 'all' and is_used
),

-- in weeks, as the models count
known as (
    select
        the_customer.*,
        models.*,
        cast(the_customer.clv_frequency as double) as x,
        the_customer.clv_frequency
        + case when the_customer.ltv_method like 'mbg%' then 1 else 0 end as k,
        cast(the_customer.clv_recency_days as double) / 7 as recency_weeks,
        cast(the_customer.clv_age_days as double) / 7 as age_weeks,
        forecasts.purchases_12m_if_alive,
        forecasts.discounted_purchases_if_alive
    from the_customer
    cross join models
    inner join {{ ref('int_purchase_forecasts') }} as forecasts
        on
            the_customer.clv_frequency = forecasts.frequency
            and the_customer.clv_age_days = forecasts.age_days
),

steps as (
    {% for step, value, comes_from in steps %}
    select
        {{ loop.index }} as step_number,
        {{ sql_text(step) }} as step,
        {{ value }} as value,
        {{ sql_text(comes_from) }} as comes_from
    from known
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    step_number,
    step,
    value,
    comes_from
from steps
order by step_number
