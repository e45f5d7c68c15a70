{#- Says how many answers have a score and no day, so that they count as invitations without an answer.
    Run after fct_survey_responses is built. -#}
{% macro warn_of_doubtful_answers() %}
    {% set undated_scores %}
        select count(*)
        from {{ ref('stg_survey_responses') }}
        where score is not null and responded_at is null
    {% endset %}
    {% set found = run_query(undated_scores).rows[0][0] if execute else 0 %}
    {% if found %}
        {% do exceptions.warn(
            'survey_responses: row(s) with a score and no responded_at; they count as not answered: '
            ~ found
        ) %}
    {% endif %}
{% endmacro %}
