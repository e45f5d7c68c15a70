-- Grain: one row per method.

with

methods as (
    {%- for method in churn_risk_methods() %}
    select
        '{{ method }}' as method,
        {{ loop.index }} as method_number
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

fits as (
    select coalesce(max(status), 'not fitted') as status
    from {{ ref('int_churn_risk_fits') }}
),

-- the area under the ROC curve is the share of the pairs of one who churned and one who stayed in
-- which the first has the greater score; pairs of one score count half
measures as (
    select
        method,
        max(all_customers) as customers,
        max(all_churned) as churned,
        {{ rate(
            'sum(churned * (stayed_below + (customers - churned) / 2.0))',
            '(max(all_churned) * (max(all_customers) - max(all_churned)))',
        ) }} as auc,
        {{ rate(
            'sum(churned * (1 - chance) * (1 - chance) + (customers - churned) * chance * chance)',
            'max(all_customers)',
        ) }} as brier_score,
        {{ rate(
            'sum(churned * top_tenth_customers / customers) * 10', 'max(all_churned)'
        ) }} as top_decile_lift
    from {{ ref('int_churn_risk_tested') }}
    group by method
),

methods_measured as (
    select
        methods.method,
        methods.method_number,
        coalesce(measures.customers, 0) as customers,
        coalesce(measures.churned, 0) as churned,
        measures.auc,
        measures.brier_score,
        measures.top_decile_lift,
        case when methods.method = 'model' then fits.status else 'none' end as fit_status
    from methods
    cross join fits
    left join measures
        on methods.method = measures.method
),

methods_compared as (
    select
        *,
        max(case when method <> 'model' then auc end) over () as best_rule_auc,
        -- the first of the best rules
        row_number() over (
            order by
                case when method = 'model' then 1 else 0 end asc,
                auc desc nulls last,
                method_number asc
        ) = 1 as is_best_rule
    from methods_measured
),

models_judged as (
    select
        *,
        case
            when method <> 'model' then null
            when fit_status <> 'converged' then fit_status
            when auc is null then 'no test'
            when auc < best_rule_auc then 'worse than a rule'
            else 'used'
        end as model_verdict
    from methods_compared
),

verdicts as (
    select
        *,
        max(model_verdict) over () as verdict_on_model
    from models_judged
)

select
    -- keys
    method,

    -- counts
    cast(customers as bigint) as customers,
    cast(churned as bigint) as churned,

    -- measures
    auc,
    brier_score,
    top_decile_lift,

    -- words
    fit_status,
    -- without a model that was judged, all customers are alike
    case
        when method = 'model' then model_verdict
        when verdict_on_model = 'used' then 'not needed'
        when verdict_on_model = 'worse than a rule' and is_best_rule then 'used'
        when verdict_on_model <> 'worse than a rule' and method = 'base rate' then 'used'
        else 'not needed'
    end as verdict
from verdicts
