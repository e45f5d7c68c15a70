-- The raw profile counts each raw row once, and no column is filled in more rows than exist.
select
    profile.table_name,
    profile.column_name,
    profile.raw_rows,
    reconciliation.raw_rows as rows_of_the_table
from {{ ref('rpt_raw_profile') }} as profile
inner join {{ ref('row_reconciliation') }} as reconciliation
    on profile.table_name = reconciliation.table_name
where
    profile.raw_rows > reconciliation.raw_rows
    or (profile.column_name = 'any' and profile.raw_rows <> reconciliation.raw_rows)
