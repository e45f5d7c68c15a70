{#- The keys that exports get, the same for a thing in every build. -#}


{#- The key of a thing of a system, in every table: two systems may number alike. -#}
{% macro source_key(id) %}
    {{ return("source_name || '-' || " ~ id) }}
{% endmacro %}


{#- The published key of a person, the same in all systems: of the e-mail address, else of the phone number, else of
    the id in the system. Nobody can work the address out from it without the salt. NULL where nothing is known. -#}
{% macro customer_key(email='cast(null as string)', phone='cast(null as string)', native_id='cast(null as string)') %}
    {% set digits = digits_of(phone) %}
    {% set known = "case when contains(" ~ email ~ ", '@') then 'email:' || lower(trim(" ~ email ~ "))"
        ~ " when length(" ~ digits ~ ") >= 7 then 'phone:' || " ~ digits
        ~ " else 'id:' || " ~ source_key(native_id) ~ " end" %}
    {{ return('case when ' ~ known ~ ' is not null then ' ~ sha256_of(customer_salt() ~ ' || ' ~ known) ~ ' end') }}
{% endmacro %}


{% macro customer_salt() %}
    {% set file = erasures_folder() ~ '/salt' %}
    {% if execute and not list_files([path_pattern(file)]) %}
        {{ exceptions.raise_compiler_error(file ~ ' is not there. It is the salt that keys of customers are made'
            ~ ' with: restore it from a backup, or run lifecycle refresh, which makes the first one.') }}
    {% endif %}
    {{ return('(select content from ' ~ text_of_file(file) ~ ')') }}
{% endmacro %}


{#- Of the rows of a thing that stands in several files, those of the file that sorts last by name. -#}
{% macro is_of_newest_file(key) %}
    {{ return('raw_file_name = max(raw_file_name) over (partition by source_name, ' ~ key ~ ')') }}
{% endmacro %}
