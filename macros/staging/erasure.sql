{#- What becomes of the rows of people who were erased (`lifecycle erase`). The list of the erased holds a keyed
    hash of each id and a tombstone, the id that stands for the person from then on. Neither tells who the
    person was. Without a list, or with an empty one, the base models hold no SQL about erasing. -#}


{#- The first line of the list belongs to the key: it is the hash of a text that cannot be an id, because it
    begins with a blank. With the wrong key, hashing still succeeds but no one matches, and everyone on the
    list would come back. -#}
{% macro has_erasures() %}
    {% set list = erasures_folder() ~ '/erased.csv' %}
    {% set key = erasures_folder() ~ '/key' %}
    {% set has_key = list_files([path_pattern(key)]) | length > 0 %}
    {% if not list_files([path_pattern(list)]) %}
        {% if has_key %}
            {{ exceptions.raise_compiler_error(list ~ ' is gone, but its key is there. Restore the list from'
                ~ ' a backup, or remove the key if no one was ever erased.') }}
        {% endif %}
        {{ return(false) }}
    {% endif %}
    {% set people = run_query(
        'select count(*) from ' ~ erasure_list() ~ " where tombstone_id <> 'key'"
    ).rows[0][0] %}
    {% if people == 0 %}
        {{ return(false) }}
    {% elif not has_key %}
        {{ exceptions.raise_compiler_error(key ~ ' is gone, and ' ~ list ~ ' cannot be used without it.'
            ~ ' Restore the key from a backup.') }}
    {% endif %}
    {% set query %}
        select
            length(hash_key.content) = 64
                and translate(hash_key.content, '0123456789abcdef', '') = '' as is_whole,
            (
                select count(*) from {{ erasure_list() }}
                where
                    tombstone_id = 'key'
                    and id_hash = {{ sha256_of("hash_key.content || ' the key of this list'") }}
            ) as lines_of_this_key
        from {{ text_of_file(key) }} as hash_key
    {% endset %}
    {% set is_whole, lines_of_this_key = run_query(query).rows[0] %}
    {% if not is_whole %}
        {{ exceptions.raise_compiler_error(key ~ ' is damaged: it must be 64 hexadecimal digits. Restore it'
            ~ ' from a backup.') }}
    {% elif not lines_of_this_key %}
        {{ exceptions.raise_compiler_error(key ~ ' is the key of another list than ' ~ list
            ~ '. Restore both from the same backup.') }}
    {% endif %}
    {{ return(true) }}
{% endmacro %}


{% macro erasures_folder() %}
    {{ return(setting('erasures_dir', invocation_args_dict.project_dir ~ '/erasures').rstrip('/')) }}
{% endmacro %}


{% macro erasure_list() %}
    {{ return(read_csv_of_texts(
        erasures_folder() ~ '/erased.csv', ['id_hash', 'tombstone_id', 'erased_at', 'finished_at']
    )) }}
{% endmacro %}


{#- A query for a CTE that is kept in memory: joined with the list at once, every id would be hashed again for
    every line of the list. The key is read where the query runs, so that no SQL and no log shows it. -#}
{% macro hashed_customers(relation) %}
    select
        ids.customer_id as erased_customer_id,
        {{ sha256_of('hash_key.content || ids.customer_id') }} as id_hash
    from (
        select distinct customer_id from {{ relation }}
    ) as ids
    cross join {{ text_of_file(erasures_folder() ~ '/key') }} as hash_key
{% endmacro %}


{#- The one place that says what is left. A text that was there still counts as filled, because people who can
    be contacted are counted. A word that the contract does not know, or a value that does not fit its type, may
    be anything that someone typed. -#}
{% macro value_of_the_erased(column, value) %}
    {% set erased = 'case when ' ~ value ~ " is not null then 'erased' end" %}
    {% if column.name == 'customer_id' %}
        {{ return('tombstone_id') }}
    {% elif column.config.meta.of_person %}
        {{ return('cast(null as string)') }}
    {% elif column.config.meta.restricted %}
        {{ return(erased) }}
    {% elif column.config.meta.accepted_values or 'currency' in column.name %}
        {{ return('case when ' ~ is_known_word(column) ~ ' then ' ~ value ~ ' else ' ~ erased ~ ' end') }}
    {% elif column.data_type == 'string' or value == column.name %}
        {{ return(value) }}
    {% endif %}
    {{ return('case when ' ~ column.name ~ ' is not null then ' ~ value ~ ' end') }}
{% endmacro %}
