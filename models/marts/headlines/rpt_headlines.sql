-- Grain: one row per headline number.
{%- set month_start_of_today = month_start(days_after('settings.as_of_date', 1)) %}
{#- what a margin without a known cost is taken as -#}
{%- set margin_percent = '%g' | format(var('default_margin_rate') | float * 100) %}
{#- unit `currency` stands for the reporting currency -#}
{%- set headlines = [
    ('customer_counts', 'Customers', 'customers', 'customers'),
    ('order_sums', 'Orders, returns included', 'orders', 'orders'),
    ('order_sums', 'Net revenue of orders', 'net_revenue', 'currency'),
    ('last_month', 'Active customers at its start', 'opening_customers', 'customers'),
    ('last_month', '+ new', 'new_customers', 'customers'),
    ('last_month', '+ reactivated', 'reactivated_customers', 'customers'),
    ('last_month', '- lost', 'lost_customers', 'customers'),
    ('last_month', '= active customers at its end', 'closing_customers', 'customers'),
    ('last_month', 'Churn rate', 'churn_rate', 'share'),
    ('last_month_mrr', 'Monthly recurring revenue at its start', 'opening_mrr', 'currency'),
    ('last_month_mrr', '+ new and reactivated', 'won_mrr', 'currency'),
    ('last_month_mrr', '+ expansion', 'expansion_mrr', 'currency'),
    ('last_month_mrr', '- churn and contraction', 'lost_mrr', 'currency'),
    ('last_month_mrr', '+ exchange rates', 'fx_mrr', 'currency'),
    ('last_month_mrr', '= monthly recurring revenue at its end', 'closing_mrr', 'currency'),
    ('first_spells', 'Median length of a first spell', 'median_days', 'days'),
    (
        'last_year', 'Revenue from existing customers, last 12 complete months',
        'existing_customers_rate', 'share',
    ),
    (
        'spread_spend', 'Acquisition spend spread over channels, last 12 months',
        'spread_rate', 'share',
    ),
    (
        'costs', 'Revenue without a known cost, taken as ' ~ margin_percent ~ ' % margin',
        'uncosted_rate', 'share',
    ),
    ('row_sums', 'Raw rows', 'raw_rows', 'rows'),
    ('row_sums', 'Raw rows rejected', 'rejected_rows', 'rows'),
    ('row_sums', 'Share of raw rows rejected', 'rejected_rate', 'share'),
    ('row_sums', 'Share of raw rows in conflict', 'conflicting_rate', 'share'),
    ('order_shares', 'Share of orders without a customer', 'anonymous_rate', 'share'),
    ('order_shares', 'Share of orders without revenue', 'unpaid_rate', 'share'),
] %}
{#- a line for each of the verticals with the most buyers, no more than a screen can hold -#}
{%- set most_windows = 3 %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

customer_counts as (
    select
        cast(null as date) as month_start_date,
        count(*) as customers
    from {{ ref('dim_customers') }}
    where not is_anonymous
),

order_sums as (
    select
        cast(null as date) as month_start_date,
        count(*) as orders,
        sum(net_revenue_amount) as net_revenue,
        count(case when customer_id = 'anonymous' then 1 end) as anonymous_orders,
        count(case when status not in ('completed', 'refunded') then 1 end) as unpaid_orders
    from {{ ref('fct_orders') }}
),

order_shares as (
    select
        month_start_date,
        {{ rate('anonymous_orders', 'orders') }} as anonymous_rate,
        {{ rate('unpaid_orders', 'orders') }} as unpaid_rate
    from order_sums
    where orders > 0
),

months as (
    select
        period_start_date as month_start_date,
        sum(opening_customers) as opening_customers,
        sum(new_customers) as new_customers,
        sum(reactivated_customers) as reactivated_customers,
        sum(lost_customers) as lost_customers,
        sum(closing_customers) as closing_customers,
        {{ rate('sum(lost_customers)', 'sum(opening_customers)') }} as churn_rate
    from {{ ref('rpt_retention_periods') }}
    where relationship = 'any' and period_grain = 'month' and is_complete_period
    group by period_start_date
),

last_month as (
    select * from months
    where month_start_date = (select max(newest.month_start_date) from months as newest)
),

last_month_mrr as (
    select
        mrr.period_start_date as month_start_date,
        sum(mrr.opening_mrr_amount) as opening_mrr,
        sum(mrr.new_mrr_amount + mrr.reactivation_mrr_amount) as won_mrr,
        sum(mrr.expansion_mrr_amount) as expansion_mrr,
        -sum(mrr.churn_mrr_amount + mrr.contraction_mrr_amount) as lost_mrr,
        sum(mrr.fx_mrr_amount) as fx_mrr,
        sum(mrr.closing_mrr_amount) as closing_mrr
    from {{ ref('rpt_mrr_periods') }} as mrr
    inner join last_month
        on mrr.period_start_date = last_month.month_start_date
    where mrr.period_grain = 'month'
    group by mrr.period_start_date
),

first_spells as (
    select
        cast(null as date) as month_start_date,
        median_days
    from {{ ref('rpt_survival_summary') }}
    where relationship = 'any' and segment_name = 'all'
),

last_year as (
    select
        cast(null as date) as month_start_date,
        {{ rate(
            'sum(mix.repeat_revenue_amount + mix.expansion_revenue_amount)',
            'sum(mix.total_revenue_amount - mix.unattributed_revenue_amount)',
        ) }} as existing_customers_rate
    from {{ ref('rpt_revenue_mix') }} as mix
    cross join settings
    where
        mix.period_grain = 'month'
        and mix.period_start_date >= {{ months_after(month_start_of_today, -12) }}
        and mix.period_start_date < {{ month_start_of_today }}
),

-- what channels without customers of their own spend, such as a sales team; no row without it
spread_spend as (
    select
        cast(null as date) as month_start_date,
        {{ rate(
            'sum(greatest(mix.spread_spend_amount, 0))', 'sum(mix.acquisition_spend_amount)'
        ) }} as spread_rate
    from {{ ref('rpt_marketing_mix') }} as mix
    cross join settings
    where
        mix.month_start_date >= {{ months_after(month_start_of_today, -12) }}
        and mix.month_start_date < {{ month_start_of_today }}
    having sum(greatest(mix.spread_spend_amount, 0)) > 0
),

-- no row if every cost is known
costs as (
    select
        cast(null as date) as month_start_date,
        {{ estimated_margin_share(
            'sum(uncosted_revenue_to_date_amount)', 'sum(absolute_revenue_to_date_amount)'
        ) }} as uncosted_rate
    from {{ ref('fct_customer_value') }}
    having sum(uncosted_revenue_to_date_amount) > 0
),

row_sums as (
    select
        cast(null as date) as month_start_date,
        sum(raw_rows) as raw_rows,
        sum(rejected_rows) as rejected_rows,
        {{ rate('sum(rejected_rows)', 'sum(raw_rows)') }} as rejected_rate,
        {{ rate('sum(conflicting_rows)', 'sum(raw_rows)') }} as conflicting_rate
    from {{ ref('row_reconciliation') }}
),

buyers as (
    select
        vertical,
        count(*) as customers
    from {{ ref('dim_customers') }}
    where last_order_date is not null
    group by vertical
),

windows_in_use as (
    select
        fit.*,
        row_number() over (order by buyers.customers desc, fit.vertical asc) as place
    from {{ ref('rpt_activity_window_fit') }} as fit
    inner join buyers
        on fit.vertical = buyers.vertical
    where fit.is_chosen
)

{% for source, headline, column, unit in headlines -%}
select
    -- keys
    {{ loop.index }} as headline_number,
    '{{ headline }}' as headline,

    -- the number
    cast({{ source }}.{{ column }} as double) as headline_value,
    {{ 'settings.reporting_currency' if unit == 'currency' else "'" ~ unit ~ "'" }} as unit,

    -- dates
    {{ source }}.month_start_date,

    -- words
    cast(null as string) as headline_sentence
from {{ source }}
cross join settings
union all
{% endfor %}
select
    -- keys
    cast({{ headlines | length }} + place as integer) as headline_number,
    case when vertical = 'unknown' then 'Activity window' else 'Activity window, ' || vertical end
        as headline,

    -- the number
    return_rate as headline_value,
    'share' as unit,

    -- dates
    cast(null as date) as month_start_date,

    -- words
    window_days || ' days in use: '
    || coalesce(
        cast(cast(round(100 * return_rate) as integer) as string) || ' % come back',
        'too early to say who comes back'
    )
    || '. Suggested: ' || coalesce(cast(suggested_window_days as string), suggestion_status)
        as headline_sentence
from windows_in_use
where place <= {{ most_windows }}
