-- Grain: one row per customer who is active on as-of.
{%- set high = var('loyalty_high_percentile') %}
{%- set low = 1 - var('loyalty_high_percentile') %}
{%- set percentiles = {
    'interaction_percentile': ('engagements', 'asc'),
    'purchase_percentile': ('purchases_12m', 'asc'),
    'renewal_percentile': ('days_to_renew', 'desc'),
    'advocacy_percentile': ('last_nps_score', 'asc'),
} %}

with

settings as (
    select
        as_of_date,
        {{ months_after('as_of_date', -12) }} as year_before,
        {{ days_after('as_of_date', -var('programme_active_days')) }} as engagement_before
    from {{ ref('int_run_settings') }}
),

customers as (
    select
        customer_id,
        {{ segment_columns() }}
    from {{ ref('dim_customers') }}
    where is_active
),

-- engagements that the customer started
interactions as (
    select
        events.customer_id,
        count(case when events.event_type = 'portal_login' then 1 end) as portal_logins,
        count(case when events.event_type = 'tool_use' then 1 end) as tool_uses,
        count(case when events.event_type = 'download' then 1 end) as downloads,
        count(case when events.event_type = 'site_visit' then 1 end) as site_visits,
        count(*) as engagements,
        sum(events.duration_seconds) as seconds_online
    from {{ ref('int_own_engagements') }} as events
    inner join settings
        on events.engaged_on > settings.engagement_before
    group by events.customer_id
),

purchases as (
    select
        orders.customer_id,
        count(case when orders.order_date > settings.year_before then 1 end) as purchases_12m
    from {{ ref('int_orders_sequenced') }} as orders
    cross join settings
    where orders.is_purchase
    group by orders.customer_id
),

renewals as (
    select
        customer_id,
        days_to_renew
    from {{ ref('int_renewal_terms') }}
    where renewed_on is not null
    qualify row_number() over (
        partition by customer_id
        order by due_on desc, subscription_id asc, item_id asc, started_at asc
    ) = 1
),

wallets as (
    select * from {{ ref('fct_share_of_wallet') }}
    qualify row_number() over (
        partition by customer_id
        order by quarter_end_date desc
    ) = 1
),

-- the latest answer to each question
answers as (
    select
        customer_id,
        max(case when survey_type = 'nps' then score end) as last_nps_score,
        max(nps_category) as last_nps_category,
        max(case when survey_type = 'intent' then score end) as last_leave_score
    from (
        select
            customer_id,
            survey_type,
            score,
            nps_category
        from {{ ref('int_survey_responses') }}
        where survey_type in ('nps', 'intent') and is_answered and not is_anonymous
        qualify row_number() over (
            partition by customer_id, survey_type
            order by responded_at desc, response_id desc
        ) = 1
    ) as last_answers
    group by customer_id
),

-- no event means zero engagement; no purchase ever, or no renewal, means that nothing is known
inputs as (
    select
        customers.*,
        coalesce(interactions.engagements, 0) as engagements,
        coalesce(interactions.portal_logins, 0) as portal_logins,
        coalesce(interactions.tool_uses, 0) as tool_uses,
        coalesce(interactions.downloads, 0) as downloads,
        coalesce(interactions.site_visits, 0) as site_visits,
        coalesce(interactions.seconds_online, 0) as seconds_online,
        purchases.purchases_12m,
        renewals.days_to_renew,
        wallets.share_of_wallet,
        coalesce(wallets.wallet_source, 'unknown') as wallet_source,
        answers.last_nps_score,
        answers.last_nps_category,
        answers.last_leave_score
    from customers
    left join interactions
        on customers.customer_id = interactions.customer_id
    left join purchases
        on customers.customer_id = purchases.customer_id
    left join renewals
        on customers.customer_id = renewals.customer_id
    left join wallets
        on customers.customer_id = wallets.customer_id
    left join answers
        on customers.customer_id = answers.customer_id
),

-- each percentile is among the customers whose input is known; ties share a rank, so that the few
-- values of an input are ranked in place of all customers
{%- for percentile, (input, direction) in percentiles.items() %}
{{ percentile }}s as (
    select
        {{ input }},
        coalesce({{ rate(
            'sum(count(*)) over (order by ' ~ input ~ ' ' ~ direction
            ~ ' rows unbounded preceding) - count(*)',
            'sum(count(*)) over () - 1',
        ) }}, 0) as {{ percentile }}
    from inputs
    where {{ input }} is not null
    group by {{ input }}
),
{% endfor %}
ranked as (
    select
        {%- for percentile in percentiles %}
        {{ percentile }}s.{{ percentile }},
        {%- endfor %}
        inputs.*
    from inputs
    left join interaction_percentiles
        on inputs.engagements = interaction_percentiles.engagements
    left join purchase_percentiles
        on inputs.purchases_12m = purchase_percentiles.purchases_12m
    left join renewal_percentiles
        on inputs.days_to_renew = renewal_percentiles.days_to_renew
    left join advocacy_percentiles
        on inputs.last_nps_score = advocacy_percentiles.last_nps_score
),

families as (
    select
        *,
        coalesce(purchase_percentile, renewal_percentile) as behaviour_percentile
    from ranked
)

select
    -- keys
    customer_id,
    {{ segment_columns() }},

    -- interaction
    engagements,
    portal_logins,
    tool_uses,
    downloads,
    site_visits,
    cast(seconds_online as bigint) as seconds_online,
    interaction_percentile,

    -- behaviour
    purchases_12m,
    days_to_renew,
    share_of_wallet,
    wallet_source,
    behaviour_percentile,

    -- advocacy
    last_nps_score,
    last_leave_score,
    advocacy_percentile,

    -- where the three families disagree
    case
        when
            behaviour_percentile >= {{ high }}
            and (last_nps_category = 'detractor' or last_leave_score >= 7)
            then 'buys_often_would_leave'
        when last_nps_category = 'promoter' and behaviour_percentile <= {{ low }}
            then 'recommends_buys_seldom'
        when interaction_percentile >= {{ high }} and behaviour_percentile <= {{ low }}
            then 'engages_buys_seldom'
        when
            interaction_percentile >= {{ high }}
            and behaviour_percentile >= {{ high }}
            and last_nps_category = 'promoter'
            then 'loyal_all_round'
        when behaviour_percentile is null or last_nps_score is null then 'not_known'
        else 'no_disagreement'
    end as loyalty_pattern
from families
