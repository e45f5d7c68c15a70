{#- Says how many customers are known by an e-mail address: a customer_id reaches every mart, so a direct
    identifier in it leaves the restricted schema. Run after int_customers is built. -#}
{% macro warn_of_email_keys() %}
    {% set email_keys %}
        select count(*) from {{ this }} where customer_id like '%_@_%._%'
    {% endset %}
    {% set found = run_query(email_keys).rows[0][0] if execute else 0 %}
    {% if found %}
        {% do exceptions.warn(
            'customers: ' ~ found ~ ' customer_id look like e-mail addresses, and a customer_id is in'
            ~ ' every mart. Deliver keys that name nobody, and the address as email.'
        ) %}
    {% endif %}
{% endmacro %}
