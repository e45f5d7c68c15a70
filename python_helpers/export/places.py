"""Where exports to Postgres went: a line of JSON before each commit, and one after it.

A schema keeps its rows until somebody replaces them, longer than manifests of exports are kept. A
process that dies between the commit and its manifest has written its rows, so a line comes before
the commit. No line contains a secret.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from python_helpers.publishing.records import append_line, read_lines

POSTGRES = "postgres"
PLACES = "places.jsonl"
BEGUN, DONE = "about to", "exported"  # states of an export
PARTS = ("schema", "database", "server")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A schema that was written to."""

    schema: str
    database: str
    server: str

    def __str__(self) -> str:
        """Name it in a message."""
        return f"schema {self.schema} of {self.database} on {self.server}"


def note_place(*, folder: Path, place: Place, is_done: bool, facts: Mapping[str, object]) -> None:
    """Note that a place is about to be written to, or that it was."""
    state = DONE if is_done else BEGUN
    append_line(path=folder / PLACES, values={**asdict(place), **facts, "state": state})


def places_left(
    *, folder: Path, is_old: Callable[[dict[str, Any]], bool]
) -> dict[Place, list[str]]:
    """Return the places that may hold rows of an old export, with the marts in each."""
    # what a place may hold: the last finished export, and those begun after it
    held: dict[Place, list[dict[str, Any]]] = {}
    for line in read_lines(path=folder / PLACES):
        place = Place(**{part: str(line.get(part)) for part in PARTS})
        if line.get("state") == DONE:
            held[place] = []
        held.setdefault(place, []).append(line)
    return {
        place: sorted({mart for line in found for mart in line.get("marts") or ()})
        for place, found in held.items()
        if any(is_old(line) for line in found)
    }
