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
    {% set found = run_query(unsold_categories).rows if execute else [] %}
    {% if found %}
        {% set named = [] %}
        {% for category, customers in found %}
            {% do named.append(category ~ ' (' ~ customers ~ ')') if loop.index <= 20 %}
        {% endfor %}
        {% do exceptions.warn(
            'survey_responses: wallets were asked of categories that no product has, so all that '
            ~ 'these customers spend is held against them: ' ~ named | join(', ')
            ~ (' and ' ~ (found | length - 20) ~ ' more' if found | length > 20 else '') ~ '.'
        ) %}
    {% endif %}
{% endmacro %}
