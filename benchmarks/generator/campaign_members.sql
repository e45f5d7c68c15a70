select
    row_number() over (order by campaign_no, customer_no) as _row,
    campaign_id_of(campaign_no) as campaign_id,
    customer_id_of(customer_no) as customer_id,
    assigned_at,
    is_control
from plan_campaign_members
