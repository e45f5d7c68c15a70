"""One delivery, built on both engines."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile, which
from typing import Any

import pytest
from lifecycle import PROJECT, VARIABLES

QUICK = {
    # tables of some thousand rows: one part each, and no time for code that pays off with millions
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.default.parallelism": "1",
}
SPARK = {
    "SPARK_MASTER": "local[2]",
    "SPARK_MEMORY": "3g",
    "SPARK_PARTITIONS": "1",
    "SPARK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC",
}


@dataclass(frozen=True, kw_only=True)
class Engines:
    """Where the marts of one delivery are, built on both engines."""

    published: Path
    """The file that a refresh on DuckDB published."""
    schema: Path
    """The folder of the schema that a refresh on Spark published."""
    manifest: Mapping[str, Any]
    """What dbt parsed."""


def environment(folder: Path, /) -> dict[str, str]:
    """Return the environment of commands that build in a folder, on either engine."""
    profiles, conf = folder / "profiles", folder / "conf"
    for each in (profiles, conf):
        each.mkdir(parents=True, exist_ok=True)
    copyfile(PROJECT / "profiles.example.yml", profiles / "profiles.yml")
    lines = [f"{key} {value}\n" for key, value in QUICK.items()]
    (conf / "spark-defaults.conf").write_text("".join(lines), encoding="utf-8")
    inherited = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    own = {
        "DBT_PROFILES_DIR": profiles,
        "DBT_TARGET_PATH": folder / "target",
        "DBT_LOG_PATH": folder / "logs",
        "WAREHOUSE_PATH": folder / "warehouse.duckdb",
        "PUBLISH_DIR": folder / "published",
        "SPARK_CONF_DIR": conf,
        "SPARK_WAREHOUSE": folder / "spark",
    }
    return inherited | SPARK | {key: str(value) for key, value in own.items()}


def refreshed(folder: Path, *arguments: object) -> None:
    """Refresh in a folder of its own, in a process of its own: only one can have a catalog."""
    run = subprocess.run(
        [sys.executable, "-m", "python_helpers", "refresh", "--no-report", *map(str, arguments)],
        cwd=PROJECT,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, (run.stdout + run.stderr)[-5000:]


def built_on_both(folder: Path, *arguments: object) -> Engines:
    """Refresh on both engines with the same options, into folders of a folder."""
    if not which("java"):
        pytest.skip("no Java: apt-get install default-jre-headless")
    refreshed(folder / "duckdb", *arguments)
    refreshed(folder / "spark", "--engine", "spark", *arguments)
    (schema,) = (folder / "spark" / "spark" / "tables").glob("marts_*.db")
    manifest = (folder / "duckdb" / "target" / "manifest.json").read_text(encoding="utf-8")
    return Engines(
        published=folder / "duckdb" / "published" / "marts.duckdb",
        schema=schema,
        manifest=json.loads(manifest),
    )
