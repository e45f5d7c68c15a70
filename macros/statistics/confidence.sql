{#- The 97.5 % quantile of the normal distribution as textbooks, and the examples published for Wilson's interval
    and for the promoter score, round it: intervals of shares and scores agree with them to the last digit. -#}
{% macro z_95() %}
    {{ return('cast(1.96 as double)') }}
{% endmacro %}


{#- The same quantile unrounded, as the libraries of survival analysis take it: the curve's interval agrees with
    theirs to the tenth digit. -#}
{% macro z_95_unrounded() %}
    {{ return('1.959963984540054') }}
{% endmacro %}


{#- Lower ('-') or upper ('+') bound of Wilson's 95 % interval of part / whole; NULL where there is no
    whole. -#}
{% macro wilson_bound(part, whole, side) %}
    {% set z = z_95() %}
    {% set n = 'cast(' ~ whole ~ ' as double)' %}
    {% set bound = '(' ~ part ~ ' + ' ~ z ~ ' * ' ~ z ~ ' / 2 ' ~ side ~ ' ' ~ z ~ ' * sqrt('
        ~ part ~ ' * (' ~ whole ~ ' - ' ~ part ~ ') / ' ~ n ~ ' + ' ~ z ~ ' * ' ~ z ~ ' / 4)) / ('
        ~ n ~ ' + ' ~ z ~ ' * ' ~ z ~ ')' %}
    {#- nobody and everybody are the ends of the scale, which floating point may miss by a digit -#}
    {% set end = ('0', '0') if side == '-' else (whole, '1') %}
    {{ return('case when ' ~ whole ~ ' > 0 and ' ~ part ~ ' = ' ~ end[0] ~ ' then ' ~ end[1]
        ~ ' when ' ~ whole ~ ' > 0 then ' ~ bound ~ ' end') }}
{% endmacro %}


{#- Lower ('-') or upper ('+') bound of the interval of value - other_value, each of which has one of its own: the
    distances of both values to their bounds, as the sides of a right angle. With Wilson's bounds it is Newcombe's
    interval. Values of the same people are not independent: their correlation opens or closes the angle. -#}
{% macro difference_bound(value, low, high, other_value, other_low, other_high, side, correlation=none) %}
    {% set own = value ~ ' - ' ~ low if side == '-' else high ~ ' - ' ~ value %}
    {% set other = other_high ~ ' - ' ~ other_value if side == '-' else other_value ~ ' - ' ~ other_low %}
    {% set squares = '(' ~ own ~ ') * (' ~ own ~ ') + (' ~ other ~ ') * (' ~ other ~ ')' %}
    {% if correlation %}
        {#- floating point may miss zero from below -#}
        {% set squares = 'greatest(' ~ squares ~ ' - 2 * (' ~ correlation ~ ') * (' ~ own ~ ') * (' ~ other ~ '), 0)' %}
    {% endif %}
    {{ return(value ~ ' - ' ~ other_value ~ ' ' ~ side ~ ' sqrt(' ~ squares ~ ')') }}
{% endmacro %}


{#- Correlation of two properties of the same people, for the interval of the difference of their shares: phi of the
    two by two table, and where that is positive, Newcombe's correction for continuity. A property that all or nobody
    have has none. -#}
{% macro paired_correlation(both, one, other, whole) %}
    {#- both x neither - one alone x other alone; decimal division is not floating point everywhere -#}
    {% set product = '(' ~ both ~ ' * (' ~ whole ~ ' - ' ~ one ~ ' - ' ~ other ~ ' + ' ~ both ~ ') - ('
        ~ one ~ ' - ' ~ both ~ ') * (' ~ other ~ ' - ' ~ both ~ '))' %}
    {% set margins = 'cast(' ~ one ~ ' as double) * (' ~ whole ~ ' - ' ~ one ~ ') * ' ~ other ~ ' * (' ~ whole
        ~ ' - ' ~ other ~ ')' %}
    {{ return('case when ' ~ margins ~ ' > 0 then case when ' ~ product ~ ' > 0 then greatest(' ~ product
        ~ ' - ' ~ whole ~ ' / 2.0, 0) else ' ~ product ~ ' end / sqrt(' ~ margins ~ ') else 0 end') }}
{% endmacro %}


{#- Standard error of a difference of two means that were found independently. -#}
{% macro difference_error(variance, count, other_variance, other_count) %}
    {{ return('sqrt(' ~ variance ~ ' / ' ~ count ~ ' + ' ~ other_variance ~ ' / ' ~ other_count ~ ')') }}
{% endmacro %}


{#- Welch's degrees of freedom, of two means whose variances may differ: at least those of the smaller group. -#}
{% macro welch_degrees(variance, count, other_variance, other_count) %}
    {% set part = variance ~ ' / ' ~ count %}
    {% set other_part = other_variance ~ ' / ' ~ other_count %}
    {{ return('power(' ~ part ~ ' + ' ~ other_part ~ ', 2) / (power(' ~ part ~ ', 2) / (' ~ count
        ~ ' - 1) + power(' ~ other_part ~ ', 2) / (' ~ other_count ~ ' - 1))') }}
{% endmacro %}


{#- The 97.5 % quantile of Student's t, by Fisher and Cornish's series around the quantile of the normal distribution: with
    9 degrees of freedom or more it is off by less than 0.00002, with fewer it is too small. -#}
{% macro student_t_95(degrees) %}
    {% set z = z_95_unrounded() | float %}
    {% set terms = [
        (z ** 3 + z) / 4,
        (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
        (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
        (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
    ] %}
    {% set sums = [z_95_unrounded()] %}
    {% for term in terms %}
        {% do sums.append(term ~ ' / power(' ~ degrees ~ ', ' ~ loop.index ~ ')') %}
    {% endfor %}
    {{ return('(' ~ sums | join(' + ') ~ ')') }}
{% endmacro %}


{#- The smallest difference that a test at 5 %, of both sides, finds four times in five. 0.8416 is the 80 % quantile of the
    normal distribution. -#}
{% macro detectable_difference(standard_error) %}
    {{ return('(' ~ z_95() ~ ' + 0.8416) * ' ~ standard_error) }}
{% endmacro %}
