-- Every entry into a stage is a transition from another stage, or from none: the transitions into a
-- stage are its entries, in every period and segment.
with

transitions as (
    select
        period_grain,
        period_start_date,
        to_stage,
        {{ segment_columns() }},
        sum(transitions) as transitions
    from {{ ref('rpt_stage_transitions') }}
    group by period_grain, period_start_date, to_stage, {{ segment_columns() }}
)

select
    stages.period_grain,
    stages.period_start_date,
    stages.lifecycle_stage,
    {{ segment_columns('stages') }},
    stages.entries,
    transitions.transitions
from {{ ref('rpt_stage_periods') }} as stages
full join transitions
    on
        stages.period_grain = transitions.period_grain
        and stages.period_start_date = transitions.period_start_date
        and stages.lifecycle_stage = transitions.to_stage
        and stages.region = transitions.region
        and stages.industry = transitions.industry
        and stages.customer_segment = transitions.customer_segment
        and stages.acquisition_channel = transitions.acquisition_channel
where coalesce(stages.entries, 0) <> coalesce(transitions.transitions, 0)
