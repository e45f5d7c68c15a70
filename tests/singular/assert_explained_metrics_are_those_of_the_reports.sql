-- The metrics of rpt_rate_drivers are those that their own reports give, and the same whatever they
-- are split by or compared with.
with

explained as (
    select distinct
        metric,
        relationship,
        period_grain,
        period_start_date,
        metric_value
    from {{ ref('rpt_rate_drivers') }}
),

reported as (
    select
        'churn_rate' as metric,
        relationship,
        period_grain,
        period_start_date,
        {{ rate('sum(lost_customers)', 'sum(opening_customers)') }} as metric_value
    from {{ ref('rpt_retention_periods') }}
    group by relationship, period_grain, period_start_date

    {%- for kind in ['gross', 'net'] %}

    union all

    select
        '{{ kind }}_revenue_retention_rate' as metric,
        'subscription' as relationship,
        period_grain,
        period_start_date,
        {{ rate('sum(' ~ kind ~ '_retained_mrr_amount)', 'sum(opening_mrr_amount)') }}
            as metric_value
    from {{ ref('rpt_mrr_periods') }}
    group by period_grain, period_start_date
    {%- endfor %}

    {%- if var('surveys_enabled') %}

    union all

    select
        'nps' as metric,
        'any' as relationship,
        period_grain,
        period_start_date,
        nps as metric_value
    from {{ ref('rpt_nps') }}
    where segment_name = 'all'
    {%- endif %}
),

-- the formula of the report has a window of periods; only that of a year is one period
formulas as (
    select
        relationship,
        period_grain,
        window_start_date as period_start_date,
        {{ rate('margin_amount * opening_customers', 'active_in_period_customers') }}
        / lost_customers as metric_value
    from {{ ref('rpt_formula_ltv') }}
    where segment_name = 'all' and periods_count = 1 and lost_customers > 0
),

reports as (
    select * from reported
    union all
    select
        'formula_ltv' as metric,
        *
    from formulas
)

select
    explained.*,
    reports.metric_value as reported_value
from explained
inner join reports
    on {{ same_values(
        'explained', 'reports', ['metric', 'relationship', 'period_grain', 'period_start_date']
    ) }}
where
    reports.metric_value is null
    or abs(explained.metric_value - reports.metric_value)
    > 1e-9 * greatest(1, abs(reports.metric_value))

union all

-- every metric but the formula has its report
select
    explained.*,
    cast(null as double) as reported_value
from explained
left join reports
    on {{ same_values(
        'explained', 'reports', ['metric', 'relationship', 'period_grain', 'period_start_date']
    ) }}
where reports.metric is null and explained.metric <> 'formula_ltv'
