{#- dbt writes a table or a view under another name, renames the old one, renames the new one, and drops the old
    one. In a transaction of DuckDB no one sees the new one before the commit, so here it takes its own name at
    once. For small tables the renames take longer than the query. -#}


{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {% set target = duckdb__begin_in_place('table') %}
    {#- called here, because dbt runs Python models for a materialization alone -#}
    {% call statement('main', language=model.language) -%}
        {{ create_table_as(False, target, compiled_code, model.language) }}
    {%- endcall %}
    {{ return(duckdb__end_in_place(target)) }}
{% endmaterialization %}


{% materialization view, adapter='duckdb' %}
    {% set target = duckdb__begin_in_place('view') %}
    {% call statement('main') -%}
        {{ create_view_as(target, compiled_code) }}
    {%- endcall %}
    {{ return(duckdb__end_in_place(target)) }}
{% endmaterialization %}


{% macro duckdb__begin_in_place(type) %}
    {% set existing = load_cached_relation(this) %}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% if existing %}
        {% do drop_relation(existing) %}
    {% endif %}
    {{ return(this.incorporate(type=type)) }}
{% endmacro %}


{% macro duckdb__end_in_place(relation) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(relation, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [relation]}) }}
{% endmacro %}
