-- The rows of a day in the profile are those that were accepted and those that were rejected.
select
    profile.table_name,
    profile.event_date,
    sum(case when profile.category = 'any' then profile.raw_rows else 0 end) as all_rows,
    sum(case when profile.category = 'rejected' then profile.raw_rows else 0 end) as rejected_rows,
    coalesce(max(days.accepted_rows), 0) as accepted_rows
from {{ ref('rpt_raw_day_profile') }} as profile
left join {{ ref('rpt_raw_days') }} as days
    on profile.table_name = days.table_name and profile.event_date = days.event_date
where profile.column_name = 'any'
group by profile.table_name, profile.event_date
having
    sum(case when profile.category = 'any' then profile.raw_rows else 0 end)
    <> sum(case when profile.category = 'rejected' then profile.raw_rows else 0 end)
    + coalesce(max(days.accepted_rows), 0)
