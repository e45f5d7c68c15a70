"""A build on Spark: dbt and the models in Python by turns, in one process and one session."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from python_helpers.core.errors import BuildError
from python_helpers.core.log import Log
from python_helpers.core.settings import Settings
from python_helpers.publishing.writing import SPILL
from python_helpers.spark.catalog import remove_unknown_folders
from python_helpers.spark.python_models import BUILT, is_python, run_python_models, waves
from python_helpers.spark.session import first_line, said_by_spark
from python_helpers.warehouse.build import Build, build_command, build_error, run_build, summed
from python_helpers.warehouse.dbt import run_dbt

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def build_in_spark(*, settings: Settings, session: SparkSession, log: Log) -> Build:
    """Run every seed, model and data test of the project.

    Raises what `build` does, and PublishError for what Spark refuses outside of dbt.
    """
    started_at = datetime.now(UTC)
    manifest, selected = planned(settings=settings)
    built = (node for node in manifest["nodes"].values() if node["resource_type"] in BUILT)
    with said_by_spark():
        remove_unknown_folders(
            session=session, tables=[(node["schema"], node["alias"]) for node in built]
        )
    results: list[Any] = []
    for names, python in turns(manifest=manifest):
        chosen = [name for name in names if name in selected]
        if chosen:
            command = ["build", "--indirect-selection", "empty", "--select", *chosen]
            command += ["--full-refresh"] if settings.full_refresh else []
            results += run_build(command=command, settings=settings, log=log)
        for name in python:
            if name in selected:
                run_python(name, session=session, manifest=manifest, settings=settings)
    return summed(results=results, started_at=started_at)


def run_python(
    name: str, /, *, session: SparkSession, manifest: Mapping[str, Any], settings: Settings
) -> None:
    """Run a model in Python. Raises BuildError; with debug, what it raises."""
    assert settings.marts_file, "a build that is published has a file of its own"
    limits = settings.limits(spill=settings.marts_file.parent / SPILL)
    try:
        run_python_models(session=session, manifest=manifest, names=[name], limits=limits)
    except Exception as error:
        if settings.debug:
            raise
        raise BuildError(f"model {name}: {type(error).__name__}: {first_line(error)}") from error


def planned(*, settings: Settings) -> tuple[dict[str, Any], set[str]]:
    """Let dbt read the project; returns its manifest, and the names of what would be built.

    Raises what a build does.
    """
    words = [word for word in build_command(settings=settings)[1:] if word != "--full-refresh"]
    outcome = run_dbt("ls", *words, "--output", "json", "--output-keys", "name", settings=settings)
    if not outcome.success:
        raise build_error(outcome=outcome, results=[], settings=settings)
    lines: Any = outcome.result
    manifest = json.loads((settings.target_path / "manifest.json").read_text(encoding="utf-8"))
    return manifest, {json.loads(line)["name"] for line in lines}


def turns(*, manifest: Mapping[str, Any]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield what dbt builds and tests in each turn, and the models in Python that run after it.

    A test of a model in Python waits for the turn in which the model has its rows.
    """
    nodes = manifest["nodes"]
    keys = {node["name"]: key for key, node in nodes.items() if node["resource_type"] != "test"}
    found = [*waves(manifest=manifest)]
    turn_of = {keys[name]: turn for turn, wave in enumerate(found) for name in wave.built}
    tests: list[list[str]] = [[] for _ in range(len(found) + 1)]
    for node in nodes.values():
        if node["resource_type"] == "test":
            parents = [key for key in node["depends_on"]["nodes"] if key in turn_of]
            last = max((turn_of[key] + is_python(nodes[key]) for key in parents), default=0)
            tests[last].append(node["name"])
    for turn, wave in enumerate(found):
        yield [*wave.built, *tests[turn]], [*wave.python]
    yield tests[-1], []
