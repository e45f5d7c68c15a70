"""What a run builds, from what and with what, and what of that it hands to dbt."""

import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

import duckdb
import yaml

from python_helpers.core.errors import SettingsError
from python_helpers.core.folders import Folders
from python_helpers.core.sql import text as sql_text

RAW_INPUTS = ("sample", "files", "tables")
DUCKDB, SPARK = ENGINES = ("duckdb", "spark")
CONNECTORS = Path("models", "connectors")
OF_TABLES = "fivetran_"
"""How the names of systems begin whose tables are in the warehouse; others export files."""
DATE_ORDERS = ("day-first", "month-first")
DECIMAL_MARKS = ("point", "comma")
MEMORY_LIMIT, MAX_SPILL = "4GB", "50GB"
"""What DuckDB may use where nothing is said, as in profiles.example.yml."""
MARTS_DATABASE = "new marts"
"""What dbt calls the file that marts are built into. No warehouse file has this name."""
READING = ("raw_timezone", "date_order", "decimal_mark")
"""The settings of how raw values are written."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What is built, and from what; None leaves a choice to the dbt project."""

    raw_input: str | None = None
    raw_data: Path | None = None
    as_of: str | None = None
    reporting_currency: str | None = None
    activity_window: str | None = None
    raw_timezone: str | None = None
    date_order: str | None = None
    decimal_mark: str | None = None
    dbt_vars: str | None = None


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What DuckDB may use; None stands for all cores, and for the limits of the profile."""

    threads: int | None = None
    memory_limit: str | None = None
    max_spill: str | None = None


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How a refresh goes about it."""

    full_refresh: bool = False
    keep_builds: int = 5
    skip_audit: bool = False
    no_report: bool = False
    debug: bool = False
    lock_wait: float = 0
    """Seconds to wait for another run to end."""
    engine: str = DUCKDB
    file_rows: int = 1_000_000
    """A mart of Spark with more rows is left out of the published file."""


@dataclass(frozen=True, kw_only=True)
class Settings(Folders, Inputs, Resources, Choices):
    """One run, checked; None leaves a choice to the dbt project."""

    raw_input: str
    threads: int
    systems: tuple[str, ...]
    """The systems that the raw data was exported from."""
    compared_with: Path | None
    """The folder whose marts a build is compared with: what is published, or a kept build."""
    marts_file: Path | None = None
    """The file that marts are built into, to be published; without one, the warehouse."""
    build_id: str | None = None
    """What dim_build says; without one, that the build is not published."""
    marts_schema: str | None = None
    """The schema of Spark that marts are built into; without one, `marts`."""
    published_schema: str | None = None
    """The schema of Spark whose marts a build is compared with."""

    @property
    def has_exports(self) -> bool:
        """Tell whether files of the raw folder are exports of systems."""
        return any(map(is_of_files, self.systems))

    @property
    def on_spark(self) -> bool:
        """Tell whether Spark builds the warehouse."""
        return self.engine == SPARK

    def environment(self) -> dict[str, str]:
        """Return the environment variables that the dbt project reads.

        Variables, because a changed `--vars` makes dbt parse the whole project again.
        """
        values = {
            "RAW_INPUT": self.raw_input,
            "RAW_DATA_DIR": self.raw_data,
            "WAREHOUSE_PATH": self.warehouse,
            # the name is for dbt to parse, so it never changes; the file is for dbt to run
            "MARTS_DATABASE": MARTS_DATABASE if self.marts_file and not self.on_spark else None,
            "MARTS_FILE": self.marts_file,
            "MARTS_SCHEMA": self.marts_schema,
            "PUBLISHED_SCHEMA": self.published_schema,
            "BUILD_ID": self.build_id,
            "PUBLISH_DIR": self.compared_with or "",
            "ERASURES_DIR": self.erasures_dir,
            "AS_OF_DATE": self.as_of,
            "REPORTING_CURRENCY": self.reporting_currency,
            "ACTIVITY_WINDOW": self.activity_window,
            "RAW_TIMEZONE": self.raw_timezone,
            "DATE_ORDER": self.date_order,
            "DECIMAL_MARK": self.decimal_mark,
            "THREADS": self.threads,
            "MEMORY_LIMIT": self.memory_limit,
            "MAX_SPILL": self.max_spill,
        }
        return {name: str(value) for name, value in values.items() if value is not None}

    def limits(self, *, spill: Path) -> str:
        """Return SQL that limits what a connection uses. Beyond its memory it spills to a folder.

        In the configuration that opens a database, DuckDB ignores the limit of the folder.
        """
        values = {
            "threads": self.threads,
            "memory_limit": self.memory_limit or MEMORY_LIMIT,
            "temp_directory": spill,
            "max_temp_directory_size": self.max_spill or MAX_SPILL,
        }
        return "; ".join(f"set {name} = {sql_text(value)}" for name, value in values.items())


def resolve_settings(
    folders: Folders,
    /,
    *,
    inputs: Inputs | None = None,
    resources: Resources | None = None,
    choices: Choices | None = None,
) -> Settings:
    """Fill in the defaults and check the settings before dbt starts. Raises SettingsError."""
    inputs, resources, choices = inputs or Inputs(), resources or Resources(), choices or Choices()
    chosen_vars = parsed_vars(text=inputs.dbt_vars)
    zone = chosen_vars.get("reporting_timezone") or os.environ.get("REPORTING_TIMEZONE") or "UTC"
    today_in(str(inputs.raw_timezone or "UTC"), name="raw")
    raw_input = inputs.raw_input or ("files" if inputs.raw_data else "sample")
    # --vars beats the environment in the project, so it does here
    raw_input = str(chosen_vars.get("raw_input", raw_input))
    words = checked_inputs(raw_input, project_dir=folders.project_dir)
    checked = {
        "raw_input": ",".join(words),
        "raw_data": checked_raw_data(words=words, raw_data=inputs.raw_data),
        "systems": tuple(each for each in words if each not in RAW_INPUTS),
        "as_of": checked_as_of(text=inputs.as_of, zone=str(zone)),
        "reporting_currency": checked_currency(code=inputs.reporting_currency),
        "activity_window": checked_window(
            days=chosen_vars.get("activity_window", inputs.activity_window)
        ),
        "threads": resources.threads or os.cpu_count() or 1,
        "memory_limit": checked_size("memory_limit", size=resources.memory_limit),
        "max_spill": checked_size("max_temp_directory_size", size=resources.max_spill),
        "compared_with": folders.publish_dir,
    }
    chosen = vars(inputs) | vars(resources) | vars(choices) | checked
    return Settings(**vars(folders), **chosen)


def checked_inputs(raw_input: str, /, *, project_dir: Path) -> list[str]:
    """Check what the raw data is read from; returns the words of it, each once."""
    systems = sorted(path.name for path in (project_dir / CONNECTORS).glob("[!_.]*/"))
    words = list(dict.fromkeys(each.strip() for each in raw_input.split(",") if each.strip()))
    if set(words) - {*RAW_INPUTS, *systems} or ("sample" in words and len(words) > 1) or not words:
        raise SettingsError(
            f"Invalid raw input {raw_input!r}. Use {', '.join(RAW_INPUTS)}, or one or more of "
            f"{', '.join(systems)}, such as {','.join(systems[:2])}."
        )
    return words


def is_of_files(word: str, /) -> bool:
    """Tell whether a word of the raw input is about files."""
    return word not in ("sample", "tables") and not word.startswith(OF_TABLES)


def checked_raw_data(*, words: list[str], raw_data: Path | None) -> Path | None:
    """Check that the raw folder exists, if the input is files."""
    if not any(map(is_of_files, words)):
        return None
    if not raw_data:
        raise SettingsError(
            f"The raw input is {', '.join(words)}, but no folder is named. Add --raw-data DIR."
        )
    if not raw_data.is_dir():
        raise SettingsError(f"The raw data folder {raw_data} does not exist or is not a folder.")
    return raw_data.absolute()


def checked_as_of(*, text: str | None, zone: str) -> str | None:
    """Check that the as-of date is a date, and not after today in the reporting time zone."""
    today = today_in(zone, name="reporting")
    try:
        as_of = date.fromisoformat(text) if text else None
    except ValueError as error:
        raise SettingsError(f"Invalid as-of date {text!r}. Use a date like 2024-01-31.") from error
    if as_of and as_of > today:
        raise SettingsError(f"The as-of date {as_of} is after today, {today}.")
    return as_of.isoformat() if as_of else None


def today_in(zone: str, /, *, name: str) -> date:
    """Return the day that it is in a time zone. Raises SettingsError where there is no such."""
    try:
        with duckdb.connect() as connection:  # as the build computes it
            # not as a parameter, for which DuckDB imports numpy, and pandas where it is installed
            sql = f"select cast(timezone({sql_text(zone)}, current_timestamp) as date)"
            ((today,),) = connection.execute(sql).fetchall()
    except duckdb.Error as error:
        raise SettingsError(
            f"Unknown {name} time zone {zone!r}. Use a name such as Europe/Berlin."
        ) from error
    return cast(date, today)


def checked_currency(*, code: str | None) -> str | None:
    """Check that a currency is an ISO code; return it in upper case."""
    if code and not re.fullmatch("[A-Za-z]{3}", code):
        raise SettingsError(f"Invalid reporting currency {code!r}. Use a code like EUR.")
    return code.upper() if code else None


def checked_window(*, days: object) -> str | None:
    """Check that an activity window is a whole number of days; five digits leave the calendar."""
    if days not in (None, "") and not re.fullmatch("[1-9][0-9]{0,3}", str(days)):
        raise SettingsError(
            f"Invalid activity window {str(days)!r}. Use a whole number of days from 1 to 9999."
        )
    return str(days) if days else None


def checked_size(setting: str, /, *, size: str | None) -> str | None:
    """Check that a setting of DuckDB accepts a size; to DuckDB a negative one is no limit."""
    try:
        if "-" in (size or ""):
            raise duckdb.InvalidInputException
        duckdb.connect(config={setting: size} if size else {}).close()
    except duckdb.Error as error:
        what = "memory limit" if setting == "memory_limit" else "spill limit"
        raise SettingsError(f"Invalid {what} {size!r}. Use a size such as 4GB.") from error
    return size or None


def parsed_vars(*, text: str | None) -> dict[str, object]:
    """Read the dbt vars as a mapping."""
    try:
        found = yaml.safe_load(text) if text else {}
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict):
        raise SettingsError(f"The vars {text!r} are not a mapping like '{{name: value}}'.")
    return found
