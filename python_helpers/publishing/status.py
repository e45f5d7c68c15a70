"""What `status` shows of a folder of published builds."""

from contextlib import suppress
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
TEXTS = (
    *("as_of_date", "built_at", "reporting_currency"),
    *("raw_input", "raw_data_dir", "code_version"),
)
FACTS = (*TEXTS, "age_seconds", "bytes", "input_files", "rows")
"""The facts of a build beside its id and whether it is live."""


def status_facts(*, publish_dir: Path, erasures_dir: Path) -> dict[str, Any]:
    """Gather what is live, what is kept, what failed last, and whether a run is in progress."""
    live = live_build(publish_dir=publish_dir)
    records = read_records(publish_dir=publish_dir)
    details, is_held = holder(publish_lock(publish_dir=publish_dir))
    # the next run records one that died
    is_known = any(record["id"] == details.get("run_id") for record in records)
    # a failed rollback is seen by whoever asked for it
    failures = [
        record
        for record in records
        if record["outcome"] in FAILURES and record["command"] == REFRESH
    ]
    return {
        "publish_dir": str(publish_dir),
        "live": live and build_facts(build=live, is_live=True),
        "builds": [
            build_facts(build=build, is_live=build == live)
            for build in kept_builds(publish_dir=publish_dir)
        ],
        "last_failure": failures[-1] if failures else None,
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
    facts = {
        "build_id": build.name,
        "is_live": is_live,
        "is_damaged": True,
        **dict.fromkeys(FACTS),
    }
    with suppress(PublishError, KeyError, TypeError, ValueError, AttributeError):
        manifest = read_manifest(build=build)
        age = datetime.now(UTC) - datetime.fromisoformat(manifest["built_at"])
        known = {
            **{name: manifest[name] and str(manifest[name]) for name in TEXTS},
            "age_seconds": int(age.total_seconds()),
            "bytes": sum(file["bytes"] for file in manifest["files"].values()),
            "input_files": manifest.get("input_files"),
            "rows": {mart: int(rows) for mart, rows in manifest["rows"].items()},
        }
        _ = sum(file["bytes"] for file in known["input_files"] or ())
        facts |= known | {"is_damaged": False}
    return facts
