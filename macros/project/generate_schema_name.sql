{#- Of a project that has this one as a package, dbt asks this macro too, unless it has its own. Its schemas are dbt's.
    In a file of their own, called marts.duckdb, tables of the schema main are `marts.x` to those who query. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if project_name != 'customer_lifecycle_warehouse' -%}
        {{ default__generate_schema_name(custom_schema_name, node) }}
    {%- elif (node.config.database or target.database) != target.database -%}
        main
    {%- elif custom_schema_name == 'marts' -%}
        {#- with Spark, a refresh builds the marts into a schema of their own -#}
        {{ env_var('MARTS_SCHEMA', 'marts') }}
    {%- else -%}
        {{ custom_schema_name | trim if custom_schema_name else target.schema }}
    {%- endif -%}
{%- endmacro %}
