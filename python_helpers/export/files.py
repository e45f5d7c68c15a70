"""Writes marts as Parquet or CSV files, a file per mart, in bounded memory."""

import re
from pathlib import Path

from python_helpers.core.errors import PublishError
from python_helpers.core.sql import name, text
from python_helpers.export.identifiers import IDENTIFIERS, OWNER_ALONE, identified
from python_helpers.export.wanted import Export
from python_helpers.publishing.reader import Column, Mart, Source

# Every other type may be, or contain, text that somebody wrote.
WITHOUT_TEXT = r"DECIMAL\(.*\)|\w*INT(EGER)?|DATE|BOOLEAN|DOUBLE|FLOAT|TIME[^\[]*"
OPTIONS = {
    "parquet": "format parquet, compression zstd",
    # NULL is nothing, an empty text is two quotes
    "csv": "format csv, header true, delimiter ',', nullstr ''",
}
# A spreadsheet recognises a formula by the first character of a text. Some skip blanks of any kind
# before it, and some read the wide characters of Japanese as the narrow ones.
BLANKS = r"\x00-\x20\x7f\x{85}\p{Z}\p{Cf}"
FORMULA = rf"^[{BLANKS}]*[\t\r\n=+\-@\x{{ff1d}}\x{{ff0b}}\x{{ff0d}}\x{{ff20}}]"


def write_mart(*, source: Source, mart: Mart, folder: Path, wanted: Export) -> int:
    """Write one mart to a file; returns its rows. Raises PublishError where one is missing."""
    columns, relation = list(mart.columns), name(mart.name)
    file, options = folder / f"{mart.name}.{wanted.file_format}", OPTIONS[wanted.file_format]
    if wanted.with_identifiers:
        columns = [Column(name=each, type="VARCHAR", description=None) for each in IDENTIFIERS]
        columns += mart.columns
        relation = identified(mart=mart)
    is_guarded = wanted.file_format == "csv" and not wanted.raw_text
    chosen = ", ".join(guarded(column) if is_guarded else name(column.name) for column in columns)
    ((rows,),) = source.connection.execute(
        f"copy (select {chosen} from {relation}) to {text(file)} ({options})"
    ).fetchall()
    if wanted.with_identifiers:
        file.chmod(OWNER_ALONE)
    elif rows != mart.rows:
        raise PublishError(f"{mart.name} has {mart.rows} rows, but {rows} were written.")
    return int(rows)


def guarded(column: Column, /) -> str:
    """Select a column so that no spreadsheet reads a text in it as a formula."""
    chosen = name(column.name)
    if re.fullmatch(WITHOUT_TEXT, column.type):
        return chosen
    written = f"{chosen}::varchar"
    return (
        f"case when regexp_matches({written}, {text(FORMULA)}) then '''' || {written} "
        f"else {written} end as {chosen}"
    )
