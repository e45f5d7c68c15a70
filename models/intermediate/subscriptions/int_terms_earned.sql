-- Grain: one row per combination of segments and month in which something happened to a term.
{{ config(materialized='table') }}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

segments as (
    {{ numbered_segments(ref('int_customers')) }}
),

stretches as (
    select
        stretches.billed_from,
        stretches.ends_on,
        stretches.months_in_term,
        stretches.days_in_term,
        stretches.currency,
        stretches.exchange_rate,
        stretches.original_billed_amount,
        stretches.original_credited_amount,
        stretches.is_returned,
        coalesce(stretches.deliveries_per_term, 0) as deliveries,
        segments.segment_number,
        settings.as_of_date,
        1 + {{ terms_between('stretches.billed_from', days_after('stretches.billed_until', -1)) }}
            as terms_count
    from {{ ref('int_stretches_billed') }} as stretches
    inner join {{ ref('int_customers') }} as customers
        on stretches.customer_id = customers.customer_id
    inner join segments
        on {{ same_values('customers', 'segments', segments()) }}
    cross join settings
    where stretches.billed_from < stretches.billed_until
),

-- terms, and below the months they touch, are joined by how many there are: equality is what an
-- engine joins fast. Terms are no shorter than a day, so there are never more terms than days.
term_numbers as (
    select
        counts.terms_count,
        numbers.term_number
    from (
        select distinct terms_count from stretches
    ) as counts
    inner join (
        select row_number() over (order by date_day) - 1 as term_number
        from {{ ref('int_dates') }}
    ) as numbers
        on counts.terms_count > numbers.term_number
),

terms as (
    select
        stretches.*,
        term_numbers.term_number,
        {{ days_after(
            months_after(
                'stretches.billed_from', 'term_numbers.term_number * stretches.months_in_term'
            ),
            'term_numbers.term_number * stretches.days_in_term',
        ) }} as billed_on,
        {{ days_after(
            months_after(
                'stretches.billed_from', '(term_numbers.term_number + 1) * stretches.months_in_term'
            ),
            '(term_numbers.term_number + 1) * stretches.days_in_term',
        ) }} as next_term_on
    from stretches
    inner join term_numbers
        on stretches.terms_count = term_numbers.terms_count
),

-- the first term at the rate of its version, each later one at that of its own first day; in cents
terms_billed as (
    select
        terms.segment_number,
        terms.billed_on,
        terms.next_term_on,
        terms.is_returned,
        terms.deliveries,
        terms.as_of_date,
        {{ days_between('terms.billed_on', 'terms.next_term_on') }} as term_days,
        least(terms.next_term_on, terms.ends_on) as served_until,
        terms.original_billed_amount * 100 as original_billed,
        cast(terms.original_credited_amount as double) * 100 as original_credited,
        case
            when terms.term_number = 0 then terms.exchange_rate
            else coalesce(rates.exchange_rate, terms.exchange_rate)
        end as exchange_rate
    from terms
    left join {{ ref('int_exchange_rates_daily') }} as rates
        on
            terms.currency = rates.currency
            and terms.billed_on = rates.rate_date
),

-- a term that is cut short is settled on its last day, and one that is credited on the day after
terms_served as (
    select
        *,
        {{ whole_cents('original_billed * exchange_rate') }} as billed,
        {{ whole_cents('original_credited * exchange_rate') }} as credited,
        least({{ days_after('served_until', -1) }}, as_of_date) as last_served_on,
        served_until < next_term_on
        and served_until <= {{ days_after(
            'as_of_date', 'case when is_returned then 0 else 1 end'
        ) }} as is_cut_short
    from terms_billed
),

-- what is left of it is refunded, all of it unless the credit is known; the rest is earned
terms_settled as (
    select
        *,
        case
            when is_cut_short
                then billed - {{ whole_cents(
                    'billed * ' ~ days_between('billed_on', 'served_until') ~ ' / term_days'
                ) }}
            else 0
        end as unused,
        case
            when is_cut_short and is_returned
                then least(
                    coalesce(credited, billed),
                    billed - {{ whole_cents(
                        'billed * ' ~ days_between('billed_on', 'served_until') ~ ' / term_days'
                    ) }}
                )
            else 0
        end as refunded,
        is_cut_short and is_returned and day(served_until) = 1 as is_settled_next_month
    from terms_served
),

-- a monthly term touches two months and a yearly one thirteen; months are numbers until there are
-- few rows of them
months as (
    select
        period_start_date as changed_month,
        {{ days_after('next_period_start_date', -1) }} as last_day_of_month,
        {{ month_number('period_start_date') }} as month_number,
        row_number() over (order by period_start_date) as months_count
    from {{ ref('int_periods') }}
    where period_grain = 'month'
),

months_after_first as (
    select
        months.months_count,
        numbers.months_count - 1 as months_since
    from months
    inner join months as numbers
        on months.months_count >= numbers.months_count
),

term_months as (
    select
        terms_settled.*,
        {{ month_number('terms_settled.billed_on') }} + months_after_first.months_since
            as month_number,
        months_after_first.months_since = 0 as is_first,
        months_after_first.months_count = months_after_first.months_since + 1 as is_last
    from terms_settled
    inner join months_after_first
        on
            months_after_first.months_count
            = 1 + {{ months_between('terms_settled.billed_on', 'terms_settled.last_served_on') }}
),

months_served as (
    select
        term_months.*,
        months.changed_month,
        1 + {{ days_between(
            'term_months.billed_on',
            'case when term_months.is_last then term_months.last_served_on'
            ~ ' else months.last_day_of_month end',
        ) }} as days_served
    from term_months
    inner join months
        on term_months.month_number = months.month_number
),

-- rounded as it adds up, so that a term served to its end has earned what it billed. Delivery k of
-- n is due after floor((k - 1) x days / n) days: after s days, s x n / days rounded up.
months_earned as (
    select
        segment_number,
        changed_month,
        is_last,
        case when is_first then billed end as billed,
        case
            when days_served = term_days then billed
            else {{ whole_cents('billed * days_served / term_days') }}
        end as earned_so_far,
        case when is_last and not is_settled_next_month then refunded end as refunded,
        case when is_last and not is_settled_next_month then unused - refunded end as breakage,
        case when is_last and is_settled_next_month then refunded end as refunded_next,
        case when is_last and is_settled_next_month then unused - refunded end as breakage_next,
        case when is_first then 1 end as terms_billed,
        case
            when deliveries > 0
                then ceil({{ rate('days_served * deliveries', 'term_days') }})
        end as deliveries_so_far
    from months_served
),

segment_months as (
    select
        segment_number,
        changed_month,
        {{ of_each(
            ['billed', 'refunded', 'breakage', 'refunded_next', 'breakage_next', 'terms_billed'],
            'coalesce(sum({}), 0)',
        ) }},
        sum(earned_so_far) as earned,
        coalesce(sum(case when not is_last then earned_so_far end), 0) as earned_before,
        coalesce(sum(deliveries_so_far), 0) as deliveries_due,
        coalesce(sum(case when not is_last then deliveries_so_far end), 0) as deliveries_before
    from months_earned
    group by segment_number, changed_month
),

-- what a term has earned by the end of a month is not earned by the next one
month_changes as (
    select
        segment_number,
        changed_month,
        billed,
        earned + breakage as earned,
        refunded,
        breakage,
        terms_billed,
        deliveries_due
    from segment_months

    union all

    select
        segment_number,
        {{ months_after('changed_month', 1) }} as changed_month,
        0 as billed,
        breakage_next - earned_before as earned,
        refunded_next as refunded,
        breakage_next as breakage,
        0 as terms_billed,
        -deliveries_before as deliveries_due
    from segment_months
    where earned_before > 0 or refunded_next > 0 or breakage_next > 0 or deliveries_before > 0
)

select
    -- keys
    {{ segment_columns('segments') }},
    month_changes.changed_month,

    -- amounts
    {%- for name in ['billed', 'earned', 'refunded', 'breakage'] %}
    {{ as_amount('sum(month_changes.' ~ name ~ ') / 100') }} as {{ name }}_amount,
    {%- endfor %}

    -- counts
    cast(sum(month_changes.terms_billed) as bigint) as terms_billed,
    cast(sum(month_changes.deliveries_due) as bigint) as deliveries_due
from month_changes
inner join segments
    on month_changes.segment_number = segments.segment_number
group by
    {{ segment_columns('segments') }},
    month_changes.changed_month
