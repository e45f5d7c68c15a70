"""The SQL in docs/base_orders.md: what base_model() makes of the orders of the sample.

To write it again after a change: `lifecycle docs`, then
`python tests/support/base_orders.py target`.
"""

import re
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "base_orders.md"


def page(target: Path, /) -> str:
    """Return the page with the SQL of a folder in which dbt keeps what it compiled."""
    (file,) = target.glob("compiled/*/models/staging/base/base_orders.sql")
    # without the name of the database, and with one blank line where Jinja leaves several
    sql = re.sub(r'"\w+"\."(\w+)"\."(\w+)"', r"\1.\2", file.read_text(encoding="utf-8"))
    sql = re.sub(r"\n\s*\n\s*\n", "\n\n", sql).strip()
    prose = PAGE.read_text(encoding="utf-8").partition("```sql\n")[0]
    return f"{prose}```sql\n{sql}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(Path(sys.argv[1])), encoding="utf-8")
