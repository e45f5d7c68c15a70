"""Makes the report of a published build, or a picture of one of its charts."""

from pathlib import Path

import duckdb

from python_helpers.core.errors import PublishError, SettingsError
from python_helpers.core.settings import Settings
from python_helpers.publishing.builds import (
    DATABASE,
    REPORT,
    check_files,
    find_build,
    kept_builds,
    read_manifest,
)
from python_helpers.report.chart import found_charts
from python_helpers.report.page import write_report
from python_helpers.report.picture import PICTURES, write_picture

SPILL = "report"


def report(
    *, settings: Settings, build_id: str | None, output: Path | None, chart: str | None
) -> Path:
    """Write the report of a build, or the picture of a chart; returns the file.

    Raises PublishError where the build cannot be read, and SettingsError where there is no such
    chart, it has no data, or the file cannot be written.
    """
    charts = found_charts()
    if chart and chart not in charts:
        raise SettingsError(f"There is no chart {chart}. The charts: {', '.join(charts)}.")
    target = (output or Path(f"{chart}{PICTURES[0]}" if chart else REPORT)).absolute()
    if chart and target.suffix not in PICTURES:
        raise SettingsError(f"{target.name} is no picture. Use an ending of {', '.join(PICTURES)}.")
    build = find_build(publish_dir=settings.publish_dir, build_id=build_id)
    check_files(build=build)
    limits = settings.limits(spill=settings.target_path / SPILL)
    try:
        if chart:
            write_picture(
                database=build / DATABASE, chart=charts[chart], target=target, limits=limits
            )
        else:
            kept = kept_builds(publish_dir=settings.publish_dir)
            older = [each for each in kept if each.name < build.name]
            write_report(
                database=build / DATABASE,
                facts=read_manifest(build=build),
                target=target,
                before=older[0] / DATABASE if older else None,
                cache=settings.target_path,
                limits=limits,
            )
    except OSError as error:
        raise SettingsError(f"{target} cannot be written: {error}") from error
    except duckdb.Error as error:
        raise PublishError(f"Build {build.name} cannot be shown: {error}") from error
    return target
