{#- What the exports of survey tools have in common: each question is a column, under a name that differs by survey. -#}


{#- The type of a question that is answered with a score: nps, csat, ... `nps_condition` says where the words alone may
    make it an NPS question. -#}
{% macro survey_type_of(words, nps_condition='true') %}
    {% set cases = [] %}
    {% for type, pattern in var('survey_questions').items() if type not in ('comment', 'email') %}
        {% do cases.append('when ' ~ matches(words, pattern) ~ (' and ' ~ nps_condition if type == 'nps' else '')
            ~ ' then ' ~ sql_text(type)) %}
    {% endfor %}
    {{ return('case ' ~ cases | join(' ') ~ ' end' if cases else 'cast(null as string)') }}
{% endmacro %}


{#- The lowest and the highest score of a question, as its words or the var survey_scales say; two columns of a select
    list over `survey_type` and `words`. -#}
{% macro scale_of_question() %}
    {% set columns = [] %}
    {% for name in ['scale_min', 'scale_max'] %}
        {% set number = loop.index %}
        {% set cases = [] %}
        {% for survey_type, ends in var('survey_scales').items() %}
            {% do cases.append('when ' ~ sql_text(survey_type) ~ " then '" ~ ends[number - 1] ~ "'") %}
        {% endfor %}
        {#- "on a scale of 1 to 10", "a 1-10 scale" -#}
        {% set found = [] %}
        {% for pattern in [
            'scale (?:of |from )?([0-9]{1,3}) ?(?:-|to) ?([0-9]{1,3})', '([0-9]{1,3}) ?(?:-|to) ?([0-9]{1,3}) scale'
        ] %}
            {% do found.append(text_in('words', pattern, number)) %}
        {% endfor %}
        {% set told = 'coalesce(' ~ found | join(', ') ~ ')' %}
        {% do columns.append(
            ('case survey_type ' ~ cases | join(' ') ~ ' else ' ~ told ~ ' end' if cases else told) ~ ' as ' ~ name
        ) %}
    {% endfor %}
    {{ return(columns | join(',\n    ')) }}
{% endmacro %}


{% macro is_question_for(purpose, words) %}
    {% set pattern = var('survey_questions').get(purpose) %}
    {{ return(matches(words, pattern) if pattern else 'false') }}
{% endmacro %}


{#- Stops where no column is a question that asks for a score: nothing would be read, and nothing would say so. -#}
{% macro stop_without_questions(system, questions) %}
    {% if execute and load_relation(questions) and run_query(
        'select count(*) from ' ~ questions ~ " where survey_type not in ('comment', 'email')"
    ).rows[0][0] == 0 %}
        {% do raw_data_error(
            system ~ ': no question of the exports in ' ~ raw_folder() ~ ' is known to ask for a score. Say in'
            ~ ' survey_questions in dbt_project.yml which words its questions have.'
        ) %}
    {% endif %}
{% endmacro %}
