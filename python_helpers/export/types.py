"""What an export has to know about the types of DuckDB."""

import re

from python_helpers.core.errors import PublishError
from python_helpers.publishing.reader import Mart

EXACT = re.compile(r"(DECIMAL\(.*\)|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT))")
WITHOUT_TEXT = re.compile(rf"{EXACT.pattern}|DATE|BOOLEAN|DOUBLE|FLOAT|TIME[^\[]*")
POSTGRES_TYPES = {
    **{"TINYINT": "smallint", "SMALLINT": "smallint", "INTEGER": "integer", "BIGINT": "bigint"},
    **{"FLOAT": "real", "DOUBLE": "double precision", "BOOLEAN": "boolean", "VARCHAR": "text"},
    **{"DATE": "date", "TIMESTAMP": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamptz"},
}


def is_number(data_type: str, /) -> bool:
    """Tell whether values of a type are exact numbers."""
    return bool(EXACT.fullmatch(data_type))


def is_text(data_type: str, /) -> bool:
    """Tell whether values of a type may be, or contain, text that somebody wrote."""
    return not WITHOUT_TEXT.fullmatch(data_type)


def postgres_type(*, mart: Mart, data_type: str) -> str:
    """Return the Postgres type that holds all values of a type. Raises PublishError."""
    decimal = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", data_type)
    if decimal:
        return f"numeric({decimal[1]},{decimal[2]})"
    if data_type not in POSTGRES_TYPES:
        raise PublishError(
            f"{mart.name} has a column of type {data_type}, which Postgres does not have. "
            "Leave it out with --exclude."
        )
    return POSTGRES_TYPES[data_type]
