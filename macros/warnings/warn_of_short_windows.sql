{#- Names each activity window in use that calls too many customers lost who then come back. Run after
    rpt_activity_window_fit is built, because a test could only count them. -#}
{% macro warn_of_short_windows() %}
    {% set short_windows %}
        select vertical, window_days, round(100 * return_rate)
        from {{ this }}
        where is_chosen and return_rate >= {{ var('window_fit_max_return_rate') }}
        order by vertical
    {% endset %}
    {% set found = run_query(short_windows).rows if execute else [] %}
    {% for vertical, window_days, percent in found %}
        {% do exceptions.warn(
            'Vertical ' ~ vertical ~ ': of the customers its activity window of ' ~ window_days
            ~ ' days calls lost, ' ~ percent | int ~ ' % come back. rpt_activity_window_fit shows'
            ~ ' longer ones; set them in seeds/reference/activity_windows.csv.'
        ) %}
    {% endfor %}
{% endmacro %}
