"""Takes what is known of some people out of texts: logs, records, pages."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from python_helpers.core.disk import keep_owner, sync
from python_helpers.core.log import HIDDEN

BEGINNINGS = re.compile(r"(?<![\w-])\S")
"""Where a word or a value may begin; an id is not looked for inside another one."""
SHORTEST = 4
"""Letters by which a value is looked up at first."""


class Words:
    """Values to be found in texts, however many: each place of a text is looked at once."""

    def __init__(self, values: Collection[str], /) -> None:
        """Prepare the search, for each way in which a text may spell a value."""
        self.by_beginning: dict[str, list[str]] = {}
        for each in {form for value in values for form in spellings(value)}:
            self.by_beginning.setdefault(each[:SHORTEST], []).append(each)
        for candidates in self.by_beginning.values():
            candidates.sort(key=len, reverse=True)

    def cleaned(self, text: str, /) -> str:
        """Hide each of the values that stands in a text as a word of its own."""
        if not self.by_beginning:
            return text
        parts = []
        end = 0
        for place in BEGINNINGS.finditer(text):
            if place.start() >= end:
                found = self.value_at(text, place.start())
                if found:
                    parts += [text[end : place.start()], HIDDEN]
                    end = place.start() + len(found)
        return "".join([*parts, text[end:]])

    def value_at(self, text: str, start: int, /) -> str | None:
        """Return the longest value that begins at a place of a text."""
        for length in range(SHORTEST, 0, -1):
            for value in self.by_beginning.get(text[start : start + length], ()):
                is_there = len(value) >= length and text.startswith(value, start)
                if is_there and ends_as_word(text, start + len(value)):
                    return value
        return None


def ends_as_word(text: str, end: int, /) -> bool:
    """Tell whether a value that ends there is not the beginning of a longer word."""
    return re.match(r"[\w-]", text[end - 1]) is None or re.match(r"[\w-]", text[end:]) is None


def spellings(value: str, /) -> Iterator[str]:
    """Yield how logs and pages may write a value: escaped, doubled, on one line."""
    for each in {value, " ".join(value.split()), value.replace("'", "''")} - {""}:
        yield each
        yield json.dumps(each)[1:-1]
        yield json.dumps(each, ensure_ascii=False)[1:-1]
        yield html.escape(each)
        yield html.escape(each, quote=False)


def is_distinctive(value: str, /) -> bool:
    """Tell whether a value in a text can be taken for what it is: 7 may be seven of anything."""
    return len(value) >= (6 if re.fullmatch(r"[\d.,:-]+", value) else 3)


def clean_lines(file: Path, /, *, key: str, words: Words) -> bool:
    """Clean a text in each line of JSON of a file; returns whether anything was there."""

    def cleaned(line: str) -> str:
        try:
            record = json.loads(line)
        except ValueError:
            return words.cleaned(line)
        if isinstance(record, dict) and isinstance(record.get(key), str):
            record[key] = words.cleaned(record[key])
            return json.dumps(record)
        return line

    return rewrite(file, cleaned=lambda text: "\n".join(map(cleaned, text.split("\n"))))


def clean_text(file: Path, /, *, words: Words) -> bool:
    """Clean a file as a whole; returns whether anything was there."""
    return rewrite(file, cleaned=words.cleaned)


def rewrite(file: Path, /, *, cleaned: Callable[[str], str]) -> bool:
    """Replace a file in one step by its cleaned text, if that is another one."""
    text = file.read_text(encoding="utf-8", errors="surrogateescape")
    new_text = cleaned(text)
    if new_text == text:
        return False
    new = file.with_name(f".{file.name}.new")
    with new.open("w", encoding="utf-8", errors="surrogateescape", newline="") as output:
        output.write(new_text)
        output.flush()
        os.fsync(output.fileno())
    keep_owner(of=file, to=new)
    new.chmod(file.stat().st_mode & 0o777)
    new.replace(file)
    sync(path=file.parent)
    return True
