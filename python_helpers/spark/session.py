"""The session of Spark that dbt, the audit and publishing share."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.core.log import without_values
from python_helpers.core.settings import SPARK, Settings
from python_helpers.warehouse.dbt import prepare_folders, run_dbt

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NEEDED = ("pyspark", "dbt.adapters.spark")
TOLD_TWICE = "SQLQueryContextLogger"
"""The logger of pyspark that prints each error, with the stack of Java, before it is raised."""


def session_of(*, settings: Settings) -> SparkSession:
    """Return the session; dbt opens it, because its profile says how. Raises SettingsError."""
    if not all(map(is_installed, NEEDED)):
        raise SettingsError(
            "The engine spark needs dbt-spark and pyspark, and Java 17: "
            "pip install --no-deps -r requirements-spark.txt."
        )
    from pyspark import SparkContext
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    PySparkLogger.getLogger(TOLD_TWICE).setLevel(logging.CRITICAL + 1)
    if not SparkContext._active_spark_context:
        prepare_folders(settings=settings)
        run_dbt("debug", "--connection", settings=settings)
    if SparkContext._active_spark_context:
        return SparkSession.builder.getOrCreate()
    raise SettingsError(
        f"Spark cannot be reached by the target {SPARK} of "
        f"{settings.profiles_dir / 'profiles.yml'}. The log of dbt says why: "
        f"{settings.log_path / 'dbt.log'}"
    )


@contextmanager
def said_by_spark() -> Iterator[None]:
    """Raise PublishError for what Spark or its catalog refuses, with the first line of it."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise PublishError(f"Spark says: {first_line(error)}") from error


def first_line(error: Exception, /) -> str:
    """Return the first line of an error of Spark, without values; the others are stacks of Java."""
    return next(filter(None, without_values(str(error)).splitlines()), type(error).__name__)


def is_installed(module: str, /) -> bool:
    """Tell whether a module is installed, without importing it."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
