{% macro py_script_comment() %}
import sys
from pathlib import Path

from dbt.flags import get_flags

project = Path(get_flags().PROJECT_DIR)
# this project, or the folder of packages of one that has it as a package
for folder in [project, *project.glob('*/customer_lifecycle_warehouse')]:
    if (folder / 'python_helpers').is_dir() and str(folder) not in sys.path:
        sys.path.append(str(folder))
{% endmacro %}
