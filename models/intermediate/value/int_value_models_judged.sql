-- Grain: one row per model and slice it was fitted to.

with

fits as (
    select * from {{ ref('int_purchase_model_fits') }}
    union all
    select * from {{ ref('int_renewal_model_fits') }}
),

-- every model has two baselines: the past rate and one of its own
slices as (
    select
        model,
        segment_name,
        segment_value,
        max(case when statistic = 'converged' then status end) as status,
        max(case when statistic = 'holdout_predicted_error' then value end) as error,
        max(
            case
                when
                    statistic in (
                        'holdout_past_rate_error',
                        'holdout_segment_mean_error',
                        'holdout_nobody_leaves_error'
                    )
                    then value
            end
        ) as worst_baseline_error
    from fits
    where frequency_class = 'all'
    group by model, segment_name, segment_value
)

select
    -- keys
    model,
    segment_name,
    segment_value,

    -- words
    status,
    case
        when status not in ('converged', 'at a bound') then status
        when error is null then 'no hold-out'
        when error > worst_baseline_error then 'worse than both baselines'
        else 'used'
    end as verdict
from slices
