-- The movements of a customer have no gap: each begins with the MRR that the one before left.
with

movements as (
    select
        *,
        lag(mrr_after_amount, 1, 0) over (
            partition by customer_id
            order by moved_on, case when movement = 'fx' then 0 else 1 end
        ) as mrr_left_amount
    from {{ ref('fct_mrr_movements') }}
)

select * from movements
where mrr_before_amount <> mrr_left_amount
