{% macro setting(name, default=none) %}
    {% set from_environment = env_var(name | upper, '') %}
    {{ return(var(name, none) or from_environment or default) }}
{% endmacro %}


{#- The day from which the data are complete, as text. -#}
{% macro history_starts_on() %}
    {% set day = var('history_starts_on') %}
    {% if execute and day and not modules.re.fullmatch('\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])', day | string) %}
        {% do exceptions.raise_compiler_error(
            'Invalid history_starts_on ' ~ day | string | tojson ~ '. Use a day such as 2024-01-31.'
        ) %}
    {% endif %}
    {{ return(day) }}
{% endmacro %}


{#- The window that is tried for every vertical. A number of five digits leads out of the calendar. -#}
{% macro activity_window() %}
    {#- to `setting`, 0 is as good as not set -#}
    {% set days = 0 if var('activity_window', none) == 0 else setting('activity_window') %}
    {% if execute and days is not none and not modules.re.fullmatch('[1-9][0-9]{0,3}', days | string) %}
        {% do exceptions.raise_compiler_error(
            'Invalid activity_window ' ~ days | tojson ~ '. Use a whole number of days from 1 to 9999.'
        ) %}
    {% endif %}
    {{ return(days) }}
{% endmacro %}
