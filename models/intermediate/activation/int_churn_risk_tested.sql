-- Grain: one row per method and score that customers had on the day of the test.

with

customers as (
    {%- for method, score in churn_risk_methods().items() %}
    select
        '{{ method }}' as method,
        {{ score }} as score,
        is_churned
    from {{ ref('int_churn_risk_scores') }}
    where day_role = 'test' and can_lapse and {{ score }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- customers with one score are told apart by nothing
scores as (
    select
        method,
        score,
        count(*) as customers,
        count(case when is_churned then 1 end) as churned
    from customers
    group by method, score
),

scores_ranked as (
    select
        *,
        sum(customers) over method_scores as customers_so_far,
        sum(churned) over method_scores as churned_so_far,
        sum(customers) over (partition by method) as all_customers,
        sum(churned) over (partition by method) as all_churned
    from scores
    window method_scores as (
        partition by method
        order by score desc
        rows unbounded preceding
    )
),

scores_with_decile as (
    select
        *,
        {{ decile_of('customers_so_far', 'customers', 'all_customers') }} as risk_decile
    from scores_ranked
)

select
    -- keys
    method,
    score,

    -- words
    risk_decile,

    -- counts
    customers,
    churned,
    -- with lower scores
    (all_customers - all_churned) - (customers_so_far - churned_so_far) as stayed_below,
    all_customers,
    all_churned,
    -- how many of these customers are in the tenth with the greatest scores, on average over all
    -- ways to order those of one score
    greatest(
        least(customers_so_far, all_customers / 10.0) - (customers_so_far - customers), 0
    ) as top_tenth_customers,

    -- chances; a tenth may have few customers
    case
        when method = 'model' then score
        else
            (
                sum(churned) over (partition by method, risk_decile)
                + {{ var('churn_risk_prior_customers') }}
                * {{ rate('all_churned', 'all_customers') }}
            )
            / (
                sum(customers) over (partition by method, risk_decile)
                + {{ var('churn_risk_prior_customers') }}
            )
    end as chance
from scores_with_decile
