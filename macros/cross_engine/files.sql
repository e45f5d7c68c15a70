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

{% macro spark__list_files(patterns) %}
    {{ return([]) }}
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
    {{ return(adapter.dispatch('file_groups', 'customer_lifecycle_warehouse')(table_name, files)) }}
{% endmacro %}

{% macro duckdb__file_groups(table_name, files) %}
    {% set csv = [] %}
    {% set parquet = [] %}
    {% for path in files %}
        {% do (parquet if path.lower().endswith('.parquet') else csv).append(path) %}
    {% endfor %}
    {{ return(duckdb__csv_groups(table_name, csv) + duckdb__parquet_groups(parquet)) }}
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


{% macro duckdb__parquet_groups(files) %}
    {% set files_by_schema = {} %}
    {% if files %}
        {% set query %}
            select
                file_name,
                string_agg(concat_ws(' ', name, duckdb_type, num_children), ', ' order by column_id)
            from parquet_schema({{ duckdb__paths(files) }})
            group by file_name
            order by file_name
        {% endset %}
        {% for path, schema in run_query(query).rows %}
            {% do files_by_schema.setdefault(schema, []).append(path) %}
        {% endfor %}
    {% endif %}
    {% set groups = [] %}
    {% for files_of_schema in files_by_schema.values() %}
        {% set relation = 'read_parquet(' ~ duckdb__paths(files_of_schema)
            ~ ', hive_partitioning = false' %}
        {% set types = column_types(relation ~ ')') %}
        {#- no column of the contract is a list or a struct, and a text can be compared and rejected -#}
        {% set texts = [] %}
        {% for name, type in types.items() if modules.re.match('(struct|map|union)[(]|.*]$', type) %}
            {% do types.update({name: 'varchar'}) %}
            {% do texts.append('cast(' ~ adapter.quote(name) ~ ' as varchar) as ' ~ adapter.quote(name)) %}
        {% endfor %}
        {% set relation = relation ~ ', filename = ' ~ sql_text(file_name_column()) ~ ')' %}
        {% do groups.append({
            'relation': '(select * replace (' ~ texts | join(', ') ~ ') from ' ~ relation ~ ')' if texts
                else relation,
            'types': types,
            'place': some_of(files_of_schema),
            'files': files_of_schema,
            'forms': {},
        }) %}
    {% endfor %}
    {{ return(groups) }}
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


{% macro nearest_names(wanted, found) %}
    {{ return(adapter.dispatch('nearest_names', 'customer_lifecycle_warehouse')(wanted, found)) }}
{% endmacro %}

{% macro duckdb__nearest_names(wanted, found) %}
    {% set nearest = {} %}
    {% set query %}
        with pairs as (
            select
                wanted,
                found,
                regexp_replace(lower(wanted), '[\s_.-]', '', 'g') as wanted_plain,
                regexp_replace(lower(found), '[\s_.-]', '', 'g') as found_plain
            from unnest({{ duckdb__text_list(wanted) }}) as wanted_names (wanted)
            cross join unnest({{ duckdb__text_list(found) }}) as found_names (found)
        ),

        compared as (
            select
                *,
                case
                    when wanted_plain = found_plain then 2
                    when contains(found_plain, wanted_plain) or ends_with(wanted_plain, found_plain) then 1.5
                    else jaro_winkler_similarity(wanted_plain, found_plain)
                end as similarity
            from pairs
        ),

        -- a column that was found can be one of the wanted ones
        nearest as (
            select * from compared
            where similarity > 0.85
            qualify row_number() over (partition by found order by similarity desc, wanted) = 1
        )

        select wanted, arg_max(found, similarity)
        from nearest
        group by wanted
    {% endset %}
    {% for name, like_it in (run_query(query).rows if wanted and found else []) %}
        {% do nearest.update({name: like_it}) %}
    {% endfor %}
    {{ return(nearest) }}
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

{#- A text is called varchar, as the rest of the project calls it. -#}
{% macro spark__column_types(relation) %}
    {% set types = {} %}
    {% for row in run_query('describe query select * from ' ~ relation).rows %}
        {% do types.update({row[0] | lower: {'string': 'varchar', 'int': 'integer'}.get(row[1], row[1])}) %}
    {% endfor %}
    {{ return(types) }}
{% endmacro %}


{% macro spark__nearest_names(wanted, found) %}
    {{ return({}) }}
{% endmacro %}


{% macro spark__last_modified(files) %}
    {{ return('select cast(null as timestamp) as arrived_at') }}
{% endmacro %}


{% macro spark__file_groups(table_name, files) %}
    {{ return([]) }}
{% endmacro %}


{% macro spark__text_of_file(path) %}
    {{ return('text.`' ~ path ~ '`') }}
{% endmacro %}


{% macro spark__first_lines_of(files) %}
    {{ return({}) }}
{% endmacro %}


{% macro spark__read_csv_of_texts(path, names) %}
    {{ return('csv.`' ~ path ~ '`') }}
{% endmacro %}
