{#- What becomes of the rows of people who were erased (`lifecycle erase`). The list of them holds a keyed hash
    of each id, and the id that stands for the person from now on: who it was cannot be read from it.
    Without a list, or with an empty one, the models say nothing of this. -#}

{#- Whether somebody was erased. Stops where the list and its key do not belong together: whoever is on it
    would come back without a word. The first line of the list is of the key: the hash of a text that is no id,
    since it begins with a blank. A list of an earlier version has no such line. -#}
{% macro has_erasures() %}
    {% set list = erasures_folder() ~ '/erased.csv' %}
    {% set key = erasures_folder() ~ '/key' %}
    {% set has_list = list_files([path_pattern(list)]) | length > 0 %}
    {% set has_key = list_files([path_pattern(key)]) | length > 0 %}
    {% if not has_list %}
        {% if has_key %}
            {{ exceptions.raise_compiler_error(list ~ ' is gone, and its key is there: restore it from a'
                ~ ' backup, or remove the key if nobody was ever erased.') }}
        {% endif %}
        {{ return(false) }}
    {% endif %}
    {% set people = run_query(
        'select count(*) from ' ~ erasure_list() ~ " where tombstone_id <> 'key'"
    ).rows[0][0] %}
    {% if people == 0 %}
        {{ return(false) }}
    {% elif not has_key %}
        {{ exceptions.raise_compiler_error(key ~ ' is gone, and without it ' ~ list
            ~ ' says nothing: restore it from a backup.') }}
    {% endif %}
    {% set query %}
        select
            length(hash_key.content) = 64
                and translate(hash_key.content, '0123456789abcdef', '') = '' as is_whole,
            (
                select count(*) from {{ erasure_list() }}
                where
                    tombstone_id = 'key'
                    and id_hash <> {{ sha256_of("hash_key.content || ' the key of this list'") }}
            ) as lists_of_others
        from {{ text_of_file(key) }} as hash_key
    {% endset %}
    {% set is_whole, lists_of_others = run_query(query).rows[0] %}
    {% if not is_whole %}
        {{ exceptions.raise_compiler_error(key ~ ' is damaged: restore it from a backup.') }}
    {% elif lists_of_others %}
        {{ exceptions.raise_compiler_error(key ~ ' is the key of another list than ' ~ list
            ~ ': restore the two of one backup.') }}
    {% endif %}
    {{ return(true) }}
{% endmacro %}


{#- The folder of the list and its key. -#}
{% macro erasures_folder() %}
    {{ return(setting('erasures_dir', invocation_args_dict.project_dir ~ '/erasures').rstrip('/')) }}
{% endmacro %}


{#- The list, as a relation. -#}
{% macro erasure_list() %}
    {{ return(read_csv_of_texts(
        erasures_folder() ~ '/erased.csv', ['id_hash', 'tombstone_id', 'erased_at', 'finished_at']
    )) }}
{% endmacro %}


{#- The customers in a column of a relation, each once with its keyed hash; a query, for a CTE that is kept in
    memory: joined with the list at once, every id would be hashed for every line of it. The key is read where
    the query runs: it is in no SQL and in no log. -#}
{% macro hashed_customers(relation, customer_id) %}
    select
        ids.customer_id as erased_customer_id,
        {{ sha256_of('hash_key.content || ids.customer_id') }} as id_hash
    from (
        select distinct {{ customer_id }} as customer_id from {{ relation }}
    ) as ids
    cross join {{ text_of_file(erasures_folder() ~ '/key') }} as hash_key
{% endmacro %}


{#- A column of a raw row, as it is written: of an erased person only what says nothing of the person.
    `value` is the typed column, or another expression of what was delivered. -#}
{% macro value_after_erasure(column, value) %}
    {% set left = value_of_the_erased(column, value) %}
    {{ return(value if left == value
        else 'case when tombstone_id is null then ' ~ value ~ ' else ' ~ left ~ ' end') }}
{% endmacro %}


{#- What is left of a value of an erased person. A text that was there still counts as filled, because who can
    be written to is counted. A word the contract does not know, or a value that is not of its type, may
    be anything that somebody typed. -#}
{% macro value_of_the_erased(column, value) %}
    {% set erased = 'case when ' ~ value ~ " is not null then 'erased' end" %}
    {% if column.name == 'customer_id' %}
        {{ return('tombstone_id') }}
    {% elif column.config.meta.restricted %}
        {{ return(erased) }}
    {% elif column.config.meta.accepted_values or 'currency' in column.name %}
        {{ return('case when ' ~ is_known_word(column) ~ ' then ' ~ value ~ ' else ' ~ erased
            ~ ' end') }}
    {% elif column.data_type == 'string' or value == column.name %}
        {{ return(value) }}
    {% endif %}
    {{ return('case when ' ~ column.name ~ ' is not null then ' ~ value ~ ' end') }}
{% endmacro %}
