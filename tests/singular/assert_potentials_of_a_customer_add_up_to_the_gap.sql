-- The potential of a customer's missing categories adds up to the gap to the cent, and their ranks
-- are 1 to n by potential.
with

gaps as (
    select
        *,
        count(*) over (partition by customer_id) as categories,
        sum(gap_rank) over (partition by customer_id) as ranks,
        sum(potential_margin_amount) over (partition by customer_id) as potential,
        lead(potential_margin_amount) over (
            partition by customer_id
            order by gap_rank
        ) as next_potential
    from {{ ref('fct_product_gaps') }}
)

select
    customer_id,
    product_category,
    gap_rank,
    margin_gap_amount,
    potential
from gaps
where
    potential <> margin_gap_amount
    or ranks * 2 <> categories * (categories + 1)
    or gap_rank > categories
    or next_potential > potential_margin_amount
