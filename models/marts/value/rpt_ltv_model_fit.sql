-- Grain: one row per model, slice, statistic and frequency class.

with

fits as (
    select * from {{ ref('int_purchase_model_fits') }}
    union all
    select * from {{ ref('int_renewal_model_fits') }}
),

judgements as (
    select * from {{ ref('int_value_models_judged') }}
)

select
    -- keys
    fits.model,
    fits.segment_name,
    fits.segment_value,
    fits.statistic,
    fits.frequency_class,

    -- numbers
    fits.value,

    -- words
    case
        when fits.statistic = 'alpha' and fits.model = 'bg_nbd' then 'weeks'
        when fits.statistic = 'v' then 'reporting currency'
        when fits.statistic in ('r', 'alpha', 'a', 'b', 'p', 'q', 'beta') then 'none'
        when fits.statistic = 'log_likelihood' then 'natural logarithm'
        when fits.statistic = 'converged' then '1 yes, 0 no'
        when fits.statistic like '%_error' then 'share of what came'
        when fits.model = 'shifted_beta_geometric' then 'contracts'
        when fits.statistic in ('customers', 'holdout_customers') then 'customers'
        when fits.model = 'gamma_gamma' then 'reporting currency'
        else 'purchase days'
    end as unit,
    fits.status,
    judgements.verdict,

    -- flags
    judgements.verdict = 'used' as is_used
from fits
inner join judgements
    on
        fits.model = judgements.model
        and fits.segment_name = judgements.segment_name
        and fits.segment_value = judgements.segment_value
