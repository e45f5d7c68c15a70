"""What is written in place of the values of an erased person, as SQL.

The expressions read a table called `old`, joined with the erased where the customer is one of them.
They leave what staging leaves when it reads the person in a later delivery
(macros/staging/erasure.sql).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from python_helpers.core.errors import PublishError
from python_helpers.core.sql import name, text
from python_helpers.delivery.contract import RawColumn, RawTable

ERASED = "erased_people"
"""The table of who is erased: erased_id, tombstone_id."""
WORD = "erased"
"""Stands where a text was: who can be written to, or left a comment, is counted."""
CUSTOMER_ID = "customer_id"
IS_ERASED = "erased.tombstone_id is not null"
NEUTRAL = {
    "DATE": "date '1970-01-01'",
    "TIMESTAMP": "timestamp '1970-01-01 00:00:00'",
    "TIME": "time '00:00:00'",
    "BOOLEAN": "false",
    "UUID": "'00000000-0000-0000-0000-000000000000'",
    "INTERVAL": "interval 0 days",
    "BLOB": "''::blob",
    "BIT": "'0'::bit",
    "JSON": "'\"erased\"'",
} | dict.fromkeys(
    (
        *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT"),
        *("UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BIGNUM"),
    ),
    "0",
)
"""What says nothing, by type, where a column must not be empty."""
TIME_MARKS = "TZtz"


def canonical_id(expression: str, type_: str, /) -> str:
    """Return an id as staging knows it: without blanks around it, and 7 where 7.0 was stored."""
    if type_ == "VARCHAR":
        return trimmed(expression)
    if type_.startswith(("DOUBLE", "FLOAT", "DECIMAL")):
        whole = f"cast(try_cast({expression} as decimal(38, 0)) as varchar)"
        return (
            f"coalesce(case when {expression} = floor({expression}) then {whole} end, "
            f"cast({expression} as varchar))"
        )
    return f"cast({expression} as varchar)"


def trimmed(expression: str, /) -> str:
    """Return a text as staging trims it: DuckDB takes off every Unicode space if not told which."""
    return f"trim({expression}, ' ')"


def expressions_of_raw(
    table: RawTable,
    columns: Mapping[str, str],
    /,
    *,
    nullable: Collection[str] = (),
    unique: Collection[str] = (),
    keys: Collection[str] = (),
) -> dict[str, str]:
    """Return what becomes of the columns of a raw table, by the names it was delivered with.

    In a column in which no value may be there twice, the word is another one in each row. Numbers
    that are keys of things stay. Raises PublishError where nothing can be written instead.
    """
    known = {column.name: column for column in table.columns}
    found = {}
    for column, type_ in columns.items():
        old = f"old.{name(column)}"
        # nobody has said what is in a column the contract does not know
        is_unknown = column.lower() not in known
        if is_unknown and type_ != "VARCHAR" and column in keys:
            continue
        is_to_go = is_unknown or known[column.lower()].is_restricted
        if column.lower() == CUSTOMER_ID:
            found[column] = tombstone_or(old, type_)
        elif type_ == "VARCHAR" and is_to_go and column in unique:
            filled = f"{IS_ERASED} and {trimmed(old)} <> ''"
            another = "erased.tombstone_id || '-' || old.rowid"
            found[column] = f"case when {filled} then {another} else {old} end"
        elif type_ == "VARCHAR" and is_to_go:
            found[column] = word_where(f"{trimmed(old)} <> ''", old)
        elif is_to_go:
            left = "null" if column in nullable else neutral(type_)
            if left is None or (left != "null" and column in unique):
                raise PublishError(
                    f"column {column} must be filled, and nothing can be written there that says "
                    "nothing"
                )
            found[column] = f"case when {IS_ERASED} then {left} else {old} end"
        else:
            found[column] = of_known(known[column.lower()], old, type_)
    return {column: expression for column, expression in found.items() if expression}


def expressions_of_base(table: RawTable, columns: Mapping[str, str], /) -> dict[str, str]:
    """Return what becomes of the columns of a base table."""
    known = [column for column in table.columns if column.name in columns]
    found = {CUSTOMER_ID: tombstone_or(f"old.{CUSTOMER_ID}", "VARCHAR")}
    for column in known:
        if column.name != CUSTOMER_ID:
            found[column.name] = of_known(column, f"old.{name(column.name)}", columns[column.name])
    if "raw_row" in columns:
        pairs = ", ".join(f"{text(column.name)}, {left_in_json(column)}" for column in known)
        found["raw_row"] = (
            f"case when {IS_ERASED} and old.raw_row is not null "
            f"then cast(json_object({pairs}) as varchar) else old.raw_row end"
        )
        parts = {column.name: column for column in known}
        key = " || '|' || ".join(
            f"coalesce(json_extract_string({left_in_json(parts[part])}, '$'), '')"
            for part in table.key
        )
        key = key if len(table.key) > 1 else f"nullif({key}, '')"
        found["raw_key"] = (
            f"case when {IS_ERASED} and old.raw_row is not null then {key} else old.raw_key end"
        )
    return {column: expression for column, expression in found.items() if expression}


def neutral(type_: str, /) -> str | None:
    """Return what says nothing in a column of a type that must be filled; None if unknown."""
    if type_.startswith("ENUM("):
        return f"enum_first(null::{type_})"
    if type_.endswith("[]"):
        return "[]"
    return NEUTRAL.get(type_.split("(")[0].split("_")[0].split(" ")[0])


def of_known(column: RawColumn, old: str, type_: str, /) -> str | None:
    """Return what becomes of a column of the contract; None where it stays as it is."""
    if type_ != "VARCHAR":
        return f"case when {IS_ERASED} then null else {old} end" if column.is_restricted else None
    if column.is_restricted:
        return word_where(f"{trimmed(old)} <> ''", old)
    if column.accepted_values:
        # a word the contract does not know may be anything somebody typed
        return word_where(f"{trimmed(old)} <> '' and {is_unknown(column, old)}", old)
    if "currency" in column.name:
        return word_where(f"{trimmed(old)} <> '' and length({trimmed(old)}) <> 3", old)
    if not column.is_text:
        # and so may a value that is not of its type
        is_strange = f"{typed_text(trimmed(old), column.data_type)} is null"
        return word_where(f"{trimmed(old)} <> '' and {is_strange}", old)
    return None


def typed_text(value: str, data_type: str, /) -> str:
    """Return a text in a type of the contract as staging reads it; NULL where it is not of it."""
    if data_type == "integer":
        # a cast alone would round 6.5 to 7
        whole = f"try_cast({value} as integer)"
        return f"case when try_cast({value} as double) = {whole} then {whole} end"
    if data_type == "timestamp":
        time = value
        for written, read in ((" UTC", "Z"), (" Z", "Z"), (" +", "+"), (" -", "-")):
            time = f"replace({time}, '{written}', '{read}')"
        rest = f"translate({time}, '{TIME_MARKS}', '')"
        return f"case when lower({rest}) = upper({rest}) then try_cast({time} as timestamptz) end"
    return f"try_cast({value} as {data_type})"


def left_in_json(column: RawColumn, /) -> str:
    """Return what is left of a column in the JSON of a rejected row, as JSON."""
    delivered = f"json_extract(old.raw_row, '$.{column.name}')"
    delivered_text = f"json_extract_string(old.raw_row, '$.{column.name}')"
    word = f"case when {delivered_text} is not null then to_json({text(WORD)}) end"
    if column.name == CUSTOMER_ID:
        return "to_json(erased.tombstone_id)"
    if column.is_restricted:
        return word
    if column.accepted_values:
        unknown = is_unknown(column, delivered_text)
        return f"case when {unknown} then {word} else {delivered} end"
    if "currency" in column.name:
        return f"case when length({delivered_text}) <> 3 then {word} else {delivered} end"
    if column.is_text:
        return delivered
    # a value that is not of its type may be anything, too
    return f"case when old.{name(column.name)} is not null then {delivered} end"


def is_unknown(column: RawColumn, expression: str, /) -> str:
    """Return whether a text is none of the words of the contract."""
    words = ", ".join(text(word) for word in column.accepted_values)
    return f"lower({trimmed(expression)}) not in ({words})"


def tombstone_or(old: str, type_: str, /) -> str:
    """Return the tombstone of who is erased, and the id of who is not, as text."""
    as_text = old if type_ == "VARCHAR" else f"cast({old} as varchar)"
    return f"coalesce(erased.tombstone_id, {as_text})"


def word_where(condition: str, old: str, /) -> str:
    """Return the word for what is erased, where the person is and the condition holds."""
    return f"case when {IS_ERASED} and {condition} then {text(WORD)} else {old} end"
