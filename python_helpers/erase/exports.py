"""Exports again to where exports went, so that nothing is left of those before.

An export replaces files and tables as a whole. Of a server there is a list of the places that were
written to; those that the address does not lead to are named.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime

from python_helpers.core.errors import LifecycleError, PublishError
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.erase.builds import remove_own_files
from python_helpers.erase.search import export_folders
from python_helpers.export.places import PLACES, POSTGRES, Place, places_left
from python_helpers.export.run import recorded_export
from python_helpers.export.wanted import FORMATS, Export
from python_helpers.publishing.builds import kept_builds, live_build, read_manifest


def export_files_again(*, settings: Settings, log: Log) -> list[str]:
    """Export the same marts in every format that is there, and remove the exports before."""
    again = []
    for folder in export_folders(settings=settings):
        old = kept_builds(publish_dir=folder)
        if not old or folder.name == POSTGRES or folder.name not in FORMATS:
            continue
        manifest = {}
        with suppress(PublishError):  # a damaged one: every mart is exported
            manifest = read_manifest(build=live_build(publish_dir=folder) or old[0])
        wanted = wanted_again(
            settings=settings,
            file_format=folder.name,
            select=manifest.get("rows"),
            raw_text=bool(manifest.get("raw_text")),
        )
        recorded_export(wanted=wanted, settings=settings, log=log, chosen=manifest.get("rows"))
        for export in old:
            remove_own_files(build=export)
        again.append(f"exports/{folder.name}, exported again")
    return again


def wanted_again(
    *, settings: Settings, file_format: str, select: Collection[str] | None, **options: object
) -> Export:
    """Say what is exported again; how many exports to keep is for exports to decide."""
    return Export(
        file_format=file_format,
        export_dir=settings.export_dir,
        publish_dir=settings.publish_dir,
        select=tuple(select or ()),
        wait=settings.lock_wait,
        keep=sys.maxsize,
        **options,
    )


def exported_to(*, settings: Settings, since: str | None = None) -> dict[Place, list[str]]:
    """Return the schemas on servers that may hold an export of a build from before a time."""
    built_at = {}
    for build in kept_builds(publish_dir=settings.publish_dir):
        with suppress(PublishError, KeyError):
            built_at[build.name] = datetime.fromisoformat(read_manifest(build=build)["built_at"])

    def is_old(line: dict) -> bool:
        built = built_at.get(line.get("build_id"))
        return since is None or built is None or built < datetime.fromisoformat(since)

    return places_left(folder=settings.export_dir / POSTGRES, is_old=is_old)


def export_to_servers_again(
    *, settings: Settings, log: Log, url: str | None, since: str
) -> list[str]:
    """Export again to every schema that the address leads to. Raises PublishError for the others.

    Exports of builds from after `since` have nobody who was erased then.
    """
    left = exported_to(settings=settings, since=since)
    problems = dict.fromkeys(left, "")
    if left and url:
        # here and not above: other exports need no driver
        from python_helpers.export.postgres.server import checked_address, connected

        address = checked_address(url=url)
        reached = [place for place in left if place.server == address.described()]
        try:
            with connected(address=address) as server:
                ((database,),) = server.query("select current_database()::text")
        except PublishError as error:
            problems |= dict.fromkeys(reached, str(error))
            reached = []
        for place in reached:
            if place.database == database:
                wanted = wanted_again(
                    settings=settings,
                    file_format=POSTGRES,
                    select=left[place],
                    schema=place.schema,
                    postgres_url=url,
                )
                try:
                    recorded_export(wanted=wanted, settings=settings, log=log, chosen=left[place])
                    del problems[place]
                except LifecycleError as error:
                    problems[place] = str(error)
    if problems:
        said = [
            f"{place} ({why.rstrip('.')})" if why else f"{place}" for place, why in problems.items()
        ]
        raise PublishError(
            f"Exported to Postgres before, and still there: {'; '.join(said)}. Run the same command "
            "again with the address in POSTGRES_URL. If a place no longer exists, remove its lines "
            f"from {settings.export_dir / POSTGRES / PLACES}"
        )
    return [f"{place}, exported again" for place in left]
