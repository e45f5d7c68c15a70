"""The suites of the audit: what an analyst expects of a refresh, a file per boundary.

A file of tests/expectations has `queries` and `parameters` (name -> SQL) and `expectations`. SQL
may read marts and base tables of the warehouse, `published` (the last published build), and the
queries above it. An expectation names its table or query, a class of Great Expectations, and its
arguments for `warn`, for `block`, or for both; `{$PARAMETER: name * 0.9}` is of a parameter.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from python_helpers.core.errors import SettingsError

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation as GreatExpectation

FOLDER = Path("tests", "expectations")
LEVELS = {"block": "critical", "warn": "warning"}
"""The levels of an expectation, and the severities of Great Expectations that they are."""
FIELD = re.compile(r"[A-Za-z_]\w*")
# Columns that no line may show: lines are published with the marts.
WHO = re.compile(r"(^|_)(id|key|email|full_name|comment)$")
ROWS = "UnexpectedRowsExpectation"


class Expectation(BaseModel):
    """One expectation, with its arguments at each level."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str
    table: str | list[str]
    """A query, or a table with its schema; or several, of which the same is expected."""
    type: str = Field(alias="expect")
    column: str | None = None
    where: dict[str, str | int | bool] = Field(default={}, max_length=1)
    """Column -> value: only these rows are asked about."""
    common: dict[str, Any] = Field(default={}, alias="with")
    block: dict[str, Any] = {}
    warn: dict[str, Any] = {}
    found: str = "{table}: {observed}."
    """The line for a row that is not as expected, with {columns} of the query, or for the whole,
    with {observed} and {parameters}."""
    reason: str = ""
    advice: str
    _suite: str

    @property
    def suite(self) -> str:
        """The name of the file."""
        return self._suite

    @property
    def tables(self) -> list[str]:
        """Return the tables that are asked about."""
        return self.table if isinstance(self.table, list) else [self.table]

    @property
    def arguments(self) -> dict[str, dict[str, Any]]:
        """Level -> arguments; `block` first."""
        common = self.common | ({"column": self.column} if self.column else {})
        levels = (level for level in LEVELS if level in self.model_fields_set)
        return {level: common | getattr(self, level) for level in levels}

    @property
    def parameters(self) -> set[str]:
        """Return the names of the parameters that the arguments contain."""
        values = (value for level in self.arguments.values() for value in level.values())
        found = (value["$PARAMETER"] for value in values if is_parameter(value))
        return {name for expression in found for name in FIELD.findall(expression)}

    @property
    def shown_columns(self) -> list[str]:
        """The columns of a row that `found` shows."""
        parsed = string.Formatter().parse(self.found)
        fields = {field for _, field, _, _ in parsed if field is not None}
        return sorted(fields - {"observed", "table", *self.parameters})

    @model_validator(mode="after")
    def check(self, info: ValidationInfo) -> Self:
        """Check what one field alone does not tell."""
        self._suite = str(info.context)
        if not self.arguments:
            raise ValueError("it needs warn or block")
        for column in self.shown_columns:
            if not FIELD.fullmatch(column):
                raise ValueError("found: put the name of a column in the braces")
            if WHO.search(column):
                raise ValueError(f"found: {column} may identify a person, so it cannot be shown")
            if self.type != ROWS and any("." in table for table in self.tables):
                raise ValueError("found: only a query can show columns of its rows, not a table")
        for level, arguments in self.arguments.items():
            try:
                asked = made(self.type, arguments=arguments)
                is_of_rows = hasattr(asked, "mostly") or self.type == ROWS
                if self.shown_columns and not is_of_rows:
                    raise ValueError("found: it has no rows; show {observed}")
                if WHO.search(str(arguments.get("column"))) and not is_of_rows:
                    raise ValueError("it would show values that may identify a person")
            except Exception as error:  # of several kinds, as Great Expectations likes
                raise ValueError(f"{level}: {' '.join(str(error).split())}") from error
        return self


class Suite(BaseModel):
    """A file of expectations, in its order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    queries: dict[str, str] = {}
    parameters: dict[str, str] = {}
    """Name -> SQL of one value; {table} stands for the table that is asked about."""
    expectations: list[Expectation] = Field(min_length=1)

    @model_validator(mode="after")
    def check(self) -> Self:
        """Check that no name is used twice, and that every parameter is there."""
        names = [expectation.name for expectation in self.expectations]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{', '.join(sorted(repeated))}: the name is used twice")
        for each in self.expectations:
            if unknown := each.parameters - self.parameters.keys():
                raise ValueError(f"{each.name}: no parameter {', '.join(sorted(unknown))}")
        return self


def is_parameter(value: object, /) -> bool:
    """Tell whether an argument is to be taken from parameters."""
    return isinstance(value, dict) and "$PARAMETER" in value


def made(type: str, /, *, arguments: Mapping[str, Any]) -> GreatExpectation:
    """Create an expectation of Great Expectations. Raises what that raises."""
    # here and not above: it takes seconds, which --help need not wait for
    import great_expectations.expectations as known

    if not re.fullmatch("(Expect|Unexpected)[A-Z].*", type) or not hasattr(known, type):
        raise ValueError(f"Great Expectations has no {type}")
    return getattr(known, type)(**arguments)


def read_suites(*, project_dir: Path) -> list[Suite]:
    """Read every suite of the project. Raises SettingsError where one is invalid."""
    return [read_suite(path=path) for path in sorted((project_dir / FOLDER).glob("*.yml"))]


def read_suite(*, path: Path) -> Suite:
    """Read one suite."""
    try:
        content = yaml.safe_load(path.read_bytes())
        return Suite.model_validate(content, context=path.stem)
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise SettingsError("\n".join(faults_in(error, content=content, path=path))) from error


def faults_in(error: ValidationError, /, *, content: Any, path: Path) -> Iterator[str]:
    """Yield a line per fault, which names the expectation."""
    for fault in error.errors():
        place = list(fault["loc"])
        if place[:1] == ["expectations"] and len(place) > 1:
            entry = content["expectations"][place[1]]
            name = entry.get("name") if isinstance(entry, dict) else None
            place[:2] = [name or f"expectation {int(place[1]) + 1}"]
        words = [*map(str, place), fault["msg"].removeprefix("Value error, ")]
        yield f"{path}: {': '.join(words)}."
