-- Grain: one row per customer, spell of subscription and day on which what recurs changed, or its
-- type.
{{ config(materialized='table') }}

with

settings as (
    select
        as_of_date,
        {{ days_after('as_of_date', 1) }} as next_day
    from {{ ref('int_run_settings') }}
),

steps as (
    select
        steps.customer_id,
        steps.changed_on,
        steps.mrr_after_amount as mrr_after,
        steps.margin_after_amount as margin_after,
        steps.uncosted_mrr_after_amount as uncosted_mrr_after,
        steps.mrr_after_amount - steps.mrr_before_amount as mrr_change,
        steps.margin_after_amount - steps.margin_before_amount as margin_change,
        steps.uncosted_mrr_after_amount - steps.uncosted_mrr_before_amount as uncosted_change,
        settings.as_of_date,
        settings.next_day,
        max(case when steps.mrr_before_amount = 0 then steps.changed_on end)
            over steps_so_far as spell_started_on,
        min(steps.changed_on) over (partition by steps.customer_id) as first_paid_on,
        lead(steps.changed_on) over (
            partition by steps.customer_id
            order by steps.changed_on
        ) as next_changed_on
    from {{ ref('int_mrr_steps') }} as steps
    inner join settings
        on steps.changed_on <= settings.as_of_date
    window steps_so_far as (
        partition by steps.customer_id
        order by steps.changed_on
        rows unbounded preceding
    )
),

spell_ends as (
    select
        customer_id,
        spell_started_on,
        max(case when mrr_after = 0 then changed_on end) as spell_ended_on
    from steps
    group by customer_id, spell_started_on
),

first_terms as (
    select * from {{ ref('int_first_terms') }}
),

points as (
    -- the base of a spell is the MRR of its first day...
    select
        customer_id,
        spell_started_on,
        changed_on,
        mrr_change,
        margin_change,
        uncosted_change,
        case when changed_on = spell_started_on then mrr_change else 0 end as base_change
    from steps

    union all

    -- ...and a year after a change, the changed MRR becomes the base
    select
        steps.customer_id,
        steps.spell_started_on,
        {{ months_after('steps.changed_on', 12) }} as changed_on,
        0 as mrr_change,
        0 as margin_change,
        0 as uncosted_change,
        steps.mrr_change as base_change
    from steps
    inner join spell_ends
        on
            steps.customer_id = spell_ends.customer_id
            and steps.spell_started_on = spell_ends.spell_started_on
    where
        steps.changed_on > steps.spell_started_on
        and {{ months_after('steps.changed_on', 12) }}
        < coalesce(spell_ends.spell_ended_on, steps.next_day)

    union all

    -- the first term is over: from this day on, revenue is no longer a first purchase
    select
        first_terms.customer_id,
        first_terms.first_paid_on as spell_started_on,
        first_terms.first_term_ended_on as changed_on,
        0 as mrr_change,
        0 as margin_change,
        0 as uncosted_change,
        0 as base_change
    from first_terms
    inner join spell_ends
        on
            first_terms.customer_id = spell_ends.customer_id
            and first_terms.first_paid_on = spell_ends.spell_started_on
    cross join settings
    where first_terms.first_term_ended_on < coalesce(spell_ends.spell_ended_on, settings.next_day)

    union all

    -- a month that as-of cuts short earns nothing after it
    select
        customer_id,
        spell_started_on,
        next_day as changed_on,
        -mrr_after as mrr_change,
        -margin_after as margin_change,
        -uncosted_mrr_after as uncosted_change,
        0 as base_change
    from steps
    where
        next_changed_on is null
        and {{ month_start('next_day') }} = {{ month_start('as_of_date') }}
),

days as (
    select
        customer_id,
        spell_started_on,
        changed_on,
        sum(mrr_change) as mrr_change,
        sum(margin_change) as margin_change,
        sum(uncosted_change) as uncosted_change,
        sum(base_change) as base_change
    from points
    group by customer_id, spell_started_on, changed_on
),

days_cumulated as (
    select
        *,
        sum(mrr_change) over spell_so_far as mrr,
        sum(base_change) over spell_so_far as base_mrr
    from days
    window spell_so_far as (
        partition by customer_id, spell_started_on
        order by changed_on
        rows unbounded preceding
    )
),

days_typed as (
    select
        days_cumulated.*,
        greatest(days_cumulated.mrr - days_cumulated.base_mrr, 0) as expansion_mrr,
        case
            when days_cumulated.changed_on < first_terms.first_term_ended_on
                then least(days_cumulated.mrr, days_cumulated.base_mrr)
            else 0
        end as first_purchase_mrr
    from days_cumulated
    left join first_terms
        on
            days_cumulated.customer_id = first_terms.customer_id
            and days_cumulated.spell_started_on = first_terms.first_paid_on
),

changes as (
    select
        *,
        expansion_mrr - lag(expansion_mrr, 1, 0) over spell_days as expansion_change,
        first_purchase_mrr - lag(first_purchase_mrr, 1, 0) over spell_days
            as first_purchase_change,
        {{ months_of_revenue('changed_on', months_after(month_start('changed_on'), 1)) }}
            as rest_of_month
    from days_typed
    window spell_days as (
        partition by customer_id, spell_started_on
        order by changed_on
    )
),

-- what is paid once for good is earned on its day
bought_for_life as (
    select
        versions.customer_id,
        versions.started_on,
        sum(versions.one_off_amount) as revenue,
        sum(
            case
                when versions.is_margin_estimated
                    then {{ as_amount('versions.one_off_amount * ' ~ default_margin_rate()) }}
                else versions.one_off_amount - versions.one_off_cost_amount
            end
        ) as margin,
        sum(case when versions.is_margin_estimated then versions.one_off_amount else 0 end)
            as uncosted_revenue,
        row_number() over (
            partition by versions.customer_id
            order by versions.started_on
        ) = 1
        and coalesce(min(first_terms.first_paid_on) >= versions.started_on, true) as is_first
    from {{ ref('int_subscription_versions') }} as versions
    left join first_terms
        on versions.customer_id = first_terms.customer_id
    where
        versions.is_for_life
        and (versions.stopped_on is null or versions.started_on < versions.stopped_on)
    group by versions.customer_id, versions.started_on
),

days_earned as (
    select
        customer_id,
        spell_started_on,
        changed_on,

        -- what every later month earns more, or less
        {{ as_amount('mrr_change') }} as mrr_change_amount,
        {{ as_amount('margin_change') }} as margin_mrr_change_amount,
        {{ as_amount('uncosted_change') }} as uncosted_mrr_change_amount,
        {{ as_amount('first_purchase_change') }} as first_purchase_mrr_change_amount,
        {{ as_amount('expansion_change') }} as expansion_mrr_change_amount,

        -- what the month of the change earns of it, in whole cents so that all sums agree
        {{ in_cents('mrr_change * rest_of_month') }} as revenue_amount,
        {{ in_cents('margin_change * rest_of_month') }} as margin_amount,
        {{ in_cents('uncosted_change * rest_of_month') }} as uncosted_revenue_amount,
        {{ in_cents('first_purchase_change * rest_of_month') }} as first_purchase_revenue_amount,
        {{ in_cents('expansion_change * rest_of_month') }} as expansion_revenue_amount
    from changes
    where
        mrr_change <> 0
        or margin_change <> 0
        or uncosted_change <> 0
        or first_purchase_change <> 0
        or expansion_change <> 0

    union all

    select
        customer_id,
        started_on as spell_started_on,
        started_on as changed_on,
        0 as mrr_change_amount,
        0 as margin_mrr_change_amount,
        0 as uncosted_mrr_change_amount,
        0 as first_purchase_mrr_change_amount,
        0 as expansion_mrr_change_amount,
        revenue as revenue_amount,
        margin as margin_amount,
        uncosted_revenue as uncosted_revenue_amount,
        case when is_first then revenue else 0 end as first_purchase_revenue_amount,
        0 as expansion_revenue_amount
    from bought_for_life
)

select
    -- keys
    customer_id,
    spell_started_on,
    changed_on,

    -- amounts
    {{ of_each([
        'mrr_change_amount', 'margin_mrr_change_amount', 'uncosted_mrr_change_amount',
        'first_purchase_mrr_change_amount', 'expansion_mrr_change_amount', 'revenue_amount',
        'margin_amount', 'uncosted_revenue_amount', 'first_purchase_revenue_amount',
        'expansion_revenue_amount',
    ], as_amount('sum({})')) }}
from days_earned
group by customer_id, spell_started_on, changed_on
