-- A campaign that held customers out has an effect for each measure, with everybody whom it
-- chose; no other campaign has one.
with

campaigns as (
    select
        campaign_id,
        sum(targeted_customers + held_out_customers) as chosen,
        sum(held_out_customers) as held_out
    from {{ ref('rpt_campaigns') }}
    group by campaign_id
),

effects as (
    select
        campaign_id,
        count(*) as measures,
        min(assigned_customers) as least_chosen,
        max(assigned_customers) as most_chosen
    from {{ ref('rpt_campaign_effect') }}
    group by campaign_id
)

select
    campaigns.campaign_id,
    campaigns.chosen,
    effects.least_chosen,
    effects.most_chosen
from campaigns
full outer join effects
    on campaigns.campaign_id = effects.campaign_id
where
    coalesce(campaigns.held_out, 0) > 0
    and (
        coalesce(effects.measures, 0) <> 5
        or effects.least_chosen <> campaigns.chosen
        or effects.most_chosen <> campaigns.chosen
    )
    or coalesce(campaigns.held_out, 0) = 0
    and effects.campaign_id is not null
