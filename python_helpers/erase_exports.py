"""Takes people out of what was exported: folders of files; databases of others are named.

    EXPORT_DIR/<format>/builds/<id>/     files and a manifest, as published builds have
    EXPORT_DIR/<format>/current          -> builds/<id>

Of Postgres there is only a manifest. An export to it replaces the tables as a whole, so one that
was made after the builds were rewritten is the erasure there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from python_helpers.erase_builds import (
    REWRITTEN_AT,
    Rewrite,
    erase_in_builds,
    settle_builds,
    whole_builds,
)
from python_helpers.locks import locked, publish_lock
from python_helpers.published import BUILDS, PublishError, kept_builds, read_manifest
from python_helpers.settings import Settings

POSTGRES = "postgres"


def erase_in_exports(
    *,
    settings: Settings,
    rewrite: Rewrite,
    cleaned: Callable[[str], str],
    command: str,
) -> list[str]:
    """Write every exported folder anew that has one of the people; returns which."""
    rewritten = []
    for folder in formats(settings=settings):
        with locked(publish_lock(publish_dir=folder), command=command, wait=settings.lock_wait):
            settle_builds(publish_dir=folder)
            exports = erase_in_builds(
                publish_dir=folder,
                rewrite=rewrite,
                cleaned=cleaned,
                whole=whole_builds(publish_dir=folder),
            )
            rewritten += [f"export {folder.name}/{export}" for export in exports]
    return rewritten


def formats(*, settings: Settings) -> list[Path]:
    """Return the folders of exports, one per format."""
    return sorted(path.parent for path in settings.export_dir.glob(f"*/{BUILDS}"))


def databases_left(*, settings: Settings, since: datetime) -> list[str]:
    """Name the databases whose last export is older than the erasure, and how to replace it."""
    rewritten = {
        build.name: datetime.fromisoformat(read_manifest(build=build)[REWRITTEN_AT])
        for build in kept_builds(publish_dir=settings.publish_dir)
        if REWRITTEN_AT in read_manifest(build=build)
    }
    left: dict[tuple[str, ...], bool] = {}
    for export in kept_builds(publish_dir=settings.export_dir / POSTGRES):
        manifest = read_manifest(build=export)
        where = manifest.get(POSTGRES)
        if where:
            place = tuple(str(where.get(part)) for part in ("schema", "database", "server"))
            exported_at = datetime.fromisoformat(manifest["exported_at"])
            is_old = exported_at <= max(since, rewritten.get(manifest.get("build_id"), since))
            left.setdefault(place, is_old)  # the newest comes first
    return [
        f"schema {schema} of {database} on {server}"
        for (schema, database, server), is_old in left.items()
        if is_old
    ]


def check_databases(*, settings: Settings, since: str) -> None:
    """Refuse to call people erased whom a database still has. Raises PublishError."""
    left = databases_left(settings=settings, since=datetime.fromisoformat(since).astimezone(UTC))
    if left:
        raise PublishError(
            f"Exported to Postgres before, and still there: {'; '.join(left)}. Replace them with "
            "lifecycle export --format postgres, then run the same command again"
        )
