{% macro py_script_comment() %}
import sys

from dbt.flags import get_flags

if str(get_flags().PROJECT_DIR) not in sys.path:
    sys.path.append(str(get_flags().PROJECT_DIR))
{% endmacro %}
