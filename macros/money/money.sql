{#- The project's money type: cents, rounded half away from zero. -#}
{% macro as_amount(expression) %}
    {{ return('cast(' ~ expression ~ ' as decimal(18, 2))') }}
{% endmacro %}


{#- An amount worked out in floating point: six digits of a cent first, because floating point may miss the half cent.
    A decimal wide enough for every currency takes forty times as long. -#}
{% macro in_cents(amount) %}
    {{ return(as_amount('round(round(' ~ amount ~ ' * 100, 6)) / 100')) }}
{% endmacro %}


{#- The same as a number of cents, for amounts in cents that are not negative: where millions of them are worked out
    before they are summed, a decimal for each takes long. Whole numbers in floating point are exact. -#}
{% macro whole_cents(cents) %}
    {{ return('floor(' ~ cents ~ ' + 0.5000005)') }}
{% endmacro %}


{#- An amount of a row in the reporting currency, at the row's exchange_rate. -#}
{% macro in_reporting_currency(amount) %}
    {{ return('case when exchange_rate = 1 then ' ~ amount ~ ' else '
        ~ in_cents(amount ~ ' * exchange_rate') ~ ' end') }}
{% endmacro %}


{#- An amount per head. -#}
{% macro amount_per(amount, count) %}
    {{ return(in_cents('cast(' ~ amount ~ ' as double) / ' ~ count)) }}
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


{#- The price of a month in the reporting currency. -#}
{% macro monthly_in_reporting_currency(monthly_price, exchange_rate) %}
    {{ return(in_cents(monthly_price ~ ' * ' ~ exchange_rate)) }}
{% endmacro %}


{#- What a customer who paid at the opening retains of recurring revenue at the closing: all of it but what exchange
    rates moved; nothing is left of customers who left, whatever the rates did before. -#}
{% macro retained_mrr(opening, closing, fx) %}
    {{ return('case when ' ~ opening ~ ' > 0 and ' ~ closing ~ ' > 0 then greatest(' ~ closing ~ ' - ' ~ fx
        ~ ', 0) else 0 end') }}
{% endmacro %}


{#- What customers bring on the days [from_date, to_date) of windows of their own, orders and subscriptions together:
    the rows of a relation with the columns `keys`, customer_id, from_date and to_date, with revenue_amount and
    margin_amount; a query with one row per combination of the keys. Refunds and returns count on their day. -#}
{% macro earned_in_windows(windows, keys) %}
    {% set columns = 'windows.' ~ keys | join(', windows.') %}
    {% set first = 'greatest(windows.from_date, intervals.active_from)' %}
    {% set last = 'least(windows.to_date, intervals.active_to)' %}
    select
        {{ keys | join(', ') }},
        {{ as_amount('sum(revenue_amount)') }} as revenue_amount,
        {{ as_amount('sum(margin_amount)') }} as margin_amount
    from (
        select
            {{ columns }},
            0 as revenue_amount,
            0 as margin_amount
        from {{ windows }} as windows

        union all

        select
            {{ columns }},
            entries.revenue_amount,
            entries.margin_amount
        from {{ windows }} as windows
        inner join {{ ref('int_revenue_entries') }} as entries
            on
                windows.customer_id = entries.customer_id
                and windows.from_date <= entries.revenue_date
                and windows.to_date > entries.revenue_date

        union all

        select
            {{ columns }},
            {{ in_cents('intervals.mrr_amount * ' ~ months_of_revenue(first, last)) }}
                as revenue_amount,
            {{ in_cents('intervals.margin_mrr_amount * ' ~ months_of_revenue(first, last)) }}
                as margin_amount
        from {{ windows }} as windows
        inner join {{ ref('int_mrr_intervals') }} as intervals
            on
                windows.customer_id = intervals.customer_id
                and windows.from_date < intervals.active_to
                and windows.to_date > intervals.active_from
    ) as earnings
    group by {{ keys | join(', ') }}
{% endmacro %}


{#- What a month earns of what recurs: the level at the end of the month before, plus what its own changes add. -#}
{% macro earned_in_month(own, change, months_so_far) %}
    {{ return(own ~ ' + (sum(' ~ change ~ ') over ' ~ months_so_far ~ ') - ' ~ change) }}
{% endmacro %}


{#- What winning a customer costs over some months and channels of the marketing mix: own spend alone (for all channels
    together that is all there is), and with what channels without customers of their own pass on. NULL without known
    spend; aggregates. -#}
{% macro media_cac(mix) %}
    {{ return('case when max(case when ' ~ mix ~ '.has_acquisition_spend then 1 else 0 end) = 1 then '
        ~ rate('sum(' ~ mix ~ '.acquisition_spend_amount)', 'sum(' ~ mix ~ '.new_customers)') ~ ' end') }}
{% endmacro %}


{% macro full_cac(mix) %}
    {{ return('case when max(case when ' ~ mix ~ '.has_acquisition_spend or ' ~ mix
        ~ '.cac_amount is not null then 1 else 0 end) = 1 then '
        ~ rate('sum(' ~ mix ~ '.acquisition_spend_amount + ' ~ mix ~ '.spread_spend_amount)',
            'sum(' ~ mix ~ '.new_customers)') ~ ' end') }}
{% endmacro %}


{#- Entries of revenue, each once for every category in its order: the rows of a relation with an order_id, with
    product_category and category_share, the share of the category in the order; a query. A return without lines has
    the categories of its sale. What no line tells is `unknown`: an order without lines, or whose lines sum to zero.
    The relation is a CTE: it is read three times. -#}
{% macro entries_by_category(entries, category) %}
    with

    orders_with_lines as (
        select order_id from {{ entries }}
        union
        select returns.sale_order_id as order_id
        from {{ ref('int_returns_matched') }} as returns
        inner join {{ entries }} as entries
            on returns.order_id = entries.order_id
    ),

    category_amounts as (
        select
            lines.order_id,
            {{ category }} as product_category,
            sum(lines.amount) as amount
        from {{ ref('stg_order_lines') }} as lines
        inner join orders_with_lines
            on lines.order_id = orders_with_lines.order_id
        inner join {{ ref('int_products') }} as products
            on lines.product_id = products.product_id
        group by lines.order_id, {{ category }}
    ),

    category_shares as (
        select
            order_id,
            product_category,
            {{ rate('amount', 'sum(amount) over (partition by order_id)') }} as category_share
        from category_amounts
        qualify sum(amount) over (partition by order_id) <> 0
    ),

    returns_without_lines as (
        select
            returns.order_id,
            returns.sale_order_id
        from {{ ref('int_returns_matched') }} as returns
        where returns.order_id not in (select category_shares.order_id from category_shares)
    )

    select
        entries.*,
        coalesce(category_shares.product_category, 'unknown') as product_category,
        coalesce(category_shares.category_share, 1) as category_share
    from {{ entries }} as entries
    left join returns_without_lines
        on entries.order_id = returns_without_lines.order_id
    left join category_shares
        on coalesce(returns_without_lines.sale_order_id, entries.order_id) = category_shares.order_id
{% endmacro %}
