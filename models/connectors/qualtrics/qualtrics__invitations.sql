-- Grain: one row per person that Qualtrics asked to answer a survey, and time of asking.

with

history as (
    select
        *,
        coalesce({{ text_in('survey_link', '(SV_[0-9A-Za-z]+)', 1) }}, 'the survey') as survey_id,
        {{ is_of_newest_file('contact_id, distribution_id') }} as is_newest
    from ({{ exported('qualtrics.history') }}) as history
),

contacts as (
    select
        contact_id,
        coalesce(
            max({{ customer_key(email='email') }}),
            max({{ customer_key(email='ext_ref') }}),
            max(ext_ref)
        ) as customer_id
    from ({{ exported('qualtrics.contacts') }}) as contacts
    group by contact_id
),

-- people who never received it were not asked
sends as (
    select
        history.source_name,
        history.contact_id,
        history.survey_id,
        history.distribution_id,
        history.sent_at,
        history.response_id,
        answers.responded_at
    from history
    left join (
        select
            source_name,
            response_id,
            min(responded_at) as responded_at
        from {{ ref('qualtrics__answers') }}
        group by source_name, response_id
    ) as answers
        on
            history.source_name = answers.source_name
            and history.response_id = answers.response_id
    where
        history.is_newest
        and history.sent_at is not null
        and (
            history.response_id is not null
            or lower(history.status) not in (
                'pending', 'skipped', 'blocked', 'error', 'failure', 'unknown', 'softbounce',
                'hardbounce'
            )
        )
),

sends_with_previous as (
    select
        *,
        lag(sent_at) over (
            partition by source_name, contact_id, survey_id order by sent_at, distribution_id
        ) as previous_sent_at,
        max(responded_at) over (
            partition by source_name, contact_id, survey_id
            order by sent_at, distribution_id
            rows between unbounded preceding and 1 preceding
        ) as previous_responded_at
    from sends
),

-- a reminder follows soon, and goes to those who have not answered
numbered as (
    select
        *,
        sum(case
            when
                previous_sent_at is null
                or {{ days_between('previous_sent_at', 'sent_at') }}
                > {{ var('survey_reminder_days') }}
                or (
                    previous_responded_at >= previous_sent_at and previous_responded_at < sent_at
                )
                then 1
            else 0
        end) over (
            partition by source_name, contact_id, survey_id
            order by sent_at, distribution_id
            rows unbounded preceding
        ) as invitation_number
    from sends_with_previous
),

ranked as (
    select
        *,
        row_number() over (
            partition by source_name, contact_id, survey_id, invitation_number
            order by sent_at, distribution_id
        ) as send_number
    from numbered
),

invitations as (
    select
        source_name,
        contact_id,
        survey_id,
        max(case when send_number = 1 then contact_id || '-' || distribution_id end)
            as invitation_id,
        min(sent_at) as invited_at,
        max(response_id) as response_id
    from ranked
    group by source_name, contact_id, survey_id, invitation_number
)

select
    invitations.source_name,
    invitations.invitation_id,
    invitations.survey_id,
    contacts.customer_id,
    invitations.invited_at,
    -- the history of a later survey may name the response once more
    case
        when
            row_number() over (
                partition by invitations.source_name, invitations.response_id
                order by invitations.invited_at, invitations.invitation_id
            ) = 1
            then invitations.response_id
    end as response_id
from invitations
left join contacts
    on invitations.contact_id = contacts.contact_id
