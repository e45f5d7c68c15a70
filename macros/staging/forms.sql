{#- How the dates, numbers and keys of a delivery are written. int_raw_forms finds one form per file and column;
    raw_data() rewrites the values of that column to the contract's form while it reads them. No value is judged
    by itself: 01/02/2025 means what the other values of its file say, or what a setting says. -#}


{#- What a cell says that has no value. -#}
{% macro empty_words() %}
    {{ return(['null', '(null)', '<null>', '\\n', 'n/a', '#n/a', 'na', 'nan', 'none', 'nil', 'undefined', '-', '--']) }}
{% endmacro %}


{#- An optional sign, currency, parentheses, thousands and decimals. Three small letters are a unit, not a currency. -#}
{% macro number_pattern() %}
    {% set currency = '(\\p{Sc}|[A-Z]{3}|[A-Z]{1,2}[$]|kr|Kr|z\\x{142}|K\\x{10d}|Ft|Fr|Rs|RM)?' %}
    {{ return('^[-+(]?\\s*' ~ currency ~ '\\s*[-+(]?\\s*\\d[\\d.,\'\\x{2019}\\x{a0}\\x{202f} ]*\\s*[)-]?\\s*' ~ currency
        ~ '\\s*[)-]?$') }}
{% endmacro %}


{#- The kind of form that a column can have: time, number or key; none where a value is only a text. -#}
{% macro kind_of_form(column) %}
    {% set kinds = {'timestamp': 'time', 'date': 'time', 'decimal': 'number', 'integer': 'number'} %}
    {% set is_key = column.name == 'id' or column.name.endswith('_id') %}
    {{ return(kinds.get(column.data_type.split('(')[0], 'key' if is_key else none)) }}
{% endmacro %}


{#- Columns of a part that hold at least one value in another form than the contract's, or one that another form
    could mean: every column of their kind is looked at, since one column of a file can decide for another. -#}
{% macro columns_to_look_at(table_name, part) %}
    {% set columns = [] %}
    {% set values = [] %}
    {% set doubts = [] %}
    {% for column in raw_contract(table_name).columns.values() %}
        {% if part.types.get(column.name) == 'varchar' and kind_of_form(column) %}
            {% set value = adapter.quote(column.name) %}
            {% set doubt = {
                'time': value ~ ' is not null and not ' ~ is_plain_time(value),
                'number': value ~ ' is not null and (' ~ cast_of_text(value, 'decimal(18, 2)') ~ ' is null or substr('
                    ~ value ~ ", -4, 1) = '.')",
                'key': value ~ " like '%.0' or " ~ value ~ " like '%E+%' or " ~ value ~ " like '%e+%'",
            }[kind_of_form(column)] %}
            {% do columns.append(column) %}
            {% do values.append(raw_value(column, part.types) ~ ' as ' ~ value) %}
            {% do doubts.append('count(case when ' ~ doubt ~ ' then 1 end)') %}
        {% endif %}
    {% endfor %}
    {% set kinds = [] %}
    {% if columns %}
        {% set counts = run_query('select ' ~ doubts | join(', ') ~ ' from (select ' ~ values | join(', ') ~ ' from '
            ~ part.relation ~ ') as delivered').rows[0] %}
        {% for column in columns %}
            {% do kinds.append(kind_of_form(column)) if counts[loop.index0] %}
        {% endfor %}
    {% endif %}
    {% set looked_at = [] %}
    {% for column in columns if kind_of_form(column) in kinds %}
        {% do looked_at.append(column) %}
    {% endfor %}
    {{ return(looked_at) }}
{% endmacro %}


{#- A time in the contract's form. Most of those that are not have a slash, which is quick to see. -#}
{% macro is_plain_time(text) %}
    {{ return('case when ' ~ is_time(text) ~ ' then true when contains(' ~ text ~ ", '/')"
        ~ ' then false else ' ~ cast_or_null(text, 'varchar', 'timestamp') ~ ' is not null end') }}
{% endmacro %}


{#- What shows that a mark is the one before the decimals: not three digits behind it, the other mark between
    thousands before it, or a number before it that is no thousand. -#}
{% macro decided_by(mark, other_mark) %}
    {{ return([
        mark ~ '(\\d{1,2}|\\d{4,})\\D*$',
        '\\d' ~ other_mark ~ '\\d{3}(' ~ mark ~ '|' ~ other_mark ~ ')\\d',
        '(^|\\D)0' ~ mark ~ '\\d{3}\\D*$',
        '\\d{4}' ~ mark ~ '\\d+\\D*$',
    ] | join('|')) }}
{% endmacro %}


{#- One value of a column with what its form can be, as conditions over `raw_value`. -#}
{% macro signs_of_form(kind) %}
    {% set day_month_year = '^(\\d{1,2})[/.-](\\d{1,2})[/.-](\\d{4}|\\d{2})($|\\D)' %}
    {% set numeric = matches('raw_value', day_month_year) %}
    {% set number = matches('raw_value', number_pattern()) %}
    {{ return({
        'time': {
            'is_plain': is_plain_time('raw_value'),
            'is_numeric_date': numeric,
            'is_dotted': matches('raw_value', '^\\d{1,2}[.]\\d{1,2}[.]'),
            'is_first': numeric ~ ' and ' ~ number_in('raw_value', day_month_year, 1) ~ ' > 12',
            'is_second': numeric ~ ' and ' ~ number_in('raw_value', day_month_year, 2) ~ ' > 12',
            'is_worded': matches('raw_value',
                '(?i)(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|^\\d{4}-.*\\d ?[ap][.]?m')
                ~ ' and ' ~ matches('raw_value', '^[\\w ,.:+-]*\\d[\\w ,.:+-]*$'),
            'is_compact': matches('raw_value', '^(19|20)\\d{6}$'),
            'is_seconds': matches('raw_value', '^\\d{9,10}$'),
            'is_milliseconds': matches('raw_value', '^\\d{12,13}$'),
            'is_serial': matches('raw_value', '^[2-7]\\d{4}([.]\\d+)?$'),
        },
        'number': {
            'is_plain': cast_of_text('raw_value', 'decimal(18, 2)') ~ " is not null and substr(raw_value, -4, 1) <> '.'",
            'is_number': number,
            'is_doubtful_point': number ~ ' and ' ~ matches('raw_value', '^\\D*[1-9]\\d{0,2}[.]\\d{3}\\D*$'),
            'is_doubtful_comma': number ~ ' and ' ~ matches('raw_value', '^\\D*[1-9]\\d{0,2},\\d{3}\\D*$'),
            'is_first': number ~ ' and ' ~ matches('raw_value', decided_by('[.]', ',')),
            'is_second': number ~ ' and ' ~ matches('raw_value', decided_by(',', '[.]')),
        },
        'key': {
            'is_plain': 'not ' ~ matches('raw_value', '^\\d+[.]0+$|^\\d([.]\\d+)?[eE][+]?\\d+$'),
            'is_whole': matches('raw_value', '^\\d+([.]0+)?$'),
            'is_rounded': matches('raw_value', '^\\d([.]\\d+)?[eE][+]?\\d+$'),
        },
    }[kind]) }}
{% endmacro %}


{#- A few values that contradict all others are typing errors, and are rejected. -#}
{% macro are_close(rows, other_rows) %}
    {{ return('10 * least(' ~ rows ~ ', ' ~ other_rows ~ ') > greatest(' ~ rows ~ ', ' ~ other_rows ~ ')') }}
{% endmacro %}


{#- The columns that have to be looked at, of every part: a list of table, part and column. -#}
{% macro doubtful_columns() %}
    {% set found = [] %}
    {% for table_name in raw_table_names() %}
        {% for part in delivered_parts(table_name) %}
            {% do stop_at_damaged_lines(table_name, part) %}
            {% for column in columns_to_look_at(table_name, part) if execute %}
                {% do found.append((table_name, part, column)) %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
    {% for export in export_names('files') %}
        {% for part in export_parts(export) %}
            {% do stop_at_damaged_lines(export, part) %}
            {% for column in columns_to_look_at(export, part) %}
                {% do found.append((export, part, column)) %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{#- A row per file and column of a kind, with how many of its values bear each sign. -#}
{% macro counted_signs(kind, doubtful) %}
    {% set selects = [] %}
    {% set sums = [] %}
    {% for name, condition in signs_of_form(kind).items() %}
        {% do sums.append('count(case when ' ~ condition ~ ' then 1 end) as ' ~ name | replace('is_', '') ~ '_rows') %}
    {% endfor %}
    {#- an example is a date, a number or a key that a spreadsheet made up: other texts may say who somebody is -#}
    {% set shown = [] %}
    {% for name, condition in signs_of_form(kind).items() if name not in ('is_plain', 'is_whole') %}
        {% do shown.append('(' ~ condition ~ ')') %}
    {% endfor %}
    {% for table_name, part, column in doubtful if kind_of_form(column) == kind %}
        {% do selects.append('select ' ~ sql_text(table_name) ~ ' as table_name, ' ~ sql_text(column.name)
            ~ ' as column_name, file_name, count(*) as filled_rows, min(has_three_decimals) as has_three_decimals,'
            ~ ' min(case when not (' ~ signs_of_form(kind).is_plain ~ ') and (' ~ shown | join(' or ')
            ~ ') then raw_value end) as example, '
            ~ sums | join(', ') ~ ' from (select ' ~ raw_value(column, part.types) ~ ' as raw_value, '
            ~ (adapter.quote(file_name_column()) if part.files else sql_text(part.place)) ~ ' as file_name, '
            ~ has_three_decimals(part, column) ~ ' as has_three_decimals from ' ~ part.relation
            ~ ') as delivered where raw_value is not null group by file_name') %}
    {% endfor %}
    {{ return(selects | join('\n    union all\n    ') or 'select ' ~ sums | join(', ')
        ~ ", '' as table_name, '' as column_name, '' as file_name, 0 as filled_rows, 0 as has_three_decimals,"
        ~ " '' as example"
        ~ " from (select cast('' as string) as raw_value) as delivered where false group by raw_value") }}
{% endmacro %}


{#- 1 where a number may well have three decimals: an amount of a Kuwaiti row, a quantity, a rate. -#}
{% macro has_three_decimals(part, column) %}
    {% if column.data_type not in ('decimal(18,2)', 'integer') %}
        {{ return('1') }}
    {% endif %}
    {% set currencies = "('KWD', 'BHD', 'OMR', 'TND', 'JOD', 'IQD', 'LYD')" %}
    {% set currency = "upper(currency)" if 'currency' in part.types else sql_text(setting('reporting_currency', '')) %}
    {{ return('case when ' ~ currency ~ ' in ' ~ currencies ~ ' then 1 else 0 end') }}
{% endmacro %}


{#- The forms that cannot be decided, with what a person has to say. -#}
{% macro questions_of_form() %}
    {% set say = 'Correct the file, or say which is right: ' %}
    {{ return({
        'either_order': 'written like {0} may begin with the day or with the month. Say which: --date-order day-first'
            ~ ' or --date-order month-first.',
        'both_orders': 'begins with the day in some rows and with the month in others of one file, written like {0}. '
            ~ say ~ '--date-order day-first or --date-order month-first.',
        'either_mark': 'written like {0} may be a thousand or a fraction. Say which mark is the decimal one:'
            ~ ' --decimal-mark comma or --decimal-mark point.',
        'both_marks': 'has a decimal point in some rows and a decimal comma in others of one file, written like {0}. '
            ~ say ~ '--decimal-mark comma or --decimal-mark point.',
        'rounded': 'written like {0} was rounded by a spreadsheet, so that different keys look alike. Export it again,'
            ~ ' and do not save it in a spreadsheet.',
    }) }}
{% endmacro %}


{#- Stops where a form is in question. int_run_settings calls it, which everything else reads. -#}
{% macro stop_at_questions() %}
    {% set forms = ref('int_raw_forms') %}
    {% set lines = [] %}
    {% if execute and load_relation(forms) %}
        {% for table_name, file_name, column_name, form, example in run_query(
            'select table_name, file_name, column_name, form, example from ' ~ forms ~ ' order by 1, 2, 3'
        ).rows if form in questions_of_form() %}
            {% do lines.append(table_name ~ ': ' ~ file_name ~ ': ' ~ column_name ~ ' '
                ~ questions_of_form()[form].format(form_of_value(example))) %}
        {% endfor %}
    {% endif %}
    {% if lines %}
        {% do raw_data_error(lines) %}
    {% endif %}
{% endmacro %}


{#- Adds to each part of a table how its columns are rewritten: name -> expression. -#}
{% macro add_forms(table_name, parts) %}
    {% set forms = ref('int_raw_forms') %}
    {% if execute and parts and 'sample' not in raw_inputs() and load_relation(forms) %}
        {% set found = run_query(
            'select file_name, column_name, form from ' ~ forms ~ ' where table_name = ' ~ sql_text(table_name)
            ~ " and form <> 'plain' order by column_name, form, file_name"
        ).rows %}
        {% for part in parts %}
            {% set cases = {} %}
            {% for file_name, column_name, form in found if form not in questions_of_form() %}
                {% set column = adapter.quote(column_name) %}
                {% if file_name in (part.files or [part.place]) %}
                    {% set is_of_file = adapter.quote(file_name_column()) ~ ' = ' ~ sql_text(file_name) %}
                    {% do cases.setdefault(column_name, []).append(
                        'when ' ~ (is_of_file if part.files else 'true') ~ ' then '
                        ~ canonical_text(trimmed(column), form)
                    ) %}
                {% endif %}
            {% endfor %}
            {% for column_name, whens in cases.items() %}
                {% do part.forms.update({
                    column_name: 'case ' ~ whens | join(' ') ~ ' else ' ~ adapter.quote(column_name) ~ ' end'
                }) %}
            {% endfor %}
        {% endfor %}
    {% endif %}
{% endmacro %}
