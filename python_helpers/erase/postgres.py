"""Replaces what schemas in Postgres hold of the erased, by another export of the live build."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping

from python_helpers.core.errors import LockedError, PublishError, SettingsError
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.export.places import POSTGRES, Place
from python_helpers.export.postgres.server import Address, checked_address, connected
from python_helpers.export.run import recorded_export
from python_helpers.export.wanted import Export

CLOCK = 1.0  # seconds: times are kept in whole ones, and that of the export has to be a later one


def export_again(
    *, settings: Settings, log: Log, url: str, left: Mapping[Place, Collection[str]]
) -> dict[Place, str | None]:
    """Export the same marts to each place this address leads to; returns what went wrong with each.

    The caller holds the lock of what is read.
    """
    address = checked_address(url=url)
    reached = [place for place in left if place.server == address.described()]
    if not reached:
        return {}
    try:
        database = database_of(address=address)
    except PublishError as error:
        return dict.fromkeys(reached, str(error).rstrip("."))
    time.sleep(CLOCK)
    outcomes: dict[Place, str | None] = {}
    for place in reached:
        if place.database == database:
            outcomes[place] = exported(
                settings=settings, log=log, url=url, place=place, marts=left[place]
            )
    return outcomes


def database_of(*, address: Address) -> str:
    """Ask which database an address leads to. Raises PublishError."""
    with connected(address=address) as server:
        ((database,),) = server.query("select current_database()::text")
        return database


def exported(
    *, settings: Settings, log: Log, url: str, place: Place, marts: Collection[str]
) -> str | None:
    """Export these marts to a schema, no more than there were; returns what went wrong."""
    wanted = Export(
        file_format=POSTGRES,
        select=tuple(marts),
        schema=place.schema,
        postgres_url=url,
        # how many to keep is for exports to say
        keep=sys.maxsize,
    )
    try:
        recorded_export(wanted=wanted, settings=settings, log=log, chosen=marts)
    except (PublishError, LockedError, SettingsError) as error:
        return str(error).rstrip(".")
    return None
