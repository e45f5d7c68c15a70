-- Grain: one row per model and slice it was fitted to.
{{ config(post_hook='{{ warn_of_unused_models() }}') }}

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
        max(case when statistic = 'chosen' then value end) = 1 as is_chosen,
        max(
            case
                when statistic in ('dropout_at_a_bound', 'calibration_dropout_at_a_bound')
                    then value
            end
        ) = 1 as is_dropout_at_a_bound,
        min(
            case
                when
                    statistic in (
                        'log_likelihood_above_nbd', 'calibration_log_likelihood_above_nbd'
                    )
                    then value
            end
        ) as log_likelihood_above_nbd,
        max(case when statistic = 'holdout_predicted_error' then value end) as error,
        max(case when statistic = 'holdout_predicted_total_error' then value end) as total_error,
        min(
            case
                when
                    statistic in (
                        'holdout_past_rate_error',
                        'holdout_segment_mean_error',
                        'holdout_nobody_leaves_error'
                    )
                    then value
            end
        ) as best_baseline_error
    from fits
    where frequency_class = 'all' and chance_decile = 'all'
    group by model, segment_name, segment_value
),

-- whether the chosen family of the slice shows in both fits that customers leave
slices_with_dropout as (
    select
        *,
        max(
            case
                when
                    is_chosen
                    and not is_dropout_at_a_bound
                    and log_likelihood_above_nbd >= {{ var('ltv_min_dropout_log_likelihood') }}
                    then 1
                else 0
            end
        ) over (partition by segment_name, segment_value) = 1 as is_dropout_identified
    from slices
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
        when is_chosen and not is_dropout_identified then 'dropout not identified'
        when not is_chosen and (model <> 'nbd' or is_dropout_identified) then 'less likely'
        when error >= best_baseline_error then 'worse than a baseline'
        when total_error >= {{ var('ltv_max_holdout_error') }} then 'misses the total'
        else 'used'
    end as verdict,

    -- reasons
    is_chosen,
    is_dropout_at_a_bound,
    log_likelihood_above_nbd,
    error,
    total_error,
    best_baseline_error
from slices_with_dropout
