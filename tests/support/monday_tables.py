"""The tables of docs/what_to_do_on_monday.md: what the queries above them answer for the sample.

To write them again after a change: refresh from the sample, then
`python tests/support/monday_tables.py path/to/published/marts.duckdb`.
"""

import re
import sys
from pathlib import Path

import duckdb
from value_tables import table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "what_to_do_on_monday.md"
ASKED = re.compile(
    r"(?<=```sql\n)(?P<query>.*?)(?P<between>```\n\n<!-- result -->\n)(?P<answer>.*?)"
    r"(?=<!-- end -->)",
    re.DOTALL,
)


def answered(marts: duckdb.DuckDBPyConnection, page: str, /) -> str:
    """Return the page with the answers of these marts."""

    def answer(found: re.Match[str]) -> str:
        result = marts.execute(found["query"])
        head = [column[0] for column in result.description]
        rows = [["" if value is None else value for value in row] for row in result.fetchall()]
        return f"{found['query']}{found['between']}\n{table(head, rows)}\n\n"

    return ASKED.sub(answer, page)


if __name__ == "__main__":
    with duckdb.connect(sys.argv[1], read_only=True) as connection:
        PAGE.write_text(answered(connection, PAGE.read_text()))
