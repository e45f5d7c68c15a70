"""What every command has: help with examples and exit codes, and errors in a line and a code."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from python_helpers.core.disk import closed_files
from python_helpers.core.errors import AuditError, BuildError, LifecycleError, RawDataError
from python_helpers.core.log import Log

EXIT_CODES = {
    0: "done",
    1: "a model or a test failed; for status: nothing is published",
    2: "wrong usage",
    3: "the build cannot be published; for rollback: that build cannot be live; "
    "for export and digest: it cannot be read or written; for erase: not all is erased yet",
    4: "the raw data cannot be used: the message says which file, what is wrong, what to do",
    5: "the audit blocked: the message says what was expected, what was found, what to do",
    6: "another run holds the lock: the message says which",
    7: "a refresh or an export was stopped, by --timeout or by a signal",
    8: "an erasure is done, but tables that others load still hold the customers: the message says "
    "which",
    9: "what is published is older than --max-age",
}
"""Every exit code with its meaning; docs/operations.md has the same list."""
MOST_LINES = 12
"""Without a terminal, further lines of an error are only in the log."""


class Taught(click.Command):
    """Shows examples and exit codes in its help."""

    def __init__(
        self,
        *args: Any,
        examples: Sequence[str],
        exit_codes: Sequence[int],
        failed: str = "",
        **kwargs: Any,
    ) -> None:
        """Take the examples, one line each, and the exit codes that can occur.

        `failed` is said first where a build fails.
        """
        super().__init__(*args, **kwargs)
        self.examples, self.exit_codes, self.failed = examples, exit_codes, failed

    def format_help_text(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description, the examples and the exit codes."""
        super().format_help_text(context, formatter)
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"  {example}\n")
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), EXIT_CODES[code]) for code in self.exit_codes])


class Commands(Taught, click.Group):
    """A group of commands."""


class Command(Taught):
    """A command whose failures are one message and an exit code."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Take `--select a b` as dbt does."""
        options = {name for each in self.params if each.callback is words_of for name in each.opts}
        return super().parse_args(context, list(spread(args, options=options)))

    def invoke(self, context: click.Context) -> Any:
        """Run the command; with --debug, errors keep their stack trace."""
        try:
            with closed_files():
                return super().invoke(context)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            if context.params.get("debug"):
                raise
            message, code = f"{type(error).__name__}: {error} (--debug shows where)", 1
            if isinstance(error, LifecycleError):
                message, code = shortened(str(error), log=context.obj), error.exit_code
            if isinstance(error, AuditError | BuildError | RawDataError) and self.failed:
                message = f"{self.failed}\n{message}"
            failure = click.ClickException(message)
            failure.exit_code = code  # type: ignore[misc]  # click reads it from the instance
            raise failure from error


def words_of(
    context: click.Context, option: click.Parameter, texts: tuple[str, ...]
) -> tuple[str, ...]:
    """Split each text at its blanks."""
    if not all(text.strip() for text in texts):
        raise click.BadParameter("it is empty; leave it out to take every mart", context, option)
    return tuple(word for text in texts for word in text.split())


def spread(args: Sequence[str], /, *, options: set[str]) -> Iterator[str]:
    """Repeat an option before each of its words."""
    option, is_first = None, False
    for arg in args:
        if arg.startswith("-"):
            name, is_assigned, _ = arg.partition("=")
            option, is_first = (name if name in options else None), not is_assigned
        elif option and not is_first:
            yield option
        else:
            is_first = False
        yield arg


def shortened(message: str, /, *, log: Log | None) -> str:
    """Leave the middle of a long message to the log where nobody watches."""
    lines = message.splitlines()
    if sys.stderr.isatty() or not log or len(lines) <= MOST_LINES:
        return message
    log.write(event="error", message=message)
    # the last lines say what to do
    more = f"{len(lines) - MOST_LINES} more lines are in {log.file}"
    return "\n".join([*lines[: MOST_LINES - 2], more, *lines[-2:]])
