"""The documentation of the project, with its lineage, as one page that needs no server."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from python_helpers.core.locks import locked, warehouse_lock
from python_helpers.core.settings import DOCS_PAGE, Settings
from python_helpers.delivery.inputs import check_inputs
from python_helpers.warehouse.build import (
    build,
    build_error,
    dbt_arguments,
    environment,
    prepare_folders,
)


def write_docs(*, settings: Settings, console: Console) -> Path:
    """Write the page, of the warehouse as it is; one that is missing is built first.

    Raises BuildError or RawDataError where that fails, SettingsError where there is no profile, and
    LockedError.
    """
    prepare_folders(settings=settings)
    with locked(warehouse_lock(warehouse=settings.warehouse), command="lifecycle docs"):
        if not settings.warehouse.is_file():
            check_inputs(settings=settings)
            build(settings=settings, console=console)
        return generate(settings=settings)


def generate(*, settings: Settings) -> Path:
    """Let dbt write the page, and take out what is nobody's business."""
    with environment(values=settings.environment()):
        # here and not above: it takes seconds, which --help need not wait for
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        command = dbt_arguments(settings=settings, command=("docs", "generate", "--static"))
        outcome = dbtRunner().invoke(command)
        DuckDBConnectionManager.close_all_connections()
    if not outcome.success:
        raise build_error(outcome=outcome, results=[], settings=settings)
    written = settings.target_path / "static_index.html"
    page = settings.target_path / DOCS_PAGE
    text = without_own_folders(text=written.read_text(encoding="utf-8"), settings=settings)
    page.write_text(text, encoding="utf-8")
    written.unlink()  # one page, and not the one that names the folders
    return page


def without_own_folders(*, text: str, settings: Settings) -> str:
    """Take out where things are on this machine, which is nobody's business who gets the page."""
    names = {settings.project_dir: ".", settings.target_path: "target"}
    if settings.raw_data:
        names[settings.raw_data] = "raw_data"
    # a folder inside another one first
    for folder in sorted(names, key=lambda folder: len(str(folder)), reverse=True):
        path = str(folder)
        for spelled in {path, path.replace("'", "''")}:  # as it is, and inside SQL
            text = text.replace(json.dumps(spelled)[1:-1], names[folder])
    return text
