{#- The segment columns of a cube, as a select list. -#}
{% macro segment_columns(relation=none) %}
    {% set prefix = relation ~ '.' if relation else '' %}
    {{ return(prefix ~ ['region', 'industry', 'customer_segment', 'acquisition_channel']
        | join(', ' ~ prefix)) }}
{% endmacro %}


{#- The slices of a report whose numbers do not add up: everybody, then each segment by itself. -#}
{% macro segment_names() %}
    select 'all' as segment_name
    {%- for name in ['region', 'industry', 'customer_segment', 'acquisition_channel'] %}
    union all select '{{ name }}'
    {%- endfor %}
{% endmacro %}


{#- The value of the segment that segment_name names. -#}
{% macro segment_value() %}
    {{ return(
        "case segment_name when 'all' then 'all' when 'region' then region"
        ~ " when 'industry' then industry when 'customer_segment' then customer_segment"
        ~ " else acquisition_channel end"
    ) }}
{% endmacro %}


{#- Whether a word is one of a seed, however that spells it. -#}
{% macro is_word_of_seed(word, word_of_seed) %}
    {{- return('lower(' ~ word ~ ') = lower(trim(' ~ word_of_seed ~ '))') -}}
{% endmacro %}
