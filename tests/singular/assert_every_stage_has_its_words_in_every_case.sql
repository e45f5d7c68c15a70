-- Every stage, early and late, bought again or not, has one row of words in the seed.
with

cases as (
    select distinct
        words.lifecycle_stage,
        phases.phase,
        repeats.bought_again
    from {{ ref('lifecycle_stages') }} as words
    cross join (
        select 'early' as phase
        union all
        select 'late' as phase
    ) as phases
    cross join (
        select 'yes' as bought_again
        union all
        select 'no' as bought_again
    ) as repeats
)

select
    cases.lifecycle_stage,
    cases.phase,
    cases.bought_again,
    count(words.lifecycle_stage) as rows_of_words
from cases
left join {{ ref('lifecycle_stages') }} as words
    on
        cases.lifecycle_stage = words.lifecycle_stage
        and words.phase in (cases.phase, 'any')
        and words.bought_again in (cases.bought_again, 'any')
group by cases.lifecycle_stage, cases.phase, cases.bought_again
having count(words.lifecycle_stage) <> 1
