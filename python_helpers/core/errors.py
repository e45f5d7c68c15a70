"""The failures that a command expects, one class per exit code."""


class LifecycleError(Exception):
    """A failure with a message for the person who runs the command, one line per cause."""

    exit_code = 1
    outcome = "failed"
    """What the record of the run says became of it."""
    may_pass = False
    """Whether the same command may succeed later, with nothing changed."""


class BuildError(LifecycleError):
    """A model or a test failed."""


class SettingsError(LifecycleError, ValueError):
    """A setting cannot be used."""

    exit_code = 2


class PublishError(LifecycleError):
    """A build or an export cannot be written, read or made live."""

    exit_code = 3


class RawDataError(LifecycleError, ValueError):
    """The raw data cannot be used."""

    exit_code = 4


class AuditError(LifecycleError):
    """The audit blocks a build."""

    exit_code = 5
    outcome = "blocked"


class LockedError(LifecycleError):
    """Another run holds a lock; the message says which run."""

    exit_code = 6


class HeldByOthersError(LifecycleError):
    """Tables that others load still hold people who were erased everywhere else."""

    exit_code = 8
