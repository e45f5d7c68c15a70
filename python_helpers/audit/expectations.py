"""The suites of the audit: what is expected of a refresh, as its analyst writes it down.

A file of tests/expectations has `queries` (name -> SQL) and `expectations`. A query may read marts
and base tables of the warehouse, `published`, the last published build, and the queries above it.
An expectation names its table or its query, a type of Great Expectations, and its arguments for
`warn`, for `block`, or for both.
"""

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from python_helpers.core.errors import SettingsError

FOLDER = Path("tests", "expectations")
SUFFIXES = (".yml", ".yaml")
LEVELS = ("block", "warn")
KEYS = {"name", "table", "column", "expect", "with", "warn", "block", "found", "reason", "advice"}
ARGUMENTS = {"with", "warn", "block"}
TEXTS = KEYS - ARGUMENTS
REQUIRED = TEXTS - {"column"}
FIELD = re.compile(r"[A-Za-z_]\w*")
SCHEMAS = ("marts", "intermediate", "staging", "restricted")
# In SQL each of these with a point behind it is a schema, so no table can be called so.
RENAMED = re.compile(rf"\bas\s+(published|{'|'.join(SCHEMAS)})\b", re.IGNORECASE)
# What a line may not name: it is shown, and published with the marts.
WHO = re.compile(r"(^|_)(id|key|email|full_name|comment)$")


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One expectation, with its arguments at each level."""

    suite: str
    name: str
    table: str
    """A query, or a table with its schema."""
    type: str
    arguments: dict[str, dict[str, object]]
    """Level -> arguments; `block` first."""
    found: str
    """What is said of a row that is not as expected, with {columns} of the query."""
    reason: str
    advice: str

    @property
    def shown_columns(self) -> list[str]:
        """The columns of a row that `found` shows."""
        fields = (field for _, field, _, _ in string.Formatter().parse(self.found))
        return sorted({field for field in fields if field and field != "observed"})


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What became of an expectation: in words and aggregates, without a row of a customer."""

    expectation: Expectation
    outcome: str
    """`passed`, `warn`, `block`, or `not asked`."""
    lines: tuple[str, ...] = ()
    """What was found, or why it was not asked; a line each."""


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A file of expectations, in its order."""

    name: str
    queries: dict[str, str]
    expectations: tuple[Expectation, ...]


def read_suites(*, project_dir: Path) -> list[Suite]:
    """Read every suite of the project. Raises SettingsError where one cannot be understood."""
    files = (path for path in (project_dir / FOLDER).glob("*") if path.suffix in SUFFIXES)
    return [read_suite(path=path) for path in sorted(files)]


def read_suite(*, path: Path) -> Suite:
    """Read one suite."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8: save it as UTF-8.") from error
    if not has_shape(content=content):
        raise SettingsError(
            f"{path} needs queries, a mapping of names to SQL, and expectations, a list of "
            "mappings."
        )
    expectations = content["expectations"]
    faults = [
        *(
            f"the key {key} is not known."
            for key in content
            if key not in ("queries", "expectations")
        ),
        *(
            f"the query {name}: `{found[1]}` is what is read, so no table can have that alias."
            for name, sql in (content.get("queries") or {}).items()
            if (found := RENAMED.search(sql))
        ),
        *(fault for entry in expectations for fault in faults_of(entry=entry)),
        *(f"{name}: the name is there twice." for name in repeated(expectations)),
    ]
    if faults:
        raise SettingsError("\n".join(f"{path}: {fault}" for fault in faults))
    return Suite(
        name=path.stem,
        queries=dict(content.get("queries") or {}),
        expectations=tuple(
            make_expectation(suite=path.stem, entry=entry) for entry in expectations
        ),
    )


def has_shape(*, content: object) -> bool:
    """Tell whether a file is built like a suite."""
    if not isinstance(content, dict):
        return False
    queries, expectations = content.get("queries") or {}, content.get("expectations")
    return (
        isinstance(queries, dict)
        and all(isinstance(part, str) for query in queries.items() for part in query)
        and isinstance(expectations, list)
        and len(expectations) > 0
        and all(isinstance(entry, dict) for entry in expectations)
    )


def repeated(entries: list[dict], /) -> list[object]:
    """Return the names that are there twice."""
    names = [str(entry.get("name")) for entry in entries]
    return sorted({name for name in names if names.count(name) > 1})


def faults_of(*, entry: Mapping[str, object]) -> Iterator[str]:
    """Say what is wrong with an entry."""
    name = entry.get("name", "an expectation without a name")
    for key in sorted(map(str, entry.keys() - KEYS)):
        yield f"{name}: the key {key} is not known."
    for key in sorted(entry.keys() & TEXTS):
        if not isinstance(entry[key], str):
            yield f"{name}: {key} is to be a text."
            return
    for key in sorted(entry.keys() & ARGUMENTS):
        if not isinstance(entry[key], dict):
            yield f"{name}: {key} is to be a mapping of arguments to values; {{}} if it has none."
            return
    for key in sorted(REQUIRED - entry.keys()):
        yield f"{name}: the key {key} is missing."
    if not any(level in entry for level in LEVELS):
        yield f"{name}: it says neither warn nor block."
    if REQUIRED - entry.keys():
        return
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(entry["found"])]
    except ValueError as error:
        yield f"{name}: found: {error}."
        return
    if not all(field is None or FIELD.fullmatch(field) for field in fields):
        yield f"{name}: found: write the name of a column in the braces."
        return
    for column in make_expectation(suite="", entry=entry).shown_columns:
        if WHO.search(column):
            yield f"{name}: {column} may say who somebody is, so it is not shown."
        if "." in str(entry["table"]):
            yield f"{name}: rows are named of a query, not of a whole table."


def make_expectation(*, suite: str, entry: Mapping[str, object]) -> Expectation:
    """Make an expectation of an entry that has no faults."""
    common = dict(entry.get("with") or {})
    if "column" in entry:
        common["column"] = entry["column"]
    return Expectation(
        suite=suite,
        name=entry["name"],
        table=entry["table"],
        type=entry["expect"],
        arguments={level: common | (entry[level] or {}) for level in LEVELS if level in entry},
        **{key: " ".join(entry[key].split()) for key in ("found", "reason", "advice")},
    )


def expected_words(*, arguments: Mapping[str, object], type: str) -> str:
    """Say what was expected: of a range its ends, else the name of the expectation."""
    least, most = arguments.get("min_value"), arguments.get("max_value")
    column = arguments.get("column", "it")
    if least is None and most is None:
        return type.removeprefix("expect_").replace("_", " ")
    if least == most:
        return f"{column} {least}"
    if most is None:
        return f"{column} at least {least}"
    if least is None:
        return f"{column} at most {most}"
    return f"{column} from {least} to {most}"


def sentence(*, template: str, values: Mapping[str, object]) -> str:
    """Fill in what was found, with a word for NULL."""
    return Words().vformat(template, (), values)


class Words(string.Formatter):
    """Format like `str.format`, with a word for NULL."""

    def format_field(self, value: object, format_spec: str) -> str:
        """Format a value; what is not there has no digits, nor has a word."""
        if value is None:
            return "nothing"
        try:
            return super().format_field(value, format_spec)
        except ValueError:
            return str(value)
