{#- What a person should know of a delivery before anyone believes its numbers, read from the judged base tables.
    `stop`: nothing is published. `warn`: it is published, with a warning. -#}


{% macro raw_findings() %}
    {% set settings = ref('int_run_settings') %}
    {% set bases = {} %}
    {% for table_name in raw_table_names() %}
        {% do bases.update({table_name: ref('base_' ~ table_name)}) %}
    {% endfor %}
    {% set queries = [] %}
    {% for table_name, base in bases.items() %}
        {% set query %}
            select
                '{{ table_name }}' as table_name,
                {{ loop.index }} as table_number,
                count(*) as raw_rows,
                count(case when is_accepted then 1 end) as accepted_rows,
                count(case when is_held_back then 1 end) as held_back_rows,
                count(rejection_reasons) as rejected_rows,
                count(case when is_conflicting then 1 end) as conflicting_rows
            from {{ base }}
        {% endset %}
        {% do queries.append(query) %}
    {% endfor %}
    {% set findings = [] %}
    {% for table_name, _, raw, accepted, held_back, rejected, conflicting in run_query(
        queries | join(' union all ') ~ ' order by table_number'
    ).rows %}
        {% if raw and held_back == raw and table_name in main_inputs() %}
            {% do findings.append(finding_of_rows_to_come(table_name, bases[table_name], raw, settings)) %}
        {% endif %}
        {% if rejected %}
            {% do findings.append(
                finding_of_rejected_rows(table_name, bases[table_name], raw, accepted, rejected)
            ) %}
        {% endif %}
        {% if conflicting %}
            {% do findings.append(finding_of_conflicts(table_name, bases[table_name], raw)) %}
        {% endif %}
    {% endfor %}
    {% do findings.extend(findings_of_forms()) %}
    {% do findings.extend(findings_of_orders(bases.orders)) %}
    {% do findings.extend(findings_of_scores(bases.survey_responses)) %}
    {% do findings.extend(findings_of_currency(bases, settings)) %}
    {{ return(findings) }}
{% endmacro %}


{#- An order of day and month is said aloud: where it is wrong, every number is. -#}
{% macro findings_of_forms() %}
    {% set words = {
        'day_first': 'dates that begin with the day',
        'month_first': 'dates that begin with the month',
        'words': 'dates with the name of a month, or with AM and PM',
        'compact': 'dates of eight digits',
        'epoch_seconds': 'seconds since 1970',
        'epoch_milliseconds': 'milliseconds since 1970',
        'serial': 'the days of a spreadsheet',
        'decimal_point': 'numbers with a decimal point',
        'decimal_comma': 'numbers with a decimal comma',
        'whole_number': 'whole numbers: 7.0 is 7',
    } %}
    {% set findings = [] %}
    {% for table_name, column_name, form, files, example in run_query(
        'select table_name, column_name, form, count(*), min(example) from ' ~ ref('int_raw_forms')
        ~ " where form <> 'plain' group by table_name, column_name, form order by 1, 2, 3"
    ).rows %}
        {% do findings.append({
            'level': 'warn' if form in ('day_first', 'month_first') else 'note',
            'table_name': table_name,
            'subject': 'forms',
            'message': table_name ~ ': ' ~ column_name ~ ' is read as ' ~ words[form]
                ~ (', written like ' ~ form_of_value(example) if example is not none else '')
                ~ (', in ' ~ files ~ ' files.' if files > 1 else '.'),
        }) %}
    {% endfor %}
    {{ return(findings) }}
{% endmacro %}


{% macro main_inputs() %}
    {{ return(['orders', 'subscriptions', 'survey_responses']) }}
{% endmacro %}


{% macro finding_of_rows_to_come(table_name, base, raw_rows, settings) %}
    {% set as_of_date, first_day = run_query(
        'select (select as_of_date from ' ~ settings ~ '), min(event_date) from ' ~ base
    ).rows[0] %}
    {{ return({
        'level': 'stop',
        'table_name': table_name,
        'subject': 'held_back_rows',
        'message': table_name ~ ': none of ' ~ raw_rows ~ ' rows can be used: as-of, ' ~ as_of_date
            ~ ', lies before the first event, on ' ~ first_day ~ '. Set AS_OF_DATE to that day or a later one.',
    }) }}
{% endmacro %}


{% macro finding_of_rejected_rows(table_name, base, raw_rows, accepted_rows, rejected_rows) %}
    {% set is_main = table_name in main_inputs() %}
    {% set is_unused = is_main and not accepted_rows %}
    {#- the audit judges the tables with more rows: tests/expectations/delivery.yml -#}
    {% set is_mostly_rejected = is_main and raw_rows < 100
        and rejected_rows > raw_rows * var('max_rejected_share_of_few') %}
    {% if is_unused %}
        {% set advice = 'No row can be used: correct the delivery.' %}
    {% elif is_mostly_rejected %}
        {% set advice = 'Correct the delivery, or raise the var max_rejected_share_of_few ('
            ~ var('max_rejected_share_of_few') ~ ').' %}
    {% else %}
        {% set advice = 'The mart rejected_rows has the key of each.' %}
    {% endif %}
    {{ return({
        'level': 'stop' if is_unused or is_mostly_rejected else
            'warn' if rejected_rows > raw_rows * var('warned_rejected_share') else 'note',
        'table_name': table_name,
        'subject': 'rejected_rows',
        'message': table_name ~ ': ' ~ rejected_rows ~ ' of ' ~ raw_rows ~ ' rows are rejected: '
            ~ reasons_with_examples(raw_contract(table_name), base) ~ '. ' ~ advice,
    }) }}
{% endmacro %}


{#- The most frequent reasons, each with the form of a value as delivered and the one that is wanted. -#}
{% macro reasons_with_examples(contract, base) %}
    {% set query %}
        select rejection_reasons, count(*) as rejected_rows, min(raw_row) as example_row
        from {{ base }}
        where rejection_reasons is not null
        group by rejection_reasons
        order by count(*) desc, rejection_reasons
    {% endset %}
    {% set counts = {} %}
    {% set examples = {} %}
    {% for reasons, rows, example_row in run_query(query).rows %}
        {% for reason in reasons.split(', ') %}
            {% do counts.update({reason: counts.get(reason, 0) + rows}) %}
            {% do examples.setdefault(reason, fromjson(example_row)) %}
        {% endfor %}
    {% endfor %}
    {% set said = [] %}
    {% for reason, rows in (counts | dictsort(by='value', reverse=true))[:3] %}
        {% set values = [] %}
        {% set columns = columns_of_reason(contract, reason) %}
        {% for column in columns if not column.config.meta.restricted %}
            {% set value = examples[reason].get(column.name) %}
            {% if value is not none %}
                {% do values.append((column.name ~ ' ' if columns | length > 1 else '') ~ form_of_value(value)) %}
            {% endif %}
        {% endfor %}
        {% set wanted = wanted_form(contract, reason) %}
        {% set parts = (['written like ' ~ values | join(', ')] if values else [])
            + (['wanted ' ~ wanted] if wanted else []) %}
        {% do said.append(reason ~ ' ' ~ rows ~ (' (' ~ parts | join('; ') ~ ')' if parts else '')) %}
    {% endfor %}
    {% if counts | length > 3 %}
        {% do said.append('and ' ~ (counts | length - 3) ~ ' more reason(s)') %}
    {% endif %}
    {{ return(said | join(', ')) }}
{% endmacro %}


{% macro columns_of_reason(contract, reason) %}
    {% set meta = contract.config.meta %}
    {% set names = {
        'implausible_date': meta.event_date,
        'future_dated': meta.event_date,
        'no_exchange_rate': ['currency'],
    }.get(reason) %}
    {% set rule = (meta.reject_when or {}).get(reason, '') %}
    {% set columns = [] %}
    {% for column in contract.columns.values() %}
        {% if names %}
            {% do columns.append(column) if column.name in names %}
        {% elif rule %}
            {% do columns.append(column) if modules.re.search('\\b' ~ column.name ~ '\\b', rule) %}
        {% elif modules.re.fullmatch('(missing|invalid|implausible|unknown)_' ~ column.name, reason) %}
            {% do columns.append(column) %}
        {% endif %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}


{% macro wanted_form(contract, reason) %}
    {% set wanted = {
        'implausible_date': 'a day from ' ~ var('earliest_plausible_date') ~ ' on',
        'future_dated': 'a day until tomorrow',
        'no_exchange_rate': 'a currency with a rate for the day in exchange_rates',
        'orphan': 'the key of an order',
    }.get(reason) %}
    {% set column = columns_of_reason(contract, reason) | first %}
    {% if not wanted and column and reason == 'unknown_' ~ column.name %}
        {% set words = column.config.meta.accepted_values %}
        {% set wanted = words[:-1] | join(', ') ~ ' or ' ~ words[-1] %}
    {% elif not wanted and column and reason == 'invalid_' ~ column.name %}
        {% set wanted = {
            'timestamp': '2025-01-31 or 2025-01-31 14:30:00',
            'date': '2025-01-31',
            'integer': 'a whole number',
            'boolean': 'true or false',
            'string': 'a key',
        }.get(column.data_type, '1234.50') %}
    {% elif not wanted and column and reason == 'implausible_' ~ column.name
        and column.data_type == 'decimal(18,2)' %}
        {% set wanted = 'less than a trillion' %}
    {% endif %}
    {{ return(wanted) }}
{% endmacro %}


{#- A value may be the name of a person, whatever its column, and a message stands in logs, records and alerts: so it
    has the form of the value alone, a 9 for each digit and an x for each letter. -#}
{% macro form_of_value(value) %}
    {% set text = modules.re.sub('[\x00-\x1f]+', ' ', value | string) %}
    {% if value is none %}
        {{ return('nothing') }}
    {% elif '@' in text %}
        {{ return('an e-mail address') }}
    {% endif %}
    {% set form = modules.re.sub('[^\\W\\d_]', 'x', modules.re.sub('\\d', '9', text)) %}
    {{ return("'" ~ (form if form | length <= 40 else form[:40] ~ '...') ~ "'") }}
{% endmacro %}


{% macro findings_of_orders(base) %}
    {% set query %}
        select status, count(*) as orders, count(customer_id) as known_orders
        from {{ base }}
        where is_accepted
        group by status
        order by count(*) desc, status
    {% endset %}
    {% set count = namespace(orders=0, revenue=0, known=0) %}
    {% set statuses = [] %}
    {% for status, orders, known_orders in run_query(query).rows %}
        {% set count.orders = count.orders + orders %}
        {% set count.known = count.known + known_orders %}
        {% if status in ('completed', 'refunded') %}
            {% set count.revenue = count.revenue + orders %}
        {% else %}
            {% do statuses.append(orders ~ ' ' ~ status) %}
        {% endif %}
    {% endfor %}
    {% set findings = [] %}
    {% if count.revenue < count.orders * var('min_revenue_order_share') %}
        {% do findings.append({
            'level': 'warn',
            'table_name': 'orders',
            'subject': 'orders_without_revenue',
            'message': 'orders: ' ~ (count.revenue or 'none') ~ ' of ' ~ count.orders ~ ' orders '
                ~ ('carry' if count.revenue > 1 else 'carries') ~ ' revenue: ' ~ statuses | join(', ')
                ~ '. Deliver an order that was paid as completed.',
        }) %}
    {% endif %}
    {% if count.orders - count.known > count.orders * var('max_anonymous_order_share') %}
        {% do findings.append({
            'level': 'warn',
            'table_name': 'orders',
            'subject': 'orders_without_customer',
            'message': 'orders: ' ~ (count.orders - count.known) ~ ' of ' ~ count.orders ~ ' orders have no customer,'
                ~ ' and count in revenue alone. Deliver customer_id where it is known.',
        }) %}
    {% endif %}
    {% if count.orders >= 20 %}
        {% do findings.extend(findings_of_customers(base, count.orders)) %}
    {% endif %}
    {{ return(findings) }}
{% endmacro %}


{% macro findings_of_customers(base, orders) %}
    {% set query %}
        select customer_id, count(*) as customer_orders
        from {{ base }}
        where is_accepted and customer_id is not null
        group by customer_id
        order by count(*) desc, customer_id
        limit 5
    {% endset %}
    {#- a count by few hashes is cheap, and almost always says that nobody has so many orders -#}
    {% set hashes %}
        select count(*) as customer_orders
        from {{ base }}
        where is_accepted and customer_id is not null
        group by {{ hash_number('customer_id') }} % 1024
        order by count(*) desc
        limit 1
    {% endset %}
    {% set limit = orders * var('max_customer_order_share') %}
    {% set has_many = run_query('select 1 from (' ~ hashes ~ ') as hashes where customer_orders > ' ~ limit).rows %}
    {% set most = run_query(query).rows if has_many else [] %}
    {% set findings = [] %}
    {#- of few customers, each has a large share -#}
    {% for _, customer_orders in (most if most | length == 5 else []) %}
        {% if customer_orders > limit %}
            {% do findings.append({
                'level': 'warn',
                'table_name': 'orders',
                'subject': 'placeholder_customer',
                'message': 'orders: ' ~ customer_orders ~ ' of ' ~ orders ~ ' orders share one customer_id.'
                    ~ ' Count fct_orders by customer_id to see which. If it stands for people who are not known,'
                    ~ ' add it to seeds/reference/placeholder_customers.csv.',
            }) %}
        {% endif %}
    {% endfor %}
    {{ return(findings) }}
{% endmacro %}


{% macro findings_of_currency(bases, settings) %}
    {% set findings = [] %}
    {% set currency = run_query('select reporting_currency from ' ~ settings).rows[0][0] %}
    {% for table_name in (['orders', 'subscriptions'] if currency == 'XXX' else []) %}
        {% if run_query('select 1 from ' ~ bases[table_name] ~ ' where is_accepted limit 1').rows %}
            {% do findings.append({
                'level': 'warn',
                'table_name': table_name,
                'subject': 'no_currency',
                'message': table_name ~ ': no row names a currency and none is set, so amounts are in XXX. Set'
                    ~ ' REPORTING_CURRENCY, or deliver the column currency.',
            }) %}
        {% endif %}
    {% endfor %}
    {{ return(findings) }}
{% endmacro %}


{#- Warns of what should be known, then stops for what must not be published: a line for each. -#}
{% macro report_findings(findings) %}
    {% for finding in findings if finding.level == 'warn' %}
        {% do exceptions.warn(finding.message) %}
    {% endfor %}
    {% set stops = findings | selectattr('level', 'equalto', 'stop') | map(attribute='message') | list %}
    {% if stops %}
        {% do raw_data_error(stops) %}
    {% endif %}
{% endmacro %}
