{% test grain(model) %}
{% if execute %}
{#- the columns stand once: in config.meta.grain of the tested table -#}
{% set tables = graph.nodes.values() | selectattr('resource_type', 'in', ['model', 'seed'])
    | selectattr('schema', 'equalto', model.schema) | selectattr('alias', 'equalto', model.identifier) %}
{% set columns = (tables | first).config.meta.grain | join(', ') %}
select {{ columns }}
from {{ model }}
group by {{ columns }}
having count(*) > 1
{% endif %}
{% endtest %}
