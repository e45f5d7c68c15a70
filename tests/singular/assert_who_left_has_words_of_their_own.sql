-- No vocabulary calls customers who left what it calls those who are there or have never come. A
-- loss that could have been prevented, a natural one and one without a known reason differ.
with

words as (
    select
        lifecycle_stage,
        lifecycle_stage like 'churned%' as has_left,
        growth_stage,
        buying_stage,
        relationship_stage,
        bank_zone
    from {{ ref('lifecycle_stages') }}
)

select
    left_words.lifecycle_stage,
    other_words.lifecycle_stage as other_stage
from words as left_words
inner join words as other_words
    on
        (
            not other_words.has_left
            and (
                left_words.growth_stage = other_words.growth_stage
                or left_words.buying_stage = other_words.buying_stage
                or left_words.bank_zone = other_words.bank_zone
            )
        )
        or (
            left_words.lifecycle_stage <> other_words.lifecycle_stage
            and left_words.relationship_stage = other_words.relationship_stage
        )
where left_words.has_left
