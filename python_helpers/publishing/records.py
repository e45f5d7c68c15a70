"""The outcome of each run that wrote to a folder of published builds, a line of JSON per run.

A file of lines takes a record in one write, any program can read it, and DuckDB can query it.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from python_helpers.core.disk import sync

RECORDS = "builds.jsonl"
FIELDS = (
    *("id", "command", "outcome", "phase", "error", "exit_code"),
    *("started_at", "ended_at", "build_id", "replaced_build_id"),
    *("as_of_date", "code_version", "raw_input", "raw_data_dir", "input_files", "rows", "seconds"),
    *("erased_customers", "rewritten_files"),
)
"""Every record has all of them, so that queries work whatever happened."""


def append_record(*, publish_dir: Path, record: dict[str, object]) -> None:
    """Add a record. The caller holds the lock of the folder."""
    assert not record.keys() - set(FIELDS), record
    append_line(path=publish_dir / RECORDS, values={name: record.get(name) for name in FIELDS})


def append_line(*, path: Path, values: Mapping[str, object]) -> None:
    """Add a line of JSON after the last whole one, and wait until it is on disk."""
    line = json.dumps(values) + "\n"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        # a line without an end is what a full disk or a power cut left behind
        known = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        end = known.rfind(b"\n") + 1
        os.ftruncate(descriptor, end)
        os.pwrite(descriptor, line.encode(), end)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync(path=path.parent)


def read_records(*, publish_dir: Path) -> list[dict]:
    """Return the records, oldest first; lines that are cut or no record are left out."""
    lines = read_lines(path=publish_dir / RECORDS)
    return [dict.fromkeys(FIELDS) | line for line in lines if isinstance(line.get("id"), str)]


def read_lines(*, path: Path) -> list[dict]:
    """Read lines of JSON; cut lines are left out, and a missing file has none."""
    if not path.is_file():
        return []
    records = []
    for line in path.read_bytes().splitlines():
        with suppress(ValueError):
            records.append(json.loads(line))
    return [record for record in records if isinstance(record, dict)]
