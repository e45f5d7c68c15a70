"""Makes a build on Spark the live one: in the folder of published builds, and in the catalog.

The folder decides what is live. Its link turns first, then the pointer in the catalog, then the
views. A run that is killed in between leaves readers of Spark with the build before, whole; the
next run lets the catalog follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from python_helpers.core.errors import PublishError
from python_helpers.core.log import Log
from python_helpers.core.settings import SPARK, Settings
from python_helpers.publishing.builds import (
    CURRENT,
    LINKS,
    kept_builds,
    live_build,
    make_live,
    read_manifest,
)
from python_helpers.publishing.records import read_records
from python_helpers.spark.catalog import (
    MARTS,
    POINTER,
    drop_schemas,
    live_id,
    point_at,
    schema_of,
    schemas,
    show,
    shown_id,
)
from python_helpers.spark.session import said_by_spark, session_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def begin(*, settings: Settings, build_id: str) -> tuple[Settings, SparkSession]:
    """Repair what a killed run left, and name the schemas of a new build.

    Raises SettingsError where Spark cannot be used, and PublishError where another folder publishes
    to its catalog.
    """
    session = session_of(settings=settings)
    with said_by_spark():
        follow(session=session, publish_dir=settings.publish_dir)
        drop_unkept(session=session, publish_dir=settings.publish_dir)
    settings = compared_in_spark(settings)
    return replace(settings, marts_schema=schema_of(build_id)), session


def compared_in_spark(settings: Settings, /) -> Settings:
    """Name the schema of the build to compare with, if that was built on Spark."""
    before = settings.compared_with
    if before == settings.publish_dir:
        before = live_build(publish_dir=settings.publish_dir)
    published = schema_of(before.name) if before and is_on_spark(before) else None
    return replace(settings, published_schema=published)


def is_on_spark(build: Path, /) -> bool:
    """Tell whether the marts of a build are in Spark; nothing is known of a damaged one."""
    with suppress(PublishError):
        return bool(read_manifest(build=build).get("engine") == SPARK)
    return False


def follow(*, session: SparkSession, publish_dir: Path) -> None:
    """Let the catalog show what is live in the folder."""
    check_pointer(session=session, publish_dir=publish_dir)
    live = live_build(publish_dir=publish_dir)
    if live and schema_of(live.name) in schemas(session=session):
        if live_id(session=session) != live.name:
            point_at(live.name, session=session)
        if shown_id(session=session) != live.name:
            show(live.name, session=session)


def check_pointer(*, session: SparkSession, publish_dir: Path) -> None:
    """Raise PublishError where the live build of the catalog is of another folder."""
    live = live_id(session=session)
    # refreshes without Spark may have pushed its build out of the folder
    ours = {record["build_id"] for record in read_records(publish_dir=publish_dir)}
    if live and live not in ours | {build.name for build in kept_builds(publish_dir=publish_dir)}:
        raise PublishError(
            f"The catalog of Spark shows build {live}, which is not in {publish_dir}: another "
            f"folder publishes there. Use that folder, or drop the view {MARTS}.{POINTER} to "
            "publish from this one."
        )


def drop_old(*, session: SparkSession, publish_dir: Path, log: Log) -> None:
    """Drop the schemas of old builds after a publication, or warn: the next run tries again."""
    try:
        with said_by_spark():
            drop_unkept(session=session, publish_dir=publish_dir)
    except PublishError as error:
        log.warn(f"An old build stays in the catalog until the next refresh. {error}")


def drop_unkept(*, session: SparkSession, publish_dir: Path) -> None:
    """Drop the schemas of killed runs, of refused builds and of old ones, not what readers see."""
    live = live_id(session=session)
    kept = [build.name for build in kept_builds(publish_dir=publish_dir)]
    drop_schemas(session=session, keep=[*kept, *([live] if live else [])])


def go_live(
    *,
    build: Path,
    publish_dir: Path,
    session: SparkSession,
    log: Log,
    links: Iterable[str] = LINKS,
) -> None:
    """Turn the link of the folder, then the pointer; if that fails, turn the link back.

    The build is one of Spark. Raises PublishError. Views that cannot be moved are a warning, since
    the pointer is what counts.
    """
    with said_by_spark():
        check_pointer(session=session, publish_dir=publish_dir)
        if schema_of(build.name) not in schemas(session=session):
            raise PublishError(f"The catalog of Spark has no schema {schema_of(build.name)}.")
    before = live_build(publish_dir=publish_dir)
    make_live(build=build, publish_dir=publish_dir, links=links)
    try:
        with said_by_spark():
            point_at(build.name, session=session)
    except BaseException:
        if before:
            make_live(build=before, publish_dir=publish_dir, links=links)
        else:
            (publish_dir / CURRENT).unlink()
        raise
    try:
        with said_by_spark():
            show(build.name, session=session)
    except PublishError as error:
        log.warn(
            f"Not all views in schema {MARTS} show the build: the next run moves them. {error}"
        )


def facts(*, settings: Settings, left_out: dict[str, int]) -> dict[str, Any]:
    """Return what the manifest of a build says beside what every manifest says."""
    return {"engine": SPARK, "schema": settings.marts_schema, "left_out": left_out}
