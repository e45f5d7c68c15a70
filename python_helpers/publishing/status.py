"""What `status` shows of a folder of published builds."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.core.locks import holder, publish_lock
from python_helpers.delivery.erasures import unfinished
from python_helpers.publishing.builds import kept_builds, live_build, read_manifest
from python_helpers.publishing.records import read_records

FAILURES = ("failed", "blocked")
REFRESH = "lifecycle refresh"
FACTS = (
    *("as_of_date", "built_at", "age_seconds", "bytes", "reporting_currency"),
    *("raw_input", "raw_data_dir", "input_files", "code_version", "rows"),
)
"""The facts of a build beside its id and whether it is live, in this order."""


def status_facts(*, publish_dir: Path, erasures_dir: Path) -> dict[str, Any]:
    """Gather what is live, what is kept, what failed last, and whether a run is in progress."""
    live = live_build(publish_dir=publish_dir)
    records = read_records(publish_dir=publish_dir)
    details, is_held = holder(publish_lock(publish_dir=publish_dir))
    # the next run records one that died
    is_known = any(record["id"] == details.get("run_id") for record in records)
    return {
        "publish_dir": str(publish_dir),
        "live": live and build_facts(build=live, is_live=True),
        "builds": [
            build_facts(build=build, is_live=build == live)
            for build in kept_builds(publish_dir=publish_dir)
        ],
        "last_failure": last_failure(records=records),
        "last_run": records[-1] if records else None,
        "erasures_dir": str(erasures_dir),
        "unfinished_erasures": unfinished_if_known(folder=erasures_dir),
        "running": details if is_held else None,
        "died": details if details.get("run_id") and not is_held and not is_known else None,
    }


def unfinished_if_known(*, folder: Path) -> int | None:
    """Count unfinished erasures; None for a user who may not read the list."""
    try:
        return unfinished(folder=folder)
    except SettingsError as error:
        if isinstance(error.__cause__, PermissionError):
            return None
        raise


def build_facts(*, build: Path, is_live: bool) -> dict[str, object]:
    """Describe a build; if its manifest is damaged, every fact is None."""
    try:
        facts = checked_facts(manifest=read_manifest(build=build))
    except (PublishError, KeyError, TypeError, ValueError, AttributeError):
        facts = None
    return {
        "build_id": build.name,
        "is_live": is_live,
        "is_damaged": facts is None,
        **(facts or dict.fromkeys(FACTS)),
    }


def checked_facts(*, manifest: dict[str, Any]) -> dict[str, object]:
    """Take the facts out of a manifest. Raises an error where one has another type."""
    built_at = datetime.fromisoformat(manifest["built_at"])
    for name in ("as_of_date", "reporting_currency", "raw_input"):
        if not isinstance(manifest[name], str):
            raise TypeError(name)
    for name in ("raw_data_dir", "code_version"):
        if not isinstance(manifest.get(name), str | None):
            raise TypeError(name)
    input_files = manifest.get("input_files") or []
    for size in (*(file["bytes"] for file in input_files), *manifest["rows"].values()):
        if not isinstance(size, int):
            raise TypeError("input_files, rows")
    return {name: manifest.get(name) for name in FACTS} | {
        "age_seconds": int((datetime.now(UTC) - built_at).total_seconds()),
        "bytes": sum(file["bytes"] for file in manifest["files"].values()),
    }


def last_failure(*, records: list[dict]) -> dict | None:
    """Find the last refresh that failed; a failed rollback is seen by whoever asked for it."""
    for record in reversed(records):
        if record.get("outcome") in FAILURES and record.get("command") == REFRESH:
            return record
    return None
