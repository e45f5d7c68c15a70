"""The log of runs, for machines: a line of JSON per event, with no secret in it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SECRET_NAMES = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|CREDENTIAL|WEBHOOK")
HIDDEN = "***"


@dataclass(frozen=True, kw_only=True)
class Log:
    """Where events are written."""

    file: Path
    secrets: tuple[str, ...] = ()
    """What must not show in a log, beside what the environment calls a secret."""

    def write(
        self,
        *,
        event: str,
        run_id: str | None = None,
        phase: str | None = None,
        seconds: float | None = None,
        message: str | None = None,
    ) -> None:
        """Add an event. A log that cannot be written stops no run."""
        line = json.dumps(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "run_id": run_id,
                "pid": os.getpid(),
                "phase": phase,
                "event": event,
                "seconds": None if seconds is None else round(seconds, 3),
                "message": message and self.clean(message),
            }
        )
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            # one write at the end of the file: lines of two runs do not mix
            descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, f"{line}\n".encode())
            finally:
                os.close(descriptor)
        except OSError:
            pass

    def clean(self, text: str, /) -> str:
        """Put a text on one line, without secrets and addresses of people."""
        return without_secrets(" ".join(text.split()), secrets=self.secrets)


def without_secrets(text: str, /, *, secrets: Iterable[str] = ()) -> str:
    """Hide secrets, passwords in addresses of servers, and e-mail addresses."""
    named = {value for name, value in os.environ.items() if SECRET_NAMES.search(name.upper())}
    # the longest first: one may be a part of another; a short one may be a part of any word
    for secret in sorted({*named, *secrets}, key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, HIDDEN)
    text = re.sub(r"(://[^/\s:@]*):[^/\s@]+@", rf"\1:{HIDDEN}@", text)
    return re.sub(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", HIDDEN, text)
