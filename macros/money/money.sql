{#- The project's money type: cents, rounded half away from zero. -#}
{% macro as_amount(expression) %}
    {{ return('cast(' ~ expression ~ ' as decimal(18, 2))') }}
{% endmacro %}


{#- An amount of a row in the reporting currency, at the row's exchange_rate, a floating-point number:
    a decimal one wide enough for every currency takes ten times as long. -#}
{% macro in_reporting_currency(amount) %}
    {{ return('case when exchange_rate = 1 then ' ~ amount ~ ' else '
        ~ as_amount(amount ~ ' * exchange_rate') ~ ' end') }}
{% endmacro %}


{#- An amount per head. Division gives floating point: six digits first, so that a half cent is one;
    a wider decimal takes five times as long. -#}
{% macro amount_per(amount, count) %}
    {{ return(as_amount('cast(' ~ amount ~ ' / ' ~ count ~ ' as decimal(18, 6))')) }}
{% endmacro %}


{#- Share of a part in a whole; NULL where there is no whole. -#}
{% macro rate(part, whole) %}
    {{ return('cast(' ~ part ~ ' as double) / nullif(' ~ whole ~ ', 0)') }}
{% endmacro %}


{#- Share of net revenue that is margin where no cost is known. -#}
{% macro default_margin_rate() %}
    {{ return('cast(' ~ var('default_margin_rate') ~ ' as decimal(9, 4))') }}
{% endmacro %}


{#- Share of the revenue behind a margin whose cost is unknown; recurring revenue of a month is made of whole cents,
    which may put its part a cent outside. -#}
{% macro estimated_margin_share(uncosted_revenue, absolute_revenue) %}
    {{ return(
        'case when ' ~ absolute_revenue ~ ' > 0 then least(greatest('
        ~ rate(uncosted_revenue, absolute_revenue) ~ ', 0), 1) end'
    ) }}
{% endmacro %}


{#- A price per billing interval, as floating point, as the price of a month, unrounded: a year has 12
    months, 52 weeks or 365 days. -#}
{% macro per_month(amount) %}
    {{ return(
        'cast((' ~ amount ~ ") * case billing_interval when 'day' then 365"
        ~ " when 'week' then 52 when 'month' then 12 when 'quarter' then 4 when 'year' then 1 end"
        ~ ' / (12 * billing_interval_count) as decimal(28, 8))'
    ) }}
{% endmacro %}


{#- The price of a month in the reporting currency. Eight digits first, because floating point may miss
    the half cent; and as floating point, because a decimal so wide takes twenty times as long. -#}
{% macro monthly_in_reporting_currency(monthly_price, exchange_rate) %}
    {{ return(as_amount(
        'round(round(' ~ monthly_price ~ ' * ' ~ exchange_rate ~ ' * 100, 6)) / 100'
    )) }}
{% endmacro %}


{#- What a customer who paid at the opening retains of recurring revenue at the closing: all of it but what exchange
    rates moved; nothing is left of customers who left, whatever the rates did before. -#}
{% macro retained_mrr(opening, closing, fx) %}
    {{ return('case when ' ~ opening ~ ' > 0 and ' ~ closing ~ ' > 0 then greatest(' ~ closing ~ ' - ' ~ fx
        ~ ', 0) else 0 end') }}
{% endmacro %}
