"""The steps of a refresh, in order: a step that raises leaves the last published build live."""

from pathlib import Path

from rich.console import Console

from python_helpers.audit import audit
from python_helpers.build import build
from python_helpers.publish import publish
from python_helpers.report import show_build
from python_helpers.settings import Settings


def refresh(*, settings: Settings, console: Console) -> Path:
    """Build, audit, then publish; returns the folder of the published build.

    Raises SettingsError, BuildError, RawDataError, AuditError or PublishError.
    """
    built = build(settings=settings, console=console)
    show_build(build=built, console=console)
    audited = audit(settings=settings, console=console)
    return publish(settings=settings, build=built, audited=audited)
