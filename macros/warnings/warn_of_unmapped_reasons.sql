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
    {% do warn_of_names(
        unmapped_reasons, 'Churn reasons not in seeds/reference/churn_reasons.csv count as unknown'
    ) %}
{% endmacro %}


{#- A reason as it is looked up in the seed, however it is spelt. -#}
{% macro reason_code(reason) %}
    {{ return('lower(trim(' ~ reason ~ '))') }}
{% endmacro %}
