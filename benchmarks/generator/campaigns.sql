select
    campaign_no as _row,
    campaign_id_of(campaign_no) as campaign_id,
    if(is_acquisition, 'Win ', 'Keep ')
    || strftime(started_at, '%Y-%m ') || channel
        as campaign_name,
    case
        when is_acquisition then if(campaign_no % 4 < 2, 'conversion', 'awareness')
        else ['retention', 'expansion', 'engagement'][1 + campaign_no % 3]
    end as objective,
    if(is_acquisition, 'prospect', 'customer') as audience,
    channel,
    [null, 'ten_percent_off', 'free_delivery', 'gift'][1 + campaign_no % 4] as offer,
    started_at,
    ended_at,
    not is_acquisition and campaign_no % 3 != 0 as is_control_held_out
from plan_campaigns
