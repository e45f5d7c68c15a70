{#- The tenth of the customers that those of one score are in, 1 has the greatest scores: all of them are in the tenth of
    the one in their middle, so that nothing but the score decides. The first argument counts the customers with this
    score or a greater one. -#}
{% macro decile_of(customers_so_far, customers, all_customers) %}
    {{ return('cast(floor(10 * (' ~ customers_so_far ~ ' - (' ~ customers ~ ' + 1) / 2.0) / ' ~ all_customers
        ~ ') as bigint) + 1') }}
{% endmacro %}
