"""Tells a command and a web address what became of a run."""

import json
import os
import re
import subprocess
import threading
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from python_helpers.core.errors import SettingsError

COMMAND_SECONDS: float = 60
WEBHOOK_SECONDS: float = 10  # for everything: name, connection, answer
TOLD = (
    *("id", "command", "outcome", "phase", "error", "exit_code"),
    *("started_at", "ended_at", "as_of_date", "code_version", "publish_dir", "log_file"),
    *("warnings", "first_warnings"),
)
"""The facts of a run that are told; in the environment of the command they are LIFECYCLE_ID, ..."""


def checked_webhook(url: str | None, /) -> None:
    """Check an address; it may be secret, so the message does not show it. Raises SettingsError."""
    # urllib would refuse other characters when it is too late
    if url and not re.fullmatch(r"https?://[\w.-]+(:\d{1,5})?([/?][!-~]*)?", url, re.A):
        raise SettingsError("Invalid webhook. Use an address like https://example.com/path.")


def tell(
    *, record: Mapping[str, object], option: str, command: str | None, webhook: str | None
) -> list[str]:
    """Run the command of an option, post to an address; returns a line for each that failed."""
    told = {name: record.get(name) for name in TOLD}
    problems = [
        run_command(command, told=told, option=option) if command else None,
        post(webhook, body=json.dumps(told)) if webhook else None,
    ]
    return [problem for problem in problems if problem]


def run_command(command: str, /, *, told: Mapping[str, object], option: str) -> str | None:
    """Run a shell command with the facts on its input and in its environment."""
    values = {
        f"LIFECYCLE_{name.upper()}": "\n".join(value)
        if isinstance(value, list)
        else str("" if value is None else value)
        for name, value in told.items()
    }
    try:
        subprocess.run(
            command,
            shell=True,
            input=json.dumps(told) + "\n",
            text=True,
            env=os.environ | values,
            timeout=COMMAND_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return f"The command of {option} took longer than {COMMAND_SECONDS} s."
    except subprocess.CalledProcessError as error:
        return f"The command of {option} ended with exit code {error.returncode}."
    except (OSError, ValueError) as error:
        return f"The command of {option} could not be run ({type(error).__name__})."
    return None


def post(url: str, /, *, body: str, what: str = "the alert") -> str | None:
    """Post JSON; returns a line if that fails. It shows only the host: the rest may be secret."""
    request = urllib.request.Request(
        url,
        data=body.encode(),
        headers={"Content-Type": "application/json", "User-Agent": "lifecycle"},
    )
    causes = [f"it took longer than {WEBHOOK_SECONDS} s"]

    def send() -> None:
        try:
            urllib.request.urlopen(request, timeout=WEBHOOK_SECONDS).close()
            causes.append("")
        except Exception as error:
            code = getattr(error, "code", None)
            causes.append(f"it answered {code}" if code else type(error).__name__)

    # a socket's timeout is for one read, which a slow answer never reaches: a thread that takes
    # too long is left behind and ends with the process
    posting = threading.Thread(target=send, daemon=True)
    posting.start()
    posting.join(WEBHOOK_SECONDS)
    if not causes[-1]:
        return None
    return f"The webhook at {urlsplit(url).hostname} did not accept {what} ({causes[-1]})."
