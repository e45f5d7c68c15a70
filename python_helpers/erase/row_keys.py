"""Finds the keys of rejected rows that hold an id, and says what they are without it."""

from __future__ import annotations

from python_helpers.core.sql import text
from python_helpers.delivery.contract import RawTable
from python_helpers.erase.values import CUSTOMER_ID, ERASED


def erased_row_keys(relation: str, contract: list[RawTable], /) -> str:
    """Return a query of the keys of rejected rows that hold an id: table, key, new key.

    The parts of such a key are joined by `|` as they were delivered. An id with a `|` in it is no
    part of its own, so those few are compared with the beginning or the end of every key.
    """
    found = []
    for table in contract:
        if CUSTOMER_ID in table.key:
            types = {column.name: column.is_text for column in table.columns}
            new = [
                (condition, without_strange_end(key) if not types[table.key[-1]] else key)
                for condition, key in new_keys(table.key)
            ]
            found += [
                f"select table_name, row_key, {key} as new_key from keys "
                f"join {ERASED} on {condition} where table_name = {text(table.name)}"
                for condition, key in new
            ]
    queries = " union all ".join(found) or "select null, null, null where false"
    return (
        f"with keys as (select distinct table_name, row_key from {relation}) "
        f"select table_name, row_key, min(new_key) as new_key from ({queries}) "
        "as found (table_name, row_key, new_key) group by all"
    )


def new_keys(key: tuple[str, ...], /) -> list[tuple[str, str]]:
    """Return how a key with an id is found, and what it is without; the id is its first or last."""
    if len(key) == 1:
        return [(f"{without_point('row_key')} = erased_id", "tombstone_id")]
    part = f"split_part(row_key, '|', {1 if key[0] == CUSTOMER_ID else -1})"
    is_part = f"{without_point(part)} = erased_id"
    has_bar = "contains(erased_id, '|')"
    if key[0] == CUSTOMER_ID:
        rest = "tombstone_id || substr(row_key, length({}) + 1)"
        is_begin = f"{has_bar} and starts_with(row_key, erased_id || '|')"
        return [(is_part, rest.format(part)), (is_begin, rest.format("erased_id"))]
    rest = "left(row_key, length(row_key) - length({})) || tombstone_id"
    is_end = f"{has_bar} and ends_with(row_key, '|' || erased_id)"
    return [(is_part, rest.format(part)), (is_end, rest.format("erased_id"))]


def without_strange_end(key: str, /) -> str:
    """Return a key without an end that is no number and no time: it may be anything."""
    return f"regexp_replace({key}, '[|][^|]*[^0-9TZUC:.+ |-][^|]*$', '|')"


def without_point(expression: str, /) -> str:
    """Return an id that was stored as 7.0 as 7."""
    return f"regexp_replace({expression}, '^([0-9]+)[.]0$', '\\1')"
