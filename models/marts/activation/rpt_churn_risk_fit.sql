-- Grain: one row per method, statistic, term and decile.

with

judgements as (
    select * from {{ ref('int_churn_risk_judged') }}
),

statistics as (
    {%- for statistic in ['customers', 'churned', 'auc', 'brier_score', 'top_decile_lift'] %}
    select
        method,
        'test_{{ statistic }}' as statistic,
        'all' as term,
        'all' as risk_decile,
        cast({{ statistic }} as double) as value
    from judgements

    union all
    {% endfor %}
    {%- for statistic in ['customers', 'churned', 'mean_chance', 'churned_share'] %}
    select
        method,
        'decile_{{ statistic }}' as statistic,
        'all' as term,
        cast(risk_decile as string) as risk_decile,
        cast({{ statistic }} as double) as value
    from {{ ref('int_churn_risk_deciles') }}

    union all
    {% endfor %}
    select
        'model' as method,
        case when term = 'all' then 'training_' || statistic else statistic end as statistic,
        term,
        'all' as risk_decile,
        value
    from {{ ref('int_churn_risk_fits') }}
)

select
    -- keys
    statistics.method,
    statistics.statistic,
    statistics.term,
    statistics.risk_decile,

    -- numbers
    statistics.value,

    -- words
    case
        when statistics.statistic like '%_customers' or statistics.statistic like '%_churned'
            then 'customers'
        when statistics.statistic in ('test_brier_score') then 'squared chance'
        when statistics.statistic = 'test_auc' then 'share of pairs'
        when statistics.statistic = 'test_top_decile_lift' then 'times the overall share'
        when statistics.statistic = 'decile_mean_chance' then 'chance, 0..1'
        when statistics.statistic = 'decile_churned_share' then 'rate, 0..1'
        when statistics.statistic like '%log_likelihood' then 'natural logarithm'
        when statistics.statistic in ('coefficient', 'standard_error') then 'logarithm of odds'
        else 'that of the input'
    end as unit,
    judgements.fit_status as status,
    judgements.verdict,

    -- flags
    judgements.verdict = 'used' as is_used
from statistics
inner join judgements
    on statistics.method = judgements.method
where statistics.value is not null
