"""What is in a delivery: its staging layer, built in memory without dbt, and judged."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from python_helpers.core.errors import BuildError, RawDataError
from python_helpers.core.settings import Settings, parsed_vars
from python_helpers.delivery.contents import check_delivery, damaged_files, said_of_last_lines
from python_helpers.delivery.erasures import check_list
from python_helpers.delivery.files import RAW_SUFFIXES
from python_helpers.delivery.inputs import files_read, input_paths
from python_helpers.delivery.judged import judged
from python_helpers.delivery.rendering import Macros
from python_helpers.delivery.standins import CompilerError
from python_helpers.delivery.systems import export_of, other_system_of
from python_helpers.warehouse.problems import explained, raw_data_problem

RAW_DATA = "Raw data: "
LIKE = 0.6


def check(*, settings: Settings) -> dict[str, Any]:
    """Tell what is in the files of a delivery; `stops` says why nothing can be built from them.

    Raises SettingsError, RawDataError where a file must not be opened, and BuildError where the
    machine has too little memory or disk.
    """
    check_list(folder=settings.erasures_dir)
    input_paths(settings=settings)
    with (
        tempfile.TemporaryDirectory(prefix="lifecycle-check-") as spill,
        duckdb.connect(config={"preserve_insertion_order": False}) as connection,
    ):
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(settings.limits(spill=Path(spill)))
        return Check(settings=settings, connection=connection).facts()


class Check:
    """A look at one delivery. What stops a build is kept, and everything else is looked at, too."""

    def __init__(self, *, settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
        """Take the settings that a build would have."""
        self.project_dir, self.folder = settings.project_dir, settings.raw_data or Path()
        self.macros = Macros(
            connection=connection,
            project_dir=settings.project_dir,
            settings=parsed_vars(text=settings.dbt_vars)
            | {"raw_input": settings.raw_input, "raw_data_dir": str(self.folder)},
            environment=os.environ | settings.environment(),
        )
        # the facts have their own place for these, and a table that stops a build hides no other
        names = self.macros.environment.globals
        names |= dict.fromkeys(("warn_of_ignored_columns", "warn_of_ignored_files"), lambda *_: "")
        names["raw_files"] = self.readable_files
        # nothing of this is kept, so no key has to be the same the next time
        names["customer_salt"] = lambda: "''"
        self.has_exports = settings.has_exports
        self.broken: set[str] = set()
        self.found: dict[str, list[str]] = {"stop": [], "note": []}
        self.stops = self.found["stop"]

    def facts(self) -> dict[str, Any]:
        """Look at everything."""
        with self.noted():
            check_delivery(
                folder=self.folder, project_dir=self.project_dir, has_exports=self.has_exports
            )
        # what DuckDB reads of a damaged file says nothing of the rows
        self.broken |= {stop.split(": ")[0] for stop in self.stops}
        for table in self.macros.sources:
            stops = len(self.stops)
            with self.noted():
                self.macros.raw_parts(table)
            self.broken |= {table} if len(self.stops) > stops else set()
        with self.noted():
            self.make_settings()
        tables = [facts for name in self.macros.sources if (facts := self.facts_of(name))]
        if "int_run_settings" in self.macros.made:
            with self.noted():
                for finding in self.macros.raw_findings():
                    if finding["level"] in self.found:
                        self.found[finding["level"]].append(finding["message"])
                    elif finding["subject"] != "rejected_rows":  # each is in the facts
                        self.macros.warn(finding["message"])
        read = {file for table in tables for file in table["files"]}
        files = sorted(
            self.short(file)
            for file in (*self.folder.glob("*"), *self.folder.glob("*/*"))
            if file.is_file()
        )
        exports = {file: self.export_of(file) for file in files}
        with self.noted():
            paths = sorted(files_read(self.macros))
            read |= {self.short(Path(file)) for file in paths}
            if said := said_of_last_lines(map(Path, paths)):
                self.macros.warn(said)
        return {
            "folder": str(self.folder),
            "can_be_built": not self.stops,
            "stops": self.stops,
            "notes": self.found["note"],
            "warnings": list(self.macros.warnings),
            **self.settings_facts(),
            "raw_input": self.macros.settings["raw_input"],
            "exports": {file: export for file, export in exports.items() if export},
            "files_of_other_systems": {
                file: system
                for file in files
                if not exports[file] and (system := other_system_of(self.folder / file))
            },
            "files_not_read": [
                file
                for file in files
                if "/" not in file
                or self.has_exports
                or file.split("/")[0] in self.macros.sources
                or file.lower().endswith(RAW_SUFFIXES)
                if file not in read and not re.search("(^|/)[._]", file)
            ],
            "tables": tables,
        }

    def readable_files(self, table: str, *suffixes: str) -> list[str]:
        """List the files of a table for the macros; none where one of them stops a build."""
        return [] if table in self.broken else self.macros.raw_files(table, *suffixes)

    def make_settings(self) -> None:
        """Make the settings of the run; where the data has several currencies, with the first."""
        try:
            self.macros.ref("int_run_settings")
        except duckdb.Error as error:
            several = re.search(r"The data has several currencies, (\w{3}) and .*", str(error))
            if not several:
                raise
            self.stops.append(several[0])
            self.macros.variables["REPORTING_CURRENCY"] = several[1]
            self.macros.ref("int_run_settings")

    def settings_facts(self) -> dict[str, Any]:
        """Tell what the rows are judged by."""
        zones = {
            name: self.macros.setting(name, "UTC")
            for name in ("raw_timezone", "reporting_timezone")
        }
        if "int_run_settings" not in self.macros.made:
            return zones
        query = f"select as_of_date, reporting_currency from {self.macros.ref('int_run_settings')}"
        ((day, currency),) = self.macros.connection.execute(query).fetchall()
        return {"as_of_date": str(day), "reporting_currency": currency, **zones}

    def facts_of(self, table: str, /) -> dict[str, Any]:
        """Look at a table; of one that was not delivered there are no facts."""
        files: list[str] = []
        models: list[str] = []
        parts: list[dict[str, Any]] = []
        types: dict[str, str] = {}
        with self.noted():
            files = self.macros.raw_files(table)
            parts = self.macros.connected_parts(table)
            models = [part["place"] for part in parts]
            parts += self.macros.file_groups(table, files)
            types = self.macros.union_by_name(parts)["types"]
        if not files and not models:
            return {}
        columns = self.macros.sources[table]["columns"]
        unknown = [name for name in types if name not in columns]
        # what the connector of a system leaves out, its exports do not say
        missing = [name for name in columns if types and files and name not in types]
        required = {*self.macros.required_columns(table)}
        of_headers = {
            name for each in parts if required <= {*each["types"]} for name in each["types"]
        }
        # without a header, these are values of the first row
        others = [name for name in unknown if name not in of_headers]
        shown_others = self.macros.shown_names(others, missing)
        shown = [name for name in unknown if name in of_headers or name in shown_others]
        nearest = self.macros.nearest_names(missing, shown)
        facts: dict[str, Any] = {
            "table": table,
            "files": [self.short(Path(file)) for file in files],
            "models": models,
            "known": [name for name in columns if name in types],
            "missing": [
                {
                    "column": name,
                    "is_required": bool(columns[name]["config"]["meta"].get("required")),
                    "nearest": nearest.get(name),
                }
                for name in missing
            ],
            "unknown": shown,
            "unknown_not_shown": len(unknown) - len(shown),
        }
        with self.noted():
            self.macros.raw_data(table)
            if "int_run_settings" in self.macros.made and table not in self.broken:
                facts |= judged(table, macros=self.macros)
        return facts

    def export_of(self, file: str, /) -> str:
        """Name the export that a file is; an empty text if it is not an export."""
        return export_of(self.folder / file, exports=self.macros.exports) or ""

    def short(self, file: Path, /) -> str:
        """Name a file as its place in the delivery."""
        return str(file.relative_to(self.folder))

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Keep what is wrong with the raw data, and go on."""
        try:
            yield
        except CompilerError as error:
            if not str(error).startswith(RAW_DATA):
                raise
            self.note(str(error).replace(RAW_DATA, ""))
        except RawDataError as error:
            self.note(str(error))
        except duckdb.Error as error:
            tables = tuple(self.macros.sources)
            cause = raw_data_problem(message=str(error), folder=self.folder, tables=tables)
            # DuckDB does not always say which file it could not read
            damaged = {} if cause else damaged_files(folder=self.folder, tables=tables)
            # what DuckDB says of a file that was refused is known
            if not cause and not damaged and not self.stops:
                raise BuildError(explained(message=str(error))) from error
            self.note(cause or "\n".join(damaged.values()))

    def note(self, message: str, /) -> None:
        """Keep the lines of a message, unless it says again, in other words, what is known."""
        known = {stop.split(": ")[0] for stop in self.stops}
        new = set(self.macros.sources) - known
        lines = message.splitlines()
        self.stops += [line for line in lines if not known or line.split(": ")[0] in new]
