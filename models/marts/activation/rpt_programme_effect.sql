-- Grain: one row per loyalty programme and measure.
{%- set effect_days = var('programme_effect_days') %}
{%- set stratum = [
    'programme', 'watched_from', 'lifecycle_stage', 'tenure_band', 'revenue_decile',
    'acquisition_channel',
] %}
{%- set sides = [
    'member_mean', 'member_low', 'member_high', 'other_mean', 'other_low', 'other_high'
] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

joiners as (
    select
        joiners.*,
        {{ days_after('joiners.watched_from', effect_days) }} <= settings.as_of_date as is_decided
    from {{ ref('int_programme_joiners') }} as joiners
    cross join settings
),

-- only customers whose days are over
compared as (
    select compared.*
    from {{ ref('int_programme_customers_compared') }} as compared
    inner join settings
        on {{ days_after('compared.watched_from', effect_days) }} <= settings.as_of_date
),

strata as (
    select
        {{ stratum | join(', ') }},
        count(case when is_member then 1 end) as members,
        count(case when not is_member then 1 end) as others
    from compared
    group by {{ stratum | join(', ') }}
),

-- a member counts once; the others of a stratum weigh together as much as its members
customers_weighed as (
    select
        compared.programme,
        compared.customer_id,
        compared.watched_from,
        compared.is_member,
        case when compared.is_member then 1 else {{ rate('strata.members', 'strata.others') }} end
            as weight,
        case
            when compared.churned_on <= {{ days_after('compared.watched_from', effect_days) }}
                then 0
            else 1
        end as is_retained
    from compared
    inner join strata
        on {{ same_values('compared', 'strata', stratum) }}
    where strata.others > 0
),

windows_of_customers as (
    select distinct
        customer_id,
        watched_from,
        watched_from as from_date,
        {{ days_after('watched_from', effect_days) }} as to_date
    from customers_weighed
),

earnings as (
    {{ earned_in_windows('windows_of_customers', ['customer_id', 'watched_from']) }}
),

measures as (
    select 'retention_90d' as measure
    union all
    select 'revenue' as measure
    union all
    select 'margin' as measure
),

outcomes as (
    select
        customers.programme,
        customers.is_member,
        customers.weight,
        measures.measure,
        cast(
            case measures.measure
                when 'revenue' then earnings.revenue_amount
                when 'margin' then earnings.margin_amount
                else customers.is_retained
            end as double
        ) as outcome
    from customers_weighed as customers
    inner join earnings
        on {{ same_values('customers', 'earnings', ['customer_id', 'watched_from']) }}
    cross join measures
),

sums as (
    select
        programme,
        measure,
        count(case when is_member then 1 end) as matched,
        count(case when not is_member then 1 end) as others,
        sum(case when is_member then outcome end) as member_sum,
        sum(case when is_member then outcome * outcome end) as member_squares,
        sum(case when not is_member then weight end) as weights,
        sum(case when not is_member then weight * weight end) as weight_squares,
        sum(case when not is_member then weight * outcome end) as other_sum,
        sum(case when not is_member then weight * outcome * outcome end) as other_squares
    from outcomes
    group by programme, measure
),

-- customers with unequal weights tell as much as fewer with equal ones (Kish)
means as (
    select
        *,
        {{ rate('member_sum', 'matched') }} as member_mean,
        {{ rate('other_sum', 'weights') }} as other_mean,
        {{ rate('weights * weights', 'weight_squares') }} as effective_others
    from sums
),

spreads as (
    select
        *,
        -- of a share alone; one of 1 may be missed by a digit
        case when measure = 'retention_90d' then member_sum end as member_part,
        case
            when measure = 'retention_90d'
                then least(other_mean * effective_others, effective_others)
        end as other_part,
        greatest(member_squares - matched * member_mean * member_mean, 0)
        / nullif(matched * (matched - 1), 0) as member_variance,
        greatest({{ rate('other_squares', 'weights') }} - other_mean * other_mean, 0)
        / nullif(effective_others - 1, 0) as other_variance
    from means
),

intervals as (
    select
        *,
        {{ wilson_bound('member_part', 'matched', '-') }} as member_low,
        {{ wilson_bound('member_part', 'matched', '+') }} as member_high,
        {{ wilson_bound('other_part', 'effective_others', '-') }} as other_low,
        {{ wilson_bound('other_part', 'effective_others', '+') }} as other_high,
        {{ z_95() }} * sqrt(member_variance + other_variance) as reach
    from spreads
),

differences as (
    select
        *,
        member_mean - other_mean as difference,
        case
            when measure = 'retention_90d' then {{ difference_bound(*sides, side='-') }}
            else member_mean - other_mean - reach
        end as difference_low,
        case
            when measure = 'retention_90d' then {{ difference_bound(*sides, side='+') }}
            else member_mean - other_mean + reach
        end as difference_high
    from intervals
),

members_followed as (
    select
        joiners.programme,
        count(*) as joined,
        count(case when not joiners.is_decided then 1 end) as pending,
        count(case when joiners.is_decided and compared.customer_id is null then 1 end) as dropped,
        count(compared.customer_id) as followed
    from joiners
    left join compared
        on
            {{ same_values('joiners', 'compared', ['programme', 'customer_id', 'watched_from']) }}
            and compared.is_member
    group by joiners.programme
)

select
    -- keys
    members.programme,
    measures.measure,

    -- counts
    members.joined as joined_members,
    members.pending as pending_members,
    members.dropped as dropped_members,
    members.followed - coalesce(differences.matched, 0) as unmatched_members,
    coalesce(differences.matched, 0) as matched_members,
    coalesce(differences.others, 0) as comparison_customers,
    differences.effective_others as effective_comparison_size,

    -- values
    differences.member_mean as members_value,
    differences.other_mean as comparison_value,
    differences.difference,
    differences.difference_low as difference_ci_low,
    differences.difference_high as difference_ci_high,

    -- words
    case
        when differences.difference_low > 0 then 'members higher'
        when differences.difference_high < 0 then 'members lower'
        else 'cannot tell'
    end as finding,
    'association' as basis
from members_followed as members
cross join measures
left join differences
    on
        members.programme = differences.programme
        and measures.measure = differences.measure
