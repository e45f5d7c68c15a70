{#- One raw table, typed and judged: every raw row, its reasons for rejection and its fate.
    The contract in models/staging/_raw.yml says what to expect; this is the one place that casts.

    exchange_rates  relation of daily rates, for a table that has a currency
    parent          base relation of the orders, for a table whose rows share their order's fate -#}
{% macro base_model(table_name, exchange_rates=none, parent=none) %}
{% set settings = ref('int_run_settings') %}
{% set raw = raw_relation(table_name) %}
{% if execute %}

{% set contract = raw_contract(table_name) %}
{% set columns = contract.columns.values() | list %}
{% set types = column_types(raw) if raw else {} %}
{% if raw %}{% do check_raw_columns(table_name, types, columns) %}{% endif %}
{% set key = row_key(contract, types) %}
{%- set is_erasing = 'customer_id' in contract.columns and 'customer_id' in types
    and has_erasures() %}

with

raw_rows as {{ not_materialized() }} (
    select
        {%- for column in columns %}
        {{ raw_value(column.name, types) }} as raw_{{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    {% if raw %}from {{ raw }}{% else %}where false{% endif %}
),

-- few keys repeat: ranking only their rows spares a sort of the whole table. Two keys that share a
-- hash are told apart there.
repeated_keys as (
    select {{ hash_number(key) }} as key_hash
    from raw_rows
    where {{ key }} is not null
    group by {{ hash_number(key) }}
    having count(*) > 1
),

keyed_rows as {{ not_materialized() }} (
    select
        raw_rows.*,
        {{ key }} as row_key,
        repeated_keys.key_hash is not null as has_repeated_key
    from raw_rows
    left join repeated_keys
        on {{ hash_number(key) }} = repeated_keys.key_hash
),

typed_rows as {{ not_materialized() }} (
    select
        keyed_rows.*,
        settings.as_of_date,
        settings.first_plausible_date,
        settings.last_plausible_date,
        settings.reporting_currency,
        {%- for column in columns %}
        {{ typed_value(column, types) }} as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from keyed_rows
    cross join {{ settings }} as settings
),

dated_rows as {{ not_materialized() }} (
    select
        *,
        {{ event_day(contract) }} as event_date
    from typed_rows
),

completed_rows as {{ not_materialized() }} (
    select
        dated_rows.*
        {%- if exchange_rates %},
        case
            when dated_rows.currency = dated_rows.reporting_currency
                then cast(1 as double)
            else rates.exchange_rate
        end as exchange_rate
        {%- endif %}
        {%- if parent %},
        case
            when accepted_orders.order_id is not null then 'accepted'
            when other_orders.is_held_back then 'held_back'
            when other_orders.order_id is not null then 'rejected'
            else 'missing'
        end as order_fate
        {%- endif %}
    from dated_rows
    {%- if exchange_rates %}
    left join {{ exchange_rates }} as rates
        on
            dated_rows.currency = rates.currency
            and dated_rows.event_date = rates.rate_date
    {%- endif %}
    {%- if parent %}
    left join {{ parent }} as accepted_orders
        on
            dated_rows.order_id = accepted_orders.order_id
            and accepted_orders.is_accepted
    -- an order that is to come beats a rejected version of it: its lines wait with it
    left join (
        select
            order_id,
            max(case when is_held_back then 1 else 0 end) = 1 as is_held_back
        from {{ parent }}
        where is_held_back or rejection_reasons is not null
        group by order_id
    ) as other_orders
        on dated_rows.order_id = other_orders.order_id
    {%- endif %}
),

judged_rows as {{ not_materialized() }} (
    select
        *,
        nullif(concat_ws(
            ', ',
            {{ rejection_reasons(contract, types, exchange_rates, parent) | join(',\n            ') }}
        ), '') as rejection_reasons,
        {%- if parent %}
        order_fate = 'held_back' as is_to_come
        {%- else %}
        coalesce(event_date > as_of_date, false) as is_to_come
        {%- endif %}
    from completed_rows
),

usable_rows as {{ not_materialized() }} (
    select
        *,
        rejection_reasons is null and not is_to_come as is_usable
    from judged_rows
),

fated_rows as (
    select
        *,
        is_usable as is_accepted
    from usable_rows
    where not has_repeated_key

    union all

    -- of the usable rows of a key the newest is accepted
    select
        *,
        is_usable
        and row_number() over (
            partition by row_key, is_usable
            order by
                {%- for name in (['updated_at'] if 'updated_at' in types else [])
                    + columns | map(attribute='name') | list %}
                {{ name }} desc nulls last{{ ',' if not loop.last }}
                {%- endfor %}
        ) = 1 as is_accepted
    from usable_rows
    where has_repeated_key
)
{%- if is_erasing %},

-- judged as delivered, written as erased: whoever is erased changes the fate of no row
hashed_customers as {{ materialized() }} (
    {{- hashed_customers('raw_rows', typed_value(contract.columns.customer_id, types)) }}
),

erased_customers as (
    select
        hashed_customers.erased_customer_id,
        erased.tombstone_id
    from hashed_customers
    inner join {{ erasure_list() }} as erased
        on hashed_customers.id_hash = erased.id_hash
)
{%- endif %}

select
    {%- for column in columns %}
    {%- set value = value_after_erasure(column, column.name) if is_erasing else column.name %}
    {{ value }}{{ ' as ' ~ column.name if value != column.name }},
    {%- endfor %}
    event_date,
    {%- if exchange_rates %}
    exchange_rate,
    {%- endif %}
    -- its fate: one of these three, or else rejected
    is_accepted,
    is_usable and not is_accepted as is_superseded,
    is_to_come and rejection_reasons is null as is_held_back,
    rejection_reasons,
    -- of a rejected row, its key and all of it as delivered
    case
        {%- if is_erasing %}
        when rejection_reasons is not null and tombstone_id is not null
            then {{ raw_key(contract, types, is_erased=true) }}
       {%- endif %} when rejection_reasons is not null then {{ raw_key(contract, types) }} end as raw_key,
    case
        {%- if is_erasing %}
        when rejection_reasons is not null and tombstone_id is not null
            then {{ raw_row_as_json(contract, types, is_erased=true) }}
        {%- endif %}
        when rejection_reasons is not null then {{ raw_row_as_json(contract, types) }}
    end as raw_row
from fated_rows
{%- if is_erasing %}
left join erased_customers
    on fated_rows.customer_id = erased_customers.erased_customer_id
{%- endif %}
{% endif %}
{% endmacro %}
