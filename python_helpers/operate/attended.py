"""A refresh that nobody watches: retries, a timeout and alerts."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from python_helpers.core.errors import BuildError, LifecycleError, LockedError, RawDataError
from python_helpers.core.log import MOST_TOLD, Log
from python_helpers.core.settings import Settings
from python_helpers.delivery.inputs import looks
from python_helpers.digest.digest import make_digest
from python_helpers.digest.written import written
from python_helpers.operate.notify import checked_webhook, post, tell
from python_helpers.publishing.records import read_records
from python_helpers.publishing.watch import Watch
from python_helpers.warehouse.build import drop_spill
from python_helpers.warehouse.problems import may_pass

STILL = 1  # seconds in which a file that is being written changes


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What to do where nobody is there to decide. Raises SettingsError where it cannot be done."""

    retries: int = 0
    retry_wait: float = 60
    """In seconds."""
    timeout: float = 12 * 60
    """In minutes: a refresh of every night ends before the next one."""
    on_failure: str | None = None
    on_success: str | None = None
    on_warning: str | None = None
    webhook: str | None = None
    digest: bool = False
    digest_webhook: str | None = None

    def __post_init__(self) -> None:
        """Check the addresses before anything else is done."""
        checked_webhook(self.webhook)
        checked_webhook(self.digest_webhook)

    def secrets(self) -> tuple[str, ...]:
        """Return what may hold a secret."""
        commands = (self.on_failure, self.on_success, self.on_warning)
        return tuple(filter(None, (*commands, self.webhook, self.digest_webhook)))


def attended(
    attempt: Callable[[Watch], Path], /, *, settings: Settings, policy: Policy, log: Log
) -> Path:
    """Refresh until it works or another try is pointless. Raises the last error."""
    publish_dir = str(settings.publish_dir)
    tell_all = partial(tell_record, policy=policy, log=log, publish_dir=publish_dir)
    watch = Watch(log=log, tell=tell_all, tidy=partial(drop_spill, settings=settings))
    tries_left = policy.retries
    with watch.limited(minutes=policy.timeout):
        while True:
            before = looks(settings=settings)
            try:
                published = attempt(watch)
            except Exception as error:
                if not tries_left or not is_passing(error, settings=settings, before=before):
                    watch.finish()
                    tell_of(error, policy=policy, log=log, publish_dir=publish_dir)
                    raise
                cause = str(error).splitlines()[0]
                log.say(f"Trying again in {policy.retry_wait:g} s: {cause}")
                tries_left -= 1
                time.sleep(policy.retry_wait)
            else:
                watch.finish()
                tell_published(published, policy=policy, log=log, publish_dir=publish_dir)
                return published


def is_passing(error: Exception, /, *, settings: Settings, before: object) -> bool:
    """Tell whether another try may succeed.

    Wrong data stays wrong until somebody delivers it again. A file that still changes, a full disk
    or a file that another program has open may pass.
    """
    if isinstance(error, BuildError | RawDataError) and error.may_pass:
        return True
    if isinstance(error, RawDataError):
        time.sleep(STILL)
        return bool(settings.raw_data) and looks(settings=settings) != before
    return not isinstance(error, BuildError | LockedError) and any(
        isinstance(cause, OSError) or may_pass(message=str(cause))
        for cause in (error, error.__cause__)
    )


def tell_of(error: Exception, /, *, policy: Policy, log: Log, **facts: object) -> None:
    """Send an alert about a failure; one that cannot be delivered is only a warning."""
    record: dict[str, object] = getattr(error, "record", None) or {
        "outcome": "failed",
        "phase": "waiting" if isinstance(error, LockedError) else "settings",
        "error": log.cause(str(error)),
        "exit_code": getattr(error, "exit_code", 1),
    }
    tell_record(record, policy=policy, log=log, **facts)


def tell_record(record: dict[str, object], /, *, policy: Policy, log: Log, **facts: object) -> None:
    """Send an alert about a run that failed, as its record says."""
    record = record | facts | told_by(log)
    for problem in tell(
        record=record, option="--on-failure", command=policy.on_failure, webhook=policy.webhook
    ):
        log.warn(problem)


def tell_published(published: Path, /, *, policy: Policy, log: Log, publish_dir: str) -> None:
    """Run the commands for a run that published; one that fails is a warning like others."""
    # a disk may have been too full for the record
    known = {"id": published.name, "outcome": "published", "exit_code": 0}
    records = read_records(publish_dir=Path(publish_dir))
    record = next((each for each in records if each["id"] == published.name), known)
    for option, command in (
        ("--on-success", policy.on_success),
        ("--on-warning", policy.on_warning),
    ):
        if command and (option == "--on-success" or log.warnings):
            facts = record | {"publish_dir": publish_dir} | told_by(log)
            for problem in tell(record=facts, option=option, command=command, webhook=None):
                log.warn(problem)


def tell_digest(published: Path, /, *, policy: Policy, log: Log, publish_dir: Path) -> str:
    """Post the digest of a build that was published; returns its text, empty if it is not wanted.

    The build is live, so a digest that cannot be made or posted is a warning.
    """
    if not (policy.digest or policy.digest_webhook):
        return ""
    try:
        digest = make_digest(publish_dir=publish_dir, build_id=published.name)
    except (LifecycleError, duckdb.Error, OSError) as error:
        log.warn(f"There is no digest: {error}")
        return ""
    if policy.digest_webhook and not digest.is_quiet:
        body = written(digest, as_format="json")
        problem = post(policy.digest_webhook, body=body, what="the digest")
        if problem:
            log.warn(problem)
    return written(digest, as_format="text") if policy.digest else ""


def told_by(log: Log, /) -> dict[str, object]:
    """Return what the log knows of a run, all tries included."""
    return {
        "log_file": str(log.file),
        "warnings": log.warnings,
        "first_warnings": log.first_warnings[:MOST_TOLD],
    }
