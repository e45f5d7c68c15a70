"""Tells a command and a web address that a refresh failed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

from python_helpers.core.errors import SettingsError

COMMAND_SECONDS = 60
WEBHOOK_SECONDS = 10  # for all of it: name, connection, answer
TOLD = (
    *("id", "command", "outcome", "phase", "error", "exit_code"),
    *("started_at", "ended_at", "as_of_date", "code_version", "publish_dir", "log_file"),
)
"""What is told of a run; in the environment of the command these are LIFECYCLE_ID, ..."""


@dataclass(frozen=True, kw_only=True)
class Recipients:
    """Who is told of a failure."""

    on_failure: str | None = None
    webhook: str | None = None


def checked_webhook(url: str | None, /) -> str | None:
    """Check the address before anything else is done; it may hold a secret, so it is not shown."""
    try:
        parts = urlsplit(url or "http://none")
        _ = parts.port  # raises where it is none
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    # urllib would refuse other characters when it is too late
    if not is_address or not re.fullmatch("[!-~]*", url or ""):
        raise SettingsError("The webhook is not an address like https://example.com/path.")
    return url


def tell(*, recipients: Recipients, record: dict[str, object]) -> list[str]:
    """Tell everybody; returns a line for each who could not be told."""
    told = {name: record.get(name) for name in TOLD}
    problems = []
    if recipients.on_failure:
        problems.append(run_command(recipients.on_failure, told=told))
    if recipients.webhook:
        problems.append(post(recipients.webhook, told=told))
    return [problem for problem in problems if problem]


def run_command(command: str, /, *, told: dict[str, object]) -> str | None:
    """Run a command of the shell, with the facts on its input and in its environment."""
    values = {
        f"LIFECYCLE_{name.upper()}": "" if value is None else str(value)
        for name, value in told.items()
    }
    try:
        done = subprocess.run(
            command,
            shell=True,
            input=json.dumps(told) + "\n",
            text=True,
            env=os.environ | values,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"The command of --on-failure took longer than {COMMAND_SECONDS} s."
    except (OSError, ValueError) as error:
        return f"The command of --on-failure could not be run ({type(error).__name__})."
    if done.returncode:
        return f"The command of --on-failure ended with exit code {done.returncode}."
    return None


def post(url: str, /, *, told: dict[str, object]) -> str | None:
    """Post the facts as JSON. The address may hold a secret: only its host is ever said."""
    request = urllib.request.Request(
        url,
        data=json.dumps(told).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "lifecycle"},
    )
    causes = [f"it took longer than {WEBHOOK_SECONDS} s"]
    # the limit of a socket is one per read, which a slow answer never reaches: a thread that takes
    # too long is left behind, and ends with the process
    posting = threading.Thread(target=lambda: causes.append(why_not_posted(request)), daemon=True)
    posting.start()
    posting.join(WEBHOOK_SECONDS)
    cause = causes[-1]
    return cause and f"The webhook at {urlsplit(url).hostname} could not be told ({cause})."


def why_not_posted(request: urllib.request.Request, /) -> str | None:
    """Post; returns why that did not work, if it did not."""
    try:
        with urllib.request.urlopen(request, timeout=WEBHOOK_SECONDS):
            return None
    except Exception as error:
        code = getattr(error, "code", None)
        return f"it answered {code}" if code else type(error).__name__
