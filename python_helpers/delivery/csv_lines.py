"""The lines of a damaged CSV file: what they look like, and what to do about them."""

import codecs
import csv
import gzip
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TextIO

MOST_LINES_BELOW = 30  # of a file; more are no notes below a table


def lines_fault(*, file: Path, number: int, skipped: int) -> str | None:
    """Say which lines of a file cannot be rows, from its damaged line on; None if that is unclear.

    `skipped` is the number of lines above the header. As in DuckDB, a text that spans several
    lines is one line.
    """
    with suppress(OSError, EOFError, ValueError, csv.Error), open_text(file) as text:
        header = next(islice(text, skipped, None), "")
        delimiter = max(",;\t|", key=header.count)
        (names,) = csv.reader([header], delimiter=delimiter)
        before = max(number - skipped - 3, 0)
        rows = csv.reader(text, delimiter=delimiter)
        rest = list(islice(rows, before, before + MOST_LINES_BELOW + 2))
        is_first = number == skipped + 2
        above, damaged = ([""], rest) if is_first else (rest[0], rest[1:])
        if is_first and is_wrapped(damaged[0], delimiter=delimiter, width=len(names)):
            return (
                f"line {number}: The line is quoted as one field, as spreadsheets save a table "
                "that is in one column. Split that column there, and save it as CSV again."
            )
        filled = [at for at, row in enumerate(damaged, start=number) if any(row)]
        is_below = len(damaged) <= MOST_LINES_BELOW and (not above or len(filled) > 1)
        if is_below and all(len(row) < len(names) for row in damaged):
            lines = f"lines {number} to {filled[-1]}" if len(filled) > 1 else f"line {number}"
            return f"{lines}: Fewer fields than in the header, as below a table. Take away {lines}."
    return None


def is_wrapped(row: list[str], /, *, delimiter: str, width: int) -> bool:
    """Tell whether a row is one text that has all fields in it."""
    inside = list(csv.reader(row[:1], delimiter=delimiter))
    return len(row) < width and not any(row[1:]) and [len(fields) for fields in inside] == [width]


def open_text(file: Path, /) -> TextIO:
    """Open a CSV file, compressed or not, in the encodings that the project reads."""
    opener = gzip.open if file.suffix.lower() == ".gz" else open
    with opener(file, "rb") as content:
        is_utf_16 = content.read(2) == codecs.BOM_UTF16_LE
    encoding = "utf-16" if is_utf_16 else "utf-8-sig"
    return opener(file, "rt", encoding=encoding, errors="replace", newline="")
