-- Grain: one row per customer who is active on as-of.
{#- the kind of customer is where the chance starts from, and no reason to act on -#}
{%- set reasons = churn_risk_inputs() | reject('equalto', 'kind') | list %}
{%- set places = ['first', 'second', 'third'] %}

with

features as (
    select * from {{ ref('int_churn_risk_features') }}
    where day_role = 'as_of'
),

method_used as (
    select method from {{ ref('int_churn_risk_judged') }}
    where verdict = 'used'
),

-- what became of the customers of past days; with none of them, nothing is known
past_days as (
    select
        count(case when can_lapse then 1 end) as customers,
        {{ rate(
            'count(case when can_lapse and is_churned then 1 end)',
            'count(case when can_lapse then 1 end)',
        ) }} as churned_share,
        {{ rate(
            'count(case when not can_lapse and is_churned then 1 end)',
            'count(case when not can_lapse then 1 end)',
        ) }} as churned_share_of_kept
    from {{ ref('int_churn_risk_features') }}
    where day_role <> 'as_of'
),

scores as (
    select
        scores.*,
        method_used.method,
        case method_used.method
            {%- for method, score in churn_risk_methods().items() %}
            when '{{ method }}' then scores.{{ score }}
            {%- endfor %}
        end as score
    from {{ ref('int_churn_risk_scores') }} as scores
    cross join method_used
    where scores.day_role = 'as_of'
),

-- the chance, by the first line that fits
risks as (
    select
        scores.*,
        case
            when not scores.can_lapse then 'cannot lapse within {{ var("churn_risk_days") }} days'
            when scores.method = 'base rate' and past_days.customers = 0 then 'no past day'
            else scores.method
        end as risk_method,
        case
            when not scores.can_lapse then coalesce(past_days.churned_share_of_kept, 0)
            when scores.method = 'model' then scores.score
            else coalesce(deciles.mean_chance, past_days.churned_share, 0.5)
        end as churn_risk
    from scores
    cross join past_days
    left join {{ ref('int_churn_risk_deciles') }} as deciles
        on
            scores.method = deciles.method
            and coalesce(scores.score >= deciles.score_from, true)
            and coalesce(scores.score < deciles.score_to, true)
),

-- a rule has one reason, where it puts the chance above that of all
risks_of_rules as (
    select
        risks.*,
        features.is_subscribed,
        case
            when risks.risk_method not like 'rule %' then 'none'
            when risks.churn_risk <= past_days.churned_share then 'none'
            when risks.risk_method = 'rule at_risk' and features.is_past_due then 'payment'
            when risks.risk_method = 'rule at_risk' and features.is_cancel_requested
                then 'cancellation'
            when risks.risk_method = 'rule at_risk' and features.nps_category = 'detractor'
                then 'opinion'
            when risks.risk_method = 'rule at_risk' and not features.is_at_risk then 'none'
            when not features.is_subscribed then 'silence'
            when features.is_contract_ending then 'cancellation'
            else 'none'
        end as rule_reason
    from risks
    cross join past_days
    inner join features
        on risks.customer_id = features.customer_id
),

-- the model has three: those that lift the logarithm of the odds most
{%- for place in places %}
{%- set before = places[:loop.index0] %}
{{ place }}_lifts as (
    select
        *,
        greatest(
            {%- for reason in reasons %}
            case
                when
                    risk_method = 'model'
                    {%- for earlier in before %}
                    and {{ earlier }}_name <> '{{ reason }}'
                    {%- endfor %}
                    then {{ reason }}_contribution
                else 0
            end{{ ',' if not loop.last }}
            {%- endfor %}
        ) as {{ place }}_lift
    from {{ before[-1] ~ '_names' if before else 'risks_of_rules' }}
),

{{ place }}_names as (
    select
        *,
        case
            when {{ place }}_lift < {{ var('churn_risk_min_lift') }}
                then {{ "'none'" if before else 'rule_reason' }}
            {%- for reason in reasons %}
            when
                {{ reason }}_contribution = {{ place }}_lift
                {%- for earlier in before %}
                and {{ earlier }}_name <> '{{ reason }}'
                {%- endfor %}
                then '{{ reason }}'
            {%- endfor %}
        end as {{ place }}_name
    from {{ place }}_lifts
),
{% endfor %}
customers_ranked as (
    select
        *,
        count(*) over (order by churn_risk desc) as customers_so_far,
        count(*) over (partition by churn_risk) as customers_alike,
        count(*) over () as all_customers
    from third_names
)

select
    -- keys
    features.customer_id,

    -- dates
    features.last_purchase_on,
    features.lapses_on,

    -- words
    risks.risk_method,
    case
        when risks.risk_method in ('base rate', 'no past day') then 'unknown'
        when risks.first_name = 'none' then 'none'
        else {{ churn_risk_words('risks.first_name') }}
    end as first_reason,
    {{ churn_risk_words('risks.second_name') }} as second_reason,
    {{ churn_risk_words('risks.third_name') }} as third_reason,

    -- lengths
    cast(features.tenure_days as bigint) as tenure_days,
    cast(features.days_since_purchase as bigint) as days_since_purchase,
    features.median_gap_days,
    cast(features.days_to_lapse as bigint) as days_to_lapse,

    -- ranks
    {{ decile_of(
        'risks.customers_so_far', 'risks.customers_alike', 'risks.all_customers'
    ) }} as risk_decile,

    -- chances
    risks.churn_risk,

    -- flags
    features.is_subscribed,
    features.is_at_risk,
    features.can_lapse
from features
inner join customers_ranked as risks
    on features.customer_id = risks.customer_id
