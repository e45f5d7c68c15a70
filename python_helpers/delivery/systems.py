"""Tells by its header which system a file was exported from."""

import gzip
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from python_helpers.core.settings import OF_TABLES

# Exports that no connector reads: columns that together are in the header of one of them alone.
OTHERS = (
    ("Square transactions", "date, time, time zone, gross sales, total collected, transaction id"),
    ("WooCommerce Analytics orders", "date, order #, status, customer type, net sales"),
    ("Stripe payments", "amount refunded, seller message"),
    ("Stripe customers", "created (utc), delinquent, total spend"),
    ("SurveyMonkey responses", "respondent id, collector id, start date"),
)
BEGINNING = 1 << 16  # bytes: a preamble and a header are not longer
LINES = 30


def export_of(file: Path, /, *, exports: Mapping[str, dict[str, Any]]) -> str | None:
    """Name the export that a file of text is, such as `shopify.orders`, by its header."""
    required = {
        name: required_names(export)
        for name, export in exports.items()
        if not name.startswith(OF_TABLES)
    }
    for line in first_lines(file):
        found = {plain(each) for each in re.split("[,;\t|]", line)}
        for name, columns in required.items():
            if columns and all(names & found for names in columns):
                return name
    return None


def other_system_of(file: Path, /) -> str | None:
    """Name the export that a file is and that no connector reads."""
    for line in first_lines(file):
        found = {each.strip(" \"'").lower() for each in re.split("[,;\t]", line)}
        for system, columns in OTHERS:
            if found.issuperset(columns.split(", ")):
                return system
    return None


def required_names(export: dict[str, Any], /) -> list[set[str]]:
    """Return the columns that an export is recognised by, each with all its names."""
    return [
        {plain(name) for name in (column["name"], *meta.get("names", ()))}
        for column in export["columns"].values()
        if (meta := column["config"]["meta"]).get("required")
    ]


def plain(name: str, /) -> str:
    """Return a name without what may differ, as the macro plain_name() does."""
    return re.sub(r"[\s_.-]", "", name.strip(" \"'\ufeff").lower())


def first_lines(file: Path, /) -> list[str]:
    """Read the first lines of a file, whatever its encoding; none of one that cannot be read."""
    try:
        with gzip.open(file) if file.suffix.lower() == ".gz" else file.open("rb") as opened:
            content = opened.read(BEGINNING)
    except (OSError, EOFError, zlib.error):
        return []
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = content.decode("utf-16" if is_utf16 else "utf-8-sig", errors="replace")
    return text.splitlines()[:LINES]
