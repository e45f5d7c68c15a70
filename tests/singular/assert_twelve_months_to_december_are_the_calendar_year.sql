-- In every report that has both, the twelve months to December are the calendar year, in every
-- column. In the year in which the data begin after January, only the calendar year has rates.
{%- set reports = [
    'rpt_retention_periods', 'rpt_mrr_periods', 'rpt_revenue_mix', 'rpt_renewals',
    'rpt_loyalty_programme', 'rpt_mrr_plans', 'rpt_deferred_revenue',
] + (['rpt_nps', 'rpt_csat', 'rpt_ces'] if var('surveys_enabled') else []) %}
with

compared_years as (
    select years.period_start_date
    from {{ ref('dim_periods') }} as years
    inner join {{ ref('dim_periods') }} as twelve_months
        on
            years.period_start_date = twelve_months.period_start_date
            and years.closes_on = twelve_months.closes_on
            and years.has_rates = twelve_months.has_rates
    where
        years.period_grain = 'year'
        and twelve_months.period_grain = '{{ trailing_grain() }}'
)

{%- for report in reports %},

{{ report }}_years as (
    select {{ columns_except(['period_grain']) }}
    from {{ ref(report) }}
    where
        period_grain = 'year'
        and period_start_date in (select years.period_start_date from compared_years as years)
),

{{ report }}_twelve_months as (
    select {{ columns_except(['period_grain']) }}
    from {{ ref(report) }}
    where
        period_grain = '{{ trailing_grain() }}'
        and period_start_date in (select years.period_start_date from compared_years as years)
),

{{ report }}_differences as (
    (
        select * from {{ report }}_years
        except
        select * from {{ report }}_twelve_months
    )
    union all
    (
        select * from {{ report }}_twelve_months
        except
        select * from {{ report }}_years
    )
)
{%- endfor %}

{% for report in reports %}
select
    '{{ report }}' as report,
    period_start_date
from {{ report }}_differences
{{ 'union all' if not loop.last }}
{% endfor %}
