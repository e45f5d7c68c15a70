-- Grain: one row per model, slice, statistic, frequency class and decile.

with

purchase_fits as (
    select * from {{ ref('int_purchase_model_fits') }}
),

-- in every slice, the limit is that of all customers
fits as (
    select * from purchase_fits
    union all
    select
        purchase_fits.model,
        purchase_fits.segment_name,
        purchase_fits.segment_value,
        case
            when limits.cutoff = 'as_of' then 'order_margin_limit'
            else 'calibration_order_margin_limit'
        end as statistic,
        purchase_fits.frequency_class,
        purchase_fits.chance_decile,
        cast(limits.order_margin_limit_amount as double) as value,
        purchase_fits.status
    from {{ ref('int_order_margin_limits') }} as limits
    inner join purchase_fits
        on
            purchase_fits.model = 'gamma_gamma'
            and purchase_fits.statistic = 'converged'
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
    fits.chance_decile,

    -- numbers
    fits.value,

    -- words
    case
        when fits.statistic = 'alpha' and fits.model <> 'shifted_beta_geometric' then 'weeks'
        when fits.statistic = 'v' then 'reporting currency'
        when fits.statistic in ('r', 'alpha', 'a', 'b', 'p', 'q', 'beta') then 'none'
        when fits.statistic in ('calibration_alpha', 'calibration_beta') then 'none'
        when fits.statistic like '%log_likelihood%' then 'natural logarithm'
        when fits.statistic in ('converged', 'chosen') then '1 yes, 0 no'
        when fits.statistic like '%dropout_at_a_bound' then '1 yes, 0 no'
        when fits.statistic like '%_error' then 'share of what came'
        when fits.statistic like 'brier_score%' then 'squared chance'
        when fits.statistic like '%_chance' then 'chance, 0..1'
        when fits.statistic like '%_share' then 'rate, 0..1'
        when fits.model = 'shifted_beta_geometric' then 'contracts'
        when fits.statistic like '%customers' then 'customers'
        when fits.model = 'gamma_gamma' then 'reporting currency'
        else 'purchase days'
    end as unit,
    fits.status,
    judgements.verdict,

    -- flags
    judgements.is_chosen,
    judgements.verdict = 'used' as is_used
from fits
inner join judgements
    on
        fits.model = judgements.model
        and fits.segment_name = judgements.segment_name
        and fits.segment_value = judgements.segment_value
