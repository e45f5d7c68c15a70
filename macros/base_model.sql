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
{% set meta = contract.config.meta %}
{% set types = column_types(raw) if raw else {} %}
{% if raw %}{% do check_raw_columns(table_name, types, columns) %}{% endif %}

with

raw_rows as {{ not_materialized() }} (
    select
        {%- for column in columns %}
        {{ raw_value(column.name, types) }} as raw_{{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    {% if raw %}from {{ raw }}{% else %}where false{% endif %}
),

-- few keys repeat: ranking only their rows spares a sort of the whole table
repeated_keys as (
    select {{ row_key(contract, types) }} as row_key
    from raw_rows
    group by {{ row_key(contract, types) }}
    having count(*) > 1
),

keyed_rows as (
    select
        raw_rows.*,
        {{ row_key(contract, types) }} as row_key,
        repeated_keys.row_key is not null as has_repeated_key
    from raw_rows
    left join repeated_keys
        on {{ row_key(contract, types) }} = repeated_keys.row_key
),

typed_rows as (
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

dated_rows as (
    select
        *,
        {{ event_day(contract, types) }} as event_date
    from typed_rows
),

completed_rows as (
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
            else coalesce(other_orders.row_fate, 'missing')
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
            and accepted_orders.row_fate = 'accepted'
    -- an order that is to come beats a rejected version of it: its lines wait with it
    left join (
        select
            order_id,
            min(row_fate) as row_fate
        from {{ parent }}
        where row_fate in ('held_back', 'rejected')
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
        order_fate = 'held_back' as is_held_back
        {%- else %}
        coalesce(event_date > as_of_date, false) as is_held_back
        {%- endif %}
    from completed_rows
),

fated_rows as (
    select
        *,
        case
            when rejection_reasons is not null then 'rejected'
            when is_held_back then 'held_back'
            else 'accepted'
        end as row_fate
    from judged_rows
    where not has_repeated_key

    union all

    -- of the usable rows of a key the newest is accepted
    select
        *,
        case
            when rejection_reasons is not null then 'rejected'
            when is_held_back then 'held_back'
            when row_number() over (
                partition by row_key, rejection_reasons is null and not is_held_back
                order by
                    {%- for name in (['updated_at'] if 'updated_at' in types else [])
                        + columns | map(attribute='name') | list %}
                    {{ name }} desc nulls last{{ ',' if not loop.last }}
                    {%- endfor %}
            ) = 1 then 'accepted'
            else 'superseded'
        end as row_fate
    from judged_rows
    where has_repeated_key
)

select
    {%- for column in columns %}
    {{ column.name }},
    {%- endfor %}
    event_date,
    {%- if exchange_rates %}
    exchange_rate,
    {%- endif %}
    row_fate,
    rejection_reasons,
    -- of a rejected row, its key and all of it as delivered
    case when rejection_reasons is not null then {{ raw_key(contract, types) }} end as raw_key,
    case
        when rejection_reasons is not null then {{ raw_row_as_json(contract, types) }}
    end as raw_row
from fated_rows
{% endif %}
{% endmacro %}
