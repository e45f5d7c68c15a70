"""What an export is asked for, and what of that can be checked before it begins."""

from dataclasses import dataclass

from python_helpers.core.settings import Settings
from python_helpers.export.places import POSTGRES
from python_helpers.publishing.builds import find_build

FORMATS = ("parquet", "csv", POSTGRES)


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is exported, and how."""

    file_format: str
    build_id: str | None = None
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    raw_text: bool = False
    """Leave texts in CSV as they are, even if a spreadsheet would read one as a formula."""
    keep: int = 5
    schema: str = "marts"
    postgres_url: str | None = None


def checked_selection(*, wanted: Export, settings: Settings) -> set[str] | None:
    """Check what can be checked before anything is locked, and ask dbt for the selection if any."""
    find_build(publish_dir=settings.publish_dir, build_id=wanted.build_id)
    if wanted.file_format == POSTGRES:
        # here and not above: other exports need no driver
        from python_helpers.export.postgres.server import checked_address
        from python_helpers.export.postgres.write import checked_schema

        checked_schema(schema=wanted.schema)
        checked_address(url=wanted.postgres_url)
    if not wanted.select and not wanted.exclude:
        return None
    # here and not above: dbt takes seconds to import
    from python_helpers.warehouse.selection import selected_models

    return selected_models(settings=settings, select=wanted.select, exclude=wanted.exclude)
