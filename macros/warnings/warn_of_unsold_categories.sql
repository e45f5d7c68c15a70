{#- Names the categories of wallet answers that no product has, with how many answers. Run after
    fct_share_of_wallet is built. -#}
{% macro warn_of_unsold_categories() %}
    {% set unsold_categories %}
        select
            answers.product_category,
            count(distinct answers.customer_id) as customers
        from {{ ref('int_wallet_answers') }} as answers
        where not answers.is_category_sold and not answers.is_whole_wallet
        group by answers.product_category
        order by count(distinct answers.customer_id) desc, answers.product_category
    {% endset %}
    {% do warn_of_names(
        unsold_categories,
        'survey_responses: wallets were asked of categories that no product has, so all that these '
        ~ 'customers spend is held against them'
    ) %}
{% endmacro %}
