{#- A simple metric is a measure: what its semantic model says of the measure. -#}
{% macro measured(metric, semantic_models) %}
    {% set semantic_model = semantic_models[metric.depends_on.nodes[0]] %}
    {% set name = metric.type_params.measure.name %}
    {% set measure = semantic_model.measures | selectattr('name', 'equalto', name) | first %}
    {% set time = measure.agg_time_dimension or semantic_model.defaults.agg_time_dimension %}
    {% set dimension = semantic_model.dimensions | selectattr('name', 'equalto', time) | first %}
    {% set filters = (metric.filter or {}).where_filters or [] %}
    {% set sums = {'sum': 'added up', 'count_distinct': 'counted anew'} %}
    {{ return({
        'mart': semantic_model.node_relation.alias,
        'expression': ([measure.agg ~ '(' ~ measure.expr ~ ')']
            + filters | map(attribute='where_sql_template') | list) | join(' where '),
        'time_grains': [dimension.type_params.time_granularity],
        'over_time': 'state' if measure.non_additive_dimension else sums[measure.agg],
    }) }}
{% endmacro %}


{#- Any other metric is an expression over metrics. It is shown with their names, and without the guard that keeps it
    from being a wrong number: `periods`, `ages` or `steps` of which there may be one alone in a row. -#}
{% macro metric_facts(metric, metrics, semantic_models) %}
    {% if metric.type == 'simple' %}
        {{ return(measured(metric, semantic_models)) }}
    {% endif %}
    {% set given = metric.type_params %}
    {% set guards = {'periods': 'one period', 'ages': 'one age', 'steps': 'one step'} %}
    {% set facts = {
        'time_grains': [],
        'over_time': 'divided anew',
        'expression': modules.re.sub(
            '^case when (' ~ guards | join('|') ~ ') > 1 .* else (.*) end$',
            '\\2',
            given.expr or given.numerator.name ~ ' / nullif(' ~ given.denominator.name ~ ', 0)'
        ),
    } %}
    {% for input in given.metrics or [given.numerator, given.denominator] %}
        {% set below = metric_facts(metrics[input.name], metrics, semantic_models) %}
        {% set alias = input.alias or input.name %}
        {% do facts.update({
            'mart': below.mart,
            'time_grains': facts.time_grains + below.time_grains,
            'expression': modules.re.sub('\\b' ~ alias ~ '\\b', input.name, facts.expression),
        }) %}
        {% if alias in guards or below.over_time in guards.values() %}
            {% do facts.update({'over_time': guards.get(alias, below.over_time)}) %}
        {% endif %}
    {% endfor %}
    {{ return(facts) }}
{% endmacro %}


{#- What models/metrics says of each metric: dictionaries, by name. Nothing is known yet while dbt parses. -#}
{% macro catalogued_metrics() %}
    {% set metrics = {} %}
    {% for metric in (graph.metrics.values() if execute else []) if metric.package_name == model.package_name %}
        {% do metrics.update({metric.name: metric}) %}
    {% endfor %}
    {#- each look into the graph makes its dictionary anew -#}
    {% set semantic_models = {} %}
    {% do semantic_models.update(graph.semantic_models.items() if execute else []) %}
    {% set rows = [] %}
    {% for name in metrics | sort %}
        {% set facts = metric_facts(metrics[name], metrics, semantic_models) %}
        {% set definition = metrics[name].description.split() | join(' ') %}
        {% do rows.append({
            'metric_name': name,
            'metric_label': metrics[name].label,
            'definition': definition,
            'unit': definition.rpartition('Unit: ')[2][:-1],
            'kind': metrics[name].config.meta.kind,
            'benchmark_name': metrics[name].config.meta.benchmark or name,
            'mart': facts.mart,
            'expression': facts.expression,
            'time_grain': ['year', 'quarter', 'month', 'day'] | select('in', facts.time_grains) | first,
            'over_time': facts.over_time,
        }) %}
    {% endfor %}
    {{ return(rows) }}
{% endmacro %}
