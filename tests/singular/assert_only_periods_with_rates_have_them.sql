-- A period that has no rates has none in any report, and one that has them has a rate wherever
-- there is something to divide by.
{%- set has_opened = 'is_complete_period and opening_' %}
{%- set has_customers = 'total_revenue_amount <> unattributed_revenue_amount' %}
{%- set rates = [
    ('rpt_retention_periods', 'churn_rate', has_opened ~ 'customers > 0'),
    ('rpt_retention_periods', 'competitor_churn_rate', has_opened ~ 'customers > 0'),
    ('rpt_mrr_periods', 'gross_revenue_retention_rate', has_opened ~ 'mrr_amount > 0'),
    ('rpt_mrr_periods', 'net_revenue_retention_rate', has_opened ~ 'mrr_amount > 0'),
    ('rpt_mrr_periods', 'gross_mrr_churn_rate', has_opened ~ 'mrr_amount > 0'),
    ('rpt_mrr_periods', 'quick_ratio', 'churn_mrr_amount + contraction_mrr_amount < 0'),
    ('rpt_revenue_mix', 'existing_customer_revenue_share', has_customers),
    ('rpt_revenue_mix', 'expansion_revenue_share', has_customers),
    ('rpt_revenue_mix', 'recurring_revenue_share', 'total_revenue_amount <> 0'),
    ('rpt_mrr_periods', 'subscription_churn_rate', has_opened ~ 'subscriptions > 0'),
    ('rpt_dunning', 'recovery_rate', 'is_complete_period and episodes_begun > episodes_open'),
    ('rpt_dunning', 'involuntary_churn_share', 'is_complete_period and churn_events > 0'),
    ('rpt_renewals', 'renewal_rate', 'terms_due > terms_pending'),
    ('rpt_loyalty_programme', 'active_share', 'members > 0'),
    ('rpt_service_contacts', 'resolved_share', 'resolved_contacts + unresolved_contacts > 0'),
    ('rpt_service_contacts', 'mean_outcome_score', 'scored_contacts > 0'),
    ('rpt_service_contacts', 'churn_after_bad_rate', 'after_bad_customers > 0'),
    ('rpt_service_contacts', 'churn_after_good_rate', 'after_good_customers > 0'),
] + ([
    ('rpt_nps', 'nps', 'responses > 0'),
    ('rpt_nps', 'response_rate', 'invitations > 0'),
    ('rpt_csat', 'csat', 'responses > 0'),
    ('rpt_csat', 'response_rate', 'invitations > 0'),
    ('rpt_ces', 'easy_share', 'responses > 0'),
    ('rpt_ces', 'mean_score', 'responses > 0'),
    ('rpt_ces', 'response_rate', 'invitations > 0'),
] if var('surveys_enabled') else []) %}
with

rates as (
    {%- for report, rate, condition in rates %}
    select
        '{{ report }}' as report,
        '{{ rate }}' as rate,
        period_grain,
        period_start_date,
        {{ rate }} is not null as has_rate,
        {{ condition }} as has_whole
    from {{ ref(report) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    rates.report,
    rates.rate,
    rates.period_grain,
    rates.period_start_date,
    rates.has_rate
from rates
inner join {{ ref('dim_periods') }} as periods
    on {{ same_values('rates', 'periods', ['period_grain', 'period_start_date']) }}
where rates.has_rate <> (periods.has_rates and rates.has_whole)
