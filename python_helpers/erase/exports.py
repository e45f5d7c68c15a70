"""Exports again to where exports went, so that nothing is left of those before.

An export replaces files and tables as a whole. Of a server there is a list of the places that were
written to; those that the address does not lead to are named.
"""

import sys
from contextlib import suppress

from python_helpers.core.errors import LifecycleError, PublishError
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.erase.builds import remove_own_files
from python_helpers.erase.search import export_folders
from python_helpers.export.identifiers import SUFFIX
from python_helpers.export.places import PLACES, POSTGRES, Place, places_left
from python_helpers.export.run import recorded_export
from python_helpers.export.wanted import FORMATS, Export
from python_helpers.publishing.builds import kept_builds, live_build, read_manifest

ALL = sys.maxsize  # how many exports to keep is for exports to decide


def export_files_again(*, settings: Settings, log: Log) -> list[str]:
    """Export the same marts in every format that is there, and remove the exports before."""
    again = []
    for folder in export_folders(settings=settings):
        old = kept_builds(publish_dir=folder)
        file_format = folder.name.removesuffix(SUFFIX)
        if old and file_format in FORMATS and file_format != POSTGRES:
            manifest = {}
            with suppress(PublishError):  # of a damaged one: every mart is exported
                manifest = read_manifest(build=live_build(publish_dir=folder) or old[0])
            wanted = Export(
                file_format=file_format,
                raw_text=bool(manifest.get("raw_text")),
                with_identifiers=folder.name != file_format,
                keep=ALL,
            )
            marts = manifest.get("rows")
            recorded_export(wanted=wanted, settings=settings, log=log, chosen=marts)
            for export in old:
                remove_own_files(build=export)
            again.append(f"exports/{folder.name}, exported again")
    return again


def exported_to(*, settings: Settings, since: str = "9999-12-31") -> dict[Place, list[str]]:
    """Return the schemas on servers that may hold an export of a build from before a time."""
    new = set()
    for build in kept_builds(publish_dir=settings.publish_dir):
        with suppress(PublishError):
            # both are times in UTC, written alike
            if str(read_manifest(build=build).get("built_at")) >= since:
                new.add(build.name)
    return places_left(
        folder=settings.export_dir / POSTGRES, is_old=lambda line: line.get("build_id") not in new
    )


def export_to_servers_again(
    *, settings: Settings, log: Log, url: str | None, since: str
) -> tuple[list[str], str]:
    """Export again to every schema that the address leads to; returns those, and what is left.

    Exports of builds from after `since` have nobody who was erased then.
    """
    left = exported_to(settings=settings, since=since)
    again, problem = [], ""
    if left and url:
        # here and not above: other exports need no driver
        from python_helpers.export.postgres.server import checked_address, connected

        address = checked_address(url=url)
        try:
            for place in [place for place in left if place.server == address.described()]:
                with connected(address=address) as server:
                    ((database,),) = server.query("select current_database()::text")
                if database == place.database:
                    wanted = Export(
                        file_format=POSTGRES, schema=place.schema, postgres_url=url, keep=ALL
                    )
                    recorded_export(wanted=wanted, settings=settings, log=log, chosen=left[place])
                    again.append(place)
        except LifecycleError as error:
            problem = f" ({str(error).rstrip('.')})"
    missing = "; ".join(str(place) for place in left if place not in again)
    if missing:
        problem = (
            f"Exported to Postgres before, and still there: {missing}{problem}. Name the address "
            "in POSTGRES_URL. If a place no longer exists, remove its lines from "
            f"{settings.export_dir / POSTGRES / PLACES}"
        )
    return [f"{place}, exported again" for place in again], problem


def secrets_of(url: str | None, /) -> tuple[str, ...]:
    """List what nobody may see of an address, before anything is done. Raises SettingsError."""
    if not url:
        return ()
    # here and not above: an erasure without a server needs no driver
    from python_helpers.export.postgres.server import checked_address

    return checked_address(url=url).secrets
