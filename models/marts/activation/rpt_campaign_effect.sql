-- Grain: one row per campaign with customers held out, and measure.
{{ config(post_hook='{{ warn_of_groups_that_differ() }}') }}
{%- set days_of = {'sale': var('conversion_days'), 'follow': var('campaign_follow_days')} %}
{%- set retention = 'retention_' ~ days_of.follow ~ 'd' %}
{%- set measures = [
    {'name': 'conversion', 'window': 'sale', 'is_share': true},
    {'name': 'revenue', 'window': 'sale', 'is_share': false},
    {'name': 'margin', 'window': 'sale', 'is_share': false},
    {'name': retention, 'window': 'follow', 'is_share': true},
    {'name': 'service_contacts', 'window': 'follow', 'is_share': false},
] %}
{%- set keys = ['campaign_id', 'customer_id', 'span'] %}
{%- set day_after_as_of = days_after('settings.as_of_date', 1) %}
{%- set spell_end = 'coalesce(spells.ended_on, ' ~ open_end() ~ ')' %}
{%- set two_means = [
    'targeted_variance', 'targeted_customers', 'held_out_variance', 'held_out_customers',
] %}
{%- set two_shares = [
    'targeted_mean', 'targeted_low', 'targeted_high', 'held_out_mean', 'held_out_low',
    'held_out_high',
] %}

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

campaigns as (
    select * from {{ ref('dim_campaigns') }}
),

touches as (
    select * from {{ ref('fct_campaign_touches') }}
),

campaigns_with_control as (
    select distinct campaign_id
    from touches
    where is_control
),

-- everybody who was chosen, whether touched or not: who is reached is no matter of chance
chosen_customers as (
    select
        touches.campaign_id,
        touches.customer_id,
        touches.assigned_on,
        touches.is_control,
        {%- for name, days in days_of.items() %}
        {{ days_after('touches.assigned_on', days) }} <= {{ day_after_as_of }}
            as is_{{ name }}_window_complete,
        {%- endfor %}
        touches.is_touched
    from touches
    inner join campaigns_with_control
        on touches.campaign_id = campaigns_with_control.campaign_id
    cross join settings
    where touches.is_assigned
),

spans as (
    select
        'before' as span,
        -1 as windows_later

    union all

    select
        'after' as span,
        0 as windows_later
),

-- the days from the assignment, and as many before it; only of customers for whom they are over
{%- for name, days in days_of.items() %}
{{ name }}_windows as (
    select
        chosen.campaign_id,
        chosen.customer_id,
        chosen.is_control,
        chosen.is_touched,
        spans.span,
        {{ days_after('chosen.assigned_on', 'spans.windows_later * ' ~ days) }} as from_date,
        {{ days_after('chosen.assigned_on', '(spans.windows_later + 1) * ' ~ days) }} as to_date
    from chosen_customers as chosen
    cross join spans
    where chosen.is_{{ name }}_window_complete
),
{% endfor %}
earnings as (
    {{ earned_in_windows('sale_windows', keys) }}
),

conversions as (
    select distinct
        windows.campaign_id,
        windows.customer_id,
        windows.span
    from sale_windows as windows
    inner join {{ ref('int_sales_made') }} as sales
        on
            windows.customer_id = sales.customer_id
            and windows.from_date <= sales.sold_on
            and windows.to_date > sales.sold_on
),

sale_facts as (
    select
        windows.campaign_id,
        windows.span,
        windows.is_control,
        windows.is_touched,
        case when conversions.customer_id is not null then 1 else 0 end as conversion,
        cast(earnings.revenue_amount as double) as revenue,
        cast(earnings.margin_amount as double) as margin
    from sale_windows as windows
    inner join earnings
        on {{ same_values('windows', 'earnings', keys) }}
    left join conversions
        on {{ same_values('windows', 'conversions', keys) }}
),

-- as in the report of retention: of those in a spell on the last day before the window, those in
-- one on its last day; what the campaign does on its first day decides nobody's place among them
stays as (
    select
        windows.campaign_id,
        windows.customer_id,
        windows.span,
        max(case when {{ spell_end }} >= windows.to_date then 1 else 0 end) as stayed
    from follow_windows as windows
    inner join {{ ref('int_activity_spells') }} as spells
        on
            windows.customer_id = spells.customer_id
            and windows.to_date > spells.started_on
            and windows.from_date <= {{ spell_end }}
    where spells.relationship = 'any'
    group by windows.campaign_id, windows.customer_id, windows.span
    having min(spells.started_on) < min(windows.from_date)
),

contacts as (
    select
        windows.campaign_id,
        windows.customer_id,
        windows.span,
        count(*) as contacts
    from follow_windows as windows
    inner join {{ ref('int_service_contacts') }} as services
        on
            windows.customer_id = services.customer_id
            and windows.from_date <= services.contacted_on
            and windows.to_date > services.contacted_on
    group by windows.campaign_id, windows.customer_id, windows.span
),

follow_facts as (
    select
        windows.campaign_id,
        windows.span,
        windows.is_control,
        windows.is_touched,
        stays.stayed as {{ retention }},
        coalesce(contacts.contacts, 0) as service_contacts
    from follow_windows as windows
    left join stays
        on {{ same_values('windows', 'stays', keys) }}
    left join contacts
        on {{ same_values('windows', 'contacts', keys) }}
),

-- a customer of whom a measure says nothing is NULL in it, and in none of its counts
arm_facts as (
    {%- for measure in measures %}
    {%- set name = measure.name %}
    {%- set sides = ['sum(' ~ name ~ ')', 'count(' ~ name ~ ')'] %}
    select
        campaign_id,
        span,
        is_control,
        '{{ name }}' as measure,
        count({{ name }}) as customers,
        count(case when is_touched then {{ name }} end) as touched,
        avg({{ name }}) as mean,
        {% if measure.is_share -%}
        avg({{ name }}) * (1 - avg({{ name }})) as variance,
        {{ wilson_bound(*sides, side='-') }} as low,
        {{ wilson_bound(*sides, side='+') }} as high
        {%- else -%}
        var_samp({{ name }}) as variance,
        null as low,
        null as high
        {%- endif %}
    from {{ measure.window }}_facts
    group by campaign_id, span, is_control
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

arms as (
    select
        campaign_id,
        measure,
        {%- for column in ['customers', 'touched', 'mean', 'variance', 'low', 'high'] %}
        max(case when not is_control then {{ column }} end) as targeted_{{ column }},
        max(case when is_control then {{ column }} end) as held_out_{{ column }},
        {%- endfor %}
        span
    from arm_facts
    group by campaign_id, measure, span
),

-- an amount that is the same for all of so few customers does not say how much it varies
arms_judged as (
    select
        *,
        targeted_low is not null and held_out_low is not null as is_share,
        coalesce(
            targeted_customers >= {{ var('campaign_min_arm_customers') }}
            and held_out_customers >= {{ var('campaign_min_arm_customers') }}
            and (
                (targeted_low is not null and held_out_low is not null)
                or (targeted_variance > 0 and held_out_variance > 0)
            ),
            false
        ) as has_interval
    from arms
),

errors as (
    select
        *,
        targeted_mean - held_out_mean as difference,
        case when has_interval then {{ difference_error(*two_means) }} end as standard_error,
        case
            when has_interval and not is_share
                then {{ student_t_95(welch_degrees(*two_means)) }}
        end as student_t
    from arms_judged
),

comparisons as (
    select
        *,
        case
            when student_t is not null then difference - student_t * standard_error
            when has_interval then {{ difference_bound(*two_shares, side='-') }}
        end as ci_low,
        case
            when student_t is not null then difference + student_t * standard_error
            when has_interval then {{ difference_bound(*two_shares, side='+') }}
        end as ci_high
    from errors
),

chosen_counts as (
    select
        campaign_id,
        {%- for name in days_of %}
        count(case when not is_{{ name }}_window_complete then 1 end) as {{ name }}_pending,
        {%- endfor %}
        count(*) as chosen
    from chosen_customers
    group by campaign_id
),

-- a campaign has every measure, also before anything can be said
campaign_measures as (
    {%- for measure in measures %}
    select
        campaign_id,
        '{{ measure.name }}' as measure,
        {{ days_of[measure.window] }} as window_days,
        chosen,
        {{ measure.window }}_pending as pending
    from chosen_counts
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    -- keys
    campaign_measures.campaign_id,
    campaign_measures.measure,

    -- words
    campaigns.objective,
    campaigns.channel,
    campaigns.audience,
    -- the fewer contacts customers need, the better
    case
        when campaign_measures.measure <> 'service_contacts' and after.ci_low > 0 then 'helps'
        when campaign_measures.measure = 'service_contacts' and after.ci_high < 0 then 'helps'
        when after.ci_low > 0 or after.ci_high < 0 then 'hurts'
        else 'cannot tell'
    end as verdict,

    -- counts
    campaign_measures.window_days,
    campaign_measures.chosen as assigned_customers,
    campaign_measures.pending as pending_customers,
    coalesce(after.targeted_customers, 0) as targeted_customers,
    coalesce(after.held_out_customers, 0) as held_out_customers,
    coalesce(after.held_out_touched, 0) as touched_held_out_customers,

    -- values
    after.targeted_mean as targeted_value,
    after.held_out_mean as held_out_value,
    after.difference,
    after.ci_low,
    after.ci_high,
    nullif(after.standard_error, 0) as standard_error,
    {{ detectable_difference('nullif(after.standard_error, 0)') }} as minimum_detectable_effect,

    -- values before
    coalesce(before.targeted_customers, 0) as targeted_before_customers,
    coalesce(before.held_out_customers, 0) as held_out_before_customers,
    before.targeted_mean as targeted_before_value,
    before.held_out_mean as held_out_before_value,
    before.difference as difference_before,
    before.ci_low as ci_low_before,
    before.ci_high as ci_high_before,
    after.difference - before.difference as difference_in_differences,

    -- flags
    coalesce(before.ci_low > 0 or before.ci_high < 0, false) as is_different_before
from campaign_measures
inner join campaigns
    on campaign_measures.campaign_id = campaigns.campaign_id
left join comparisons as after
    on
        campaign_measures.campaign_id = after.campaign_id
        and campaign_measures.measure = after.measure
        and after.span = 'after'
left join comparisons as before
    on
        campaign_measures.campaign_id = before.campaign_id
        and campaign_measures.measure = before.measure
        and before.span = 'before'
