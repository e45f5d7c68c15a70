"""Asks dbt which marts a selection contains."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from python_helpers.core.errors import SettingsError
from python_helpers.core.settings import Settings
from python_helpers.warehouse.dbt import prepare_folders, run_dbt
from python_helpers.warehouse.problems import explained

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg


def selected_models(
    *, settings: Settings, select: Sequence[str], exclude: Sequence[str]
) -> set[str]:
    """List the models of a selection in the syntax of dbt. Raises SettingsError."""
    for word in (*select, *exclude):
        if word.startswith("-"):
            raise SettingsError(f"The selection {word!r} looks like an option.")
    prepare_folders(settings=settings)
    unmatched: list[str] = []

    def watch(event: EventMsg) -> None:
        if event.info.name == "NoNodesForSelectionCriteria":
            unmatched.append(event.data.spec_raw)

    # a parse state of its own: a refresh may be writing the other one
    settings = replace(settings, target_path=settings.target_path / "export")
    settings.target_path.mkdir(exist_ok=True)
    command = ["ls", "--resource-type", "model", "--output", "json", "--output-keys", "alias"]
    for option, words in (("--select", select), ("--exclude", exclude)):
        command += [option, *words] if words else []
    outcome = run_dbt(*command, settings=settings, callbacks=[watch])
    if not outcome.success:
        cause = explained(message=str(outcome.exception or "dbt does not know it"))
        raise SettingsError(f"The selection cannot be read: {cause}")
    if unmatched:
        raise SettingsError(f"Nothing in the project is selected by {unmatched[0]!r}.")
    return {json.loads(line)["alias"] for line in cast(list[str], outcome.result or [])}
