{#- Names the reasons for leaving that seeds/reference/churn_reasons.csv does not know, with how often each
    was given. Run after fct_churn_events is built. -#}
{% macro warn_of_unmapped_reasons() %}
    {% set unmapped_reasons %}
        select
            events.churn_reason,
            count(*)
        from {{ this }} as events
        left join {{ ref('churn_reasons') }} as reasons
            on events.churn_reason = {{ reason_code('reasons.reason_code') }}
        where reasons.reason_code is null and events.relationship <> 'any'
        group by events.churn_reason
        order by count(*) desc, events.churn_reason
    {% endset %}
    {% set found = run_query(unmapped_reasons).rows if execute else [] %}
    {% if found %}
        {% set named = [] %}
        {% for reason, events in found %}
            {% do named.append(reason ~ ' (' ~ events ~ ')') if loop.index <= 20 %}
        {% endfor %}
        {% do exceptions.warn(
            'Churn reasons not in seeds/reference/churn_reasons.csv count as unknown: '
            ~ named | join(', ')
            ~ (' and ' ~ (found | length - 20) ~ ' more' if found | length > 20 else '') ~ '.'
        ) %}
    {% endif %}
{% endmacro %}


{#- A reason as it is looked up in the seed, however it is spelt. -#}
{% macro reason_code(reason) %}
    {{ return('lower(trim(' ~ reason ~ '))') }}
{% endmacro %}
