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


{#- A view would name the warehouse, which readers of a file to be published do not have: there it is a table. -#}
{% materialization view, adapter='duckdb' %}
    {% set is_table = this.database != target.database %}
    {% set relation = duckdb__begin_in_place('table' if is_table else 'view') %}
    {% call statement('main') -%}
        {{ create_table_as(False, relation, compiled_code) if is_table else create_view_as(relation, compiled_code) }}
    {%- endcall %}
    {{ return(duckdb__end_in_place(relation)) }}
{% endmaterialization %}


{#- dbt creates the schemas of a run before anything else. The file is attached here and not in the profile, since
    its name is another one in every run, and dbt parses the whole project again after a change of the profile. -#}
{% macro duckdb__create_schema(relation) %}
    {% call statement('create_schema') -%}
        {% if relation.database != target.database -%}
        -- in the format that every version of DuckDB can read, whatever the one of the warehouse is
        attach if not exists {{ sql_text(env_var('MARTS_FILE')) }} as {{ adapter.quote(relation.database) }}
        (storage_version 'v1.0.0');
        {%- endif %}
        create schema if not exists {{ relation.without_identifier() }}
    {%- endcall %}
{% endmacro %}


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
