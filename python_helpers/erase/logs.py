"""Takes people out of logs and records, and removes what dbt makes again."""

from __future__ import annotations

import shutil
from pathlib import Path

from python_helpers.core.folders import AUDIT_PAGE, DOCS_PAGE
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.erase.texts import Words, clean_lines, clean_text
from python_helpers.publishing.records import RECORDS

DBT_LOGS = "dbt.log*"
ARTEFACTS = (
    *("compiled", "run", "manifest.json", "semantic_manifest.json", "partial_parse.msgpack"),
    *("run_results.json", "sources.json", "catalog.json", "graph.gpickle", "graph_summary.json"),
    *("index.html", "static_index.html", "perf_info.json", DOCS_PAGE, AUDIT_PAGE),
)
"""What a build, the documentation and an audit leave in the target folder, and make again."""


def clean_logs(*, settings: Settings, log: Log, words: Words, texts: Words) -> list[str]:
    """Clean the record of runs, their log, and the logs of dbt; returns which had something.

    In a message any of the words is hidden. The log of dbt is full of numbers: of those, only what
    can hardly be anything else.
    """
    found = []
    records = settings.publish_dir / RECORDS
    if records.is_file() and clean_lines(records, key="error", words=words):
        found.append(str(records))
    if log.file.is_file() and clean_lines(log.file, key="message", words=words):
        found.append(str(log.file))
    for folder in folders_of_logs(settings):
        for file in sorted(folder.glob(DBT_LOGS)):
            if file.is_file() and clean_text(file, words=texts):
                found.append(str(file))
    return found


def folders_of_logs(settings: Settings, /) -> list[Path]:
    """Return where dbt has logged: of the command, and of plain dbt."""
    folders = [settings.log_path, settings.project_dir / "logs"]
    return list(dict.fromkeys(folder.resolve() for folder in folders))


def remove_artefacts(*, settings: Settings) -> list[str]:
    """Remove what dbt makes again from the target folders; returns the folders that had any."""
    found = []
    folders = [settings.target_path, settings.project_dir / "target"]
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        paths = [folder / name for name in ARTEFACTS if (folder / name).exists()]
        for path in paths:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        if paths:
            found.append(str(folder))
    return found
