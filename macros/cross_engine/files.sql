{% macro list_files(patterns) %}
    {{ return(adapter.dispatch('list_files', 'customer_lifecycle_warehouse')(patterns)) }}
{% endmacro %}

{% macro duckdb__list_files(patterns) %}
    {% set queries = [] %}
    {% for pattern in patterns %}
        {% do queries.append('select file from glob(' ~ sql_text(pattern) ~ ')') %}
    {% endfor %}
    {% set found = run_query(queries | join(' union ') ~ ' order by file') %}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}

{% macro last_modified(files) %}
    {{ return(adapter.dispatch('last_modified', 'customer_lifecycle_warehouse')(files)) }}
{% endmacro %}

{% macro duckdb__last_modified(files) %}
    {{ return('select max(last_modified) as arrived_at from read_blob(' ~ duckdb__paths(files) ~ ')') }}
{% endmacro %}


{% macro path_pattern(path) %}
    {{ return(modules.re.sub('([*?[])', '[\\1]', path)) }}
{% endmacro %}


{% macro file_groups(table_name, files) %}
    {% set csv = [] %}
    {% set parquet = [] %}
    {% for path in files %}
        {% do (parquet if path.lower().endswith('.parquet') else csv).append(path) %}
    {% endfor %}
    {{ return(csv_groups(table_name, csv) + parquet_groups(table_name, parquet)) }}
{% endmacro %}


{% macro published_table(folder, name) %}
    {{ return(adapter.dispatch('published_table', 'customer_lifecycle_warehouse')(folder, name)) }}
{% endmacro %}

{% macro duckdb__published_table(folder, name) %}
    {% set manifest = folder ~ '/manifest.json' %}
    {% if not list_files([path_pattern(manifest)]) %}
        {{ return(none) }}
    {% endif %}
    {% set tables = run_query(
        "select unnest(json_keys(rows)) as name from read_json(" ~ duckdb__path(manifest)
        ~ ", columns = {rows: 'json'})"
    ) %}
    {% if name not in tables.columns[0].values() %}
        {{ return(none) }}
    {% endif %}
    {% set relation = 'read_duckdb(' ~ duckdb__path(folder ~ '/marts.duckdb') ~ ', table_name = '
        ~ sql_text(name) ~ ')' %}
    {{ return({'relation': relation, 'types': column_types(relation)}) }}
{% endmacro %}

{#- The marts of a published build have a schema of their own, which a refresh names. -#}
{% macro spark__published_table(folder, name) %}
    {% set schema = env_var('PUBLISHED_SCHEMA', '') %}
    {% if not schema or not adapter.get_relation(database=none, schema=schema, identifier=name) %}
        {{ return(none) }}
    {% endif %}
    {% set relation = schema ~ '.' ~ name %}
    {{ return({'relation': relation, 'types': column_types(relation)}) }}
{% endmacro %}


{#- Files of one schema are read at once. -#}
{% macro parquet_groups(table_name, files) %}
    {% set files_by_schema = {} %}
    {% for path, schema in (parquet_schemas(files) if files else {}).items() %}
        {% do raw_data_error(table_name ~ ': ' ~ path ~ ' cannot be read: it is damaged, or has a type'
            ~ ' that Spark lacks, such as times in nanoseconds. Deliver it again.') if schema is none %}
        {% do files_by_schema.setdefault(schema, []).append(path) %}
    {% endfor %}
    {% set groups = [] %}
    {% for files_of_schema in files_by_schema.values() %}
        {% set relation = read_parquet(files_of_schema) %}
        {% set types = column_types(relation) %}
        {% do types.pop(file_name_column()) %}
        {#- no column of the contract is a list or a struct, and a text can be compared and rejected -#}
        {% set texts = [] %}
        {% for name, type in types.items() if modules.re.match('(struct|map|union|array)[(<]|.*]$', type) %}
            {% do types.update({name: 'varchar'}) %}
            {% do texts.append(name) %}
        {% endfor %}
        {% do groups.append({
            'relation': with_texts(relation, texts) if texts else relation,
            'types': types,
            'place': some_of(files_of_schema),
            'files': files_of_schema,
            'forms': {},
        }) %}
    {% endfor %}
    {{ return(groups) }}
{% endmacro %}


{#- Parquet files, and what tells their schemas apart, in the order of their names; none where an engine can say that a
    file has no schema. -#}
{% macro parquet_schemas(files) %}
    {{ return(adapter.dispatch('parquet_schemas', 'customer_lifecycle_warehouse')(files)) }}
{% endmacro %}

{% macro duckdb__parquet_schemas(files) %}
    {% set query %}
        select
            file_name,
            string_agg(concat_ws(' ', name, duckdb_type, num_children), ', ' order by column_id)
        from parquet_schema({{ duckdb__paths(files) }})
        group by file_name
        order by file_name
    {% endset %}
    {% set schemas = {} %}
    {% for path, schema in run_query(query).rows %}
        {% do schemas.update({path: schema}) %}
    {% endfor %}
    {{ return(schemas) }}
{% endmacro %}


{#- What reads Parquet files of one schema, with file_name_column(). -#}
{% macro read_parquet(files) %}
    {{ return(adapter.dispatch('read_parquet', 'customer_lifecycle_warehouse')(files)) }}
{% endmacro %}

{% macro duckdb__read_parquet(files) %}
    {{ return('read_parquet(' ~ duckdb__paths(files) ~ ', hive_partitioning = false, filename = '
        ~ sql_text(file_name_column()) ~ ')') }}
{% endmacro %}


{#- A relation some of whose columns are made texts. -#}
{% macro with_texts(relation, names) %}
    {% set quoted = [] %}
    {% set texts = [] %}
    {% for name in names %}
        {% do quoted.append(adapter.quote(name)) %}
        {% do texts.append('cast(' ~ adapter.quote(name) ~ ' as string) as ' ~ adapter.quote(name)) %}
    {% endfor %}
    {{ return('(select ' ~ columns_except(quoted) ~ ', ' ~ texts | join(', ') ~ ' from ' ~ relation ~ ')') }}
{% endmacro %}


{#- A path as DuckDB's readers take it, which would read `[1]` and `*` in a name as patterns. -#}
{% macro duckdb__path(path) %}
    {{ return(sql_text(path_pattern(path))) }}
{% endmacro %}

{% macro duckdb__paths(files) %}
    {% set paths = [] %}
    {% for path in files %}
        {% do paths.append(duckdb__path(path)) %}
    {% endfor %}
    {{ return('[' ~ paths | join(', ') ~ ']') }}
{% endmacro %}


{% macro text_of_file(path) %}
    {{ return(adapter.dispatch('text_of_file', 'customer_lifecycle_warehouse')(path)) }}
{% endmacro %}

{% macro duckdb__text_of_file(path) %}
    {{ return('read_text(' ~ duckdb__path(path) ~ ')') }}
{% endmacro %}


{% macro duckdb__text_list(values) %}
    {% set texts = [] %}
    {% for value in values %}
        {% do texts.append(sql_text(value)) %}
    {% endfor %}
    {{ return('[' ~ texts | join(', ') ~ ']') }}
{% endmacro %}


{% macro column_types(relation) %}
    {{ return(adapter.dispatch('column_types', 'customer_lifecycle_warehouse')(relation)) }}
{% endmacro %}

{% macro duckdb__column_types(relation) %}
    {% set types = {} %}
    {% for row in run_query('describe select * from ' ~ relation).rows %}
        {% do types.update({row[0] | lower: row[1] | lower}) %}
    {% endfor %}
    {{ return(types) }}
{% endmacro %}

{#- In the names of DuckDB, as the rest of the project calls them. A timestamp of Spark is a moment. -#}
{% macro spark__column_types(relation) %}
    {% set own_names = {
        'string': 'varchar', 'int': 'integer', 'timestamp': 'timestamp with time zone', 'timestamp_ntz': 'timestamp',
    } %}
    {% set types = {} %}
    {% for row in run_query('describe query select * from ' ~ relation).rows %}
        {% do types.update({row[0] | lower: own_names.get(row[1], row[1])}) %}
    {% endfor %}
    {{ return(types) }}
{% endmacro %}
