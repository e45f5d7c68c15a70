{#- Files as Spark reads them: in a query, under their path and with options, so that a view can name them. -#}


{#- A path or a pattern between backticks. A comma parts the patterns in braces. -#}
{% macro spark__path(path) %}
    {{ return(modules.re.sub('([*?\\[\\]{},\\\\])', '\\\\\\1', path).replace('`', '``')) }}
{% endmacro %}


{#- What reads files of a format. All of them are in one folder, or in folders in it. -#}
{% macro spark__reader(format, files, options={}) %}
    {% set start = spark__common_folder(files) %}
    {% set names = [] %}
    {% for path in files %}
        {% do names.append(spark__path(path[start | length:])) %}
    {% endfor %}
    {% set said = [] %}
    {% for name, value in options.items() %}
        {% do said.append(sql_text(name) ~ ' = ' ~ sql_text(value)) %}
    {% endfor %}
    {{ return(format ~ '.`' ~ spark__path(start) ~ ('{' ~ names | join(',') ~ '}' if names | length > 1 else names[0])
        ~ '`' ~ (' with (' ~ said | join(', ') ~ ')' if said else '')) }}
{% endmacro %}


{#- The path of the file that a row is from, as spark__list_files() gives it. -#}
{% macro spark__file_name(files) %}
    {% set path = "url_decode(replace(_metadata.file_path, '+', '%2B'))" %}
    {{ return(path if '://' in files[0] else spark__plain_path(path)) }}
{% endmacro %}

{#- Spark says `file:/data/orders.csv`, or `hdfs://host/data/orders.csv`, of a path without a scheme. -#}
{% macro spark__plain_path(path) %}
    {{ return("regexp_replace(" ~ path ~ ", '^[A-Za-z][A-Za-z0-9+.-]*:(//[^/]*)?', '')") }}
{% endmacro %}


{#- A statement that reads files, and another that runs where it fails. -#}
{% macro spark__or_else(query, condition, instead) %}
    {{ return('begin\ndeclare exit handler for ' ~ condition ~ ' begin ' ~ instead ~ '; end;\n' ~ query ~ ';\nend') }}
{% endmacro %}


{#- The folder that some paths or patterns have in common, with the slash behind it. -#}
{% macro spark__common_folder(paths) %}
    {% set folder = namespace(parts=paths[0].split('/')[:-1]) %}
    {% for path in paths %}
        {% set parts = path.split('/') %}
        {% for part in folder.parts if parts[:folder.parts | length] != folder.parts %}
            {% set folder.parts = folder.parts[:-1] %}
        {% endfor %}
    {% endfor %}
    {{ return(folder.parts | join('/') ~ '/' if folder.parts else '') }}
{% endmacro %}


{#- One query lists all, since each is a job of Spark. It fails where nothing is found, and looks into the folders that
    it finds. Spark takes no empty file, and none whose name begins with an underscore. -#}
{% macro spark__list_files(patterns) %}
    {% set globs = [] %}
    {% set wanted = [] %}
    {% for pattern in patterns %}
        {% set expression = [] %}
        {% for piece in modules.re.findall('\\[[^\\]]+\\]|[*?]|[^\\[*?]+', pattern) %}
            {% do expression.append({'*': '[^/]*', '?': '[^/]'}.get(
                piece, piece if piece.startswith('[') else modules.re.escape(piece)
            )) %}
        {% endfor %}
        {% do wanted.append(expression | join) %}
        {% do globs.append(modules.re.sub('\\[([*?[])\\]|([{},\\\\])', '\\\\\\1\\2', pattern).replace('`', '``')) %}
    {% endfor %}
    {% set start = spark__common_folder(globs) %}
    {% set ends = [] %}
    {% for glob in globs %}
        {% do ends.append(glob[start | length:]) %}
    {% endfor %}
    {% set is_whole = '://' in patterns[0] %}
    {% set files = {} %}
    {% for (path,) in run_query(spark__or_else(
        'select ' ~ ('path' if is_whole else spark__plain_path('path')) ~ ' as file from binaryFile.`' ~ start
            ~ ('{' ~ ends | join(',') ~ '}' if ends | length > 1 else ends[0]) ~ '`',
        'PATH_NOT_FOUND', 'select cast(null as string) as file where false'
    )).rows %}
        {#- of a path that is relative to the folder of the run, its end -#}
        {% set path = path if is_whole or patterns[0].startswith('/')
            else path.split('/')[-(patterns[0].split('/') | length):] | join('/') %}
        {% do files.update({path: true}) if modules.re.fullmatch('(?s)' ~ wanted | join('|'), path) %}
    {% endfor %}
    {{ return(files | sort) }}
{% endmacro %}


{% macro spark__last_modified(files) %}
    {{ return('select max(modificationTime) as arrived_at from ' ~ spark__reader('binaryFile', files)) }}
{% endmacro %}


{% macro spark__text_of_file(path) %}
    {{ return('(select value as content from ' ~ spark__reader('text', [path], {'wholetext': 'true'}) ~ ')') }}
{% endmacro %}


{#- The first bytes tell the encoding. Every file is read, of a large one the first part alone: a limit for each file
    would cost more. -#}
{% macro spark__heads_of(files, number, encodings=none) %}
    {% set heads = {} %}
    {% if not files %}
        {{ return(heads) }}
    {% endif %}
    {% do spark__stop_at_relative_path(files[0]) %}
    {% set query %}
        with

        lines as (
            select
                {{ spark__file_name(files) }} as path,
                cast(value as binary) as line,
                monotonically_increasing_id() as place
            from {{ spark__reader('text', files) }}
            where _metadata.file_block_start = 0
        ),

        numbered as (
            {%- if number == 1 %}
            select path, min_by(line, place) as line, 1 as number from lines group by path
            {%- else %}
            select path, line, row_number() over (partition by path order by place) as number from lines
            {%- endif %}
        ),

        begun as (
            select *, hex(substr(first_value(line) over (partition by path order by number), 1, 4)) as start
            from numbered
            where number <= {{ number }}
        ),

        encoded as (
            select
                *,
                case
                    when start like 'FFFE%' or start like '__00__00' then 'utf-16'
                    when start like 'FEFF%' or start like '00__00__' then 'utf-16-be'
                    else 'utf-8'
                end as encoding
            from begun
        )

        select
            path,
            encoding,
            case
                when encoding = 'utf-16-be'
                    then ' is in UTF-16, big-endian, which cannot be read. Save it as CSV (UTF-8).'
                when encoding = 'utf-8' and number = 1 and not is_valid_utf8(cast(line as string))
                    then ', line 1: A character is not UTF-8. Save the file as CSV (UTF-8).'
            end as fault,
            case
                -- a line break is two bytes, the second of which the next line begins with
                when encoding = 'utf-16' then trim(leading '{{ '\ufeff' }}' from decode(
                    unhex(substr(hex(line), case when number = 1 then 1 else 3 end)), 'UTF-16LE'
                ))
                else make_valid_utf8(cast(line as string))
            end as line
        from encoded
        order by path, number
    {% endset %}
    {% for path in files %}
        {#- Spark takes them for patterns where it looks for the header of a file with line breaks in a text -#}
        {% do heads.update({path: {
            'encoding': 'utf-8',
            'lines': [],
            'fault': ' cannot be read by Spark, because its path has one of these: { } [ ] * ? Rename it.'
                if modules.re.search('[*?\\[\\]{}]', path),
        }}) %}
    {% endfor %}
    {% for path, encoding, fault, line in run_query(query).rows %}
        {% set head = heads[path] %}
        {% do head.update({'encoding': encoding, 'fault': head.fault or fault}) %}
        {#- dbt quotes the name of a column in backticks, and doubles none of them -#}
        {% do head.lines.append(line.replace('`', "'")) %}
    {% endfor %}
    {{ return(heads) }}
{% endmacro %}


{% macro spark__stop_at_relative_path(path) %}
    {% if '://' not in path and not path.startswith('/') %}
        {{ exceptions.raise_compiler_error('raw_data_dir is ' ~ raw_folder() ~ ', and Spark may look for it anywhere.'
            ~ ' Set the whole path, for example /data/raw or s3a://bucket/raw.') }}
    {% endif %}
{% endmacro %}


{#- Spark takes no line above the header away. -#}
{% macro spark__check_skip(table_name, path, names, delimiter, format) %}
    {% do no_header_error(table_name, path, format[2] + 1, names) %}
{% endmacro %}


{#- A file is read whole by one task, because a text may have line breaks. The columns are named by their places. UTF-8
    is read byte by byte and decoded here: Spark would put another character in place of what is no UTF-8. -#}
{% macro spark__read_csv(files, names, delimiter, format) %}
    {% set encoding = format[1] %}
    {% set columns = [] %}
    {% set cells = [] %}
    {% for name in names %}
        {% set column = adapter.quote(name) %}
        {% do columns.append(column) %}
        {% set whens = [] %}
        {% do whens.append('when octet_length(' ~ column ~ ') <> char_length(' ~ column ~ ') then coalesce('
            ~ 'try_validate_utf8(cast(encode(' ~ column ~ ", 'ISO-8859-1') as string)), raise_error("
            ~ spark__file_name(files) ~ " || ': A character is not UTF-8. Save the file as CSV (UTF-8).'))"
        ) if encoding == 'utf-8' %}
        {#- Spark takes the first line break for the one of all lines -#}
        {% do whens.append('when endswith(' ~ column ~ ', chr(13)) then raise_error(' ~ spark__file_name(files)
            ~ " || ': Its lines end in two ways, or a quote is out of place. Correct the file.')") if loop.last %}
        {% do cells.append(('case ' ~ whens | join(' ') ~ ' else ' ~ column ~ ' end' if whens else column)
            ~ ' as ' ~ column) %}
    {% endfor %}
    {% set options = {
        'header': 'true', 'sep': delimiter, 'quote': '"', 'escape': '"', 'multiLine': 'true', 'mode': 'FAILFAST',
        'columnPruning': 'false', 'unescapedQuoteHandling': 'RAISE_ERROR',
        'ignoreLeadingWhiteSpace': 'false' if delimiter == '\t' else 'true',
        'encoding': 'ISO-8859-1' if encoding == 'utf-8' else 'UTF-16LE',
    } %}
    {{ return('(select ' ~ cells | join(', ') ~ ', ' ~ spark__file_name(files) ~ ' as '
        ~ adapter.quote(file_name_column()) ~ ' from ' ~ spark__reader('csv', files, options) ~ ' as delivered ('
        ~ columns | join(', ') ~ '))') }}
{% endmacro %}


{#- The files that one job wrote have one schema, which is read from the first of them. -#}
{% macro spark__parquet_schemas(files) %}
    {% do spark__stop_at_relative_path(files[0]) %}
    {% set schemas = {} %}
    {% set known = {} %}
    {% for path in files | sort %}
        {% set folder = path.split('/')[:-1] | join('/') %}
        {% set job = modules.re.sub('part-[0-9]+-([0-9a-f-]{36})[.-].*', '\\1', path.split('/') | last) %}
        {% if (folder, job) not in known %}
            {% set columns = [] %}
            {% set is_read = run_query(spark__or_else(
                'select true from (select count(*) from (select * from ' ~ spark__reader('parquet', [path]) ~ ' limit 0))',
                'sqlexception', 'select false'
            )).rows[0][0] %}
            {% for column in (run_query('describe query select * from '
                ~ spark__reader('parquet', [path])).rows if is_read else []) %}
                {% do columns.append(column[0] ~ ' ' ~ column[1]) %}
            {% endfor %}
            {% do known.update({(folder, job): columns | join(', ') or none}) %}
        {% endif %}
        {% do schemas.update({path: known[(folder, job)]}) %}
    {% endfor %}
    {{ return(schemas) }}
{% endmacro %}


{% macro spark__read_parquet(files) %}
    {{ return('(select *, ' ~ spark__file_name(files) ~ ' as ' ~ adapter.quote(file_name_column()) ~ ' from '
        ~ spark__reader('parquet', files) ~ ')') }}
{% endmacro %}
