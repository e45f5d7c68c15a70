{#- What an order of Shopify counts as: paid, paid back, cancelled or still to be paid. A cancelled order that was paid
    back is refunded. -#}
{% macro shopify_status(financial_status, fulfillment_status, cancelled_at) %}
    case
        when {{ financial_status }} = 'refunded' then 'refunded'
        when {{ cancelled_at }} is not null then 'cancelled'
        when {{ financial_status }} in ('voided', 'expired') then 'cancelled'
        when
            coalesce({{ financial_status }}, 'paid')
            in ('paid', 'partially_paid', 'partially_refunded')
            then 'completed'
        when {{ fulfillment_status }} = 'fulfilled'
            then '{{ policy('delivered_unpaid_counts_as', ['pending', 'completed']) }}'
        else 'pending'
    end
{% endmacro %}
