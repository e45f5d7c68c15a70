{#- How many days without a purchase the own rhythm of a customer allows, by the median of at least two gaps between
    purchase days; with fewer gaps, a share of the activity window. -#}
{% macro patience_days(activity_window_days, gaps, median_gap_days) %}
    {{- return(
        'cast(ceil(case when ' ~ gaps ~ ' < 2 then ' ~ activity_window_days ~ ' * '
        ~ var('at_risk_default_window_share') ~ ' else least(greatest(' ~ var('at_risk_gap_multiple') ~ ' * '
        ~ median_gap_days ~ ', ' ~ var('at_risk_min_days') ~ '), ' ~ activity_window_days ~ ' * '
        ~ var('at_risk_max_window_share') ~ ') end) as integer)'
    ) -}}
{% endmacro %}
