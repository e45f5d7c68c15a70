"""Numbers in words, for the sentences of the report."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from python_helpers.report.chart import Row

FEWEST_CUSTOMERS = 5
"""No segment and no group of wallets with fewer is shown: who they are might be guessed."""
FEW = 30
"""A rate of fewer customers than this is said to rest on few."""


def readable(column: str, /) -> str:
    """Write the SQL that puts a name into words: `at_risk` is At risk."""
    return f"upper({column}[1]) || replace({column}[2:], '_', ' ')"


def count(number: float, one: str = "customer", /) -> str:
    """Write a number of things: 1 customer, 2,001 customers."""
    return f"{number:,.0f} {one if number == 1 else one + 's'}"


def share(number: float | None, /) -> str:
    """Write a share as per cent, with a decimal below ten."""
    if number is None:
        return "unknown"
    return f"{number:.1%}" if 0 < abs(number) < 0.0995 else f"{number:.0%}"


def amount(number: Any, /) -> str:
    """Write an amount of money without its currency, which the page names once."""
    value = float(number)
    for size, divisor, form in ((1e9, 1e9, ".1f"), (1e6, 1e6, ".1f"), (1e4, 1e3, ",.0f")):
        if abs(value) >= size:
            letters = {1e9: "bn", 1e6: "m", 1e3: "k"}[divisor]
            return f"{value / divisor:{form}}{letters}"
    return f"{value:,.0f}"


def month(day: date, /) -> str:
    """Write a month: March 2025."""
    return f"{day:%B %Y}"


def than(value: float | None, before: float | None, /, *, low: float = 0.0) -> str:
    """Compare two numbers: up from, down from, or the same as."""
    if value is None or before is None or abs(value - before) <= low:
        return "the same as"
    return "up from" if value > before else "down from"


def of_few(number: float, /) -> str:
    """Say so where a number of customers is too small to rest much on."""
    return f" These are only {count(number)}: expect it to move by chance." if number < FEW else ""


def total(rows: Sequence[Row], column: str, /) -> float:
    """Add up a column; NULL counts as 0."""
    return sum(float(row[column] or 0) for row in rows)
