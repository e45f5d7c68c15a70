{#- Says how many invoices name a subscription that was not delivered: what they bill is neither an order's
    revenue nor a subscription's. Run after int_customers is built, which reads both tables. -#}
{% macro warn_of_unknown_subscriptions() %}
    {% set unknown_subscriptions %}
        select count(*)
        from {{ ref('stg_orders') }} as orders
        left join {{ ref('stg_subscriptions') }} as subscriptions
            on orders.subscription_id = subscriptions.subscription_id
        where orders.subscription_id is not null and subscriptions.subscription_id is null
    {% endset %}
    {% set found = run_query(unknown_subscriptions).rows[0][0] if execute else 0 %}
    {% if found %}
        {% do exceptions.warn(
            'orders: invoices of a subscription that was not delivered, which are in no revenue: ' ~ found
            ~ '. Deliver the subscription, or leave subscription_id empty.'
        ) %}
    {% endif %}
{% endmacro %}
