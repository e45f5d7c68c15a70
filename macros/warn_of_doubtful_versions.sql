{#- Says how many versions of subscriptions tell two stories, and which one counts. Run after
    fct_subscription_versions is built. -#}
{% macro warn_of_doubtful_versions() %}
    {% set doubtful_versions %}
        select
            count(case when is_over_despite_status then 1 end),
            count(case when ended_on > stopped_on and stop_reason = 'replaced' then 1 end),
            count(case when is_priced_below_zero then 1 end)
        from {{ this }}
    {% endset %}
    {% set counts = run_query(doubtful_versions).rows[0] if execute else [0, 0, 0] %}
    {% for remark in [
        ' are over by their ended_at, though their status says otherwise: the date counts.',
        ' were to end after the next version of the same subscription began: they stop there.',
        ' have a discount above their price, or a negative price: their MRR is 0.',
    ] %}
        {% if counts[loop.index0] %}
            {% do exceptions.warn(
                'subscriptions: ' ~ counts[loop.index0] ~ ' versions' ~ remark
            ) %}
        {% endif %}
    {% endfor %}
{% endmacro %}
