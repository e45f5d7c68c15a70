-- The paying customers of a period are those in a spell of `subscription` at its closing, in every
-- segment.
select
    mrr.period_grain,
    mrr.period_start_date,
    {{ segment_columns('mrr') }},
    mrr.paying_customers,
    retention.closing_customers
from {{ ref('rpt_mrr_periods') }} as mrr
full join (
    select * from {{ ref('rpt_retention_periods') }}
    where relationship = 'subscription'
) as retention
    on
        mrr.period_grain = retention.period_grain
        and mrr.period_start_date = retention.period_start_date
        and mrr.region = retention.region
        and mrr.industry = retention.industry
        and mrr.customer_segment = retention.customer_segment
        and mrr.acquisition_channel = retention.acquisition_channel
where coalesce(mrr.paying_customers, -1) <> coalesce(retention.closing_customers, -1)
