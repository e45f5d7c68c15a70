-- Grain: one row per question of a Typeform file that asks for a score, a comment or an address.

with

columns_of_files as (
    select
        raw_file_name,
        column_name,
        column_number,
        lower(column_name) as words,
        -- a question with a scale is answered with numbers, unless a spreadsheet spoilt some
        2 * count(case when {{ matches('cell', '^[0-9]+([.]0+)?$') }} then 1 end)
        >= count(*) as is_scale
    from ({{ exported('typeform.responses', cells=true) }}) as response_cells
    group by raw_file_name, column_name, column_number
),

typed as (
    select
        *,
        case
            when is_scale then {{ survey_type_of('words') }}
            when {{ is_question_for('email', 'words') }} then 'email'
            when {{ is_question_for('comment', 'words') }} then 'comment'
        end as survey_type
    from columns_of_files
)

select
    raw_file_name,
    column_name,
    column_number,
    survey_type,
    {{ scale_of_question() }},
    row_number() over (
        partition by raw_file_name, survey_type order by column_number
    ) as question_number
from typed
where survey_type is not null
