-- Grain: one row per vertical and window length.
{{ config(post_hook='{{ warn_of_short_windows() }}') }}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
    where not is_anonymous
),

-- purchase days, and the days to the customer's next purchase day
purchase_days as (
    select
        customers.vertical,
        {{ days_after('orders.order_date', '-orders.days_since_previous_order') }}
            as purchased_on,
        orders.days_since_previous_order as days_to_next
    from {{ ref('int_orders_sequenced') }} as orders
    inner join customers
        on orders.customer_id = customers.customer_id
    where orders.days_since_previous_order > 0

    union all

    -- the last purchase day, which has no next one yet
    select
        vertical,
        last_order_date as purchased_on,
        cast(null as bigint) as days_to_next
    from customers
    where last_order_date is not null
),

-- counted by length first, which keeps the join with the windows small
gaps as (
    select
        vertical,
        purchased_on,
        days_to_next,
        count(*) as purchase_days
    from purchase_days
    group by vertical, purchased_on, days_to_next
),

windows as (
    {%- for window_days in [30, 60, 90, 120, 180, 270, 365] %}
    select distinct
        vertical,
        {{ window_days }} as window_days
    from customers
    union
    {%- endfor %}
    select distinct
        vertical,
        activity_window_days as window_days
    from customers
),

chosen_windows as (
    select distinct
        vertical,
        activity_window_days
    from customers
),

-- a gap longer than the window would be a churn event; of those long enough ago, count the
-- customers who came back in time
windows_tried as (
    select
        windows.vertical,
        windows.window_days,
        coalesce(sum(gaps.purchase_days), 0) as spells,
        coalesce(sum(
            case
                when
                    gaps.days_to_next
                    <= windows.window_days + {{ var('window_fit_return_days') }}
                    then gaps.purchase_days
            end
        ), 0) as returned_spells
    from windows
    cross join settings
    left join gaps
        on
            windows.vertical = gaps.vertical
            and (windows.window_days < gaps.days_to_next or gaps.days_to_next is null)
            and {{ days_after('gaps.purchased_on', 'windows.window_days') }}
            <= {{ days_after('settings.as_of_date', -var('window_fit_return_days')) }}
    group by windows.vertical, windows.window_days
),

windows_rated as (
    select
        *,
        {{ rate('returned_spells', 'spells') }} as return_rate,
        -- without churn events, nothing is known about a window
        coalesce(
            {{ rate('returned_spells', 'spells') }}
            < {{ var('window_fit_max_return_rate') }},
            false
        ) as is_good
    from windows_tried
)

select
    -- keys
    windows_rated.vertical,
    cast(windows_rated.window_days as integer) as window_days,

    -- counts
    cast(windows_rated.spells as bigint) as spells,
    cast(windows_rated.returned_spells as bigint) as returned_spells,

    -- rates
    windows_rated.return_rate,

    -- flags
    windows_rated.window_days = chosen_windows.activity_window_days as is_chosen,
    windows_rated.is_good
    and row_number() over (
        partition by windows_rated.vertical, windows_rated.is_good
        order by windows_rated.window_days
    ) = 1 as is_suggested
from windows_rated
inner join chosen_windows
    on windows_rated.vertical = chosen_windows.vertical
