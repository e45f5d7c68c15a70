{#- The name of a zone as Square writes it -> its name in the database of time zones. -#}
{% macro square_zones() %}
    {{ return({
        'Hawaii': 'Pacific/Honolulu',
        'Alaska': 'America/Anchorage',
        'Pacific Time (US & Canada)': 'America/Los_Angeles',
        'Arizona': 'America/Phoenix',
        'Mountain Time (US & Canada)': 'America/Denver',
        'Saskatchewan': 'America/Regina',
        'Central Time (US & Canada)': 'America/Chicago',
        'Indiana (East)': 'America/Indiana/Indianapolis',
        'Eastern Time (US & Canada)': 'America/New_York',
        'Puerto Rico': 'America/Puerto_Rico',
        'Atlantic Time (Canada)': 'America/Halifax',
        'Newfoundland': 'America/St_Johns',
        'UTC': 'UTC',
        'London': 'Europe/London',
        'Edinburgh': 'Europe/London',
        'Dublin': 'Europe/Dublin',
        'Paris': 'Europe/Paris',
        'Madrid': 'Europe/Madrid',
        'Perth': 'Australia/Perth',
        'Adelaide': 'Australia/Adelaide',
        'Darwin': 'Australia/Darwin',
        'Brisbane': 'Australia/Brisbane',
        'Sydney': 'Australia/Sydney',
        'Canberra': 'Australia/Canberra',
        'Melbourne': 'Australia/Melbourne',
        'Hobart': 'Australia/Hobart',
        'Tokyo': 'Asia/Tokyo',
        'Osaka': 'Asia/Tokyo',
        'Sapporo': 'Asia/Tokyo',
    }) }}
{% endmacro %}


{#- The zone of a row; NULL where its name is not known, so that the row has no time and is rejected. -#}
{% macro square_zone(name) %}
    {% set whens = [] %}
    {% for word, zone in square_zones().items() %}
        {% do whens.append('when ' ~ sql_text(word) ~ ' then ' ~ sql_text(zone)) %}
    {% endfor %}
    {{ return('case ' ~ name ~ ' ' ~ whens | join(' ') ~ ' end') }}
{% endmacro %}
