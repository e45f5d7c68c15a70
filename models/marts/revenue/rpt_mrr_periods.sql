-- Grain: one row per period and combination of segments.
{%- set movements = ['new', 'expansion', 'contraction', 'churn', 'reactivation', 'fx'] %}
{%- set measures = [] %}
{%- for movement in movements %}
{%- do measures.append(movement ~ '_mrr') %}
{%- endfor %}
{%- set measures = measures + [
    'opening_mrr', 'closing_mrr', 'paying_customers', 'gross_retained_mrr', 'net_retained_mrr',
    'opening_subscriptions', 'started_subscriptions', 'lost_subscriptions', 'closing_subscriptions',
    'committed_mrr',
] %}
{#- what a day changes and a period cumulates -#}
{%- set changes = [
    'mrr_change', 'paying_customers_change', 'started_subscriptions', 'lost_subscriptions',
    'committed_change',
] %}
{%- set keys = ['segment_number', 'period_grain', 'period_start_date'] %}
{#- the days of movements that are added up first: months make all periods but weeks -#}
{%- set summed_day = 'moved_on' if var('report_weeks') else month_start('moved_on') %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

segments as (
    {{ numbered_segments(ref('int_customers')) }}
),

customers as (
    select
        customers.customer_id,
        segments.segment_number
    from {{ ref('int_customers') }} as customers
    inner join segments
        on {{ same_values('customers', 'segments', segments()) }}
),

movements as (
    select
        movements.*,
        customers.segment_number
    from {{ ref('fct_mrr_movements') }} as movements
    inner join customers
        on movements.customer_id = customers.customer_id
),

subscription_spells as (
    select
        spells.started_on,
        spells.stopped_on,
        customers.segment_number
    from {{ ref('int_subscription_spells') }} as spells
    inner join customers
        on spells.customer_id = customers.customer_id
),

-- beside the movements: subscriptions that begin and end, and what is committed
days_beside as (
    select
        segment_number,
        started_on as moved_on,
        1 as started_subscriptions,
        0 as lost_subscriptions,
        0 as committed_change
    from subscription_spells

    union all

    select
        segment_number,
        stopped_on as moved_on,
        0 as started_subscriptions,
        1 as lost_subscriptions,
        0 as committed_change
    from subscription_spells
    where stopped_on is not null

    union all

    select
        customers.segment_number,
        changes.changed_on as moved_on,
        0 as started_subscriptions,
        0 as lost_subscriptions,
        changes.mrr_change_amount as committed_change
    from {{ ref('int_committed_mrr_changes') }} as changes
    inner join customers
        on changes.customer_id = customers.customer_id
),

-- added up first, so that each grain is made of few rows
days_moved as (
    select
        segment_number,
        {{ summed_day }} as moved_on,
        {%- for movement in movements %}
        sum(case when movement = '{{ movement }}' then mrr_change_amount else 0 end)
            as {{ movement }}_mrr,
        {%- endfor %}
        sum(mrr_change_amount) as mrr_change,
        sum(
            case
                when movement in ('new', 'reactivation') then 1
                when movement = 'churn' then -1
                else 0
            end
        ) as paying_customers_change,
        0 as started_subscriptions,
        0 as lost_subscriptions,
        0 as committed_change
    from movements
    group by segment_number, {{ summed_day }}

    union all

    select
        days_beside.segment_number,
        {{ summed_day }} as moved_on,
        {%- for movement in movements %}
        0 as {{ movement }}_mrr,
        {%- endfor %}
        0 as mrr_change,
        0 as paying_customers_change,
        sum(days_beside.started_subscriptions) as started_subscriptions,
        sum(days_beside.lost_subscriptions) as lost_subscriptions,
        sum(days_beside.committed_change) as committed_change
    from days_beside
    cross join settings
    where days_beside.moved_on <= settings.as_of_date
    group by days_beside.segment_number, {{ summed_day }}
),

days_by_period as (
    {{ rows_by_period('days_moved', 'moved_on', calendar_grains()) }}
),

periods_moved as (
    select
        segment_number,
        period_grain,
        period_start_date,
        {%- for movement in movements %}
        sum({{ movement }}_mrr) as {{ movement }}_mrr,
        {%- endfor %}
        {{ of_each(changes, 'sum({})') }}
    from days_by_period
    group by segment_number, period_grain, period_start_date
),

movements_by_period as (
    {{ rows_by_period('movements', 'moved_on', calendar_grains()) }}
),

-- the opening MRR of a customer is the MRR before the first movement of the period
customers_moved as (
    select
        customer_id,
        segment_number,
        period_grain,
        period_start_date,
        sum(mrr_change_amount) as mrr_change,
        sum(case when movement = 'fx' then mrr_change_amount else 0 end) as fx_mrr,
        sum(case when previous_moved_on >= period_start_date then 0 else mrr_before_amount end)
            as opening_mrr
    from movements_by_period
    group by customer_id, segment_number, period_grain, period_start_date
),

customers_retained as (
    select
        *,
        {{ retained_mrr('opening_mrr', 'opening_mrr + mrr_change', 'fx_mrr') }} as retained_mrr
    from customers_moved
    where opening_mrr > 0
),

-- retained MRR is the opening MRR plus this change
periods_retained as (
    select
        segment_number,
        period_grain,
        period_start_date,
        sum(least(retained_mrr, opening_mrr) - opening_mrr) as gross_retained_change,
        sum(retained_mrr - opening_mrr) as net_retained_change
    from customers_retained
    group by segment_number, period_grain, period_start_date
),

segment_periods as (
    {{ periods_of_groups('days_moved', ['segment_number'], 'moved_on', calendar_grains()) }}
),

segment_periods_moved as (
    select
        segment_periods.*,
        {%- for movement in movements %}
        coalesce(periods_moved.{{ movement }}_mrr, 0) as {{ movement }}_mrr,
        {%- endfor %}
        {{ of_each(changes, 'coalesce(periods_moved.{}, 0)') }},
        coalesce(periods_retained.gross_retained_change, 0) as gross_retained_change,
        coalesce(periods_retained.net_retained_change, 0) as net_retained_change
    from segment_periods
    left join periods_moved
        on {{ same_values('segment_periods', 'periods_moved', keys) }}
    left join periods_retained
        on {{ same_values('segment_periods', 'periods_retained', keys) }}
),

periods_cumulated as (
    select
        *,
        sum(mrr_change) over periods_so_far as closing_mrr,
        sum(paying_customers_change) over periods_so_far as paying_customers,
        sum(started_subscriptions - lost_subscriptions) over periods_so_far
            as closing_subscriptions,
        sum(committed_change) over periods_so_far as committed_mrr
    from segment_periods_moved
    window periods_so_far as (
        partition by segment_number, period_grain
        order by period_start_date
        rows unbounded preceding
    )
),

calendar_periods as (
    select
        *,
        closing_mrr - mrr_change as opening_mrr,
        closing_subscriptions - started_subscriptions + lost_subscriptions
            as opening_subscriptions,
        closing_mrr - mrr_change + gross_retained_change as gross_retained_mrr,
        closing_mrr - mrr_change + net_retained_change as net_retained_mrr
    from periods_cumulated
),

-- what a customer pays at the end of a month is the closing of the year that ends with it and the
-- opening of the one that ends twelve months later: a movement changes both
movements_in_and_out as (
    {%- for months, sign in [(0, ''), (12, '-')] %}
    select
        customer_id,
        segment_number,
        {{ months_after(month_start('moved_on'), months) }} as changed_month,
        {{ '0' if months else 'mrr_change_amount' }} as closing_change,
        {{ 'mrr_change_amount' if months else '0' }} as opening_change,
        case when movement = 'fx' then {{ sign }}mrr_change_amount else 0 end as fx_change
    from movements
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

customer_changes as (
    select
        customer_id,
        segment_number,
        changed_month,
        sum(closing_change) as closing_change,
        sum(opening_change) as opening_change,
        sum(fx_change) as fx_change
    from movements_in_and_out
    group by customer_id, segment_number, changed_month
),

customer_years as (
    select
        *,
        sum(closing_change) over months_so_far as closing_mrr,
        sum(opening_change) over months_so_far as opening_mrr,
        sum(fx_change) over months_so_far as fx_mrr
    from customer_changes
    window months_so_far as (
        partition by customer_id
        order by changed_month
        rows unbounded preceding
    )
),

-- retained MRR stays as it is until the customer's next change
customer_years_retained as (
    select
        segment_number,
        changed_month,
        opening_mrr,
        opening_mrr - opening_change as opening_mrr_before,
        {{ retained_mrr('opening_mrr', 'closing_mrr', 'fx_mrr') }} as retained_mrr,
        {{ retained_mrr(
            '(opening_mrr - opening_change)',
            '(closing_mrr - closing_change)',
            '(fx_mrr - fx_change)',
        ) }} as retained_mrr_before
    from customer_years
),

years_retained as (
    select
        segment_number,
        changed_month,
        sum(
            least(retained_mrr, opening_mrr) - least(retained_mrr_before, opening_mrr_before)
        ) as gross_retained_mrr,
        sum(retained_mrr - retained_mrr_before) as net_retained_mrr
    from customer_years_retained
    group by segment_number, changed_month
),

year_changes as (
    {%- for months, sign in [(0, ''), (12, '-')] %}
    select
        segment_number,
        {{ months_after(month_start('moved_on'), months) }} as changed_month,
        {%- for movement in movements %}
        {{ sign }}{{ movement }}_mrr as {{ movement }}_mrr,
        {%- endfor %}
        {{ 'mrr_change' if months else '0' }} as opening_mrr,
        {{ '0' if months else 'mrr_change' }} as closing_mrr,
        {{ '0' if months else 'paying_customers_change' }} as paying_customers,
        0 as gross_retained_mrr,
        0 as net_retained_mrr,
        {{ sign ~ 'started_subscriptions' }} as started_subscriptions,
        {{ sign ~ 'lost_subscriptions' }} as lost_subscriptions,
        {{ 'started_subscriptions - lost_subscriptions' if months else '0' }}
            as opening_subscriptions,
        {{ '0' if months else 'started_subscriptions - lost_subscriptions' }}
            as closing_subscriptions,
        {{ '0' if months else 'committed_change' }} as committed_mrr
    from days_moved

    union all

    {% endfor %}
    select
        segment_number,
        changed_month,
        {%- for movement in movements %}
        0 as {{ movement }}_mrr,
        {%- endfor %}
        0 as opening_mrr,
        0 as closing_mrr,
        0 as paying_customers,
        gross_retained_mrr,
        net_retained_mrr,
        0 as started_subscriptions,
        0 as lost_subscriptions,
        0 as opening_subscriptions,
        0 as closing_subscriptions,
        0 as committed_mrr
    from years_retained
),

trailing_periods as (
    {{ trailing_years('year_changes', ['segment_number'], measures) }}
),

periods as (
    {%- for periods in ['calendar_periods', 'trailing_periods'] %}
    select
        segment_number,
        period_grain,
        period_start_date,
        closes_on,
        {%- for measure in measures %}
        {{ measure }},
        {%- endfor %}
        has_rates,
        is_complete_period
    from {{ periods }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

periods_rated as (
    select
        periods.*,
        {{ segment_columns('segments') }},
        case when periods.is_complete_period and periods.has_rates then periods.opening_mrr end
            as rated_mrr,
        case
            when periods.is_complete_period and periods.has_rates
                then periods.opening_subscriptions
        end as rated_subscriptions
    from periods
    inner join segments
        on periods.segment_number = segments.segment_number
)

select
    -- keys
    period_grain,
    period_start_date,
    {{ segment_columns() }},

    -- dates
    closes_on,

    -- amounts
    {{ as_amount('opening_mrr') }} as opening_mrr_amount,
    {{ as_amount('new_mrr') }} as new_mrr_amount,
    {{ as_amount('expansion_mrr') }} as expansion_mrr_amount,
    {{ as_amount('contraction_mrr') }} as contraction_mrr_amount,
    {{ as_amount('churn_mrr') }} as churn_mrr_amount,
    {{ as_amount('reactivation_mrr') }} as reactivation_mrr_amount,
    {{ as_amount('fx_mrr') }} as fx_mrr_amount,
    {{ as_amount('closing_mrr') }} as closing_mrr_amount,
    {{ as_amount('committed_mrr') }} as committed_mrr_amount,
    {{ as_amount('gross_retained_mrr') }} as gross_retained_mrr_amount,
    {{ as_amount('net_retained_mrr') }} as net_retained_mrr_amount,

    -- counts
    cast(paying_customers as bigint) as paying_customers,
    cast(opening_subscriptions as bigint) as opening_subscriptions,
    cast(started_subscriptions as bigint) as started_subscriptions,
    cast(lost_subscriptions as bigint) as lost_subscriptions,
    cast(closing_subscriptions as bigint) as closing_subscriptions,

    -- averages
    {{ amount_per('closing_mrr', 'nullif(paying_customers, 0)') }} as arpa_amount,

    -- rates
    {{ rate('-(churn_mrr + contraction_mrr)', 'rated_mrr') }} as gross_mrr_churn_rate,
    {{ rate(
        '-(churn_mrr + contraction_mrr + expansion_mrr + reactivation_mrr)', 'rated_mrr'
    ) }} as net_mrr_churn_rate,
    {{ rate('gross_retained_mrr', 'rated_mrr') }} as gross_revenue_retention_rate,
    {{ rate('net_retained_mrr', 'rated_mrr') }} as net_revenue_retention_rate,
    case
        when has_rates
            then {{ rate(
                'new_mrr + expansion_mrr + reactivation_mrr', '-(churn_mrr + contraction_mrr)'
            ) }}
    end as quick_ratio,
    {{ rate('lost_subscriptions', 'rated_subscriptions') }} as subscription_churn_rate,

    -- flags
    is_complete_period
from periods_rated
