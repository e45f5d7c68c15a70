{#- Scores of surveys and the scales that they are given on. -#}


{#- The scale of each survey type, lowest and highest score; models/staging/_raw.yml rejects what is not on it. -#}
{% macro scales_of_surveys() %}
    {{ return({'nps': [0, 10], 'intent': [0, 10], 'csat': [1, 5], 'ces': [1, 7]}) }}
{% endmacro %}


{#- A score on the scale of its survey type, an expression over survey_type, score, scale_min and scale_max. The ends of
    both scales meet, what lies between is moved in proportion, and then rounded down: whatever the scale, a score
    counts as satisfied from the same share of the way up on. Multiplied first, so that a whole number stays one. -#}
{% macro score_on_scale_of_survey() %}
    {% set cases = [] %}
    {% for survey_type, ends in scales_of_surveys().items() %}
        {% set low = 'coalesce(scale_min, ' ~ ends[0] ~ ')' %}
        {% set high = 'coalesce(scale_max, ' ~ ends[1] ~ ')' %}
        {% set moved = rate(
            '(cast(score as double) - ' ~ low ~ ') * ' ~ (ends[1] - ends[0]),
            '(cast(' ~ high ~ ' as double) - ' ~ low ~ ')'
        ) %}
        {% do cases.append("when '" ~ survey_type ~ "' then cast(" ~ ends[0] ~ ' + floor(' ~ moved ~ ') as integer)') %}
    {% endfor %}
    {{ return('case survey_type ' ~ cases | join(' ') ~ ' else score end') }}
{% endmacro %}


{#- Answers that seem to be given on another scale than that of their survey type, which nobody has said. -#}
{% macro findings_of_scores(base) %}
    {% set findings = [] %}
    {% set say = ' Say the ends of its scale in scale_min and scale_max, or in survey_scales in dbt_project.yml for the'
        ~ ' export of a survey tool.' %}
    {% for survey_type, ends in scales_of_surveys().items() %}
        {% set query %}
            select
                count(case when not is_accepted and score > {{ ends[1] }} then 1 end),
                min(case when not is_accepted and score > {{ ends[1] }} then score end),
                count(case when is_accepted then score end)
            from {{ base }}
            where survey_type = '{{ survey_type }}' and scale_min is null and scale_max is null
        {% endset %}
        {% set above, example, taken = run_query(query).rows[0] %}
        {#- a greater number than 100 is no score, and may tell who somebody is -#}
        {% if above and taken %}
            {% do findings.append({
                'level': 'warn',
                'table_name': 'survey_responses',
                'subject': 'scores_above_scale',
                'message': 'survey_responses: ' ~ above ~ ' ' ~ survey_type ~ ' score(s) above ' ~ ends[1] ~ ', such as '
                    ~ (example if example <= 100 else form_of_value(example)) ~ ', are rejected while ' ~ taken
                    ~ ' are taken, so the question may have a longer scale.' ~ say,
            }) %}
        {% endif %}
    {% endfor %}
    {#- few answer that they are likely to leave, whatever the scale -#}
    {% for survey_type, ends in scales_of_surveys().items() if survey_type != 'intent' %}
        {#- the highest score of the next smaller scale that is in use: 3 for 5, 5 for 7 and for 10 -#}
        {% set low = {'csat': 3}.get(survey_type, 5) %}
        {% set query %}
            select count(*), sum(answers)
            from (
                select count(score) as answers
                from {{ base }}
                where
                    survey_type = '{{ survey_type }}'
                    and is_accepted
                    and responded_at is not null
                    and scale_min is null
                    and scale_max is null
                group by touchpoint
                having count(score) >= {{ var('min_answers') }} and max(score) <= {{ low }}
            ) as touchpoints
        {% endset %}
        {% set touchpoints, answers = run_query(query).rows[0] %}
        {% if touchpoints %}
            {% do findings.append({
                'level': 'warn',
                'table_name': 'survey_responses',
                'subject': 'low_scale',
                'message': 'survey_responses: no ' ~ survey_type ~ ' score is above ' ~ low ~ ' in ' ~ answers
                    ~ ' answers about ' ~ touchpoints ~ ' touchpoint(s), and ' ~ ends[1] ~ ' is the best one, so the'
                    ~ ' question may have a shorter scale.' ~ say,
            }) %}
        {% endif %}
    {% endfor %}
    {{ return(findings) }}
{% endmacro %}
