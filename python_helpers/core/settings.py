"""Where a run reads, writes and publishes, and what it hands to dbt."""

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import yaml

from python_helpers.core.errors import SettingsError

PROJECT_FILE = "dbt_project.yml"
WAREHOUSE = "warehouse.duckdb"
AUDIT_PAGE = "audit.html"
DOCS_PAGE = "docs.html"
RAW_INPUTS = ("sample", "files", "tables")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One refresh, with every path absolute. `None` leaves a choice to the dbt project."""

    project_dir: Path
    warehouse: Path
    publish_dir: Path
    erasures_dir: Path
    export_dir: Path
    target_path: Path
    log_path: Path
    profiles_dir: Path
    raw_input: str
    raw_data: Path | None
    as_of: date | None
    reporting_currency: str | None
    threads: int
    memory_limit: str | None
    dbt_vars: str | None
    full_refresh: bool
    keep_builds: int
    lock_wait: float
    """Seconds to wait for another run to end."""
    skip_audit: bool
    compared_with: Path | None
    """The folder whose marts a build is compared with: what is published, or a kept build."""
    debug: bool

    def environment(self) -> dict[str, str]:
        """Return the environment variables the dbt project reads.

        Variables and not `--vars`, because a changed `--vars` makes dbt parse the whole project
        again.
        """
        values = {
            "RAW_INPUT": self.raw_input,
            "RAW_DATA_DIR": self.raw_data,
            "WAREHOUSE_PATH": self.warehouse,
            "PUBLISH_DIR": self.compared_with or "",
            "ERASURES_DIR": self.erasures_dir,
            "AS_OF_DATE": self.as_of,
            "REPORTING_CURRENCY": self.reporting_currency,
            "THREADS": self.threads,
            "MEMORY_LIMIT": self.memory_limit,
        }
        return {name: str(value) for name, value in values.items() if value is not None}


def resolve_settings(
    *,
    project_dir: Path | None = None,
    raw_input: str | None = None,
    raw_data: Path | None = None,
    warehouse: Path | None = None,
    publish_dir: Path | None = None,
    erasures_dir: Path | None = None,
    export_dir: Path | None = None,
    as_of: str | None = None,
    reporting_currency: str | None = None,
    full_refresh: bool = False,
    threads: int | None = None,
    memory_limit: str | None = None,
    dbt_vars: str | None = None,
    keep_builds: int = 5,
    lock_wait: float = 0,
    skip_audit: bool = False,
    debug: bool = False,
) -> Settings:
    """Fill in the defaults and check what can be checked before dbt starts.

    Relative paths count from the current directory, defaults from the project. Raises
    SettingsError.
    """
    project_dir = find_project_dir(chosen=project_dir)
    warehouse = checked_warehouse(file=(warehouse or project_dir / WAREHOUSE).absolute())
    target_path = find_target_path(project_dir=project_dir, warehouse=warehouse)
    chosen_vars = parsed_vars(text=dbt_vars)
    zone = chosen_vars.get("reporting_timezone") or os.environ.get("REPORTING_TIMEZONE") or "UTC"
    # what plain dbt would use, so that a log asked for elsewhere is found there
    log_path = find_log_path(target_path=target_path)
    raw_input = raw_input or ("files" if raw_data else "sample")
    publish_dir = (publish_dir or default_publish_dir(project_dir=project_dir)).absolute()
    return Settings(
        project_dir=project_dir,
        warehouse=warehouse,
        publish_dir=publish_dir,
        erasures_dir=(erasures_dir or default_erasures_dir(project_dir=project_dir)).absolute(),
        export_dir=(export_dir or project_dir / "exports").absolute(),
        target_path=target_path,
        log_path=log_path,
        profiles_dir=find_profiles_dir(project_dir=project_dir, target_path=target_path),
        # --vars beats the environment in the project, so it does here
        raw_input=str(chosen_vars.get("raw_input", raw_input)),
        raw_data=checked_raw_data(raw_input=raw_input, raw_data=raw_data),
        as_of=parsed_as_of(text=as_of, today=today_in(zone=str(zone))),
        reporting_currency=checked_currency(code=reporting_currency),
        threads=threads or os.cpu_count() or 1,
        memory_limit=checked_memory_limit(size=memory_limit),
        dbt_vars=dbt_vars,
        full_refresh=full_refresh,
        keep_builds=keep_builds,
        lock_wait=lock_wait,
        skip_audit=skip_audit,
        compared_with=publish_dir,
        debug=debug,
    )


def find_project_dir(*, chosen: Path | None) -> Path:
    """Find the dbt project: the chosen folder, else the one around this package, else this one."""
    candidates = [chosen] if chosen else [Path(__file__).resolve().parents[2], Path.cwd()]
    for folder in candidates:
        if (folder / PROJECT_FILE).is_file():
            return folder.absolute()
    raise SettingsError(
        f"There is no {PROJECT_FILE} in {' or '.join(map(str, candidates))}: "
        "name the project with --project-dir."
    )


def default_publish_dir(*, project_dir: Path) -> Path:
    """Return the folder of the published builds where none was chosen."""
    return project_dir / "published"


def default_erasures_dir(*, project_dir: Path) -> Path:
    """Return the folder of the list of the erased where none was chosen; macros know it, too."""
    return project_dir / "erasures"


def default_log_file(*, project_dir: Path | None, warehouse: Path | None = None) -> Path:
    """Return the log of runs where none was chosen: beside the log of dbt."""
    project_dir = find_project_dir(chosen=project_dir)
    warehouse = (warehouse or project_dir / WAREHOUSE).absolute()
    target_path = find_target_path(project_dir=project_dir, warehouse=warehouse)
    return find_log_path(target_path=target_path) / "refresh.jsonl"


def find_log_path(*, target_path: Path) -> Path:
    """Choose the folder of the logs."""
    return Path(os.environ.get("DBT_LOG_PATH") or target_path / "logs").absolute()


def find_target_path(*, project_dir: Path, warehouse: Path) -> Path:
    """Choose the folder of dbt's parse state, compiled SQL and log.

    One per warehouse: dbt keeps the warehouse's path in its parse state and parses everything
    again when the path is another one.
    """
    chosen = os.environ.get("DBT_TARGET_PATH")
    if chosen:
        return Path(chosen).absolute()
    if warehouse == project_dir / WAREHOUSE:
        return project_dir / "target"
    digest = hashlib.sha256(str(warehouse).encode()).hexdigest()[:8]
    return project_dir / "target" / "warehouses" / f"{warehouse.stem}-{digest}"


def find_profiles_dir(*, project_dir: Path, target_path: Path) -> Path:
    """Find the folder of profiles.yml, where plain dbt looks for it.

    Without one in the project it is a folder in the target, for a copy of the example.
    """
    chosen = os.environ.get("DBT_PROFILES_DIR")
    if chosen:
        return Path(chosen).absolute()
    return project_dir if (project_dir / "profiles.yml").is_file() else target_path / "profiles"


def checked_raw_data(*, raw_input: str, raw_data: Path | None) -> Path | None:
    """Check that there is a raw folder, if the input is files."""
    if raw_input != "files":
        return None
    if not raw_data:
        raise SettingsError("The raw input is files, but no folder is named: add --raw-data DIR.")
    if not raw_data.is_dir():
        raise SettingsError(f"The raw data folder {raw_data} does not exist or is not a folder.")
    return raw_data.absolute()


def checked_warehouse(*, file: Path) -> Path:
    """Check the name of the warehouse; the adapter of dbt writes it into SQL as it is."""
    found = [character for character in "'\"\\;" if character in file.name]
    if found:
        raise SettingsError(
            f"The name of the warehouse, {file.name}, has {' '.join(found)} in it: "
            "name one without with --warehouse."
        )
    return file


def today_in(*, zone: str) -> date:
    """Return the date it is in a time zone, as the build asks for it."""
    try:
        with duckdb.connect() as connection:
            (today,) = connection.execute(
                "select cast(timezone($zone, current_timestamp) as date)", {"zone": zone}
            ).fetchone()
    except duckdb.Error as error:
        raise SettingsError(f"The reporting time zone {zone!r} is not known.") from error
    return today


def parsed_as_of(*, text: str | None, today: date) -> date | None:
    """Read the as-of date; it cannot be after today."""
    if not text:
        return None
    # fromisoformat alone would take 20240131 and 2024-W05-3 too, which SQL does not
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise SettingsError(f"The as-of date {text!r} is not a date like 2024-01-31.")
    try:
        as_of = date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"The as-of date {text!r} is not a date: {error}.") from error
    if as_of > today:
        raise SettingsError(f"The as-of date {as_of} is after today, {today}.")
    return as_of


def checked_currency(*, code: str | None) -> str | None:
    """Check that a currency is an ISO code; in upper case."""
    if code and not re.fullmatch("[A-Za-z]{3}", code):
        raise SettingsError(f"The reporting currency {code!r} is not a code like EUR.")
    return code.upper() if code else None


def checked_memory_limit(*, size: str | None) -> str | None:
    """Check that DuckDB takes a size of memory."""
    if not size:
        return None
    try:
        duckdb.connect(config={"memory_limit": size}).close()
    except duckdb.Error as error:
        raise SettingsError(
            f"The memory limit {size!r} is no size: write --memory-limit as a number and one of "
            "KB, MB, GB, TB, KiB, MiB, GiB, TiB, like 4GB."
        ) from error
    return size


def parsed_vars(*, text: str | None) -> dict[str, object]:
    """Read the dbt vars as a mapping."""
    try:
        found = yaml.safe_load(text) if text else {}
    except yaml.YAMLError as error:
        raise SettingsError(f"The vars {text!r} are not YAML.") from error
    if not isinstance(found, dict):
        raise SettingsError(f"The vars {text!r} are not a mapping like '{{name: value}}'.")
    return found
