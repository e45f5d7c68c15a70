-- Grain: one row per period and slice.
{%- set flows = [
    'billed_amount', 'earned_amount', 'refunded_amount', 'breakage_amount', 'terms_billed',
    'deliveries_due',
] %}
{%- set slice = ['segment_name', 'segment_value'] %}
{%- set keys = ['period_grain', 'period_start_date'] + slice %}

with

months_earned as (
    select * from {{ ref('int_terms_earned') }}
),

months_by_slice as (
    {{ rows_by_slice('months_earned', segments()) }}
),

slice_months as (
    select
        {{ slice | join(', ') }},
        changed_month,
        {{ of_each(flows, 'sum({})') }},
        sum(billed_amount - earned_amount - refunded_amount) as owed_change
    from months_by_slice
    group by {{ slice | join(', ') }}, changed_month
),

slice_months_by_period as (
    {{ rows_by_period('slice_months', 'changed_month') }}
),

periods_summed as (
    select
        {{ keys | join(', ') }},
        {{ of_each(flows + ['owed_change'], 'sum({})') }}
    from slice_months_by_period
    group by {{ keys | join(', ') }}
),

slice_periods as (
    {{ periods_of_groups('slice_months', slice, 'changed_month') }}
),

calendar_periods as (
    select
        slice_periods.*,
        {%- for flow in flows %}
        coalesce(periods_summed.{{ flow }}, 0) as {{ flow }},
        {%- endfor %}
        coalesce(periods_summed.owed_change, 0) as owed_change
    from slice_periods
    left join periods_summed
        on {{ same_values('slice_periods', 'periods_summed', keys) }}
),

calendar_periods_cumulated as (
    select
        *,
        coalesce(sum(owed_change) over (
            partition by segment_name, segment_value, period_grain
            order by period_start_date
            rows between unbounded preceding and 1 preceding
        ), 0) as opening,
        sum(owed_change) over (
            partition by segment_name, segment_value, period_grain
            order by period_start_date
            rows unbounded preceding
        ) as closing
    from calendar_periods
),

-- what happens in a month leaves the twelve months a year later; what is owed stays
changes_in_and_out as (
    {%- for months, sign in [(0, ''), (12, '-')] %}
    select
        {{ slice | join(', ') }},
        {{ months_after('changed_month', months) }} as changed_month,
        {{ of_each(flows, sign ~ '{}') }},
        {{ 'owed_change' if months else '0' }} as opening,
        {{ '0' if months else 'owed_change' }} as closing
    from slice_months
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

trailing_periods as (
    {{ trailing_years('changes_in_and_out', slice, flows + ['opening', 'closing']) }}
),

periods as (
    {%- for periods in ['calendar_periods_cumulated', 'trailing_periods'] %}
    select
        {{ keys | join(', ') }},
        closes_on,
        {{ (flows + ['opening', 'closing']) | join(', ') }},
        is_complete_period
    from {{ periods }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    -- keys
    period_grain,
    period_start_date,
    segment_name,
    segment_value,

    -- dates
    closes_on,

    -- amounts
    {{ as_amount('opening') }} as opening_deferred_amount,
    {{ as_amount('billed_amount') }} as billed_amount,
    {{ as_amount('earned_amount') }} as earned_amount,
    {{ as_amount('refunded_amount') }} as refunded_amount,
    {{ as_amount('closing') }} as closing_deferred_amount,
    {{ as_amount('breakage_amount') }} as breakage_amount,

    -- counts
    cast(terms_billed as bigint) as terms_billed,
    cast(deliveries_due as bigint) as deliveries_due,

    -- flags
    is_complete_period
from periods
