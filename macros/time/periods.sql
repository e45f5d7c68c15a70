{#- The grains of period, with the months that each of them lasts. -#}
{% macro period_grains() %}
    {{ return({'month': 1, 'quarter': 3, 'year': 12}) }}
{% endmacro %}


{#- First day of the period of a date; the grain is a column that holds one of period_grains(), or a text. -#}
{% macro period_start(period_grain, date) %}
    {% set cases = [] %}
    {% for grain in period_grains() %}
        {% do cases.append("when '" ~ grain ~ "' then date_trunc('" ~ grain ~ "', " ~ date ~ ')') %}
    {% endfor %}
    {{ return('cast(case ' ~ period_grain ~ ' ' ~ cases | join(' ') ~ ' end as date)') }}
{% endmacro %}


{#- The rows of a relation that have a certain day, once for each grain of period, with the start of the period
    that the day lies in; a query. -#}
{% macro rows_by_period(relation, day) %}
    select
        {{ relation }}.*,
        grains.period_grain,
        {{ period_start('grains.period_grain', relation ~ '.' ~ day) }} as period_start_date
    from {{ relation }}
    cross join (select distinct period_grain from {{ ref('int_periods') }}) as grains
    where {{ relation }}.{{ day }} is not null
{% endmacro %}


{#- Every period of a group, from the one of its first day to that of as-of, whether or not anything happens in it;
    a query. The group is a list of columns of the relation. -#}
{% macro periods_of_groups(relation, group, first_day) %}
    select
        first_days.{{ group | join(', first_days.') }},
        periods.period_grain,
        periods.period_start_date,
        periods.is_complete_period
    from (
        select
            {{ group | join(', ') }},
            min({{ first_day }}) as first_day
        from {{ relation }}
        group by {{ group | join(', ') }}
    ) as first_days
    inner join {{ ref('int_periods') }} as periods
        on first_days.first_day < periods.next_period_start_date
{% endmacro %}


{#- First day of a date's month. -#}
{% macro month_start(date) %}
    {{ return("cast(date_trunc('month', " ~ date ~ ") as date)") }}
{% endmacro %}


{#- Calendar months from one date's month to another's. -#}
{% macro months_between(earlier, later) %}
    {{ return('((year(' ~ later ~ ') - year(' ~ earlier ~ ')) * 12 + month(' ~ later
        ~ ') - month(' ~ earlier ~ '))') }}
{% endmacro %}


{#- How many months of recurring revenue lie between two dates: a day is its share of its own month. -#}
{% macro months_of_revenue(from_date, to_date) %}
    {% set positions = [] %}
    {% for date in [from_date, to_date] %}
        {% do positions.append(
            'year(' ~ date ~ ') * 12 + month(' ~ date ~ ') + cast(day(' ~ date
            ~ ') - 1 as double) / day(last_day(' ~ date ~ '))'
        ) %}
    {% endfor %}
    {{ return('((' ~ positions[1] ~ ') - (' ~ positions[0] ~ '))') }}
{% endmacro %}


{#- The calendar months of a version's term, 0 where days make it. -#}
{% macro months_of_term() %}
    {{ return("case billing_interval when 'month' then 1 when 'quarter' then 3 when 'year' then 12"
        ~ ' else 0 end * billing_interval_count') }}
{% endmacro %}


{#- The days of a version's term, 0 where calendar months make it. -#}
{% macro days_of_term() %}
    {{ return("case billing_interval when 'day' then 1 when 'week' then 7 else 0 end"
        ~ ' * billing_interval_count') }}
{% endmacro %}


{#- A date so many terms of a version later; the terms may be an expression. -#}
{% macro terms_after(date, terms) %}
    {{ return(days_after(
        months_after(date, '(' ~ terms ~ ') * ' ~ months_of_term()),
        '(' ~ terms ~ ') * ' ~ days_of_term(),
    )) }}
{% endmacro %}


{#- How a version is billed, in a word or two: `month`, `3 months`, `year`. -#}
{% macro billing_term() %}
    {{ return("case when billing_interval_count = 1 then billing_interval"
        ~ " else cast(billing_interval_count as string) || ' ' || billing_interval || 's' end") }}
{% endmacro %}


{#- Calendar months from a date to a later one that are over on that day, as billing counts them: from
    January 31 the first is over on the last day of February. -#}
{% macro whole_months_between(earlier, later) %}
    {% set months = months_between(earlier, later) %}
    {{ return('(' ~ months ~ ' - case when ' ~ months_after(earlier, months) ~ ' > ' ~ later
        ~ ' then 1 else 0 end)') }}
{% endmacro %}


{#- Terms that are over on a day, of months_in_term or else days_in_term each, since a date. -#}
{% macro terms_between(earlier, later) %}
    {{ return('cast(floor(case when months_in_term > 0 then '
        ~ rate(whole_months_between(earlier, later), 'months_in_term') ~ ' else '
        ~ rate(days_between(earlier, later), 'days_in_term') ~ ' end) as bigint)') }}
{% endmacro %}
