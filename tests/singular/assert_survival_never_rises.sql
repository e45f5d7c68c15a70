-- Survival starts at 1 on day 0 and never rises.
with

survival as (
    select
        *,
        lag(survival_rate) over (
            partition by relationship, segment_name, segment_value
            order by days_since
        ) as survival_rate_before
    from {{ ref('rpt_survival') }}
)

select * from survival
where
    -- more than rounding errors
    survival_rate > survival_rate_before + 1e-12
    or (days_since = 0) <> (survival_rate_before is null)
    or (days_since = 0 and survival_rate <> 1)
