{#- The grains that every report by period has, with the months that each of them lasts. -#}
{% macro period_grains() %}
    {{ return({'month': 1, 'quarter': 3, 'year': 12}) }}
{% endmacro %}


{#- The grains in which a day lies in one period: those of every report, and weeks where they are reported. -#}
{% macro calendar_grains() %}
    {{ return(period_grains() | list + (['week'] if var('report_weeks') else [])) }}
{% endmacro %}


{#- The grain of the twelve months that end in a month; a day lies in twelve of its periods. -#}
{% macro trailing_grain() %}
    {{ return('trailing_12_months') }}
{% endmacro %}


{#- First day of the twelve months that end in a month; the month is its first day. -#}
{% macro trailing_start(month) %}
    {{ return(months_after(month, -11)) }}
{% endmacro %}


{#- Whether a column holds one of some grains; a condition. -#}
{% macro is_of_grains(period_grain, grains) %}
    {{ return(period_grain ~ " in ('" ~ grains | join("', '") ~ "')") }}
{% endmacro %}


{#- First day of the period of a date; the grain is a column that holds one of calendar_grains(), or a text. -#}
{% macro period_start(period_grain, date) %}
    {% set cases = [] %}
    {% for grain in calendar_grains() %}
        {% do cases.append("when '" ~ grain ~ "' then date_trunc('" ~ grain ~ "', " ~ date ~ ')') %}
    {% endfor %}
    {{ return('cast(case ' ~ period_grain ~ ' ' ~ cases | join(' ') ~ ' end as date)') }}
{% endmacro %}


{#- The rows of a relation that have a certain day, once for each of some calendar grains, with the start of the
    period that the day lies in; a query. -#}
{% macro rows_by_period(relation, day, grains=none) %}
    select
        {{ relation }}.*,
        grains.period_grain,
        {{ period_start('grains.period_grain', relation ~ '.' ~ day) }} as period_start_date
    from {{ relation }}
    cross join (
        select distinct period_grain from {{ ref('int_periods') }}
        where {{ is_of_grains('period_grain', grains or period_grains()) }}
    ) as grains
    where {{ relation }}.{{ day }} is not null
{% endmacro %}


{#- The grain of everything since the first month of the data, which is its period's first day. -#}
{% macro whole_grain() %}
    {{ return('all_time') }}
{% endmacro %}


{#- The rows of a relation that have a certain day, once for each of the grains of every report and once for all
    time; a query. -#}
{% macro rows_by_period_and_ever(relation, day) %}
    {{ rows_by_period(relation, day) }}

    union all

    select
        {{ relation }}.*,
        '{{ whole_grain() }}' as period_grain,
        first_months.period_start_date
    from {{ relation }}
    cross join (
        select min(period_start_date) as period_start_date from {{ ref('int_periods') }}
        where period_grain = 'month'
    ) as first_months
    where {{ relation }}.{{ day }} is not null
{% endmacro %}


{#- Every period of a group, from the one of its first day to that of as-of, whether or not anything happens in it;
    a query. The group is a list of columns of the relation. -#}
{% macro periods_of_groups(relation, group, first_day, grains=none) %}
    select
        first_days.{{ group | join(', first_days.') }},
        periods.period_grain,
        periods.period_start_date,
        periods.closes_on,
        periods.has_rates,
        periods.is_complete_period
    from (
        select
            {{ group | join(', ') }},
            min({{ first_day }}) as first_day
        from {{ relation }}
        group by {{ group | join(', ') }}
    ) as first_days
    inner join {{ ref('int_periods') }} as periods
        on
            first_days.first_day < periods.next_period_start_date
            and {{ is_of_grains('periods.period_grain', grains or period_grains()) }}
{% endmacro %}


{#- What changes add up to by the end of each twelve months: every trailing year of a group, from that of its
    first change on; a query. The relation has the group, the month of a change (changed_month) and what each
    measure changes by: what happens in a month adds to it in that month, and leaves it twelve months later. -#}
{% macro trailing_years(relation, group, measures) %}
    {%- set keys = group + ['period_start_date'] %}
    select
        years.{{ group | join(', years.') }},
        years.period_grain,
        years.period_start_date,
        years.closes_on,
        years.has_rates,
        years.is_complete_period
        {%- for measure in measures %},
        sum(coalesce(changes.{{ measure }}, 0)) over months_so_far as {{ measure }}
        {%- endfor %}
    from (
        {{ periods_of_groups(relation, group, 'changed_month', [trailing_grain()]) }}
    ) as years
    left join (
        select
            {{ group | join(', ') }},
            {{ trailing_start('changed_month') }} as period_start_date
            {%- for measure in measures %},
            sum({{ measure }}) as {{ measure }}
            {%- endfor %}
        from {{ relation }}
        group by {{ group | join(', ') }}, {{ trailing_start('changed_month') }}
    ) as changes
        on {{ same_values('years', 'changes', keys) }}
    window months_so_far as (
        partition by years.{{ group | join(', years.') }}
        order by years.period_start_date
        rows unbounded preceding
    )
{% endmacro %}


{#- Each period of a relation of complete periods with what it is compared with: the one of its grain before it, and
    the one that begins twelve months before it; a query. -#}
{% macro periods_compared(relation) %}
    select
        period_grain,
        period_start_date,
        'previous_period' as compared_with,
        lag(period_start_date) over (
            partition by period_grain
            order by period_start_date
        ) as compared_period_start_date
    from {{ relation }}

    union all

    select
        {{ relation }}.period_grain,
        {{ relation }}.period_start_date,
        'year_before' as compared_with,
        years_before.period_start_date as compared_period_start_date
    from {{ relation }}
    inner join {{ relation }} as years_before
        on
            {{ relation }}.period_grain = years_before.period_grain
            and {{ months_after(relation ~ '.period_start_date', -12) }} = years_before.period_start_date
{% endmacro %}


{#- The same expression over each of some columns, named like it, as a select list; `{}` is the column. -#}
{% macro of_each(names, expression) %}
    {% set columns = [] %}
    {% for name in names %}
        {% do columns.append(expression | replace('{}', name) ~ ' as ' ~ name) %}
    {% endfor %}
    {{ return(columns | join(', ')) }}
{% endmacro %}


{#- Periods of a grain in a year: a week is 7 of 365.25 days, so a year has 1461 / 28. -#}
{% macro periods_per_year(period_grain) %}
    {{ return('case ' ~ period_grain ~ " when 'week' then 1461 / 28 when 'month' then 12 when 'quarter' then 4"
        ~ ' else 1 end') }}
{% endmacro %}


{#- The share that is kept over a year, of the share that is kept over a period: a rate of loss c is
    1 - annual_rate(1 - c), never n x c. -#}
{% macro annual_rate(kept_rate, period_grain) %}
    {{ return('power(' ~ kept_rate ~ ', ' ~ periods_per_year(period_grain) ~ ')') }}
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


{#- The number of a date's month, so that months can be counted and joined as numbers. -#}
{% macro month_number(date) %}
    {{ return('(year(' ~ date ~ ') * 12 + month(' ~ date ~ '))') }}
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


{#- The day that the terms of a version are counted from: one on which a term ends. -#}
{% macro term_anchor() %}
    {{ return('case when paid_through_on > started_on then paid_through_on else '
        ~ terms_after('started_on', 1) ~ ' end') }}
{% endmacro %}


{#- Whether the term of a version is so long that its renewals are reported. -#}
{% macro is_long_term() %}
    {{ return('months_in_term + days_in_term * 12 / 365 > ' ~ var('renewal_min_months')) }}
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


{#- The day before the hold-out: the last one that the tested fits of lifetime value see. -#}
{% macro calibrated_on(as_of_date) %}
    {{ return(days_after(as_of_date, -7 * var('ltv_holdout_weeks'))) }}
{% endmacro %}


{#- The four quarters up to each complete quarter's end, so that joins of a year's sums are equalities; a query. -#}
{% macro quarters_of_years() %}
    select
        ends.closes_on as quarter_end_date,
        quarters.period_start_date as quarter_start_date
    from {{ ref('int_periods') }} as ends
    inner join {{ ref('int_periods') }} as quarters
        on
            ends.period_start_date >= quarters.period_start_date
            and {{ months_after('ends.next_period_start_date', -12) }} <= quarters.period_start_date
    where
        ends.period_grain = 'quarter'
        and ends.is_complete_period
        and quarters.period_grain = 'quarter'
        and quarters.is_complete_period
{% endmacro %}
