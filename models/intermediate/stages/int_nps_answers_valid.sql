-- Grain: one row per NPS answer of a known customer that is the latest on one day at least.

with

answers as (
    select
        customer_id,
        nps_category,
        responded_on,
        -- the latest answer counts, until it is too old
        least(
            lead(responded_on) over (
                partition by customer_id
                order by responded_at, response_id
            ),
            {{ months_after('responded_on', var('nps_valid_months')) }}
        ) as outdated_on
    from {{ ref('int_survey_responses') }}
    where nps_category is not null and not is_anonymous
)

select
    customer_id,
    nps_category,
    responded_on as valid_from,
    outdated_on as valid_to
from answers
where responded_on < outdated_on
