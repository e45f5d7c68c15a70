-- Grain: one row per metric, relationship, period, period compared with, driver and slice.
{%- set keys = [
    'driver', 'relationship', 'period_grain', 'period_start_date', 'segment_name', 'segment_value'
] %}
{%- set moves = [
    'driver', 'relationship', 'period_grain', 'period_start_date', 'compared_with'
] %}

with

periods as (
    select * from {{ ref('int_periods') }}
    where is_complete_period and has_rates
),

comparisons as (
    {{ periods_compared('periods') }}
),

retention as (
    select * from {{ ref('int_retention_periods_counted') }}
),

margin_months as (
    select * from {{ ref('int_margin_months') }}
),

-- each driver is a ratio of two sums, of whole numbers and amounts
parts as (
    select
        'churn_rate' as driver,
        relationship,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        lost_customers as numerator,
        opening_customers as denominator
    from retention

    union all

    select
        'ampu' as driver,
        relationship,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        0 as numerator,
        active_in_period_customers as denominator
    from retention
    where period_grain <> 'week'

    -- margin is known by the month
    union all

    select
        'ampu' as driver,
        margin_months.relationship,
        periods.period_grain,
        periods.period_start_date,
        {{ segment_columns('margin_months') }},
        margin_months.margin_amount as numerator,
        0 as denominator
    from margin_months
    inner join periods
        on
            margin_months.margin_month between periods.period_start_date and periods.closes_on
            and periods.period_grain <> 'week'

    {%- for kind in ['gross', 'net'] %}

    union all

    select
        '{{ kind }}_revenue_retention_rate' as driver,
        'subscription' as relationship,
        period_grain,
        period_start_date,
        {{ segment_columns() }},
        {{ kind }}_retained_mrr_amount as numerator,
        opening_mrr_amount as denominator
    from {{ ref('rpt_mrr_periods') }}
    {%- endfor %}
),

parts_by_slice as (
    {{ rows_by_slice('parts', segments()) }}
),

sums as (
    select
        {{ keys | join(',\n        ') }},
        cast(sum(numerator) as double) as numerator,
        cast(sum(denominator) as double) as denominator
    from parts_by_slice
    group by {{ keys | join(', ') }}

    {%- if var('surveys_enabled') %}

    union all

    select
        'nps' as driver,
        'any' as relationship,
        period_grain,
        period_start_date,
        segment_name,
        segment_value,
        cast(100 * (promoters - detractors) as double) as numerator,
        cast(responses as double) as denominator
    from {{ ref('rpt_nps') }}
    {%- endif %}
),

-- the weight of a slice is its share of the denominator, so that the value of all is the weighted
-- mean of the slices; a refund can also come in where nobody is active, and has no weight
ratios as (
    select
        sums.*,
        {{ rate('sums.numerator', 'sums.denominator') }} as slice_value,
        sums.denominator / sums_of_all.denominator as weight,
        case when sums.denominator = 0 then sums.numerator / sums_of_all.denominator else 0 end
            as unweighted_value,
        sums_of_all.numerator / sums_of_all.denominator as value_of_all
    from sums
    inner join sums as sums_of_all
        on
            {{ same_values('sums', 'sums_of_all', keys[:4]) }}
            and sums_of_all.segment_name = 'all'
    where
        sums_of_all.denominator > 0
        and (sums.denominator > 0 or sums.numerator <> 0)
),

sides as (
    {%- for side, date in {
        'now': 'period_start_date',
        'before': 'compared_period_start_date',
    }.items() %}
    select
        ratios.driver,
        ratios.relationship,
        comparisons.period_grain,
        comparisons.period_start_date,
        comparisons.compared_with,
        comparisons.compared_period_start_date,
        ratios.segment_name,
        ratios.segment_value,
        '{{ side }}' as side,
        ratios.slice_value,
        ratios.weight,
        ratios.unweighted_value,
        ratios.value_of_all
    from comparisons
    inner join ratios
        on
            comparisons.period_grain = ratios.period_grain
            and comparisons.{{ date }} = ratios.period_start_date
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- a slice without customers on one side has no weight there
slices_compared as (
    select
        {{ moves | join(',\n        ') }},
        compared_period_start_date,
        segment_name,
        segment_value,
        max(case when side = 'now' then slice_value end) as slice_value,
        max(case when side = 'before' then slice_value end) as slice_value_before,
        coalesce(max(case when side = 'now' then weight end), 0) as weight,
        coalesce(max(case when side = 'before' then weight end), 0) as weight_before,
        sum(case when side = 'now' then unweighted_value else -unweighted_value end)
            as unweighted_change
    from sides
    group by
        {{ moves | join(',\n        ') }},
        compared_period_start_date,
        segment_name,
        segment_value
),

-- both sides of the rate of all, without which there is no change to explain
changes as (
    select
        {{ moves | join(',\n        ') }},
        max(case when side = 'now' then value_of_all end) as value_of_all,
        max(case when side = 'before' then value_of_all end) as value_of_all_before
    from sides
    where segment_name = 'all'
    group by {{ moves | join(', ') }}
    having count(distinct side) = 2
),

-- a slice that is missing on one side takes its value of the other
slices_filled as (
    select
        slices_compared.*,
        changes.value_of_all,
        changes.value_of_all_before,
        coalesce(slices_compared.slice_value, slices_compared.slice_value_before, 0)
            as value_now,
        coalesce(slices_compared.slice_value_before, slices_compared.slice_value, 0)
            as value_before
    from slices_compared
    inner join changes
        on {{ same_values('slices_compared', 'changes', moves) }}
),

effects as (
    select
        *,
        (weight + weight_before) / 2 * (value_now - value_before) + unweighted_change
            as own_effect,
        (weight - weight_before)
        * ((value_now + value_before) / 2 - (value_of_all + value_of_all_before) / 2)
            as mix_effect
    from slices_filled
),

-- LTV = AMPU x lifetime, and lifetime = 1 / churn rate: what a unit of each driver moves it by
ltv_changes as (
    select
        ampu.relationship,
        ampu.period_grain,
        ampu.period_start_date,
        ampu.compared_with,
        ampu.value_of_all / churn.value_of_all as ltv,
        ampu.value_of_all_before / churn.value_of_all_before as ltv_before,
        (1 / churn.value_of_all + 1 / churn.value_of_all_before) / 2 as ltv_per_ampu,
        -(ampu.value_of_all + ampu.value_of_all_before) / 2
        / (churn.value_of_all * churn.value_of_all_before) as ltv_per_churn_rate
    from changes as ampu
    inner join changes as churn
        on {{ same_values('ampu', 'churn', moves[1:]) }}
    where
        ampu.driver = 'ampu'
        and churn.driver = 'churn_rate'
        and churn.value_of_all > 0
        and churn.value_of_all_before > 0
),

metrics_explained as (
    select
        driver as metric,
        *,
        value_of_all as metric_value,
        value_of_all_before as metric_value_before,
        1 as metric_per_driver
    from effects
    where driver <> 'ampu'

    union all

    select
        'formula_ltv' as metric,
        effects.*,
        ltv_changes.ltv as metric_value,
        ltv_changes.ltv_before as metric_value_before,
        case effects.driver
            when 'ampu' then ltv_changes.ltv_per_ampu
            else ltv_changes.ltv_per_churn_rate
        end as metric_per_driver
    from effects
    inner join ltv_changes
        on {{ same_values('effects', 'ltv_changes', moves[1:]) }}
    where effects.driver in ('ampu', 'churn_rate')
)

select
    -- keys
    metrics_explained.metric,
    metrics_explained.relationship,
    metrics_explained.period_grain,
    metrics_explained.period_start_date,
    metrics_explained.compared_with,
    metrics_explained.driver,
    metrics_explained.segment_name,
    metrics_explained.segment_value,

    -- dates
    metrics_explained.compared_period_start_date,

    -- the metric
    metrics_explained.metric_value,
    metrics_explained.metric_value_before,
    metrics_explained.metric_value - metrics_explained.metric_value_before as metric_change,

    -- the slice
    metrics_explained.weight,
    metrics_explained.weight_before,
    metrics_explained.slice_value,
    metrics_explained.slice_value_before,

    -- effects; adding 0 turns -0 into 0
    metrics_explained.own_effect * metrics_explained.metric_per_driver + 0 as own_effect,
    metrics_explained.mix_effect * metrics_explained.metric_per_driver + 0 as mix_effect
from metrics_explained
