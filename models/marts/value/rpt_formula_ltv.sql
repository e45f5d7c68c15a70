-- Grain: one row per relationship, grain of period and slice.

with

formulas as (
    select * from {{ ref('int_ltv_formulas') }}
),

-- the last complete periods of each grain
windows as (
    select distinct
        period_grain,
        window_start_date,
        window_end_date
    from formulas
),

cohorts as (
    select * from {{ ref('int_cohort_months_earned') }}
    where is_complete_period
),

marketing_mix as (
    select * from {{ ref('rpt_marketing_mix') }}
),

-- acquisition spend of each channel over the same periods, per customer won: its own, and with its
-- share of what channels without customers spent
channel_costs as (
    select
        windows.period_grain,
        mix.channel,
        {{ media_cac('mix') }} as media_cac,
        {{ full_cac('mix') }} as cac
    from marketing_mix as mix
    inner join windows
        on mix.month_start_date between windows.window_start_date and windows.window_end_date
    group by windows.period_grain, mix.channel
    having sum(mix.new_customers) > 0
),

-- all of it, also that of months and channels without customers
costs_of_all as (
    select
        windows.period_grain,
        {{ media_cac('mix') }} as cac
    from marketing_mix as mix
    inner join windows
        on mix.month_start_date between windows.window_start_date and windows.window_end_date
    group by windows.period_grain
),

customers_won as (
    select * from {{ ref('int_customers_won') }}
),

customers_won_by_slice as (
    {{ rows_by_slice('customers_won', segments()) }}
),

-- the CAC of a slice is that of its channels, weighted by the customers each channel brought;
-- customers whose channel has no known spend cost nothing, as they do in `all`
slice_costs as (
    select
        windows.period_grain,
        won.segment_name,
        won.segment_value,
        {{ rate(
            'sum(won.new_customers * channel_costs.media_cac)',
            'sum(case when channel_costs.media_cac is not null then won.new_customers else 0 end)',
        ) }} as media_cac,
        {{ rate('sum(won.new_customers * channel_costs.cac)', 'sum(won.new_customers)') }} as cac
    from customers_won_by_slice as won
    inner join windows
        on won.month_start_date between windows.window_start_date and windows.window_end_date
    inner join channel_costs
        on
            windows.period_grain = channel_costs.period_grain
            and won.channel = channel_costs.channel
    group by windows.period_grain, won.segment_name, won.segment_value
),

acquisition_costs as (
    select
        slice_costs.period_grain,
        slice_costs.segment_name,
        slice_costs.segment_value,
        {{ in_cents('slice_costs.media_cac') }} as media_cac_amount,
        {{ in_cents(
            "case slice_costs.segment_name when 'all' then costs_of_all.cac else slice_costs.cac end"
        ) }} as cac_amount
    from slice_costs
    inner join costs_of_all
        on slice_costs.period_grain = costs_of_all.period_grain
),

cohort_ages as (
    select
        relationship,
        months_since,
        {{ segment_columns() }},
        sum(cumulative_margin_amount) as cumulative_margin,
        sum(cohort_customers) as customers
    from cohorts
    group by relationship, months_since, {{ segment_columns() }}
),

cohort_ages_by_slice as (
    {{ rows_by_slice('cohort_ages', segments()) }}
),

-- all cohorts that have reached an age, taken together
lives as (
    select
        relationship,
        months_since,
        segment_name,
        segment_value,
        {{ rate('sum(cumulative_margin)', 'sum(customers)') }} as cumulative_margin_per_customer
    from cohort_ages_by_slice
    group by relationship, months_since, segment_name, segment_value
),

paybacks as (
    select
        lives.relationship,
        acquisition_costs.period_grain,
        lives.segment_name,
        lives.segment_value,
        min(lives.months_since) as payback_months
    from lives
    inner join acquisition_costs
        on
            lives.segment_name = acquisition_costs.segment_name
            and lives.segment_value = acquisition_costs.segment_value
            and lives.cumulative_margin_per_customer >= acquisition_costs.cac_amount
    group by
        lives.relationship,
        acquisition_costs.period_grain,
        lives.segment_name,
        lives.segment_value
)

select
    -- keys
    formulas.relationship,
    formulas.period_grain,
    formulas.segment_name,
    formulas.segment_value,

    -- dates
    formulas.window_start_date,
    formulas.window_end_date,

    -- sums
    formulas.periods_count,
    formulas.opening_customers,
    formulas.lost_customers,
    formulas.active_in_period_customers,
    formulas.margin_amount,
    formulas.absolute_revenue_amount,
    formulas.uncosted_revenue_amount,
    {{ estimated_margin_share(
        'formulas.uncosted_revenue_amount', 'formulas.absolute_revenue_amount'
    ) }} as estimated_margin_share,

    -- the formula
    formulas.ampu_amount,
    formulas.churn_rate,
    formulas.lifetime_periods,
    formulas.ltv_amount,
    formulas.ltv_status,

    -- compared with the cost of a customer
    acquisition_costs.media_cac_amount,
    acquisition_costs.cac_amount,
    {{ rate('formulas.ltv_amount', 'acquisition_costs.cac_amount') }} as ltv_to_cac,
    paybacks.payback_months,

    -- flags
    formulas.ltv_amount > acquisition_costs.cac_amount as is_ltv_above_cac,
    formulas.ltv_amount >= 3 * acquisition_costs.cac_amount as is_ltv_three_times_cac
from formulas
left join acquisition_costs
    on {{ same_values(
        'formulas', 'acquisition_costs', ['period_grain', 'segment_name', 'segment_value']
    ) }}
left join paybacks
    on {{ same_values(
        'formulas', 'paybacks', ['relationship', 'period_grain', 'segment_name', 'segment_value']
    ) }}
