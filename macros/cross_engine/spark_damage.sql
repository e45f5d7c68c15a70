{#- Damaged CSV files on Spark. Its own error names no line and shows the values of one. -#}


{#- Reads the files of a part once. Spark fails at a line with more or fewer fields than the header; at the end of a file
    it closes an open quote. -#}
{% macro spark__stop_at_damaged_lines(table_name, part) %}
    {% if part.csv %}
        {% set names, delimiter, format = part.csv %}
        {% set faults = [] %}
        {% for path in spark__damaged_files(part.files, names, delimiter, format) %}
            {% if not faults and (part.files | length == 1
                or spark__damaged_files([path], names, delimiter, format)) %}
                {% do faults.append(spark__fault_of_csv(path, names | length, delimiter)
                    if format[1] == 'utf-8' else ' cannot be read. Save it as CSV (UTF-8).') %}
                {% do raw_data_error(table_name ~ ': ' ~ path ~ faults[0]) %}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}


{#- Those of some files that may be damaged: all of them where reading fails. A text that runs over the end of a file began
    with a quote, and no quote ends it. -#}
{% macro spark__damaged_files(files, names, delimiter, format) %}
    {% set last_column = adapter.quote(names | last) %}
    {% set file = adapter.quote(file_name_column()) %}
    {% set last_cells = run_query(spark__or_else(
        'select ' ~ file ~ ' as path, max_by(' ~ last_column ~ ', place) as cell from (select ' ~ last_column ~ ', ' ~ file
            ~ ', monotonically_increasing_id() as place from ' ~ read_csv(files, names, delimiter, format)
            ~ ') group by 1',
        'sqlexception', "select '' as path, '' as cell"
    )).rows %}
    {% set query %}
        select path, max_by(value, place) as line, bool_and(is_valid_utf8(value)) as is_utf_8
        from (
            select
                {{ spark__file_name(files) }} as path,
                rtrim(value) as value,
                struct(_metadata.file_block_start, monotonically_increasing_id()) as place
            from {{ spark__reader('text', files) }}
        )
        where value <> ''
        group by path
    {% endset %}
    {% set damaged = [] %}
    {% if last_cells | length == 1 and last_cells[0][0] == '' %}
        {{ return(files) }}
    {% elif format[1] == 'utf-8' %}
        {% set ends = {} %}
        {% for path, line, is_utf_8 in run_query(query).rows %}
            {% do ends.update({path: line}) %}
            {% do damaged.append(path) if not is_utf_8 %}
        {% endfor %}
        {% for path, cell in last_cells if path not in damaged %}
            {% set cell = cell or '' %}
            {% set line = ends[path] %}
            {% if (modules.re.search('[\n\r]', cell) and not line.endswith('"'))
                or (cell and '"' not in cell and line.endswith('"' ~ cell))
                or (not cell and line.endswith(delimiter ~ '"')) %}
                {% do damaged.append(path) %}
            {% endif %}
        {% endfor %}
    {% endif %}
    {{ return(damaged | sort) }}
{% endmacro %}


{#- What is wrong with a file, in the words that are used of it on DuckDB. A quote that is open at the end of a line may
    belong to a text of several lines: no line after it is known to be damaged. -#}
{% macro spark__fault_of_csv(path, width, delimiter) %}
    {#- a text with quotes in it is several texts here: to match it as one takes a stack as deep as it is long -#}
    {% set unquoted = "regexp_replace(value, '\"[^\"]*\"', '')" %}
    {% set is_open = 'contains(' ~ unquoted ~ ", '\"') or value rlike "
        ~ sql_text('(^|[' ~ delimiter ~ ']) *"(?:[^"]|"")*+"(?! *([' ~ delimiter ~ ']|$))') %}
    {% set fields = 'length(' ~ unquoted ~ ') - length(replace(' ~ unquoted ~ ', ' ~ sql_text(delimiter) ~ ", '')) + 1" %}
    {% set query %}
        select
            min(case when not is_valid_utf8(value) then number end) as no_text,
            min(case when value <> '' and {{ fields }} <> {{ width }} then struct(number, {{ fields }} as fields) end).number as uneven,
            min(case when value <> '' and {{ fields }} <> {{ width }} then struct(number, {{ fields }} as fields) end).fields as fields,
            min(case when {{ is_open }} then number end) as open,
            count(case when {{ is_open }} then number end) as opens
        from (
            select value, row_number() over (order by place) as number
            from (
                select value, struct(_metadata.file_block_start, monotonically_increasing_id()) as place
                from {{ spark__reader('text', [path]) }}
            )
        )
    {% endset %}
    {% set row = run_query(spark__or_else(query, 'sqlexception', 'select 0, 0, 0, 0, 0')).rows[0] %}
    {% set no_text, uneven, fields, open, opens = row %}
    {% if no_text == 0 %}
        {{ return(' cannot be read. Deliver it again.') }}
    {% elif no_text %}
        {{ return(', line ' ~ no_text ~ ': A character is not UTF-8. Save the file as CSV (UTF-8).') }}
    {% elif spark__ends_in_two_ways(path) %}
        {{ return(': Its lines end in two ways, or a quote is out of place. Correct the file.') }}
    {% elif uneven and (not open or uneven < open) %}
        {{ return(', line ' ~ uneven ~ ': Expected Number of Columns: ' ~ width ~ ' Found: ' ~ fields
            ~ '. Correct the file.') }}
    {% elif opens == 1 %}
        {{ return(', line ' ~ open ~ ': Value with unterminated quote found. Correct the file.') }}
    {% endif %}
    {{ return(': A line has more or fewer fields than the header, or a quote is out of place. Correct the file.') }}
{% endmacro %}


{% macro spark__ends_in_two_ways(path) %}
    {% set lines, with_return = run_query(
        "select count(*), count(case when endswith(value, chr(13)) then 1 end) from "
        ~ spark__reader('text', [path], {'lineSep': '\n'})
    ).rows[0] %}
    {{ return(with_return > 0 and with_return < lines) }}
{% endmacro %}
