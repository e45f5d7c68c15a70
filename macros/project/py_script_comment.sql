{#- What dbt appends to a Python model, which runs in the process of dbt: wherever that was started,
    the model finds the modules of this project. -#}
{% macro py_script_comment() %}
import sys

from dbt.flags import get_flags

if str(get_flags().PROJECT_DIR) not in sys.path:
    sys.path.append(str(get_flags().PROJECT_DIR))
{% endmacro %}
