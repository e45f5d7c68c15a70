{#- The value of a setting: `--vars` or dbt_project.yml first, then the environment variable of the
    same name in capitals, then the default given here. -#}
{% macro setting(name, default=none) %}
    {% set from_environment = env_var(name | upper, '') %}
    {{ return(var(name, none) or from_environment or default) }}
{% endmacro %}
