-- What the slices of a segment did by their own value and by their weight is the whole change.
with

changes as (
    select
        metric,
        relationship,
        period_grain,
        period_start_date,
        compared_with,
        segment_name,
        max(metric_change) as metric_change,
        sum(own_effect + mix_effect) as effects
    from {{ ref('rpt_rate_drivers') }}
    group by
        metric,
        relationship,
        period_grain,
        period_start_date,
        compared_with,
        segment_name
)

select * from changes
where abs(effects - metric_change) > 1e-9 * greatest(1, abs(metric_change))
