"""Where exports to Postgres went: a line of JSON before each commit, and one after it.

A schema in a database keeps its rows for as long as nobody replaces them, which is longer than
manifests of exports are kept. And a process that dies between the commit and its manifest has
written all the same: so the line comes first. No line has a secret in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from python_helpers.core.errors import PublishError
from python_helpers.publishing.builds import kept_builds, read_manifest
from python_helpers.publishing.records import append_line, read_lines

POSTGRES = "postgres"
PLACES = "places.jsonl"
PARTS = ("schema", "database", "server")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A schema that was written to."""

    schema: str
    database: str
    server: str

    def __str__(self) -> str:
        """Say where it is."""
        return f"schema {self.schema} of {self.database} on {self.server}"


def note_place(
    *,
    folder: Path,
    place: Place,
    build_id: object,
    exported_at: object,
    marts: Collection[str],
    is_done: bool,
) -> None:
    """Write down that a place is about to be written to, or that it was."""
    if not (folder / PLACES).exists():
        for line in lines_of_manifests(folder=folder):
            append_line(path=folder / PLACES, values=line)
    facts = {"build_id": build_id, "exported_at": exported_at, "marts": list(marts)}
    append_line(
        path=folder / PLACES, values={**asdict(place), **facts, "state": said_of(is_done=is_done)}
    )


def said_of(*, is_done: bool) -> str:
    """Say how far an export is."""
    return "exported" if is_done else "about to"


def lines_of_manifests(*, folder: Path) -> list[dict]:
    """Return what the lines would be of exports that were made without, oldest first."""
    lines = []
    for export in reversed(kept_builds(publish_dir=folder)):
        with suppress(PublishError):
            manifest = read_manifest(build=export)
            where = manifest.get(POSTGRES)
            if where:
                lines.append(
                    {part: str(where.get(part)) for part in PARTS}
                    | {key: manifest.get(key) for key in ("build_id", "exported_at")}
                    | {"marts": list(manifest.get("rows") or ()), "state": said_of(is_done=True)}
                )
    return lines


def places_left(*, folder: Path, is_old: Callable[[dict], bool]) -> dict[Place, list[str]]:
    """Return the places that may hold rows of an export that is old, with the marts in each."""
    lines = read_lines(path=folder / PLACES)
    if not (folder / PLACES).exists():
        lines = lines_of_manifests(folder=folder)
    left = {}
    for place, held in may_hold(lines=lines).items():
        if any(is_old(line) for line in held):
            left[place] = sorted({mart for line in held for mart in line.get("marts") or ()})
    return left


def may_hold(*, lines: Iterable[dict]) -> dict[Place, list[dict]]:
    """Tell by place what may be in it: the last export that ended, and those begun after it."""
    held: dict[Place, list[dict]] = {}
    for line in lines:
        place = Place(**{part: str(line.get(part)) for part in PARTS})
        if line.get("state") == said_of(is_done=True):
            held[place] = []
        held.setdefault(place, []).append(line)
    return held
