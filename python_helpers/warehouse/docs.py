"""The documentation of the project, with its lineage, as one page that needs no server."""

from pathlib import Path

from python_helpers.core.folders import DOCS_PAGE
from python_helpers.core.locks import locked, warehouse_lock
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.delivery.inputs import check_inputs
from python_helpers.warehouse.build import build, build_error
from python_helpers.warehouse.dbt import prepare_folders, run_dbt


def write_docs(*, settings: Settings, log: Log) -> Path:
    """Write the page for the warehouse as it is; a missing warehouse is built first.

    Raises BuildError or RawDataError where that fails, SettingsError where there is no profile, and
    LockedError.
    """
    prepare_folders(settings=settings)
    with locked(warehouse_lock(warehouse=settings.warehouse), command="lifecycle docs"):
        if not settings.warehouse.is_file():
            check_inputs(settings=settings)
            build(settings=settings, log=log)
        outcome = run_dbt("docs", "generate", "--static", settings=settings)
        if not outcome.success:
            raise build_error(outcome=outcome, results=[], settings=settings)
        written = settings.target_path / "static_index.html"
        page = settings.target_path / DOCS_PAGE
        text = written.read_text(encoding="utf-8")
        # readers of the page have no use for the folders of this machine
        for folder in (settings.target_path, settings.raw_data, settings.project_dir):
            text = text.replace(str(folder), folder.name) if folder else text
        page.write_text(text, encoding="utf-8")
        written.unlink()
        return page
