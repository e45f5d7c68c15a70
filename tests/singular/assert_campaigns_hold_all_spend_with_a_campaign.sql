-- The campaigns together have all spend that names one, and all leads, however audiences share
-- them.
with

spends as (
    select
        campaign_id,
        leads_count,
        {{ in_reporting_currency('amount') }} as spend
    from {{ ref('stg_marketing_spend') }}
    where campaign_id is not null
),

spend_sums as (
    select
        campaign_id,
        sum(spend) as spend,
        sum(leads_count) as leads
    from spends
    group by campaign_id
),

campaigns as (
    select
        campaign_id,
        sum(spend_amount) as spend,
        sum(leads) as leads
    from {{ ref('rpt_campaigns') }}
    group by campaign_id
)

select
    coalesce(spend_sums.campaign_id, campaigns.campaign_id) as campaign_id,
    spend_sums.spend,
    campaigns.spend as reported_spend
from spend_sums
full outer join campaigns
    on spend_sums.campaign_id = campaigns.campaign_id
where
    campaigns.campaign_id is null
    or coalesce(spend_sums.spend, 0) <> coalesce(campaigns.spend, 0)
    or (spend_sums.spend is null) <> (campaigns.spend is null)
    or coalesce(spend_sums.leads, 0) <> coalesce(campaigns.leads, 0)
