-- Grain: one row per question of a Qualtrics file that asks for a score or a comment.

with

header_cells as (
    {{ exported('qualtrics.header_lines', cells=true) }}
),

-- line 2 is the text of a question, and line 3 its key
described as (
    select
        source_name,
        raw_file_name,
        column_name,
        max(column_number) as header_number,
        cast(null as bigint) as response_number,
        max(case when cell like '{"ImportId"%' then cell end) as import_line,
        max(case when cell not like '{"ImportId"%' then cell end) as question_text
    from header_cells
    group by source_name, raw_file_name, column_name

    union all

    -- somebody may have taken lines 2 and 3 away
    select distinct
        source_name,
        raw_file_name,
        column_name,
        cast(null as bigint) as header_number,
        column_number as response_number,
        cast(null as string) as import_line,
        cast(null as string) as question_text
    from ({{ exported('qualtrics.responses', cells=true) }}) as response_cells
),

columns_of_files as (
    select
        source_name,
        raw_file_name,
        column_name,
        coalesce(max(header_number), max(response_number)) as column_number,
        max(question_text) as question_text,
        lower(concat_ws(' ', column_name, max(question_text))) as words,
        max({{ text_in('import_line', '"ImportId":"([^"]+)"', 1) }}) as import_id,
        -- the columns of a question with several answers have one key, and a choice each
        max(case when import_line like '%"choiceId"%' then 1 else 0 end) = 1 as is_choice
    from described
    group by source_name, raw_file_name, column_name
),

-- Qualtrics writes the group of an NPS score into a column of its own
nps_groups as (
    select
        raw_file_name,
        substr(column_name, 1, length(column_name) - length('_nps_group')) as scored_column
    from columns_of_files
    where column_name like '%!_nps!_group' escape '!'
),

marked as (
    select
        columns_of_files.*,
        columns_of_files.column_name not like '%!_nps!_group' escape '!'
        and not columns_of_files.is_choice
        and coalesce(
            {{ matches(
                'columns_of_files.import_id', '^([0-9]+_)?QID[0-9]+(#[0-9]+)?(_[0-9]+)*$'
            ) }},
            columns_of_files.column_name not like '%!_text' escape '!'
        ) as is_scale,
        coalesce(columns_of_files.import_id like '%!_TEXT' escape '!', true) as is_text,
        nps_groups.scored_column is not null as is_nps,
        max(case when nps_groups.scored_column is not null then 1 else 0 end)
            over (partition by columns_of_files.raw_file_name)
        = 0 as has_no_nps_group
    from columns_of_files
    left join nps_groups
        on
            columns_of_files.raw_file_name = nps_groups.raw_file_name
            and columns_of_files.column_name = nps_groups.scored_column
),

typed as (
    select
        *,
        case
            when is_scale and is_nps then 'nps'
            when is_scale then {{ survey_type_of('words', nps_condition='has_no_nps_group') }}
            when is_text and {{ is_question_for('comment', 'words') }} then 'comment'
        end as survey_type
    from marked
)

select
    source_name,
    raw_file_name,
    column_number,
    column_name,
    question_text,
    survey_type,
    {{ scale_of_question() }},
    row_number() over (
        partition by raw_file_name, survey_type order by column_number
    ) as question_number
from typed
where survey_type is not null
