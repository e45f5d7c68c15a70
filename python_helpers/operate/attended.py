"""A refresh nobody watches: tried again where that may help, ended in time, told of if it fails."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from python_helpers.core.errors import BuildError, LockedError, RawDataError
from python_helpers.core.log import Log
from python_helpers.core.progress import say
from python_helpers.core.settings import Settings
from python_helpers.delivery.inputs import looks
from python_helpers.operate.notify import Recipients, tell
from python_helpers.publishing.watch import Watch
from python_helpers.warehouse.problems import may_pass

STILL = 1  # seconds in which a file that is being written changes
PASSING = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBUSY, errno.EAGAIN),
    *(errno.ESTALE, errno.ETIMEDOUT, errno.ENOENT),
)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What to do where nobody is there to decide."""

    retries: int = 0
    retry_wait: float = 60
    timeout: float | None = None
    recipients: Recipients = field(default_factory=Recipients)


def attended(
    attempt: Callable[[Watch], Path],
    /,
    *,
    settings: Settings,
    policy: Policy,
    console: Console,
    log: Log,
) -> Path:
    """Refresh until it works or there is no point in another try. Raises the last error."""
    publish_dir = str(settings.publish_dir)
    telling = {"recipients": policy.recipients, "console": console, "log": log}

    def tell_all(record: dict[str, object]) -> None:
        tell_record(record | {"publish_dir": publish_dir}, **telling)

    watch = Watch(console=console, log=log, tell=tell_all)
    with watch.limited(minutes=policy.timeout):
        for tries_left in range(policy.retries, -1, -1):
            before = looks(settings=settings)
            try:
                return attempt(watch)
            except Exception as error:
                if tries_left and is_passing(error, settings=settings, before=before):
                    wait_for_next(error, policy=policy, console=console, log=log)
                    continue
                watch.finish()
                tell_of(error, **telling, publish_dir=publish_dir)
                raise
    raise AssertionError  # the last try returns or raises


def is_passing(error: Exception, /, *, settings: Settings, before: object) -> bool:
    """Tell whether another try may go better.

    Data that is wrong stays wrong until somebody delivers it anew; a file that still changes, a
    full disk or a file another program has open does not.
    """
    if isinstance(error, BuildError | RawDataError) and error.may_pass:
        return True
    if isinstance(error, RawDataError):
        time.sleep(STILL)
        return bool(settings.raw_data) and looks(settings=settings) != before
    if isinstance(error, BuildError | LockedError):
        return False
    return any(
        (isinstance(cause, OSError) and cause.errno in PASSING) or may_pass(message=str(cause))
        for cause in (error, error.__cause__)
    )


def wait_for_next(error: Exception, /, *, policy: Policy, console: Console, log: Log) -> None:
    """Say that there will be another try, and wait for it."""
    first = str(error).splitlines()[0]
    say(console, f"Trying again in {policy.retry_wait:g} s: {first}")
    log.write(event="retry", seconds=policy.retry_wait, message=str(error))
    time.sleep(policy.retry_wait)


def failure_record(error: Exception, /, *, log: Log) -> dict[str, object]:
    """Return the record of the run that failed so; one that did not begin has none."""
    return getattr(error, "record", None) or {
        "outcome": "failed",
        "phase": "waiting" if isinstance(error, LockedError) else "settings",
        "error": log.clean(str(error)),
        "exit_code": getattr(error, "exit_code", 1),
    }


def tell_of(
    error: Exception, /, *, recipients: Recipients, console: Console, log: Log, **facts: object
) -> None:
    """Tell the recipients of a failure; whom that does not reach is only warned of."""
    record = failure_record(error, log=log)
    tell_record(record | facts, recipients=recipients, console=console, log=log)


def tell_record(
    record: dict[str, object], /, *, recipients: Recipients, console: Console, log: Log
) -> None:
    """Tell the recipients what became of a run."""
    record = record | {"log_file": str(log.file)}
    for problem in tell(recipients=recipients, record=record):
        say(console, f"Warning: {problem}")
        log.write(event="warning", run_id=record.get("id"), message=problem)
