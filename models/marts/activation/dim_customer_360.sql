-- Grain: one row per known customer.

with

settings as (
    select * from {{ ref('int_run_settings') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
    where not is_anonymous
),

stages as (
    select
        customer_id,
        entered_on
    from {{ ref('int_lifecycle_stages') }}
    where is_current
),

recurring as (
    select
        intervals.customer_id,
        intervals.mrr_amount
    from {{ ref('int_mrr_intervals') }} as intervals
    inner join settings
        on
            intervals.active_from <= settings.as_of_date
            and intervals.active_to > settings.as_of_date
),

renewals as (
    select
        customer_id,
        min(renewal_on) as renewal_on
    from {{ ref('int_renewals_due') }}
    group by customer_id
),

opinions as (
    select
        customer_id,
        score,
        responded_on
    from {{ ref('int_survey_responses') }}
    where nps_category is not null and not is_anonymous
    qualify row_number() over (
        partition by customer_id
        order by responded_at desc, response_id desc
    ) = 1
),

wallets as (
    select
        customer_id,
        share_of_wallet,
        wallet_headroom_amount,
        wallet_source
    from {{ ref('fct_share_of_wallet') }}
    qualify row_number() over (
        partition by customer_id
        order by quarter_end_date desc
    ) = 1
),

gaps as (
    select
        customer_id,
        count(*) as gaps_count,
        max(case when gap_rank = 1 then product_category end) as first_gap_category,
        sum(potential_margin_amount) as gap_margin_amount
    from {{ ref('fct_product_gaps') }}
    group by customer_id
),

services as (
    select
        customer_id,
        min(service_due_on) as service_due_on
    from {{ ref('int_services_due') }}
    group by customer_id
),

best_triggers as (
    select * from {{ ref('fct_customer_triggers') }}
    where customer_rank = 1
),

next_contacts as (
    select * from {{ ref('fct_contact_plan') }}
    where contact_number = 1
)

select
    -- keys
    customers.customer_id,
    customers.source_customer_id,

    -- who
    {{ segment_columns('customers') }},
    customers.vertical,
    customers.known_since,
    customers.cohort_month,

    -- where they stand
    customers.lifecycle_stage,
    stages.entered_on as stage_entered_on,
    customer_values.rfm_segment,

    -- value
    customers.purchases_count,
    customer_values.net_revenue_to_date_amount,
    customer_values.margin_to_date_amount,
    customer_values.predicted_margin_12m_amount,
    customer_values.predicted_ltv_amount,
    coalesce(recurring.mrr_amount, 0) as mrr_amount,

    -- risk and chance
    risks.churn_risk,
    coalesce(risks.first_reason, 'none') as churn_risk_reason,
    1 - customer_values.p_no_purchase_next_window as purchase_chance,

    -- voice and wallet
    cast(opinions.score as integer) as last_nps_score,
    opinions.responded_on as last_nps_on,
    wallets.share_of_wallet,
    coalesce(wallets.wallet_source, 'none') as wallet_source,
    wallets.wallet_headroom_amount,

    -- what they lack
    coalesce(gaps.gaps_count, 0) as gaps_count,
    coalesce(gaps.first_gap_category, 'none') as first_gap_category,
    {{ as_amount('coalesce(gaps.gap_margin_amount, 0)') }} as gap_margin_amount,

    -- what comes
    visits.next_visit_on as next_purchase_on,
    renewals.renewal_on,
    services.service_due_on,

    -- contacts
    contacted.last_contacted_on,
    coalesce(contacted.last_contact_type, 'none') as last_contact_type,
    coalesce(contacted.last_contact_outcome, 'none') as last_contact_outcome,
    next_contacts.contact_on as next_contact_on,
    coalesce(next_contacts.purpose, 'none') as next_contact_purpose,

    -- best reason to contact them
    coalesce(best_triggers.trigger_name, 'none') as best_trigger,
    best_triggers.why as best_trigger_why,
    best_triggers.due_on as best_trigger_due_on,
    coalesce(best_triggers.product_category, 'none') as best_trigger_product_category,
    best_triggers.expected_value_amount as best_trigger_value_amount,

    -- flags
    customers.is_active,
    customers.may_be_contacted,
    customers.has_email
from customers
left join stages
    on customers.customer_id = stages.customer_id
left join {{ ref('fct_customer_value') }} as customer_values
    on customers.customer_id = customer_values.customer_id
left join recurring
    on customers.customer_id = recurring.customer_id
left join {{ ref('fct_churn_risk') }} as risks
    on customers.customer_id = risks.customer_id
left join opinions
    on customers.customer_id = opinions.customer_id
left join wallets
    on customers.customer_id = wallets.customer_id
left join gaps
    on customers.customer_id = gaps.customer_id
left join {{ ref('int_visits_predicted') }} as visits
    on customers.customer_id = visits.customer_id
left join renewals
    on customers.customer_id = renewals.customer_id
left join services
    on customers.customer_id = services.customer_id
left join {{ ref('int_customers_contacted') }} as contacted
    on customers.customer_id = contacted.customer_id
left join next_contacts
    on customers.customer_id = next_contacts.customer_id
left join best_triggers
    on customers.customer_id = best_triggers.customer_id
