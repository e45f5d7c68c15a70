"""Turns what a command raises into a message and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from python_helpers.core.errors import (
    AuditError,
    BuildError,
    LifecycleError,
    PublishError,
    RawDataError,
)


@contextmanager
def errors_as_exit_codes(
    *,
    debug: bool,
    publish_error_code: int = 3,
    folder_option: str = "--publish-dir",
    unbuilt: str = "Nothing was published.",
    unaudited: str = "Nothing was published: the audit blocked it.",
) -> Iterator[None]:
    """End with a message and an exit code; with debug, let the stack trace be seen."""
    try:
        yield
    except (click.ClickException, click.Abort):
        raise
    except Exception as error:
        if debug:
            raise
        if not isinstance(error, LifecycleError):
            hint = "(--debug shows where it comes from)"
            raise failure(f"{type(error).__name__}: {error} {hint}", exit_code=1) from error
        message, exit_code = str(error), error.exit_code
        if isinstance(error, AuditError):
            message = f"{unaudited}\n{error}"
        if isinstance(error, RawDataError | BuildError):
            message = f"{unbuilt}\n{error}"
        if isinstance(error, PublishError):
            exit_code = publish_error_code
            if isinstance(error.__cause__, OSError):
                message += f" Name another folder with {folder_option}."
        raise failure(message, exit_code=exit_code) from error


def failure(message: str, /, *, exit_code: int) -> click.ClickException:
    """Make an error that click prints before it ends with this exit code."""
    error = click.ClickException(message)
    error.exit_code = exit_code
    return error
