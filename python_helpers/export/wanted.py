"""What an export is asked for."""

from dataclasses import dataclass

from python_helpers.export.identifiers import SUFFIX
from python_helpers.export.places import POSTGRES
from python_helpers.export.workbook import XLSX

FILES = ("parquet", "csv")
"""Formats of a file per mart."""
FORMATS = (*FILES, XLSX, POSTGRES)


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is exported, and how."""

    file_format: str
    build_id: str | None = None
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    raw_text: bool = False
    """Leave texts in CSV as they are, even if a spreadsheet would read one as a formula."""
    with_identifiers: bool = False
    """Add address and name, and leave out customers who may not be contacted."""
    keep: int = 5
    schema: str = "marts"
    postgres_url: str | None = None

    @property
    def folder(self) -> str:
        """Name the folder of its exports."""
        return self.file_format + SUFFIX * self.with_identifiers
