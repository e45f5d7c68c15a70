{#- Which systems are connected, and what their models give to staging. -#}


{#- The systems, and the tables of the contract that each has a model for. -#}
{% macro connected_tables() %}
    {{ return({
        'amazon': ['orders', 'order_lines', 'products'],
        'etsy': ['customers', 'orders', 'order_lines', 'products'],
        'fivetran_shopify': ['customers', 'orders', 'order_lines', 'products'],
        'fivetran_stripe': ['customers', 'orders', 'subscriptions'],
        'invoice_lines': ['customers', 'orders', 'order_lines', 'products'],
        'qualtrics': ['survey_responses'],
        'shopify': ['customers', 'orders', 'order_lines', 'products'],
        'square': ['customers', 'orders', 'order_lines', 'products'],
        'stripe': ['customers', 'orders', 'subscriptions'],
        'typeform': ['survey_responses'],
        'woocommerce': ['customers', 'orders'],
    }) }}
{% endmacro %}


{#- The models of connectors that give a table. Customers of several systems are merged: one row for each, with what
    the first system that knows it says. -#}
{% macro connected_parts(table_name) %}
    {% set parts = [] %}
    {% for system, tables in connected_tables().items() if system in raw_inputs() and table_name in tables %}
        {% set model = ref(system ~ '__' ~ table_name) %}
        {% for part in parts_of_table(model) if execute %}
            {% do parts.append(dict(part, place=model.identifier)) %}
        {% endfor %}
    {% endfor %}
    {% if table_name != 'customers' or parts | length < 2 %}
        {{ return(parts) }}
    {% endif %}
    {% set types = {} %}
    {% set selects = [] %}
    {% for part in parts %}
        {% do types.update(part.types) %}
    {% endfor %}
    {% for part in parts %}
        {% set number = loop.index %}
        {% set columns = [number ~ ' as part_number'] %}
        {% for name in types %}
            {% do columns.append((name if name in part.types else 'null') ~ ' as ' ~ name) %}
        {% endfor %}
        {% do selects.append('select ' ~ columns | join(', ') ~ ' from ' ~ part.relation) %}
    {% endfor %}
    {% set merged = ['customer_id'] %}
    {% for name in types if name != 'customer_id' %}
        {% set of_parts = [] %}
        {% for part in parts %}
            {% do of_parts.append('max(case when part_number = ' ~ loop.index ~ ' then ' ~ name ~ ' end)') %}
        {% endfor %}
        {% set said = of_parts | join(', ') %}
        {% do merged.append(
            ("nullif(concat_ws(', ', " ~ said ~ "), '')" if name == 'source_customer_id' else 'coalesce(' ~ said ~ ')')
            ~ ' as ' ~ name
        ) %}
    {% endfor %}
    {{ return([{
        'relation': '(select ' ~ merged | join(', ') ~ ' from (' ~ selects | join(' union all ')
            ~ ') as known group by customer_id)',
        'types': types,
        'place': 'the customers of ' ~ raw_inputs() | join(', '),
        'files': none,
        'forms': {},
    }]) }}
{% endmacro %}
