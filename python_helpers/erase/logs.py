"""Takes people out of records and logs, and removes what dbt makes again."""

import json
import shutil
from pathlib import Path

from python_helpers.core.disk import replace_text
from python_helpers.core.settings import Settings
from python_helpers.erase.people import People
from python_helpers.erase.search import export_folders
from python_helpers.publishing.records import RECORDS, read_lines
from python_helpers.warehouse.dbt import ARTEFACTS

MESSAGES = ("error", "message")  # the texts in records and in the log


def clean_logs(*, settings: Settings, people: People) -> list[str]:
    """Clean the records and the log of runs, and remove the logs and the artefacts of dbt."""
    changed = []
    folders = [settings.publish_dir, *export_folders(settings=settings)]
    for file in (settings.log_file, *(folder / RECORDS for folder in folders)):
        if file.is_file() and hide_in_messages(file, people):
            changed.append(f"{file}, cleaned")
    targets = {settings.target_path.resolve(), (settings.project_dir / "target").resolve()}
    logs = {settings.log_path.resolve(), (settings.project_dir / "logs").resolve()}
    for path in (
        *(folder / each for folder in targets for each in ARTEFACTS),
        *(log for folder in logs for log in folder.glob("dbt.log*")),
    ):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return changed


def hide_in_messages(file: Path, people: People, /) -> bool:
    """Hide the people in the messages of a file of JSON lines; returns whether they were there."""
    records = read_lines(path=file)
    places = [
        (record, key) for record in records for key in MESSAGES if isinstance(record.get(key), str)
    ]
    before = [record[key] for record, key in places]
    after = people.hidden_in(before)
    if after == before:
        return False
    for (record, key), message in zip(places, after, strict=True):
        record[key] = message
    lines = [json.dumps(record) for record in records]
    replace_text(file, "\n".join([*lines, ""]), mode=file.stat().st_mode & 0o777)
    return True
