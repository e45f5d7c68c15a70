-- In each grain, the channels together hold every service contact once.
select
    report.period_grain,
    sum(report.contacts) as contacts,
    sum(report.bad_contacts) as bad_contacts
from {{ ref('rpt_service_contacts') }} as report
group by report.period_grain
having
    sum(report.contacts) <> (select count(*) from {{ ref('int_service_contacts') }})
    or sum(report.bad_contacts) <> (
        select count(*) from {{ ref('int_service_contacts') }} as contacts
        where contacts.is_bad
    )
