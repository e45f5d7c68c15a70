{% macro published_relation(mart) %}
    {% set folder = env_var('PUBLISH_DIR', '') %}
    {% if not folder or not execute %}
        {{ return(none) }}
    {% endif %}
    {{ return(published_table(folder.rstrip('/'), mart)) }}
{% endmacro %}


{% macro period_measures() %}
    {{ return([
        ('rpt_revenue_mix', 'total_revenue_amount', 'true'),
        ('rpt_retention_periods', 'closing_customers', "relationship = 'any'"),
        ('rpt_retention_periods', 'lost_customers', "relationship = 'any'"),
        ('rpt_mrr_periods', 'closing_mrr_amount', 'true'),
    ]) }}
{% endmacro %}


{% macro measured_periods(relation, mart, measure, condition) %}
select
    '{{ mart }}' as mart,
    '{{ measure }}' as measure,
    period_grain,
    period_start_date,
    cast(sum({{ measure }}) as double) as measure_value
from {{ relation }}
where
    is_complete_period
    -- what is said of a month need not be said of the twelve years it is part of
    and {{ is_of_grains('period_grain', period_grains()) }}
    and {{ condition }}
group by period_grain, period_start_date
{% endmacro %}
