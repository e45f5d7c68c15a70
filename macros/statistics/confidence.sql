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
