-- Grain: one row per campaign and audience.

with

campaigns as (
    select * from {{ ref('dim_campaigns') }}
),

-- what a campaign did: customers held out are counted, and are in nothing else
touch_counts as (
    select
        campaign_id,
        audience,
        count(case when is_assigned and not is_control then 1 end) as targeted,
        count(case when is_control then 1 end) as held_out,
        count(case when not is_assigned then 1 end) as unassigned,
        count(case when is_touched and is_control then 1 end) as touched_held_out,
        count(case when is_touched and not is_control then 1 end) as touched,
        count(case when is_sent and not is_control then 1 end) as sent,
        sum(case when is_control then 0 else sends end) as sends,
        count(case when is_opened and not is_control then 1 end) as opened,
        count(case when is_clicked and not is_control then 1 end) as clicked,
        count(case when is_converted and not is_control then 1 end) as converted,
        count(case when is_window_complete and not is_control then 1 end) as decided,
        count(case when is_window_complete and is_converted and not is_control then 1 end)
            as converted_decided,
        sum(case when is_control then 0 else revenue_amount end) as revenue,
        sum(case when is_control then 0 else margin_amount end) as margin
    from {{ ref('fct_campaign_touches') }}
    group by campaign_id, audience
),

-- a campaign that reached nobody of whom we know is for whom it says
audiences as (
    select
        campaigns.*,
        coalesce(touch_counts.audience, campaigns.audience) as reached_audience
    from campaigns
    left join touch_counts
        on campaigns.campaign_id = touch_counts.campaign_id
),

spends_converted as (
    select
        campaign_id,
        leads_count,
        {{ in_reporting_currency('amount') }} as spend
    from {{ ref('stg_marketing_spend') }}
    where campaign_id is not null
),

spends as (
    select
        campaign_id,
        sum(spend) as spend,
        sum(leads_count) as leads
    from spends_converted
    group by campaign_id
),

counts as (
    select
        audiences.campaign_id,
        audiences.reached_audience,
        audiences.started_on,
        audiences.ended_on,
        audiences.campaign_name,
        audiences.objective,
        audiences.audience,
        audiences.channel,
        audiences.offer,
        coalesce(touch_counts.targeted, 0) as targeted,
        coalesce(touch_counts.held_out, 0) as held_out,
        coalesce(touch_counts.unassigned, 0) as unassigned,
        coalesce(touch_counts.touched_held_out, 0) as touched_held_out,
        coalesce(touch_counts.touched, 0) as touched,
        coalesce(touch_counts.sent, 0) as sent,
        coalesce(touch_counts.sends, 0) as sends,
        coalesce(touch_counts.opened, 0) as opened,
        coalesce(touch_counts.clicked, 0) as clicked,
        coalesce(touch_counts.converted, 0) as converted,
        coalesce(touch_counts.decided, 0) as decided,
        coalesce(touch_counts.converted_decided, 0) as converted_decided,
        coalesce(touch_counts.revenue, 0) as revenue,
        coalesce(touch_counts.margin, 0) as margin,
        spends.spend,
        spends.leads,
        -- 1 without anybody to share by
        coalesce(touch_counts.targeted + touch_counts.unassigned, 1) as sharing,
        -- a lead is a prospect
        row_number() over (
            partition by audiences.campaign_id
            order by audiences.reached_audience desc
        ) = 1 as has_leads
    from audiences
    left join touch_counts
        on
            audiences.campaign_id = touch_counts.campaign_id
            and audiences.reached_audience = touch_counts.audience
    left join spends
        on audiences.campaign_id = spends.campaign_id
),

counts_with_totals as (
    select
        *,
        sum(sharing) over (partition by campaign_id) as sharing_of_all,
        sum(sharing) over (
            partition by campaign_id
            order by reached_audience
            rows unbounded preceding
        ) as sharing_so_far
    from counts
),

-- spend goes by customers targeted or touched, in whole cents: the share of the audiences so far
-- less that of those before
campaigns_with_spend as (
    select
        *,
        case
            when sharing_of_all = 0 and has_leads then spend
            when sharing_of_all = 0 then 0 * spend
            else
                {{ amount_per('spend * sharing_so_far', 'sharing_of_all') }}
                - {{ amount_per('spend * (sharing_so_far - sharing)', 'sharing_of_all') }}
        end as shared_spend,
        case when has_leads then leads end as own_leads
    from counts_with_totals
)

select
    -- keys
    campaign_id,
    reached_audience as audience,

    -- dates
    started_on,
    ended_on,

    -- words
    campaign_name,
    objective,
    audience as declared_audience,
    channel,
    offer,

    -- counts
    targeted as targeted_customers,
    held_out as held_out_customers,
    unassigned as unassigned_customers,
    touched as touched_customers,
    touched_held_out as touched_held_out_customers,
    sent as sent_customers,
    opened as opened_customers,
    clicked as clicked_customers,
    converted as converted_customers,
    decided as decided_customers,
    converted_decided as converted_decided_customers,
    cast(sends as bigint) as sends,
    cast(own_leads as bigint) as leads,

    -- amounts
    {{ as_amount('shared_spend') }} as spend_amount,
    {{ as_amount('revenue') }} as revenue_amount,
    {{ as_amount('margin') }} as margin_amount,
    {{ amount_per('shared_spend', 'nullif(sends, 0)') }} as cost_per_send_amount,
    {{ amount_per('shared_spend', 'nullif(own_leads, 0)') }} as cost_per_lead_amount,
    {{ amount_per('shared_spend', 'nullif(converted, 0)') }} as cost_per_conversion_amount,

    -- rates
    {{ rate('opened', 'sent') }} as open_rate,
    {{ wilson_bound('opened', 'sent', '-') }} as open_rate_ci_low,
    {{ wilson_bound('opened', 'sent', '+') }} as open_rate_ci_high,
    {{ rate('clicked', 'sent') }} as click_rate,
    {{ wilson_bound('clicked', 'sent', '-') }} as click_rate_ci_low,
    {{ wilson_bound('clicked', 'sent', '+') }} as click_rate_ci_high,
    {{ rate('clicked', 'opened') }} as click_to_open_rate,
    {{ wilson_bound('clicked', 'opened', '-') }} as click_to_open_rate_ci_low,
    {{ wilson_bound('clicked', 'opened', '+') }} as click_to_open_rate_ci_high,
    {{ rate('converted_decided', 'decided') }} as conversion_rate,
    {{ wilson_bound('converted_decided', 'decided', '-') }} as conversion_rate_ci_low,
    {{ wilson_bound('converted_decided', 'decided', '+') }} as conversion_rate_ci_high,
    -- where nobody is known to be touched, what followed is not known either
    case when touched > 0 then {{ rate('revenue', 'shared_spend') }} end as return_on_ad_spend,
    case when touched > 0 then {{ rate('(margin - shared_spend)', 'shared_spend') }} end
        as return_on_marketing_investment,

    -- flags
    decided = touched as is_decided
from campaigns_with_spend
