-- Grain: one row per vertical and window length.
{{ config(post_hook='{{ warn_of_short_windows() }}') }}
{%- set candidate_days = [30, 60, 90, 120, 180, 270, 365, 545, 730] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
    where not is_anonymous
),

-- the days from one purchase day to the customer's next one
waits as (
    select
        customers.vertical,
        orders.days_since_previous_order as wait_days,
        true as is_finished
    from {{ ref('int_orders_sequenced') }} as orders
    inner join customers
        on orders.customer_id = customers.customer_id
    where orders.days_since_previous_order > 0

    union all

    -- the last purchase day has no next one yet: its wait goes on at the end of as-of
    select
        customers.vertical,
        {{ days_between('customers.last_order_date', 'settings.as_of_date') }} as wait_days,
        false as is_finished
    from customers
    cross join settings
    where customers.last_order_date is not null
),

-- counted by length first, which keeps the join with the windows small
durations as (
    select
        vertical,
        wait_days,
        count(*) as waits,
        count(case when is_finished then 1 end) as returned_waits
    from waits
    group by vertical, wait_days
),

-- a wait that is unfinished on a day is still at risk on that day
risk_sets as (
    select
        *,
        cast(sum(waits) over (
            partition by vertical
            order by wait_days desc
            rows unbounded preceding
        ) as double) as risk_set_waits
    from durations
),

-- beyond the last duration that enough waits have reached, nothing is estimated
estimates as (
    select
        vertical,
        max(wait_days) as estimated_days
    from risk_sets
    where risk_set_waits >= {{ var('window_fit_min_waits') }}
    group by vertical
),

chosen_windows as (
    select distinct
        vertical,
        activity_window_days
    from customers
),

windows as (
    {%- for window_days in candidate_days %}
    select
        vertical,
        {{ window_days }} as window_days
    from chosen_windows
    union
    {%- endfor %}
    select
        vertical,
        activity_window_days as window_days
    from chosen_windows
),

-- a finished wait reaches a window if it is longer, because a purchase on its last day continues
-- the spell; an unfinished one of the same length has seen that day pass without a purchase
waits_after_windows as (
    select
        windows.vertical,
        windows.window_days,
        estimates.estimated_days,
        case when windows.window_days < risk_sets.wait_days then risk_sets.returned_waits end
            as returned_waits,
        risk_sets.waits - risk_sets.returned_waits as censored_waits,
        case
            when
                windows.window_days < risk_sets.wait_days
                and risk_sets.wait_days <= estimates.estimated_days
                then risk_sets.returned_waits
        end as estimated_returns,
        risk_sets.risk_set_waits
    from windows
    left join estimates
        on windows.vertical = estimates.vertical
    left join risk_sets
        on
            windows.vertical = risk_sets.vertical
            and windows.window_days <= risk_sets.wait_days
),

-- S(e) / S(w) of Kaplan and Meier's curve is its product over the durations after w through e
windows_tried as (
    select
        vertical,
        window_days,
        estimated_days,
        coalesce(sum(returned_waits), 0) as returned_waits,
        coalesce(sum(censored_waits), 0) as censored_waits,
        {{ extinctions('estimated_returns', 'risk_set_waits') }} > 0 as is_extinct,
        {{ log_survival('estimated_returns', 'risk_set_waits') }} as log_survival
    from waits_after_windows
    group by vertical, window_days, estimated_days
),

windows_rated as (
    select
        *,
        1 - case when is_extinct then 0 else exp(log_survival) end as return_rate,
        -- what a window calls lost has been watched for as long again
        coalesce(estimated_days >= 2 * window_days, false) as is_tested
    from windows_tried
),

windows_judged as (
    select
        *,
        -- exactly the limit may be slightly below it in floating point
        is_tested
        and coalesce(return_rate < {{ var('window_fit_max_return_rate') }} - 1e-9, false)
            as is_long_enough
    from windows_rated
),

answers as (
    select
        vertical,
        min(case when is_long_enough then window_days end) as suggested_window_days,
        min(case when is_tested then 1 else 0 end) = 1 as are_all_tested
    from windows_judged
    group by vertical
)

select
    -- keys
    windows.vertical,
    cast(windows.window_days as integer) as window_days,

    -- counts
    cast(windows.returned_waits + windows.censored_waits as bigint) as waits,
    cast(windows.returned_waits as bigint) as returned_waits,
    cast(windows.censored_waits as bigint) as censored_waits,

    -- lengths
    cast(windows.estimated_days as integer) as estimated_days,

    -- rates
    windows.return_rate,

    -- the answer of the vertical
    cast(answers.suggested_window_days as integer) as suggested_window_days,
    case
        when answers.suggested_window_days is not null then 'suggested'
        when answers.are_all_tested then 'windows too short'
        else 'history too short'
    end as suggestion_status,

    -- flags
    windows.window_days = chosen_windows.activity_window_days as is_chosen,
    coalesce(windows.window_days = answers.suggested_window_days, false) as is_suggested
from windows_judged as windows
inner join answers
    on windows.vertical = answers.vertical
inner join chosen_windows
    on windows.vertical = chosen_windows.vertical
