{% test grain(model) %}
{% if execute %}
{#- the columns stand once: in config.meta.grain of the tested table -#}
{% set name = '.' ~ project_name ~ '.' ~ model.identifier %}
{% set columns = (graph.nodes.get('model' ~ name) or graph.nodes['seed' ~ name]).config.meta.grain | join(', ') %}
select {{ columns }}
from {{ model }}
group by {{ columns }}
having count(*) > 1
{% endif %}
{% endtest %}
