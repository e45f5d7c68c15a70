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
        'over by ended_at, though the status says otherwise; the date counts',
        'to end after the next version of the same subscription began; it stops there',
        'with a discount above the price, or a negative price; the MRR is 0',
    ] %}
        {% if counts[loop.index0] %}
            {% do exceptions.warn(
                'subscriptions: version(s) ' ~ remark ~ ': ' ~ counts[loop.index0]
            ) %}
        {% endif %}
    {% endfor %}
{% endmacro %}
