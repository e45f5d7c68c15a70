"""Where a run reads, writes and publishes."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from python_helpers.core.errors import SettingsError

PROJECT_FILE = "dbt_project.yml"
WAREHOUSE = "warehouse.duckdb"
DATA_DOCS = "data_docs"
AUDIT_SPILL = "audit"
DOCS_PAGE = "docs.html"


@dataclass(frozen=True, kw_only=True)
class Places:
    """Folders and files as somebody chose them; None stands for the default in the project."""

    project_dir: Path | None = None
    warehouse: Path | None = None
    publish_dir: Path | None = None
    erasures_dir: Path | None = None
    export_dir: Path | None = None
    log_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Folders:
    """Every path of the project, absolute."""

    project_dir: Path
    warehouse: Path
    publish_dir: Path
    erasures_dir: Path
    export_dir: Path
    target_path: Path
    log_path: Path
    log_file: Path
    profiles_dir: Path


def find_folders(places: Places, /) -> Folders:
    """Fill in the default places. Relative paths count from the current directory.

    Raises SettingsError where there is no project, or the warehouse's name would break SQL.
    """
    project_dir = find_project_dir(chosen=places.project_dir)
    warehouse = (places.warehouse or project_dir / WAREHOUSE).absolute()
    # the adapter of dbt writes the name into SQL as it is
    if found := [character for character in "'\"\\;" if character in warehouse.name]:
        raise SettingsError(
            f"Invalid warehouse name {warehouse.name}: it contains {' '.join(found)}. "
            "Choose another name with --warehouse."
        )
    target_path = find_target_path(project_dir=project_dir, warehouse=warehouse)
    # where plain dbt looks for profiles.yml; without one, a folder for a copy of the example
    has_profiles = (project_dir / "profiles.yml").is_file()
    profiles_dir = project_dir if has_profiles else target_path / "profiles"
    log_path = Path(os.environ.get("DBT_LOG_PATH") or target_path / "logs").absolute()
    return Folders(
        project_dir=project_dir,
        warehouse=warehouse,
        publish_dir=(places.publish_dir or project_dir / "published").absolute(),
        # macros/erasure.sql knows this default, too
        erasures_dir=(places.erasures_dir or project_dir / "erasures").absolute(),
        export_dir=(places.export_dir or project_dir / "exports").absolute(),
        target_path=target_path,
        log_path=log_path,
        log_file=(places.log_file or log_path / "refresh.jsonl").absolute(),
        profiles_dir=Path(os.environ.get("DBT_PROFILES_DIR") or profiles_dir).absolute(),
    )


def find_project_dir(*, chosen: Path | None) -> Path:
    """Find the dbt project: the chosen folder, else the one around this package, else this one."""
    candidates = [chosen] if chosen else [Path(__file__).resolve().parents[2], Path.cwd()]
    for folder in candidates:
        if (folder / PROJECT_FILE).is_file():
            return folder.absolute()
    raise SettingsError(
        f"There is no {PROJECT_FILE} in {' or '.join(map(str, candidates))}. "
        "Name the project with --project-dir."
    )


def find_target_path(*, project_dir: Path, warehouse: Path) -> Path:
    """Choose the folder of dbt's parse state, compiled SQL and log.

    Each warehouse has its own: dbt keeps the warehouse's path in its parse state and parses
    everything again when the path changes.
    """
    chosen = os.environ.get("DBT_TARGET_PATH")
    if chosen:
        return Path(chosen).absolute()
    if warehouse == project_dir / WAREHOUSE:
        return project_dir / "target"
    digest = hashlib.sha256(str(warehouse).encode()).hexdigest()[:8]
    return project_dir / "target" / "warehouses" / f"{warehouse.stem}-{digest}"


def project_version(project_dir: Path, /) -> str:
    """Read the version of the project."""
    project = yaml.safe_load((project_dir / PROJECT_FILE).read_text(encoding="utf-8"))
    return str(project.get("version"))
