{#- Names the segments of customers that the seed of wallets leaves out, with how many customers each has. Run
    after fct_share_of_wallet is built. -#}
{% macro warn_of_segments_without_wallet() %}
    {% set segments_without_wallet %}
        select
            customers.customer_segment,
            count(*)
        from {{ ref('dim_customers') }} as customers
        left join {{ ref('wallet_benchmarks') }} as benchmarks
            on {{ is_word_of_seed('customers.customer_segment', 'benchmarks.customer_segment') }}
        where benchmarks.customer_segment is null and customers.customer_segment <> 'unknown'
        group by customers.customer_segment
        order by count(*) desc, customers.customer_segment
    {% endset %}
    {% do warn_of_names(
        segments_without_wallet,
        'Customer segments not in seeds/reference/wallet_benchmarks.csv have a share of wallet only where '
        ~ 'customers were asked'
    ) %}
{% endmacro %}
