-- Grain: one row per finding about the raw data.
{%- do ref('int_run_settings') %}
{%- do ref('int_raw_forms') %}
{%- for table_name in raw_table_names() %}
{%- do ref('base_' ~ table_name) %}
{%- endfor %}
{#- the base tables are read while this is compiled, and only a build has just written them -#}
{%- set findings = raw_findings() if execute and flags.WHICH in ('build', 'run') else [] %}
{%- do report_findings(findings) %}

{%- for finding in findings %}
select
    {{ loop.index }} as finding_number,
    {{ sql_text(finding.level) }} as level,
    {{ sql_text(finding.table_name) }} as table_name,
    {{ sql_text(finding.subject) }} as subject,
    {{ sql_text(finding.message) }} as message
union all
{%- endfor %}
select
    cast(null as integer) as finding_number,
    cast(null as string) as level,
    cast(null as string) as table_name,
    cast(null as string) as subject,
    cast(null as string) as message
where false
