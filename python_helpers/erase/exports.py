"""Takes people out of what was exported: folders of files; databases of others are named.

    EXPORT_DIR/<format>/builds/<id>/     files and a manifest, as published builds have
    EXPORT_DIR/<format>/current          -> builds/<id>

Of Postgres there is only a manifest, and a list of the places. An export to it replaces the tables
as a whole, so one that was made after the builds were rewritten is the erasure there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from python_helpers.core.errors import PublishError
from python_helpers.core.locks import locked, publish_lock
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.erase.builds import REWRITTEN_AT, Rewrite, erase_in_builds, whole_builds
from python_helpers.export.places import PLACES, POSTGRES, Place, places_left
from python_helpers.publishing.builds import BUILDS, kept_builds, read_manifest
from python_helpers.publishing.swap import settle_builds


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


def exported_to(*, settings: Settings) -> list[str]:
    """Name the schemas in databases that may hold an export."""
    places = places_left(folder=settings.export_dir / POSTGRES, is_old=lambda _: True)
    return [str(place) for place in places]


def databases_left(*, settings: Settings, since: datetime) -> dict[Place, list[str]]:
    """Find the schemas in databases that may hold an export from before the erasure."""
    rewritten = {
        build.name: datetime.fromisoformat(read_manifest(build=build)[REWRITTEN_AT])
        for build in kept_builds(publish_dir=settings.publish_dir)
        if REWRITTEN_AT in read_manifest(build=build)
    }

    def is_old(line: dict) -> bool:
        exported_at = datetime.fromisoformat(line["exported_at"])
        return exported_at <= max(since, rewritten.get(line.get("build_id"), since))

    return places_left(folder=settings.export_dir / POSTGRES, is_old=is_old)


def erase_in_databases(*, settings: Settings, since: str, log: Log, url: str | None) -> list[str]:
    """Export the live build again to each schema that has the people; returns to which.

    Raises PublishError where one is left, because the address does not lead there.
    """
    left = databases_left(settings=settings, since=datetime.fromisoformat(since).astimezone(UTC))
    outcomes: dict[Place, str | None] = {}
    if left and url:
        # here and not above: who exports to no server needs no driver
        from python_helpers.erase.postgres import export_again

        outcomes = export_again(settings=settings, log=log, url=url, left=left)
    replaced = [str(place) for place, problem in outcomes.items() if not problem]
    still = [
        f"{place} ({outcomes[place]})" if outcomes.get(place) else str(place)
        for place in left
        if str(place) not in replaced
    ]
    if still:
        raise PublishError(
            f"Exported to Postgres before, and still there: {'; '.join(still)}. Run the same "
            "command again with the address in POSTGRES_URL; lines of a place that is no more can "
            f"be taken out of {settings.export_dir / POSTGRES / PLACES}"
        )
    return replaced
