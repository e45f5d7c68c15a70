{#- Rows of one key that updated_at does not tell apart, and whose content differs: what they look like, and when
    they stop a build. base_model() marks them as is_conflicting. -#}


{#- Each row in conflict beside the accepted row of its key, and what the two look like. -#}
{% macro conflicts(table_name, base) %}
    {% set contract = raw_contract(table_name) %}
    {% set names = contract.columns.values() | map(attribute='name') | list %}
    {% set matches = [] %}
    {% for name in contract.config.meta.key %}
        {% do matches.append('others.' ~ name ~ ' is not distinct from accepted.' ~ name) %}
    {% endfor %}
    {% set is_other_file = 'others.raw_file_name <> accepted.raw_file_name' %}
    {% set same = ['others.event_date is not distinct from accepted.event_date'] %}
    {% if 'customer_id' in names %}
        {% do same.append('others.customer_id is not distinct from accepted.customer_id') %}
    {% endif %}
    select
        {%- for name in names %}
        accepted.{{ name }} as accepted_{{ name }},
        others.{{ name }} as other_{{ name }},
        {%- endfor %}
        accepted.raw_file_name as accepted_file_name,
        others.raw_file_name as other_file_name,
        case
            when {{ is_other_file }} and {{ same | join(' and ') }} then 'update'
            when {{ is_other_file }} then 'shops'
            {%- if table_name == 'orders' %}
            when (others.amount < 0) <> (accepted.amount < 0) then 'refund'
            when others.amount <> accepted.amount then 'lines'
            {%- elif table_name == 'subscriptions' %}
            when others.plan_id is distinct from accepted.plan_id then 'items'
            {%- endif %}
            else 'versions'
        end as conflict
    from {{ base }} as others
    inner join {{ base }} as accepted
        on {{ matches | join(' and ') }}
    where others.is_conflicting and accepted.is_accepted
{% endmacro %}


{% macro finding_of_conflicts(table_name, base, raw_rows) %}
    {% set has_age = 'updated_at' in raw_contract(table_name).columns %}
    {% set looks = {
        'lines': 'They look like the lines of an order: deliver one row per order with their sum, and the lines'
            ~ ' as order_lines.',
        'refund': 'They look like a sale and its refund: give the refund a key of its own, and the key of the sale'
            ~ ' in original_order_id.',
        'items': 'They look like the items of one subscription: put the item in item_id.',
        'shops': 'They look like the rows of two shops that number alike: put the name of the shop before the key.',
        'versions': 'They look like versions of one row: '
            ~ ('say in updated_at when each was written.' if has_age else 'deliver the one that counts.'),
        'update': 'They look like updates by a later file: the one whose name sorts last counts.',
    } %}
    {% set query %}
        select conflict, count(*) as conflicting_rows
        from ({{ conflicts(table_name, base) }}) as conflicts
        group by conflict
        order by case when conflict = 'update' then 1 else 0 end, count(*) desc, conflict
    {% endset %}
    {% set kinds = run_query(query).rows %}
    {% set rows = namespace(all=0, updates=0) %}
    {% for kind, count in kinds %}
        {% set rows.all = rows.all + count %}
        {% set rows.updates = count if kind == 'update' else rows.updates %}
    {% endfor %}
    {#- a single row that describes something, a product for example, is no reason to stop -#}
    {% set allowed = [raw_rows * var('max_conflicting_share'), 0 if table_name in main_inputs() else 1] | max %}
    {% set is_stop = rows.all - rows.updates > allowed %}
    {{ return({
        'level': 'stop' if is_stop else 'warn',
        'table_name': table_name,
        'subject': 'conflicting_rows',
        'message': table_name ~ ': ' ~ rows.all ~ ' of ' ~ raw_rows ~ ' rows have the key of another row and other'
            ~ ' content' ~ (', and updated_at does not say which is newer' if has_age else '') ~ '. For example '
            ~ example_of_conflict(table_name, base, kinds[0][0]) ~ '. ' ~ looks[kinds[0][0]] ~ ' ' ~ (
                'The var max_conflicting_share allows ' ~ var('max_conflicting_share') ~ ' of the rows.'
                if is_stop else 'One row of each key counts.'
            ),
    }) }}
{% endmacro %}


{#- Two rows of one key, by what differs and where they are: their values may say who somebody is. -#}
{% macro example_of_conflict(table_name, base, conflict) %}
    {% set contract = raw_contract(table_name) %}
    {% set keys = [] %}
    {% for name in contract.config.meta.key %}
        {% do keys.append('accepted_' ~ name) %}
    {% endfor %}
    {% set names = contract.columns | reject('in', contract.config.meta.key) | list %}
    {% set differences = [] %}
    {% for name in names %}
        {% do differences.append('accepted_' ~ name ~ ' is distinct from other_' ~ name) %}
    {% endfor %}
    {% set query %}
        select {{ differences | join(', ') }}, accepted_file_name, other_file_name
        from ({{ conflicts(table_name, base) }}) as conflicts
        where conflict = '{{ conflict }}'
        order by {{ keys | join(', ') }}, accepted_file_name, other_file_name, {{ range(1, names | length + 1) | join(', ') }}
        limit 1
    {% endset %}
    {% set row = run_query(query).rows[0] %}
    {% set different = [] %}
    {% for name in names %}
        {% do different.append(name) if row[loop.index0] %}
    {% endfor %}
    {% set files = [] %}
    {% for path in row[-2:] if path is not none %}
        {% set file = path.split('/') | last %}
        {% do files.append(file) if file not in files %}
    {% endfor %}
    {{ return('two of them' ~ (' in ' ~ files | join(' and ') if files else '') ~ ' differ in '
        ~ some_of(different)) }}
{% endmacro %}
