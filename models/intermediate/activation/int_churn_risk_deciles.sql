-- Grain: one row per method and tenth of the customers by their score on the day of the test.

with

deciles as (
    select
        method,
        risk_decile,
        min(score) as lowest_score,
        sum(customers) as customers,
        sum(churned) as churned,
        sum(customers * chance) as expected_churned
    from {{ ref('int_churn_risk_tested') }}
    group by method, risk_decile
)

select
    -- keys
    method,
    risk_decile,

    -- the scores that belong to it, [from, to)
    case
        when risk_decile < max(risk_decile) over (partition by method) then lowest_score
    end as score_from,
    lead(lowest_score) over (
        partition by method
        order by risk_decile desc
    ) as score_to,

    -- counts
    cast(customers as bigint) as customers,
    cast(churned as bigint) as churned,

    -- rates
    {{ rate('churned', 'customers') }} as churned_share,
    {{ rate('expected_churned', 'customers') }} as mean_chance
from deciles
