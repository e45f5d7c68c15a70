-- Grain: one row per month and channel with spend or customers.
{%- set objectives = [
    'awareness', 'engagement', 'conversion', 'retention', 'expansion', 'unknown'
] %}
{%- set keys = ['month_start_date', 'channel'] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

spends as (
    select * from {{ ref('int_marketing_spends') }}
),

spend_sums as (
    select
        month_start_date,
        channel,
        sum(spend_amount) as spend,
        {%- for objective in objectives %}
        sum(case when objective = '{{ objective }}' then spend_amount else 0 end)
            as spend_on_{{ objective }},
        {%- endfor %}
        sum(case when is_acquisition then spend_amount else 0 end) as acquisition_spend,
        sum(case when is_retention then spend_amount else 0 end) as retention_spend,
        count(case when is_acquisition then 1 end) as acquisition_spends,
        count(case when is_retention then 1 end) as retention_spends,
        sum(leads_count) as leads
    from spends
    group by month_start_date, channel
),

customers_won as (
    select
        month_start_date,
        channel,
        sum(new_customers) as new_customers
    from {{ ref('int_customers_won') }}
    group by month_start_date, channel
),

-- customers kept, by the channel that once brought them
customers_kept as (
    select
        period_start_date as month_start_date,
        lower({{ trimmed('acquisition_channel') }}) as channel,
        sum(opening_customers - lost_customers) as retained_customers
    from {{ ref('int_retention_periods_counted') }}
    where relationship = 'any' and period_grain = 'month'
    group by period_start_date, lower({{ trimmed('acquisition_channel') }})
),

months_and_channels as (
    select
        month_start_date,
        channel
    from spend_sums

    union

    select
        month_start_date,
        channel
    from customers_won

    union

    select
        month_start_date,
        channel
    from customers_kept
),

winning_channels as (
    select distinct channel
    from customers_won
),

mix as (
    select
        months_and_channels.month_start_date,
        months_and_channels.channel,
        coalesce(spend_sums.spend, 0) as spend,
        {%- for objective in objectives %}
        coalesce(spend_sums.spend_on_{{ objective }}, 0) as spend_on_{{ objective }},
        {%- endfor %}
        coalesce(spend_sums.acquisition_spend, 0) as acquisition_spend,
        coalesce(spend_sums.retention_spend, 0) as retention_spend,
        coalesce(spend_sums.acquisition_spends, 0) as acquisition_spends,
        coalesce(spend_sums.retention_spends, 0) as retention_spends,
        coalesce(spend_sums.acquisition_spends > 0, false) as has_acquisition_spend,
        coalesce(spend_sums.retention_spends > 0, false) as has_retention_spend,
        spend_sums.leads,
        coalesce(customers_won.new_customers, 0) as new_customers,
        coalesce(customers_kept.retained_customers, 0) as retained_customers,
        winning_channels.channel is not null as is_winning_channel
    from months_and_channels
    left join spend_sums
        on {{ same_values('months_and_channels', 'spend_sums', keys) }}
    left join customers_won
        on {{ same_values('months_and_channels', 'customers_won', keys) }}
    left join customers_kept
        on {{ same_values('months_and_channels', 'customers_kept', keys) }}
    left join winning_channels
        on months_and_channels.channel = winning_channels.channel
),

-- the whole month: spend on retention reaches the customers of every channel, and a sales team wins
-- customers of other channels
mix_with_months as (
    select
        *,
        sum(acquisition_spend) over whole_month as month_acquisition_spend,
        sum(retention_spend) over whole_month as month_retention_spend,
        sum(acquisition_spends) over whole_month > 0 as has_month_acquisition_spend,
        sum(retention_spends) over whole_month > 0 as has_month_retention_spend,
        sum(new_customers) over whole_month as month_new_customers,
        sum(retained_customers) over whole_month as month_retained_customers,
        sum(case when is_winning_channel then 0 else acquisition_spend end) over whole_month
            as month_shared_spend,
        sum(case when is_winning_channel then 0 else acquisition_spends end) over whole_month > 0
            as has_month_shared_spend,
        sum(new_customers) over (
            partition by month_start_date
            order by channel
            rows unbounded preceding
        ) as new_customers_so_far
    from mix
    window whole_month as (partition by month_start_date)
),

-- a channel receives by its new customers, in whole cents: the share of all channels up to it less
-- that of those before it, so that nothing is lost in rounding
mix_spread as (
    select
        *,
        case
            when month_new_customers = 0 then 0
            when not is_winning_channel then -acquisition_spend
            else
                {{ amount_per(
                    'month_shared_spend * new_customers_so_far', 'month_new_customers'
                ) }} - {{ amount_per(
                    'month_shared_spend * (new_customers_so_far - new_customers)',
                    'month_new_customers',
                ) }}
        end as spread_spend,
        has_acquisition_spend or has_month_shared_spend as has_cost
    from mix_with_months
)

select
    -- keys
    mix.month_start_date,
    mix.channel,

    -- spend
    {{ as_amount('mix.spend') }} as spend_amount,
    {{ as_amount('mix.acquisition_spend') }} as acquisition_spend_amount,
    {{ as_amount('mix.spread_spend') }} as spread_spend_amount,
    {{ as_amount('mix.retention_spend') }} as retention_spend_amount,
    {{ as_amount('mix.spend_on_awareness') }} as spend_on_awareness_amount,
    {{ as_amount('mix.spend_on_engagement') }} as spend_on_engagement_amount,
    {{ as_amount('mix.spend_on_conversion') }} as spend_on_conversion_amount,
    {{ as_amount('mix.spend_on_retention') }} as spend_on_retention_amount,
    {{ as_amount('mix.spend_on_expansion') }} as spend_on_expansion_amount,
    {{ as_amount('mix.spend_on_unknown') }} as spend_without_objective_amount,

    -- counts
    cast(mix.leads as bigint) as leads,
    cast(mix.new_customers as bigint) as new_customers,
    cast(mix.retained_customers as bigint) as retained_customers,

    -- costs
    case
        when mix.has_acquisition_spend
            then {{ amount_per('mix.acquisition_spend', 'nullif(mix.leads, 0)') }}
    end as cost_per_lead_amount,
    case
        when mix.has_acquisition_spend
            then {{ amount_per('mix.acquisition_spend', 'nullif(mix.new_customers, 0)') }}
    end as media_cac_amount,
    case
        when mix.has_cost
            then {{ amount_per(
                '(mix.acquisition_spend + mix.spread_spend)', 'nullif(mix.new_customers, 0)'
            ) }}
    end as cac_amount,
    case
        when mix.has_month_acquisition_spend
            then {{ amount_per(
                'mix.month_acquisition_spend', 'nullif(mix.month_new_customers, 0)'
            ) }}
    end as blended_cac_amount,
    case
        when mix.has_month_retention_spend
            then {{ amount_per(
                'mix.month_retention_spend', 'nullif(mix.month_retained_customers, 0)'
            ) }}
    end as blended_cost_per_retained_customer_amount,

    -- rates, of the unrounded costs
    case
        when mix.has_month_acquisition_spend and mix.month_retained_customers > 0
            then {{ rate(
                'mix.month_acquisition_spend * mix.month_retained_customers',
                '(mix.month_retention_spend * mix.month_new_customers)',
            ) }}
    end as blended_acquisition_to_retention_cost_ratio,

    -- flags
    mix.is_winning_channel,
    mix.has_acquisition_spend,
    mix.has_retention_spend,
    {{ months_after('mix.month_start_date', 1) }}
    <= {{ days_after('settings.as_of_date', 1) }} as is_complete_period
from mix_spread as mix
cross join settings
