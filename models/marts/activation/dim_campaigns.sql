-- Grain: one row per campaign, known from the campaigns or only from what happened in it.

with

campaigns as (
    select
        *,
        {{ reporting_day('started_at') }} as started_on,
        {{ reporting_day('ended_at') }} as ended_on
    from {{ ref('stg_campaigns') }}
),

-- wherever a campaign is named
mentions as (
    select
        campaign_id,
        event_date as mentioned_on,
        coalesce(is_control, false) as is_control
    from {{ ref('stg_campaign_members') }}

    union all

    select
        campaign_id,
        event_date as mentioned_on,
        false as is_control
    from {{ ref('stg_engagement_events') }}

    union all

    select
        campaign_id,
        event_date as mentioned_on,
        false as is_control
    from {{ ref('stg_marketing_spend') }}

    union all

    select
        campaign_id,
        started_on as mentioned_on,
        false as is_control
    from campaigns

    union all

    -- the day on which a customer became known is no day of the campaign
    select
        acquisition_campaign_id as campaign_id,
        cast(null as date) as mentioned_on,
        false as is_control
    from {{ ref('int_customers') }}
),

campaigns_mentioned as (
    select
        campaign_id,
        min(mentioned_on) as first_mentioned_on,
        count(case when is_control then 1 end) > 0 as has_control
    from mentions
    where campaign_id is not null
    group by campaign_id
)

select
    -- keys
    mentioned.campaign_id,

    -- dates
    coalesce(campaigns.started_on, mentioned.first_mentioned_on) as started_on,
    campaigns.ended_on,

    -- words
    coalesce(campaigns.campaign_name, 'unknown') as campaign_name,
    coalesce(campaigns.objective, 'unknown') as objective,
    coalesce(campaigns.audience, 'unknown') as audience,
    coalesce(campaigns.channel, 'unknown') as channel,
    coalesce(campaigns.offer, 'unknown') as offer,

    -- flags
    mentioned.has_control
    or coalesce(campaigns.is_control_held_out, false) as is_control_held_out,
    campaigns.campaign_id is null as is_inferred
from campaigns_mentioned as mentioned
left join campaigns
    on mentioned.campaign_id = campaigns.campaign_id
