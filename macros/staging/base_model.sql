{#- The SQL of every base model: one raw table, typed and judged. Every raw row arrives, with its reasons
    for rejection and its fate. models/staging/_raw.yml says what is expected of the table; columns.sql says
    what becomes of one column. docs/base_orders.md shows the SQL that this makes of the orders. -#}
{% macro base_model(table_name, exchange_rates=none, parent=none) %}
{% set settings = ref('int_run_settings') %}
{% set raw = raw_data(table_name) %}
{% set placeholders = placeholder_customers() %}
{% if execute %}

{% set contract = raw_contract(table_name) %}
{% set columns = contract.columns.values() | list %}
{% set names = columns | map(attribute='name') | list %}
{% set key = contract.config.meta.key | join(', ') %}
{% set content = names | reject('in', contract.config.meta.key + ['updated_at']) | list %}
{% set content_hash = hash_number(content | join(', ')) %}
{% do warn_of_ignored_columns(table_name, raw.types, names) %}
{%- set versions_of = (contract.config.meta.versions_of or []) | join(', ') %}
{% do warn_of_missing_segments(raw.types) if table_name == 'customers' %}
{%- set is_erasing = 'customer_id' in names and 'customer_id' in raw.types and has_erasures() %}

with

-- as delivered: a text without the blanks around it, an empty one as NULL
raw_rows as (
    select
        {%- for column in columns %}
        {{ raw_value(column, raw.types) }} as raw_{{ column.name }},
        {%- endfor %}
        {{ raw.file_name }} as raw_file_name
    {{ 'from ' ~ raw.relation if raw.relation else 'where false' }}
),

-- in the types of the contract; NULL where a value does not fit
typed_rows as {{ not_materialized() }} (
    select
        raw_rows.*,
        settings.as_of_date,
        settings.first_plausible_date,
        settings.last_plausible_date,
        settings.reporting_currency,
        {%- for column in columns %}
        {{ typed_value(column, raw.types, placeholders) }} as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from raw_rows
    cross join {{ settings }} as settings
),

dated_rows as {{ not_materialized() }} (
    select
        *,
        {{ event_day(contract) }} as event_date
    from typed_rows
),

-- few keys repeat: ranking only their rows saves a sort of the whole table. Different keys with the same
-- hash are told apart when they are ranked.
repeated_keys as (
    select {{ hash_number(key) }} as key_hash
    from typed_rows
    group by {{ hash_number(key) }}
    having count(*) > 1
),

{%- if versions_of %}

first_versions as (
    select
        {{ hash_number(versions_of) }} as versions_hash,
        min(started_at) as first_started_at
    from typed_rows
    group by {{ hash_number(versions_of) }}
),
{%- endif %}

matched_rows as {{ not_materialized() }} (
    select
        dated_rows.*,
        repeated_keys.key_hash is not null as has_repeated_key
        {%- if versions_of %},
        coalesce(dated_rows.started_at <= first_versions.first_started_at, true)
            as is_first_version
        {%- endif %}
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
    left join repeated_keys
        on {{ hash_number(key) }} = repeated_keys.key_hash
    {%- if versions_of %}
    left join first_versions
        on {{ hash_number(versions_of) }} = first_versions.versions_hash
    {%- endif %}
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
    -- where one version of an order is held back and another is rejected, its lines are held back
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
            {{ rejection_reasons(contract, raw.types, exchange_rates, parent) | join(',\n            ') }}
        ), '') as rejection_reasons,
        {%- if parent %}
        order_fate = 'held_back' as is_to_come
        {%- else %}
        coalesce(event_date > as_of_date, false) as is_to_come
        {%- endif %}
    from matched_rows
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
        is_usable as is_accepted,
        false as is_conflicting
    from usable_rows
    where not has_repeated_key

    union all

    -- of the usable rows with the same key, the newest is accepted; of those equally new, the one in the
    -- file that sorts last by name. The others conflict with it if their content differs.
    select
        *,
        is_usable and row_number() over same_key = 1 as is_accepted,
        is_usable
        {%- if 'updated_at' in names %}
        and coalesce(
            updated_at = first_value(updated_at) over same_key,
            first_value(updated_at) over same_key is null
        )
        {%- endif %}
        and {{ content_hash }} <> first_value({{ content_hash }}) over same_key as is_conflicting
    from usable_rows
    where has_repeated_key
    window same_key as (
        partition by {{ key }}, is_usable
        order by
            {%- if 'updated_at' in names %}
            updated_at desc nulls last,
            {%- endif %}
            raw_file_name desc nulls last,
            {%- for name in content %}
            {{ name }} desc nulls last{{ ',' if not loop.last }}
            {%- endfor %}
    )
)
{%- if is_erasing %},

-- rows are judged as delivered and written as erased: erasing a person changes the fate of no row
hashed_customers as {{ materialized() }} (
    {{- hashed_customers('typed_rows') }}
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

{%- set delivered = {} %}
{%- set left_of_erased = {} %}
{%- for column in columns %}
{%- set raw_name = 'raw_' ~ column.name %}
{%- do delivered.update({column.name: raw_name}) %}
{%- do left_of_erased.update({column.name: value_of_the_erased(column, raw_name)}) %}
{%- endfor %}

select
    {%- for column in columns %}
    {%- set left = value_of_the_erased(column, column.name) if is_erasing else column.name %}
    {%- if left == column.name %}
    {{ column.name }},
    {%- else %}
    case when tombstone_id is null then {{ column.name }} else {{ left }} end as {{ column.name }},
    {%- endif %}
    {%- endfor %}
    event_date,
    {%- if exchange_rates %}
    exchange_rate,
    {%- endif %}
    -- the fate of the row: one of these three, or else rejected
    is_accepted,
    is_usable and not is_accepted as is_superseded,
    -- of the superseded rows, those that no updated_at tells from the accepted one
    is_conflicting,
    is_to_come and rejection_reasons is null as is_held_back,
    rejection_reasons,
    -- the key and all values of a rejected row, as delivered
    case
        {%- if is_erasing %}
        when rejection_reasons is not null and tombstone_id is not null
            then {{ joined_key(contract, raw.types, left_of_erased) }}
        {%- endif %}
        when rejection_reasons is not null then {{ joined_key(contract, raw.types, delivered) }}
    end as raw_key,
    case
        {%- if is_erasing %}
        when rejection_reasons is not null and tombstone_id is not null
            then {{ json_text(left_of_erased) }}
        {%- endif %}
        when rejection_reasons is not null then {{ json_text(delivered) }}
    end as raw_row,
    {%- if versions_of %}
    raw_file_name
    {%- else %}
    case
        when rejection_reasons is not null or has_repeated_key then raw_file_name
    end as raw_file_name
    {%- endif %}
from fated_rows
{%- if is_erasing %}
left join erased_customers
    on fated_rows.customer_id = erased_customers.erased_customer_id
{%- endif %}
{% endif %}
{% endmacro %}
