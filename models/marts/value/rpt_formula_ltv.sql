-- Grain: one row per relationship, grain of period and slice.

with

periods_numbered as (
    select
        *,
        row_number() over (
            partition by period_grain
            order by period_start_date desc
        ) as periods_ago
    from {{ ref('dim_periods') }}
    where is_complete_period
),

-- the last complete periods of each grain
windows as (
    select
        period_grain,
        min(period_start_date) as window_start_date,
        max(closes_on) as window_end_date,
        count(*) as periods_count
    from periods_numbered
    where
        periods_ago <= case period_grain
            when 'month' then {{ var('ltv_months') }}
            when 'quarter' then {{ var('ltv_quarters') }}
            else {{ var('ltv_years') }}
        end
    group by period_grain
),

slices as (
    {{ segment_names() }}
),

retention as (
    select * from {{ ref('rpt_retention_periods') }}
),

cohorts as (
    select * from {{ ref('rpt_cohort_retention') }}
),

-- periods before the window count nothing, so that a slice without a customer in it has a row
retention_in_windows as (
    select
        retention.*,
        windows.window_start_date,
        windows.window_end_date,
        windows.periods_count,
        case when retention.period_start_date >= windows.window_start_date then 1 else 0 end
            as is_counted
    from retention
    inner join windows
        on
            retention.period_grain = windows.period_grain
            and retention.period_start_date <= windows.window_end_date
),

customer_sums as (
    select
        retention_in_windows.relationship,
        retention_in_windows.period_grain,
        retention_in_windows.window_start_date,
        retention_in_windows.window_end_date,
        retention_in_windows.periods_count,
        slices.segment_name,
        {{ segment_value() }} as segment_value,
        sum(retention_in_windows.opening_customers * retention_in_windows.is_counted)
            as opening_customers,
        sum(retention_in_windows.lost_customers * retention_in_windows.is_counted)
            as lost_customers,
        sum(retention_in_windows.active_in_period_customers * retention_in_windows.is_counted)
            as active_in_period_customers
    from retention_in_windows
    cross join slices
    group by
        retention_in_windows.relationship,
        retention_in_windows.period_grain,
        retention_in_windows.window_start_date,
        retention_in_windows.window_end_date,
        retention_in_windows.periods_count,
        slices.segment_name,
        {{ segment_value() }}
),

margin_months as (
    select
        relationship,
        {{ months_after('cohort_month', 'months_since') }} as margin_month,
        {{ segment_columns() }},
        sum(margin_amount) as margin
    from cohorts
    where is_complete_period
    group by
        relationship,
        {{ months_after('cohort_month', 'months_since') }},
        {{ segment_columns() }}
),

margin_sums as (
    select
        margin_months.relationship,
        windows.period_grain,
        slices.segment_name,
        {{ segment_value() }} as segment_value,
        sum(margin_months.margin) as margin
    from margin_months
    inner join windows
        on
            margin_months.margin_month
            between windows.window_start_date and windows.window_end_date
    cross join slices
    group by
        margin_months.relationship,
        windows.period_grain,
        slices.segment_name,
        {{ segment_value() }}
),

-- what each channel spent over the same periods per customer it won
channel_costs as (
    select
        windows.period_grain,
        mix.channel,
        {{ rate('sum(mix.acquisition_spend_amount)', 'sum(mix.new_customers)') }} as cac
    from {{ ref('rpt_marketing_mix') }} as mix
    inner join windows
        on mix.month_start_date between windows.window_start_date and windows.window_end_date
    group by windows.period_grain, mix.channel
    having
        sum(mix.new_customers) > 0
        and sum(case when mix.has_acquisition_spend then 1 else 0 end) > 0
),

-- of a slice: its channels', weighted with the customers each of them brought to it
acquisition_costs as (
    select
        windows.period_grain,
        slices.segment_name,
        {{ segment_value() }} as segment_value,
        {{ amount_per(
            'sum((new_customers + new_and_lost_customers) * channel_costs.cac)',
            'nullif(sum(new_customers + new_and_lost_customers), 0)',
        ) }} as cac_amount
    from retention
    inner join windows
        on
            retention.period_start_date
            between windows.window_start_date and windows.window_end_date
    inner join channel_costs
        on
            windows.period_grain = channel_costs.period_grain
            and lower({{ trimmed('retention.acquisition_channel') }}) = channel_costs.channel
    cross join slices
    where retention.relationship = 'any' and retention.period_grain = 'month'
    group by windows.period_grain, slices.segment_name, {{ segment_value() }}
),

-- all cohorts that have come to an age, as one
cohort_ages as (
    select
        relationship,
        months_since,
        {{ segment_columns() }},
        sum(cumulative_margin_amount) as cumulative_margin,
        sum(cohort_customers) as customers
    from cohorts
    where is_complete_period
    group by relationship, months_since, {{ segment_columns() }}
),

lives as (
    select
        cohort_ages.relationship,
        cohort_ages.months_since,
        slices.segment_name,
        {{ segment_value() }} as segment_value,
        {{ rate('sum(cohort_ages.cumulative_margin)', 'sum(cohort_ages.customers)') }}
            as cumulative_margin_per_customer
    from cohort_ages
    cross join slices
    group by
        cohort_ages.relationship,
        cohort_ages.months_since,
        slices.segment_name,
        {{ segment_value() }}
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
),

formulas as (
    select
        customer_sums.*,
        coalesce(margin_sums.margin, 0) as margin,
        {{ rate('coalesce(margin_sums.margin, 0)', 'customer_sums.active_in_period_customers') }}
            as ampu,
        {{ rate('customer_sums.opening_customers', 'customer_sums.lost_customers') }}
            as lifetime_periods,
        acquisition_costs.cac_amount,
        paybacks.payback_months
    from customer_sums
    left join margin_sums
        on
            customer_sums.relationship = margin_sums.relationship
            and customer_sums.period_grain = margin_sums.period_grain
            and customer_sums.segment_name = margin_sums.segment_name
            and customer_sums.segment_value = margin_sums.segment_value
    left join acquisition_costs
        on
            customer_sums.period_grain = acquisition_costs.period_grain
            and customer_sums.segment_name = acquisition_costs.segment_name
            and customer_sums.segment_value = acquisition_costs.segment_value
    left join paybacks
        on
            customer_sums.relationship = paybacks.relationship
            and customer_sums.period_grain = paybacks.period_grain
            and customer_sums.segment_name = paybacks.segment_name
            and customer_sums.segment_value = paybacks.segment_value
),

formulas_valued as (
    select
        *,
        {{ as_amount('cast(ampu * lifetime_periods as decimal(18, 6))') }} as ltv_amount
    from formulas
)

select
    -- keys
    relationship,
    period_grain,
    segment_name,
    segment_value,

    -- dates
    window_start_date,
    window_end_date,

    -- sums
    periods_count,
    cast(opening_customers as bigint) as opening_customers,
    cast(lost_customers as bigint) as lost_customers,
    cast(active_in_period_customers as bigint) as active_in_period_customers,
    {{ as_amount('margin') }} as margin_amount,

    -- the formula
    {{ as_amount('cast(ampu as decimal(18, 6))') }} as ampu_amount,
    {{ rate('lost_customers', 'opening_customers') }} as churn_rate,
    lifetime_periods,
    ltv_amount,
    case
        when opening_customers = 0 then 'no customers'
        when lost_customers = 0 then 'no churn observed'
        when lost_customers < {{ var('ltv_min_lost_customers') }} then 'too few losses'
        else 'ok'
    end as ltv_status,

    -- against what a customer costs
    cac_amount,
    {{ rate('ltv_amount', 'cac_amount') }} as ltv_to_cac,
    payback_months,

    -- flags
    ltv_amount > cac_amount as is_ltv_above_cac,
    ltv_amount >= 3 * cac_amount as is_ltv_three_times_cac
from formulas_valued
