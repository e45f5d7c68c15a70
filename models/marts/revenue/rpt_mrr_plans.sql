-- Grain: one row per period, plan, billing term and currency.
{%- set movements = [
    'new', 'expansion', 'contraction', 'churn', 'reactivation', 'fx', 'plan_in', 'plan_out',
] %}
{%- set measures = [] %}
{%- for movement in movements %}
{%- do measures.append(movement ~ '_mrr') %}
{%- endfor %}
{%- set measures = measures + ['opening_mrr', 'closing_mrr', 'paying_customers'] %}
{%- set plan = ['plan_id', 'billing_term', 'currency'] %}
{%- set keys = ['plan_number', 'period_grain', 'period_start_date'] %}
{#- the days of movements that are added up first: months make all periods but weeks -#}
{%- set summed_day = 'moved_on' if var('report_weeks') else month_start('moved_on') %}

with

-- added up first, so that each grain is made of few rows
plan_days as (
    select
        {{ plan | join(',\n        ') }},
        {{ summed_day }} as moved_on,
        {%- for movement in movements %}
        sum(case when movement = '{{ movement }}' then mrr_change_amount else 0 end)
            as {{ movement }}_mrr,
        {%- endfor %}
        sum(mrr_change_amount) as mrr_change,
        -- the movements of a day lead from the MRR before it to the MRR after it
        count(case when mrr_after_amount > 0 then 1 end)
        - count(case when mrr_before_amount > 0 then 1 end) as paying_customers_change
    from {{ ref('fct_mrr_plan_movements') }}
    group by {{ plan | join(', ') }}, {{ summed_day }}
),

-- numbered, so that the steps below group by one number instead of three columns
plans as (
    select
        {{ plan | join(',\n        ') }},
        row_number() over (order by {{ plan | join(', ') }}) as plan_number
    from plan_days
    group by {{ plan | join(', ') }}
),

days_moved as (
    select
        plan_days.*,
        plans.plan_number
    from plan_days
    inner join plans
        on {{ same_values('plan_days', 'plans', plan) }}
),

days_by_period as (
    {{ rows_by_period('days_moved', 'moved_on', calendar_grains()) }}
),

periods_moved as (
    select
        {{ keys | join(',\n        ') }},
        {%- for movement in movements %}
        sum({{ movement }}_mrr) as {{ movement }}_mrr,
        {%- endfor %}
        sum(mrr_change) as mrr_change,
        sum(paying_customers_change) as paying_customers_change
    from days_by_period
    group by {{ keys | join(', ') }}
),

plan_periods as (
    {{ periods_of_groups('days_moved', ['plan_number'], 'moved_on', calendar_grains()) }}
),

plan_periods_moved as (
    select
        plan_periods.*,
        {%- for movement in movements %}
        coalesce(periods_moved.{{ movement }}_mrr, 0) as {{ movement }}_mrr,
        {%- endfor %}
        coalesce(periods_moved.mrr_change, 0) as mrr_change,
        coalesce(periods_moved.paying_customers_change, 0) as paying_customers_change
    from plan_periods
    left join periods_moved
        on {{ same_values('plan_periods', 'periods_moved', keys) }}
),

calendar_periods as (
    select
        *,
        (sum(mrr_change) over periods_so_far) - mrr_change as opening_mrr,
        sum(mrr_change) over periods_so_far as closing_mrr,
        sum(paying_customers_change) over periods_so_far as paying_customers
    from plan_periods_moved
    window periods_so_far as (
        partition by plan_number, period_grain
        order by period_start_date
        rows unbounded preceding
    )
),

-- what moves in a month is in the twelve months that end with it, and leaves them a year later
year_changes as (
    {%- for months, sign in [(0, ''), (12, '-')] %}
    select
        plan_number,
        {{ months_after(month_start('moved_on'), months) }} as changed_month,
        {%- for movement in movements %}
        {{ sign }}{{ movement }}_mrr as {{ movement }}_mrr,
        {%- endfor %}
        {{ 'mrr_change' if months else '0' }} as opening_mrr,
        {{ '0' if months else 'mrr_change' }} as closing_mrr,
        {{ '0' if months else 'paying_customers_change' }} as paying_customers
    from days_moved
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

trailing_periods as (
    {{ trailing_years('year_changes', ['plan_number'], measures) }}
),

periods as (
    {%- for periods in ['calendar_periods', 'trailing_periods'] %}
    select
        plan_number,
        period_grain,
        period_start_date,
        closes_on,
        {%- for measure in measures %}
        {{ measure }},
        {%- endfor %}
        is_complete_period
    from {{ periods }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

periods_of_all_plans as (
    select
        *,
        sum(closing_mrr) over (partition by period_grain, period_start_date)
            as all_plans_closing_mrr
    from periods
)

select
    -- keys
    periods.period_grain,
    periods.period_start_date,
    plans.plan_id,
    plans.billing_term,
    plans.currency,

    -- dates
    periods.closes_on,

    -- amounts
    {{ as_amount('periods.opening_mrr') }} as opening_mrr_amount,
    {{ as_amount('periods.new_mrr') }} as new_mrr_amount,
    {{ as_amount('periods.expansion_mrr') }} as expansion_mrr_amount,
    {{ as_amount('periods.contraction_mrr') }} as contraction_mrr_amount,
    {{ as_amount('periods.churn_mrr') }} as churn_mrr_amount,
    {{ as_amount('periods.reactivation_mrr') }} as reactivation_mrr_amount,
    {{ as_amount('periods.fx_mrr') }} as fx_mrr_amount,
    {{ as_amount('periods.plan_in_mrr') }} as plan_in_mrr_amount,
    {{ as_amount('periods.plan_out_mrr') }} as plan_out_mrr_amount,
    {{ as_amount('periods.closing_mrr') }} as closing_mrr_amount,
    {{ as_amount('periods.all_plans_closing_mrr') }} as all_plans_closing_mrr_amount,

    -- counts
    cast(periods.paying_customers as bigint) as paying_customers,

    -- averages
    {{ amount_per('periods.closing_mrr', 'nullif(periods.paying_customers, 0)') }} as arpa_amount,

    -- rates
    {{ rate('periods.closing_mrr', 'periods.all_plans_closing_mrr') }} as closing_mrr_share,

    -- flags
    periods.is_complete_period
from periods_of_all_plans as periods
inner join plans
    on periods.plan_number = plans.plan_number
