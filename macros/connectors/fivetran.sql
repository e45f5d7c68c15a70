{#- The rows of a table that Fivetran copies, without those that it has marked as deleted in the system or, where it
    keeps the history, as replaced by a newer version. -#}
{% macro current_rows(export) %}
    select *
    from ({{ exported(export) }}) as copied
    where not coalesce(_fivetran_deleted, false) and coalesce(_fivetran_active, true)
{% endmacro %}
