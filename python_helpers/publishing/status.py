"""What `status` shows of a folder of published builds."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.core.locks import holder, publish_lock
from python_helpers.delivery.erasures import unfinished
from python_helpers.publishing.builds import (
    REPORT,
    kept_builds,
    live_build,
    read_manifest,
    strays,
)
from python_helpers.publishing.records import read_records

OPTIONAL = ("raw_data_dir", "code_version", "engine", "schema")
TEXTS = ("as_of_date", "built_at", "reporting_currency", "raw_input", *OPTIONAL)
FACTS = (
    *TEXTS,
    "activity_window",
    "age_seconds",
    "bytes",
    "input_files",
    "left_out",
    "report",
    "rows",
)
"""The facts of a build beside its id and whether it is live."""


def status_facts(*, publish_dir: Path, erasures_dir: Path) -> dict[str, Any]:
    """Gather what is live, what is kept, what failed last, and whether a run is in progress."""
    live = live_build(publish_dir=publish_dir)
    records = read_records(publish_dir=publish_dir)
    details, is_held = holder(publish_lock(publish_dir=publish_dir))
    # the next run records one that died
    is_known = any(record["id"] == details.get("run_id") for record in records)
    erasures = None
    try:
        erasures = unfinished(folder=erasures_dir)
    except SettingsError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
    # a failed rollback is seen by whoever asked for it
    refreshes = (record for record in records if record["command"] == "lifecycle refresh")
    failures = [record for record in refreshes if record["outcome"] in ("failed", "blocked")]
    return {
        "publish_dir": str(publish_dir),
        "live": live and build_facts(build=live, is_live=True),
        "builds": [
            build_facts(build=build, is_live=build == live)
            for build in kept_builds(publish_dir=publish_dir)
        ],
        "strays": strays(publish_dir=publish_dir),
        "last_failure": failures[-1] if failures else None,
        "last_run": records[-1] if records else None,
        "erasures_dir": str(erasures_dir),
        "unfinished_erasures": erasures,
        "running": details if is_held else None,
        "died": details if details.get("run_id") and not is_held and not is_known else None,
    }


def build_facts(*, build: Path, is_live: bool) -> dict[str, object]:
    """Describe a build; if its manifest is damaged, every fact is None."""
    facts = dict.fromkeys(FACTS) | {"is_damaged": True}
    with suppress(PublishError, KeyError, TypeError, ValueError, AttributeError):
        manifest = read_manifest(build=build)
        age = datetime.now(UTC) - datetime.fromisoformat(manifest["built_at"])
        for name in TEXTS:
            if not isinstance(manifest.get(name), str | None if name in OPTIONAL else str):
                raise TypeError
        known = {
            **{name: manifest.get(name) for name in TEXTS},
            "left_out": manifest.get("left_out"),
            "activity_window": manifest.get("activity_window"),
            "age_seconds": int(age.total_seconds()),
            "bytes": sum(file["bytes"] for file in manifest["files"].values()),
            "input_files": manifest.get("input_files"),
            "report": str(build / REPORT) if REPORT in manifest["files"] else None,
            "rows": {mart: int(rows) for mart, rows in manifest["rows"].items()},
        }
        _ = sum(file["bytes"] for file in known["input_files"] or ())
        facts = known | {"is_damaged": False}
    return {"build_id": build.name, "is_live": is_live, **facts}
