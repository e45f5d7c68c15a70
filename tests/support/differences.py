"""What two computations say of the same customers, compared so that a failure explains itself."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from random_subscriptions import Row

SHOWN = 25  # customers or periods of a failure; the file it names has all of them

Lines = dict[str, list[str]]
"""Of each customer or period what is said about it, a line for each fact."""


def compare(
    *, what: str, expected: Lines, found: Lines, raw: Mapping[str, Sequence[Row]], folder: Path
) -> None:
    """Fail with every customer or period of which not the same is said, and with its raw rows."""
    keys = [
        key
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key, []) != found.get(key, [])
    ]
    if not keys:
        return
    rows = {key: raw.get(key, ()) for key in keys}
    # the simplest first: it shows best what is wrong
    texts = [
        explained(key=key, raw=rows[key], expected=expected.get(key, []), found=found.get(key, []))
        for key in sorted(keys, key=lambda key: (len(rows[key]), key))
    ]
    file = folder / f"{what}.txt"
    file.write_text("\n".join(texts), encoding="utf-8")
    pytest.fail(
        f"{len(keys)} of {len(expected.keys() | found.keys())} differ in {what}: "
        f"{'; '.join(keys)}\nAll of it is in {file}\n" + "\n".join(texts[:SHOWN]),
        pytrace=False,
    )


def explained(
    *, key: str, raw: Iterable[Row], expected: Sequence[str], found: Sequence[str]
) -> str:
    """Show the raw rows, what both sides say, and what only one of them does."""
    lines = [f"{key}"]
    for row in raw:
        values = " ".join(f"{name}={value}" for name, value in row.items() if value)
        lines.append(f"    raw       {values}")
    for line in sorted({*expected, *found}):
        side = "both" if line in expected and line in found else ""
        side = side or ("expected" if line in expected else "found")
        times = max(expected.count(line), found.count(line))
        lines.append(f"    {side:<9} {line}{f' ({times} times)' if times > 1 else ''}")
    return "\n".join(lines)
