"""Writes marts as a spreadsheet: a workbook with a sheet per mart, and one with their definitions.

It goes row by row, so that the largest mart needs no more memory than the smallest.
"""

import math
import re
from collections.abc import Callable, Collection
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.core.sql import name
from python_helpers.publishing.reader import Mart, Source
from python_helpers.publishing.writing import SPILL

XLSX = "xlsx"
WORKBOOK = "marts.xlsx"
MOST_ROWS = 1_000_000
"""A sheet ends after 1,048,576 rows."""
MOST_CHARACTERS = 32_767  # in a cell
MOST_IN_NAME = 31  # characters of the name of a sheet
DEFINITIONS = "definitions"
COLUMNS = ("sheet", "mart", "column", "type", "definition")  # of the definitions
DAY, TIME = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
FIRST_YEAR = 1900  # a spreadsheet knows no earlier date
ROWS_AT_ONCE = 10_000


def write_workbook(*, source: Source, marts: Collection[Mart], folder: Path) -> list[Mart]:
    """Write the marts that fit in sheets to a workbook; returns those.

    Raises SettingsError where none does, and PublishError where a text is too long for a cell.
    """
    # here and not above: other exports need no spreadsheets
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import XlsxWriterException

    fitting = [mart for mart in marts if mart.rows <= MOST_ROWS]
    if not fitting:
        raise SettingsError(
            f"No mart of the selection fits in a sheet, which holds {MOST_ROWS:,} rows. Use "
            "--format parquet or csv."
        )
    temporary = folder / SPILL
    temporary.mkdir(exist_ok=True)
    options = {
        "constant_memory": True,
        "tmpdir": str(temporary),
        "default_date_format": DAY,
        # a text is a text, whatever it begins with
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    try:
        with Workbook(folder / WORKBOOK, options) as workbook:
            facts = (source.manifest.get(key) for key in ("build_id", "as_of_date"))
            workbook.set_properties({"title": "Build {}, as of {}".format(*facts)})
            names = sheet_names(fitting)
            bold = workbook.add_format({"bold": True})
            put = writer(time=workbook.add_format({"num_format": TIME}))
            sheet = started(workbook, DEFINITIONS, COLUMNS, bold)
            sheet.set_column(0, 3, 24)
            sheet.set_column(4, 4, 120)
            for row, values in enumerate(definitions(fitting, names=names), start=1):
                for place, value in enumerate(values):
                    put(sheet, row, place, value)
            for mart in fitting:
                write_sheet(
                    started(workbook, names[mart.name], [each.name for each in mart.columns], bold),
                    source=source,
                    mart=mart,
                    put=put,
                )
    except XlsxWriterException as error:
        raise PublishError(f"{WORKBOOK} cannot be written: {error}") from error
    return fitting


def started(workbook: Any, title: str, columns: Collection[str], bold: Any, /) -> Any:
    """Add a sheet with the names of its columns, which stay in view."""
    sheet = workbook.add_worksheet(title)
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(columns):
        sheet.write_string(0, place, column, bold)
        sheet.set_column(place, place, max(10, len(column) + 2))
    return sheet


def write_sheet(sheet: Any, /, *, source: Source, mart: Mart, put: Callable[..., None]) -> None:
    """Write the rows of a mart. Raises PublishError where one is missing or a text is too long."""
    columns = ", ".join(name(column.name) for column in mart.columns)
    rows = source.connection.execute(f"select {columns} from {name(mart.name)}")
    written = 0
    while batch := rows.fetchmany(ROWS_AT_ONCE):
        for values in batch:
            written += 1
            for place, value in enumerate(values):
                try:
                    put(sheet, written, place, value)
                except ValueError as error:
                    raise PublishError(
                        f"{mart.name} has a text of {error} characters in "
                        f"{mart.columns[place].name}, and a cell holds {MOST_CHARACTERS:,}. Use "
                        f"--exclude {mart.name}, or --format parquet or csv."
                    ) from error
    if written != mart.rows:
        raise PublishError(f"{mart.name} has {mart.rows} rows, but {written} were written.")


def writer(*, time: Any) -> Callable[..., None]:
    """Return what writes a value to a cell. It raises ValueError with the length of a long text."""

    def put(sheet: Any, row: int, place: int, value: object) -> None:
        if value is None:
            return
        if isinstance(value, bool):
            sheet.write_boolean(row, place, value)
        elif isinstance(value, int | float | Decimal) and is_exact(value):
            sheet.write_number(row, place, float(value))
        elif isinstance(value, date) and value.year >= FIRST_YEAR:
            is_time = isinstance(value, datetime)
            sheet.write_datetime(row, place, value, time if is_time else None)
        else:
            text = str(value)
            if len(text) > MOST_CHARACTERS:
                raise ValueError(f"{len(text):,}")
            sheet.write_string(row, place, text)

    return put


def is_exact(value: float | Decimal, /) -> bool:
    """Tell whether a spreadsheet, which keeps 15 digits, can keep a number as it is."""
    if isinstance(value, float):
        return math.isfinite(value)
    digits = Decimal(value).normalize().as_tuple().digits
    return len(digits) <= 15


def sheet_names(marts: Collection[Mart], /) -> dict[str, str]:
    """Name the sheet of each mart: as the mart, as far as a spreadsheet takes it."""
    names: dict[str, str] = {}
    taken = {DEFINITIONS, "history"}  # which a spreadsheet keeps for itself
    for mart in marts:
        wanted = re.sub(r"[\[\]:*?/\\']", "_", mart.name)[:MOST_IN_NAME]
        chosen, number = wanted, 1
        while chosen.lower() in taken:
            number += 1
            chosen = f"{wanted[: MOST_IN_NAME - len(str(number)) - 1]}~{number}"
        taken.add(chosen.lower())
        names[mart.name] = chosen
    return names


def definitions(
    marts: Collection[Mart], /, *, names: dict[str, str]
) -> list[tuple[str, str, str | None, str | None, str | None]]:
    """List each mart and each of its columns, with what they mean."""
    rows: list[tuple[str, str, str | None, str | None, str | None]] = []
    for mart in marts:
        rows.append((names[mart.name], mart.name, None, None, mart.description))
        rows += [
            (names[mart.name], mart.name, column.name, column.type, column.description)
            for column in mart.columns
        ]
    return rows
