"""What a run says: lines on the console for people, JSON in the log file for programs.

Everything that a person is told is in the log file as well, without secrets.
"""

import json
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

SECRET_NAMES = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|CREDENTIAL|WEBHOOK")
HIDDEN = "***"
QUOTED = re.compile(
    r"(?P<cause>\b(Conversion|Invalid Input|Constraint|Out of Range|TransactionContext) Error: "
    r"([^'\"\n]*with value (?!\(a value\))|[^'\"(\n]*(?=['\"]))|"
    r"\[((CAST|CONVERSION|MALFORMED|NUMERIC|CANNOT_PARSE|INVALID|DATETIME|(BINARY_)?ARITHMETIC)_"
    r"[A-Z0-9_.]+|DUPLICATED_MAP_KEY)\] (?!\(a value\)))"
    r".*?(['\"] to (?P<type>[A-Z]\w*(\([\d,]+\))?).*|$)",
    flags=re.DOTALL,
)
"""A message of an engine about a value; those about names and files quote what all may see."""
MOST_NAMES = 10
"""Of a longer list, a message has the first ones and a count."""
MOST_LINES = 20
"""Of a longer error, a record and an alert have the first ones and a count; the log has all."""
MOST_WARNINGS = 8
"""Without a terminal, further warnings are only in the log file."""
MOST_TOLD = 10
"""As many warnings are told to a command, cut at MOST_CHARACTERS."""
MOST_KEPT = 100
"""As many warnings are kept in the manifest of a build, cut as well."""
MOST_CHARACTERS = 500


@dataclass(kw_only=True)
class Log:
    """The console and the log file of a run."""

    file: Path
    console: Console = field(default_factory=lambda: Console(stderr=True))
    secrets: tuple[str, ...] = ()
    """What must not show in a log, beside what the environment calls a secret."""
    run_id: str | None = None
    warnings: int = 0
    first_warnings: list[str] = field(default_factory=list)

    def say(self, line: str, /) -> None:
        """Tell a person something."""
        say(self.console, line)
        self.write(event="said", message=line)

    def warn(self, line: str, /) -> None:
        """Warn a person."""
        self.write(event="warning", message=line)
        self.warnings += 1
        if self.warnings <= MOST_KEPT:
            self.first_warnings.append(self.clean(line)[:MOST_CHARACTERS])
        if self.console.is_terminal or self.warnings <= MOST_WARNINGS:
            say(self.console, f"Warning: {line}")
        elif self.warnings == MOST_WARNINGS + 1:
            say(self.console, f"Warning: more warnings are in {self.file}.")

    def write(
        self, *, event: str, message: str | None = None, phase: str | None = None, **more: object
    ) -> None:
        """Add an event to the file. A log that cannot be written stops no run."""
        line = json.dumps(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "run_id": self.run_id,
                "pid": os.getpid(),
                "phase": phase,
                "event": event,
                "seconds": None,
                "message": message and self.clean(message),
            }
            | more
        )
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            # one write at the end of the file, so that lines of two runs do not mix
            with self.file.open("ab", buffering=0) as file:
                file.write(f"{line}\n".encode())

    def cause(self, error: str, /) -> str:
        """Put an error in a record or an alert: cleaned, and not more than its first lines."""
        return self.clean(some_of(error.splitlines(), most=MOST_LINES, joint="\n"))

    def clean(self, text: str, /) -> str:
        """Put a text on one line, without secrets, e-mail addresses and quoted values."""
        return without_secrets(" ".join(without_values(text).split()), secrets=self.secrets)


def say(console: Console, line: str, /) -> None:
    """Print one line without wrapping it, so that a path in it can be copied."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def without_values(text: str, /) -> str:
    """Leave out the value that a message of an engine quotes: it may be the name of a person."""
    text = re.sub(r"Original Line: .*", "", text, flags=re.DOTALL)
    found = QUOTED.search(text)
    if not found:
        return text
    to_type = f" to {found['type']}" if found["type"] else ""
    return f"{text[: found.start()]}{found['cause']}(a value){to_type}"


def some_of(names: Sequence[str], /, *, most: int = MOST_NAMES, joint: str = ", ") -> str:
    """List the first names, and count the others, as macros/warnings/warnings.sql does."""
    shown = joint.join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def without_secrets(text: str, /, *, secrets: Iterable[str] = ()) -> str:
    """Hide secrets, passwords in addresses of servers, and e-mail addresses."""
    named = {value for name, value in os.environ.items() if SECRET_NAMES.search(name.upper())}
    # the longest first: one secret may contain another; a short one may be part of any word
    for secret in sorted({*named, *secrets}, key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, HIDDEN)
    text = re.sub(r"(://[^/\s:@]*):[^/\s@]+@", rf"\1:{HIDDEN}@", text)
    return re.sub(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", HIDDEN, text)
