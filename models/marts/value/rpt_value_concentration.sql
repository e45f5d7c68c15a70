-- Grain: one row per measure of value and decile of customers.

with

customers as (
    select * from {{ ref('fct_customer_value') }}
    where net_revenue_to_date_amount > 0
),

measures as (
    {%- for measure in ['net_revenue', 'margin'] %}
    select
        customer_id,
        '{{ measure }}' as value_measure,
        {{ measure }}_to_date_amount as customer_value,
        absolute_revenue_to_date_amount as absolute_revenue,
        uncosted_revenue_to_date_amount as uncosted_revenue
    from customers
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- 1 is the best; ties go by customer_id
ranked as (
    select
        value_measure,
        customer_value,
        absolute_revenue,
        uncosted_revenue,
        ntile(10) over measure_by_value as decile,
        row_number() over measure_by_value as value_rank,
        count(*) over (partition by value_measure) as customers_of_all
    from measures
    window measure_by_value as (
        partition by value_measure
        order by customer_value desc, customer_id asc
    )
),

-- the customer on the edge of the top fifth counts in part
deciles as (
    select
        value_measure,
        decile,
        count(*) as customers,
        sum(customer_value) as decile_value,
        sum(absolute_revenue) as absolute_revenue,
        sum(uncosted_revenue) as uncosted_revenue,
        sum(
            cast(customer_value as double)
            * greatest(least(cast(customers_of_all as double) / 5 - value_rank + 1, 1), 0)
        ) as top_value,
        -- weighted by twice the distance of the rank from the middle
        sum(cast(customer_value as double) * (customers_of_all + 1 - 2 * value_rank))
            as weighted_value
    from ranked
    group by value_measure, decile
),

deciles_cumulated as (
    select
        *,
        sum(decile_value) over measure_so_far as cumulative_value,
        sum(decile_value) over whole_measure as value_of_all,
        sum(top_value) over whole_measure as top_value_of_all,
        sum(weighted_value) over whole_measure as weighted_value_of_all,
        sum(customers) over whole_measure as customers_of_all
    from deciles
    window
        measure_so_far as (
            partition by value_measure
            order by decile
            rows unbounded preceding
        ),
        whole_measure as (partition by value_measure)
)

select
    -- keys
    value_measure,
    decile,

    -- counts
    customers,

    -- amounts
    {{ as_amount('decile_value') }} as value_amount,
    {{ as_amount('cumulative_value') }} as cumulative_value_amount,
    -- revenue needs no cost
    case
        when value_measure = 'margin'
            then {{ estimated_margin_share('uncosted_revenue', 'absolute_revenue') }}
    end as estimated_margin_share,

    -- rates
    {{ rate('decile_value', 'value_of_all') }} as value_share,
    {{ rate('cumulative_value', 'value_of_all') }} as cumulative_value_share,
    {{ rate('top_value_of_all', 'value_of_all') }} as top_20_percent_share,
    {{ rate('weighted_value_of_all', '(customers_of_all * value_of_all)') }} as gini
from deciles_cumulated
