-- A forecast counts every customer who pays on as-of once: it starts from the MRR that the months
-- close with.
select
    forecasts.months_ahead,
    forecasts.current_mrr_amount,
    sum(months.closing_mrr_amount) as closing_mrr_amount
from {{ ref('rpt_mrr_forecast') }} as forecasts
cross join {{ ref('int_run_settings') }} as settings
inner join {{ ref('rpt_mrr_periods') }} as months
    on
        settings.as_of_date = months.closes_on
        and months.period_grain = 'month'
group by forecasts.months_ahead, forecasts.current_mrr_amount
having forecasts.current_mrr_amount <> sum(months.closing_mrr_amount)
