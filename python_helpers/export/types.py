"""What an export has to know about the types of DuckDB."""

import re

from python_helpers.core.errors import PublishError
from python_helpers.publishing.reader import Mart

EXACT = re.compile(r"(DECIMAL\(.*\)|U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT))")
WITHOUT_TEXT = re.compile(rf"{EXACT.pattern}|DATE|BOOLEAN|DOUBLE|FLOAT|TIME[^\[]*")
# Types that Postgres knows by the same name, and its names for others.
SAME = re.compile(r"DECIMAL\(.*\)|SMALLINT|INTEGER|BIGINT|BOOLEAN|DATE|TIMESTAMP( WITH TIME ZONE)?")
RENAMED = {"TINYINT": "smallint", "FLOAT": "real", "DOUBLE": "double precision", "VARCHAR": "text"}


def is_number(data_type: str, /) -> bool:
    """Tell whether values of a type are exact numbers."""
    return bool(EXACT.fullmatch(data_type))


def is_text(data_type: str, /) -> bool:
    """Tell whether values of a type may be, or contain, text that somebody wrote."""
    return not WITHOUT_TEXT.fullmatch(data_type)


def postgres_type(*, mart: Mart, data_type: str) -> str:
    """Return the Postgres type that holds all values of a type. Raises PublishError."""
    if data_type in RENAMED or SAME.fullmatch(data_type):
        return RENAMED.get(data_type, data_type)
    raise PublishError(
        f"{mart.name} has a column of type {data_type}, which Postgres does not have. "
        "Leave it out with --exclude."
    )
