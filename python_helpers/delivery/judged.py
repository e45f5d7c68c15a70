"""What became of the rows of a raw table, and what is wrong with those that are rejected."""

import json
from typing import Any

from python_helpers.core.sql import text
from python_helpers.delivery.rendering import Macros

MOST_CURRENCIES = 20
FATES = {
    "rows": "count(*)",
    "accepted": "count(*) filter (is_accepted)",
    "superseded": "count(*) filter (is_superseded)",
    "rejected": "count(rejection_reasons)",
    "held_back": "count(*) filter (is_held_back)",
    "first_day": "cast(min(event_date) filter (rejection_reasons is null) as varchar)",
    "last_day": "cast(max(event_date) filter (rejection_reasons is null) as varchar)",
}
OF_ORDERS = {
    "without_customer": "count(*) filter (is_accepted and customer_id is null)",
    "without_revenue": "count(*) filter (is_accepted and status not in ('completed', 'refunded'))",
}
DOUBTS = {
    "numbers that a spreadsheet rounded": r"[0-9]([.,][0-9]+)?[Ee]\+?[0-9]+",
    "e-mail addresses": r"[^@\s]+@[^@\s]+\.[^@\s]+",
}
REASONS = """
select
    reason,
    count(*),
    min_by(raw_row, coalesce(raw_key, ''))
from (
    select
        *,
        unnest(string_split(rejection_reasons, ', ')) as reason
    from {}
    where rejection_reasons is not null
)
group by reason
order by 2 desc, 1
"""


def judged(table: str, /, *, macros: Macros) -> dict[str, Any]:
    """Make the base table of a raw table, and count what became of its rows."""
    contract = macros.sources[table]
    base = macros.ref(f"base_{table}")

    def rows(query: str) -> list[tuple[Any, ...]]:
        return macros.connection.execute(query.format(base)).fetchall()

    asked = FATES | (OF_ORDERS if table == "orders" else {})
    if "is_conflicting" in (name for name, *_ in rows("describe {}")):
        key = ", ".join(contract["config"]["meta"]["key"])
        asked |= {"keys_in_conflict": f"count(distinct ({key})) filter (is_conflicting)"}
    doubts = {
        (name, doubt): f"min({name}) filter (is_like), count(*) filter (is_like)".replace(
            "is_like", f"regexp_full_match({name}, {text(pattern)})"
        )
        for name in contract["columns"]
        if name.endswith("_id")
        for doubt, pattern in DOUBTS.items()
    }
    columns = ", ".join([*asked.values(), *doubts.values()])
    ((*counts,),) = rows(f"select {columns} from {{}}")
    facts = dict(zip(asked, counts, strict=False))
    of_doubts = counts[len(asked) :]
    facts["doubtful_ids"] = [
        {"column": name, "rows": found, "are": doubt, "example": macros.form_of_value(example)}
        for (name, doubt), example, found in zip(
            doubts, of_doubts[::2], of_doubts[1::2], strict=True
        )
        if found
    ]
    if "currency" in contract["columns"]:
        # another text may be anything
        query = "select currency, count(*) from {} where currency similar to '[A-Z]{{3}}'"
        query += f" group by currency order by 2 desc, 1 limit {MOST_CURRENCIES}"
        facts["currencies"] = dict(rows(query))
    facts["rejected_for"] = [
        {"reason": reason, "rows": found}
        | explained(reason, json.loads(row), table=table, macros=macros)
        for reason, found, row in rows(REASONS)
    ]
    return facts


def explained(reason: str, row: dict[str, Any], /, *, table: str, macros: Macros) -> dict[str, Any]:
    """Say how a row is written where a reason is about it, and what is wanted."""
    contract = macros.sources[table]
    examples = {
        column["name"]: macros.form_of_value(value)
        for column in macros.columns_of_reason(contract, reason)
        if not column["config"]["meta"].get("restricted")
        and (value := row.get(column["name"])) is not None
    }
    return {"example": examples, "wanted": macros.wanted_form(contract, reason)}
