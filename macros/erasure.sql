{#- What becomes of the rows of people who were erased (`lifecycle erase`). The list of them holds a keyed hash
    of each id, and the id that stands for the person from now on: who it was cannot be read from it.
    Without a list, or with an empty one, the models say nothing of this. -#}

{#- Whether somebody was erased. -#}
{% macro has_erasures() %}
    {% set list = erasures_folder() ~ '/erased.csv' %}
    {% if not list_files([path_pattern(list)]) %}
        {{ return(false) }}
    {% endif %}
    {{ return(run_query('select count(*) from ' ~ erasure_list()).rows[0][0] > 0) }}
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
