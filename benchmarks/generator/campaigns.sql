select
    campaign_no as _row,
    campaign_id_of(campaign_no) as campaign_id,
    if(is_acquisition, 'Win ', 'Keep ')
    || strftime(started_at, '%Y-%m ') || channel
        as campaign_name,
    case
        when is_acquisition then if(campaign_no % 4 < 2, 'conversion', 'awareness')
        else ['engagement', 'retention', 'expansion'][1 + campaign_no % 3]
    end as objective,
    if(is_acquisition, 'prospect', 'customer') as audience,
    channel,
    offer,
    started_at,
    ended_at,
    has_control as is_control_held_out
from plan_campaigns
