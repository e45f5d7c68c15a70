-- Grain: one row per relationship and slice.

with

-- the longest periods with a loss, and of them the newest: years need no conversion, months and
-- quarters have to be brought to a year
formulas as (
    select
        *,
        {{ periods_per_year('period_grain') }} as periods_per_year
    from {{ ref('rpt_formula_ltv') }}
    qualify row_number() over (
        partition by relationship, segment_name, segment_value
        order by
            case when lost_customers > 0 then 0 else 1 end,
            case period_grain
                when '{{ trailing_grain() }}' then 1 when 'year' then 2 when 'quarter' then 3 else 4
            end
    ) = 1
),

formulas_of_a_year as (
    select
        *,
        {{ rate('margin_amount', 'active_in_period_customers') }} * periods_per_year
            as margin_per_customer,
        {{ annual_rate('(1 - churn_rate)', 'period_grain') }} as annual_retention_rate
    from formulas
),

-- raised up to the limit; rates above the limit stay as they are
formulas_raised as (
    select
        *,
        case
            when annual_retention_rate < {{ var('retention_uplift_limit') }}
                then
                    least(
                        annual_retention_rate * (1 + {{ var('retention_uplift_share') }}),
                        {{ var('retention_uplift_limit') }}
                    )
            else annual_retention_rate
        end as raised_retention_rate
    from formulas_of_a_year
),

lifetimes as (
    select
        *,
        {{ rate('1', '(1 - annual_retention_rate)') }} as lifetime_years,
        {{ rate('1', '(1 - raised_retention_rate)') }} as raised_lifetime_years
    from formulas_raised
),

lifetimes_valued as (
    select
        *,
        margin_per_customer * lifetime_years as ltv,
        margin_per_customer * raised_lifetime_years as raised_ltv
    from lifetimes
),

-- an aggregate, so that there is a row even if the seed has none
benchmark as (
    select
        min(low_value) as low_value,
        max(high_value) as high_value
    from {{ ref('metric_benchmarks') }}
    where metric = 'profit_change'
)

select
    -- keys
    lifetimes_valued.relationship,
    lifetimes_valued.segment_name,
    lifetimes_valued.segment_value,

    -- source
    lifetimes_valued.period_grain,
    lifetimes_valued.ltv_status,
    {{ in_cents('lifetimes_valued.margin_per_customer') }}
        as yearly_margin_per_customer_amount,
    lifetimes_valued.estimated_margin_share,
    lifetimes_valued.cac_amount,

    -- today
    lifetimes_valued.annual_retention_rate,
    lifetimes_valued.lifetime_years,
    {{ in_cents('lifetimes_valued.ltv') }} as ltv_amount,

    -- with retention raised
    lifetimes_valued.raised_retention_rate,
    lifetimes_valued.raised_lifetime_years,
    {{ in_cents('lifetimes_valued.raised_ltv') }} as raised_ltv_amount,

    -- the difference
    {{ rate('lifetimes_valued.raised_lifetime_years', 'lifetimes_valued.lifetime_years') }} - 1
        as ltv_change,
    case
        when lifetimes_valued.ltv > lifetimes_valued.cac_amount
            then {{ rate(
                '(lifetimes_valued.raised_ltv - lifetimes_valued.ltv)',
                '(lifetimes_valued.ltv - cast(lifetimes_valued.cac_amount as double))',
            ) }}
    end as profit_change,
    benchmark.low_value as benchmark_low_profit_change,
    benchmark.high_value as benchmark_high_profit_change
from lifetimes_valued
cross join benchmark
