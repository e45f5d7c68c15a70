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
