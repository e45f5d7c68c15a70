-- Grain: one row per complete year and benchmark.
-- How does the revenue mix compare with published benchmarks?
with

years as (
    select
        period_start_date,
        sum(repeat_revenue_amount + expansion_revenue_amount) as existing_revenue_amount,
        sum(expansion_revenue_amount) as expansion_revenue_amount,
        sum(total_revenue_amount - unattributed_revenue_amount)
            as attributed_revenue_amount
    from {{ ref('rpt_revenue_mix') }}
    where period_grain = 'year' and is_complete_period
    group by period_start_date
),

shares as (
    select
        period_start_date,
        'existing_customer_revenue_share' as metric,
        {{ rate('existing_revenue_amount', 'attributed_revenue_amount') }} as share
    from years

    union all

    select
        period_start_date,
        'expansion_revenue_share' as metric,
        {{ rate('expansion_revenue_amount', 'attributed_revenue_amount') }} as share
    from years
)

select
    shares.period_start_date,
    shares.metric,
    shares.share,
    benchmarks.company_kind,
    benchmarks.low_value,
    benchmarks.high_value
from shares
left join {{ ref('metric_benchmarks') }} as benchmarks
    on shares.metric = benchmarks.metric
order by shares.metric, shares.period_start_date, benchmarks.company_kind
