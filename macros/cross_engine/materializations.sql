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


{% materialization table, adapter='spark', supported_languages=['sql', 'python'] %}
    {% set relation = spark__begin_in_place('table') %}
    {% do spark__create_table(relation, spark__no_rows() if model.language == 'python' else compiled_code) %}
    {{ return(spark__end_in_place(relation)) }}
{% endmaterialization %}


{#- Spark joins the rows of a view anew for each model that reads it, and sends them from machine to machine for that: a
    join that many models read is a table. So is a view in a schema to be published, where it would show other rows
    after the next build. -#}
{% materialization view, adapter='spark' %}
    {% set is_table = this.schema == env_var('MARTS_SCHEMA', '')
        or (' join ' in compiled_code and spark__readers() >= 8) %}
    {% set relation = spark__begin_in_place('table' if is_table else 'view') %}
    {% if is_table %}
        {% do spark__create_table(relation, compiled_code) %}
    {% else %}
        {% call statement('main') -%}
            create or replace view {{ relation }} as
            {{ compiled_code }}
        {%- endcall %}
    {% endif %}
    {{ return(spark__end_in_place(relation)) }}
{% endmaterialization %}


{#- A query gives the types that it happens to give, and a table of Spark has no NOT NULL. So a table with a contract has
    its columns first, with their comments, and what may not be NULL is looked for. -#}
{% macro spark__create_table(relation, query) %}
    {% if not config.get('contract').enforced %}
        {% call statement('main') -%}
            create table {{ relation }} {{ file_format_clause() }} {{ location_clause() }} as
            {{ query }}
        {%- endcall %}
    {% else %}
        {% set columns = [] %}
        {% set names = [] %}
        {% for column in model.columns.values() %}
            {% do names.append(column.name) %}
            {% do columns.append(
                column.name ~ ' ' ~ column.data_type ~ ' comment ' ~ sql_text(column.description | trim)
            ) %}
        {% endfor %}
        {% call statement('create_table') -%}
            create table {{ relation }} ({{ columns | join(', ') }}) {{ file_format_clause() }} {{ location_clause() }}
            comment {{ sql_text(model.description | trim) }}
        {%- endcall %}
        {% call statement('main') -%}
            insert into {{ relation }}
            select {{ names | join(', ') }} from (
            {{ query }}
            ) as contents
        {%- endcall %}
        {% do spark__stop_at_nulls(relation) %}
    {% endif %}
{% endmacro %}


{#- How many models read this one. -#}
{% macro spark__readers() %}
    {% set readers = [] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and model.unique_id in node.depends_on.nodes %}
        {% do readers.append(node.name) %}
    {% endfor %}
    {{ return(readers | length) }}
{% endmacro %}


{#- Models in Python run in a refresh, which writes their tables. dbt alone leaves them empty. -#}
{% macro spark__no_rows() %}
    {% set columns = [] %}
    {% for column in model.columns.values() %}
        {% do columns.append('cast(null as ' ~ column.data_type ~ ') as ' ~ column.name) %}
    {% endfor %}
    {{ return('select ' ~ columns | join(', ') ~ ' from (select 1) as nothing where false') }}
{% endmacro %}


{% macro spark__stop_at_nulls(relation) %}
    {% set columns = [] %}
    {% for column in model.columns.values() %}
        {% for constraint in column.constraints if constraint.type == 'not_null' %}
            {% do columns.append(column.name) %}
        {% endfor %}
    {% endfor %}
    {% if columns %}
        {% set counts = [] %}
        {% for column in columns %}
            {% do counts.append('count(*) - count(' ~ column ~ ')') %}
        {% endfor %}
        {% for column, nulls in zip(columns, run_query('select ' ~ counts | join(', ') ~ ' from ' ~ relation).rows[0]) %}
            {% if nulls %}
                {% do exceptions.raise_database_error(
                    relation ~ ': ' ~ column ~ ' is NULL in ' ~ nulls ~ ' rows, and its contract says not_null.'
                ) %}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}


{% macro spark__begin_in_place(type) %}
    {% set existing = load_cached_relation(this) %}
    {{ run_hooks(pre_hooks) }}
    {% if existing and (type == 'table' or existing.type != type) %}
        {% do drop_relation(existing) %}
    {% endif %}
    {{ return(this.incorporate(type=type)) }}
{% endmacro %}


{% macro spark__end_in_place(relation) %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmacro %}


{#- A seed in one statement: its cells are one text of JSON, so that no quote and no empty cell is lost. -#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {% set types = model.config.column_types %}
    {% set columns = [] %}
    {% for name in agate_table.column_names %}
        {% do columns.append('cast(cells[' ~ loop.index0 ~ '] as '
            ~ types.get(name, adapter.convert_type(agate_table, loop.index0)) ~ ') as ' ~ adapter.quote(name)) %}
    {% endfor %}
    {% for chunk in agate_table.rows | batch(5000) %}
        {% set rows = [] %}
        {% for row in chunk %}
            {% set cells = [] %}
            {% for cell in row %}
                {% do cells.append(none if cell is none else cell | string) %}
            {% endfor %}
            {% do rows.append(cells) %}
        {% endfor %}
        {% do adapter.add_query('insert into ' ~ this ~ ' select ' ~ columns | join(', ')
            ~ ' from (select explode(from_json(' ~ sql_text(tojson(rows)) ~ ", 'array<array<string>>')) as cells)",
            abridge_sql_log=true) %}
    {% endfor %}
    {{ return('') }}
{% endmacro %}
