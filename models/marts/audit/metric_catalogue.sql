-- Grain: one row per metric.
{%- set columns = [
    'metric_name', 'metric_label', 'definition', 'unit', 'kind', 'mart', 'expression', 'time_grain',
    'over_time', 'benchmark_name',
] %}

with

metrics as (
    select metrics.*
    from (
        values
        {%- for metric in catalogued_metrics() or [{}] %}
        (
            {%- for column in columns %}
            {{ sql_text(metric[column]) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ) as metrics ({{ columns | join(', ') }})
),

benchmarks as (
    select
        metric,
        {{ joined_texts(
            "company_kind || ': ' || low_value || ' to ' || high_value || ' (' || comment || ')'",
            'company_kind',
        ) }} as benchmark
    from {{ ref('metric_benchmarks') }}
    group by metric
)

select
    -- keys
    metrics.metric_name,

    -- words
    metrics.metric_label,
    metrics.definition,
    metrics.unit,
    metrics.kind,

    -- where it comes from
    metrics.mart,
    metrics.expression,

    -- how it is asked for
    metrics.time_grain,
    metrics.over_time,
    metrics.over_time = 'added up' as is_additive,

    -- what others have
    benchmarks.benchmark
from metrics
left join benchmarks
    on metrics.benchmark_name = benchmarks.metric
