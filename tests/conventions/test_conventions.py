"""The conventions of the project, checked by machine.

A check yields what breaks its rule. What things are comes from what dbt parsed, how they are
written from the files.
"""

import difflib
import functools
import graphlib
import importlib.util
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import EllipsisType
from typing import Any

import click
import duckdb
import pytest
import yaml
from jinja2 import Environment

from python_helpers.cli import main as cli

PROJECT = Path(__file__).resolve().parents[2]
THIS_FILE = str(Path(__file__).relative_to(PROJECT))
NAME = "customer_lifecycle_warehouse"

Node = Mapping[str, Any]


def rule(text: str) -> Callable[[Callable[..., Iterable[str]]], Callable[..., None]]:
    """Make a test of a function that yields offenders: it fails with the rule and all of them."""

    def decorate(offenders: Callable[..., Iterable[str]]) -> Callable[..., None]:
        @functools.wraps(offenders)
        def test(**fixtures: object) -> None:
            lines = sorted(set(offenders(**fixtures)))
            if lines:
                pytest.fail("\n    ".join([text, *lines]), pytrace=False)

        return test

    return decorate


def text_of(path: str) -> str:
    """Return a file of the project, which is UTF-8."""
    return (PROJECT / path).read_text(encoding="utf-8")


def files(*patterns: str) -> list[str]:
    """Return the paths within the project that match any of the patterns, in order."""
    found = {path for pattern in patterns for path in PROJECT.glob(pattern)}
    return sorted(str(path.relative_to(PROJECT)) for path in found)


SQL_FILES = files(
    *(f"{folder}/**/*.sql" for folder in ("models", "macros", "analyses", "tests/generic")),
    "tests/singular/*.sql",
)
YAML_FILES = [
    "dbt_project.yml",
    *files(*(f"{folder}/**/*.yml" for folder in ("models", "seeds", "macros", "tests/generic"))),
]
# each of these has its YAML beside it; staging is described by the raw contract
DESCRIBED_FOLDERS = ("models/intermediate", "models/utilities", "models/marts")


# What dbt parsed


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Parse the project once, with the sample as input and no setting of this machine.

    Yields what runs another command of dbt on the parsed project.
    """
    folder = tmp_path_factory.mktemp("conventions")
    shutil.copyfile(PROJECT / "profiles.example.yml", folder / "profiles.yml")
    folders = {"project": PROJECT, "profiles": folder}
    options = [str(word) for name, path in folders.items() for word in (f"--{name}-dir", path)]
    options += ["--target-path", str(folder), "--log-path", str(folder)]
    with pytest.MonkeyPatch.context() as patched:
        for name in {*ENVIRONMENT, *(name for name in os.environ if name.startswith("DBT_"))}:
            patched.delenv(name, raising=False)
        patched.setenv("RAW_INPUT", "sample")
        patched.setenv("WAREHOUSE_PATH", str(folder / "warehouse.duckdb"))
        # here and not above: it takes seconds, which a run of the other tests need not wait for
        from dbt.cli.main import dbtRunner

        parsed = dbtRunner().invoke(["--quiet", "parse", *options])
        assert parsed.success, parsed.exception

        def run(*command: str) -> Any:
            runner = dbtRunner(manifest=parsed.result)
            return runner.invoke(["--quiet", *command, *options])

        run.folder = folder
        yield run


@pytest.fixture(scope="module")
def manifest(dbt: Callable[..., Any]) -> Mapping[str, Any]:
    """Return what dbt parsed."""
    return json.loads((dbt.folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def nodes(manifest: Mapping[str, Any]) -> list[Node]:
    """Return the models, seeds, data tests and analyses."""
    return list(manifest["nodes"].values())


@pytest.fixture(scope="module")
def models(nodes: list[Node]) -> list[Node]:
    """Return the models."""
    return [node for node in nodes if node["resource_type"] == "model"]


@pytest.fixture(scope="module")
def marts(models: list[Node]) -> list[Node]:
    """Return the models that people query."""
    return [model for model in models if is_mart(model)]


@pytest.fixture(scope="module")
def data_tests(nodes: list[Node]) -> list[Node]:
    """Return the data tests, generic and singular."""
    return [node for node in nodes if node["resource_type"] == "test"]


def is_generic(test: Node) -> bool:
    """Tell whether a data test is a generic one, with arguments."""
    return "test_metadata" in test


def is_mart(node: Node) -> bool:
    """Tell whether people query it."""
    return node["original_file_path"].startswith("models/marts/")


def columns_of(tables: Iterable[Node]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each described column, with a name to list it by."""
    for table in tables:
        for column in table["columns"].values():
            yield f"{table['name']}.{column['name']}", column


def described(column: Mapping[str, Any]) -> str:
    """Return the description of a column on one line."""
    return " ".join(column["description"].split())


def type_of(column: Mapping[str, Any]) -> str:
    """Return the type of a column, spelt in one way."""
    return (column["data_type"] or "").replace(", ", ",")


# What the files say


def lexed(template: str) -> tuple[str, list[tuple[int, str]]]:
    """Split a template into its SQL and the texts inside its Jinja, each with its line.

    The SQL keeps its lines and loses comments and literals; of a Jinja expression the first name
    stays in its place.
    """
    sql, strings, is_first_name = "", [], False
    for line, kind, value in Environment().lex(template):
        sql += "\n" * (line - 1 - sql.count("\n"))
        if kind == "data":
            sql += value
        elif kind == "string":
            strings.append((line, value[1:-1]))
        elif kind == "name" and is_first_name:
            sql += value
        if kind != "whitespace":
            is_first_name = kind == "variable_begin"
    comment_or_literal = r"--[^\n]*|'(?:[^']|'')*'"
    return re.sub(comment_or_literal, lambda found: "\n" * found[0].count("\n"), sql), strings


def code_of(path: str) -> str:
    """Return a file without the comments of SQL, Jinja or YAML."""
    comment = r"\{#.*?#\}|--[^\n]*" if path.endswith(".sql") else r"(?<!\S)#[^\n]*"
    return re.sub(comment, "", text_of(path), flags=re.DOTALL)


CODE = {path: code_of(path) for path in [*SQL_FILES, *YAML_FILES, "profiles.example.yml"]}


def calls(*functions: str) -> dict[str, str]:
    """Find the calls of Jinja functions with a literal first argument -> a file that has it."""
    pattern = rf"\b(?:{'|'.join(functions)})\(\s*['\"](\w+)['\"]"
    return {name: path for path, code in CODE.items() for name in re.findall(pattern, code)}


ENVIRONMENT = calls("env_var") | {name.upper(): path for name, path in calls("setting").items()}


# The grain


@rule("Line 1 of a model is `-- Grain: one row per ...`, of one in Python its docstring:")
def test_every_model_and_analysis_starts_with_its_grain():
    for path in files("models/**/*.sql", "models/**/*.py", "analyses/**/*.sql"):
        first_line = text_of(path).partition("\n")[0]
        start = '"""' if path.endswith(".py") else "-- "
        if not first_line.startswith(f"{start}Grain: one row per "):
            yield f"{path}: {first_line}"


@rule("Line 1 of a singular test says in prose what it asserts:")
def test_every_singular_test_starts_with_its_invariant():
    for path in files("tests/singular/*.sql"):
        if not text_of(path).startswith("-- "):
            yield path


@rule("A mart states its grain in config.meta.grain:")
def test_every_mart_names_the_columns_of_its_grain(marts):
    for mart in marts:
        if not mart["config"]["meta"].get("grain"):
            yield mart["name"]


@rule("A table has config.meta.grain and a data test of it, or neither:")
def test_every_grain_is_tested(nodes, data_tests):
    # of a mart's only key column, whose contract says `not_null`, dbt's own test says as much
    tested = {
        (test["attached_node"], test["column_name"])
        for test in data_tests
        if is_generic(test) and test["test_metadata"]["name"] in ("grain", "unique")
    }
    for node in nodes:
        grain = node["config"].get("meta", {}).get("grain", [])
        column = grain[0] if is_mart(node) and len(grain) == 1 else None
        if {key for key in tested if key[0] == node["unique_id"]} != (
            {(node["unique_id"], column)} if grain else set()
        ):
            yield f"{node['name']}: {f'unique of {column}' if column else 'grain'}"


@rule("The description of a table starts with `One row per ...`:")
def test_every_description_starts_with_the_grain(manifest, models):
    # a model of the staging layer has none of its own
    tables = [model for model in models if model["patch_path"]] + [*manifest["sources"].values()]
    for table in tables:
        if not table["description"].startswith("One row per "):
            yield f"{table['name']}: {table['description'][:60]}"


# Layers


def parents(manifest: Mapping[str, Any], model: Node) -> Iterator[Node]:
    """Yield the models that a model reads."""
    for name in manifest["parent_map"][model["unique_id"]]:
        if name.startswith("model."):
            yield manifest["nodes"][name]


@rule("Folders of marts need each other in a circle:")
def test_no_two_folders_of_marts_need_each_other(manifest, marts):
    edges: dict[str, dict[str, str]] = {}
    for mart in marts:
        for parent in parents(manifest, mart):
            if is_mart(parent) and parent["fqn"][2] != mart["fqn"][2]:
                folders = edges.setdefault(mart["fqn"][2], {})
                folders.setdefault(parent["fqn"][2], f"{mart['name']} reads {parent['name']}")
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        circle = error.args[1]
        for read, reading in itertools.pairwise(circle):
            yield f"{reading} needs {read}: {edges[reading][read]}"


# Descriptions, contracts and units

# The unit closes the definition of a number, as `Unit: <unit>.`; the name says which it can be.
UNITS = {
    r"_amount$": r"reporting currency( per customer)?|the (order|version)'s own currency",
    r"(?<!exchange)_(rate|share)$": r"rate, (in )?0\.\.1.*",
    # an interval has the scale of what it is of: a share, a difference of shares, a promoter score
    r"^ci_(low|high)$": (
        r"rate, (in )?0\.\.1.*|rate, -1\.\.1|NPS points, -100\.\.100|that of the measure"
    ),
    r"(^|_)days(_|$)": "days",
    r"(^|_)months(_|$)": "months",
    r"(^|_)customers$": "customers",
    r"(^|_)spells$": "spells",
    r"_rows$": "rows",
}
NUMBERS = r"(tiny|small|big|huge)?int(eger)?|double|float|decimal\(.*\)"


@rule("The description of a number ends with `Unit: <unit>.`:")
def test_every_number_has_a_unit(marts):
    for name, column in columns_of(marts):
        is_number = re.fullmatch(NUMBERS, type_of(column))
        if is_number and not re.search(r"\bUnit: .+\.$", described(column)):
            yield f"{name}: {described(column)}"


@rule("The name of a column says what its unit can be (UNITS in this file):")
def test_every_unit_is_one_the_name_allows(nodes):
    for name, column in columns_of(nodes):
        for pattern, unit in UNITS.items():
            is_meant = re.search(pattern, column["name"])
            if is_meant and not re.search(rf"\bUnit: ({unit})\.$", described(column)):
                yield f"{name}: {described(column)}"


@rule("A flag is described as `True ...`, a date by which day it is, a time with `(UTC)`:")
def test_every_flag_date_and_time_is_described_as_such(marts):
    patterns = {"boolean": r"^True\b", "date": r"(?i)\bday\b", "timestamp": r"\(UTC\)"}
    for name, column in columns_of(marts):
        if not re.search(patterns.get(type_of(column), ""), described(column)):
            yield f"{name}: {described(column)}"


# Files


@rule("A model is two files, <name>.sql (or .py) and <name>.yml; one of them is missing:")
def test_every_model_has_its_yaml_beside_it():
    paths = files(
        *(f"{folder}/**/*.{end}" for folder in DESCRIBED_FOLDERS for end in ("sql", "py", "yml"))
    )
    pairs = Counter(path.rpartition(".")[0] for path in paths)
    for stem, count in pairs.items():
        if count != 2:
            yield f"{stem}.*"


@rule("<name>.yml describes and tests <name> and nothing else:")
def test_every_yaml_is_about_the_model_beside_it():
    for path in files(*(f"{folder}/**/*.yml" for folder in DESCRIBED_FOLDERS)):
        content = yaml.safe_load(text_of(path))
        models = [model["name"] for model in content.get("models", [])]
        tested = {test["model"] for test in content.get("unit_tests", [])}
        if models != [Path(path).stem] or not tested <= set(models):
            yield f"{path}: {', '.join([*models, *sorted(tested)])}"


@rule("The contract of a mart has the columns of its final select, in their order:")
def test_every_contract_is_in_the_order_of_the_select(marts):
    for mart in marts:
        sql, _ = lexed(mart["raw_code"])
        select = re.split(r"^select$", sql, flags=re.MULTILINE)[-1]
        select = re.split(r"^from\b", select, flags=re.MULTILINE)[0]
        while "(" in select:
            select = re.sub(r"\([^()]*\)", "", select)
        selected = ", ".join(re.findall(r"\w+", column)[-1] for column in select.split(","))
        # of a Jinja expression the name is left, and this one stands for four columns
        segments = "region, industry, customer_segment, acquisition_channel"
        contract = ", ".join(mart["columns"]).replace(segments, "segment_columns")
        if selected != contract:
            yield f"{mart['name']}\n      select:   {selected}\n      contract: {contract}"


# Names


@rule("A data test is <model>__<fact>, a singular one assert_<invariant>:")
def test_every_data_test_is_named_for_what_holds(manifest, data_tests):
    for test in data_tests:
        table = manifest["nodes"].get(test.get("attached_node"))
        start = f"{table['name']}__" if table else "assert_"
        if not re.fullmatch(rf"{start}[a-z0-9]+(_[a-z0-9]+)*", test["name"]):
            yield f"{test['name']}, not {start}..."


@rule("A unit test is a sentence, five_words_in_lower_case at least, which no other one is:")
def test_every_unit_test_is_named_by_a_sentence(manifest):
    names = Counter(test["name"] for test in manifest["unit_tests"].values())
    for name, count in names.items():
        if count > 1 or not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+){4,}", name):
            yield f"{name} ({count})"


# Keys of YAML files: dbt reads `descripton` without a word

# What may stand somewhere: a mapping with these keys, a list of such, or `...`, which is anything.
Allowed = EllipsisType | Mapping[str, "Allowed"] | list["Allowed"]


def keys(plain: str = "", **nested: Allowed) -> dict[str, Allowed]:
    """Allow some keys with any value, and others with what may stand below them."""
    return dict.fromkeys(plain.split(), ...) | nested


DATA_TESTS: Allowed = [
    keys(
        grain=keys("name"),
        holds=keys("name", config=keys("enabled"), arguments=keys("condition")),
    )
]
COLUMN_TESTS: Allowed = [
    keys(
        unique=keys("name", config=keys("enabled")),
        relationships=keys("name", config=keys("enabled"), arguments=keys("to field")),
    )
]
COLUMN = keys(
    "name description data_type granularity", constraints=[keys("type")], data_tests=COLUMN_TESTS
)
TABLE = keys("name description", data_tests=DATA_TESTS, columns=[COLUMN])
RAW_COLUMN = keys(
    "name description data_type",
    config=keys(
        meta=keys("required accepted_values default restricted of_person coarse names local")
    ),
)
RAW_TABLE = keys(
    "name description",
    config=keys(
        "loaded_at_query freshness",
        meta=keys("key event_date event_is versions_of reject_when main rows"),
    ),
    columns=[RAW_COLUMN],
)
UNIT_TEST = keys(
    "name description model",
    config=keys("enabled"),
    overrides=keys("vars env_vars macros"),
    given=[keys("input rows format")],
    expect=keys("rows"),
)
KIND = keys("enabled", meta=keys("kind benchmark"))
SEMANTIC_MODEL = keys(
    "name model primary_entity",
    config=KIND,
    defaults=keys("agg_time_dimension"),
    entities=[keys("name type expr")],
    dimensions=[keys("name type expr", type_params=keys("time_granularity"))],
    measures=[
        keys(
            "name label description agg expr agg_time_dimension create_metric",
            non_additive_dimension=keys("name window_choice"),
        )
    ],
)
METRIC = keys(
    "name label description type filter",
    config=KIND,
    type_params=keys("measure numerator denominator expr metrics"),
)
SAVED_QUERY = keys(
    "name label description", config=keys("enabled"), query_params=keys("metrics group_by")
)
PROPERTIES = keys(
    "version anchors",
    models=[
        TABLE
        | keys(
            config=keys("tags", meta=keys("grain settings")),
            time_spine=keys("standard_granularity_column"),
        )
    ],
    semantic_models=[SEMANTIC_MODEL],
    metrics=[METRIC],
    saved_queries=[SAVED_QUERY],
    seeds=[TABLE | keys(config=keys("column_types", meta=keys("grain")))],
    sources=[keys("name schema description", tables=[RAW_TABLE])],
    unit_tests=[UNIT_TEST],
    macros=[keys("name description", arguments=[keys("name type description")])],
    groups=[keys("name description", owner=keys("name email"))],
    exposures=[
        keys(
            "name label type maturity description depends_on",
            owner=keys("name email"),
            config=keys("enabled"),
        )
    ],
)
FOLDER = keys("+schema +materialized +enabled +group +access")


def subfolders(folder: str) -> dict[str, Allowed]:
    """Allow the settings of a folder in those that lie in it."""
    return {path.name: FOLDER for path in (PROJECT / folder).iterdir() if path.is_dir()}


MODEL_FOLDERS = keys(
    staging=FOLDER | keys(base=FOLDER),
    connectors=FOLDER | subfolders("models/connectors"),
    intermediate=FOLDER | subfolders("models/intermediate"),
    utilities=FOLDER,
    marts=FOLDER
    | subfolders("models/marts")
    | {
        "+contract": keys("enforced"),
        "+database": ...,
        "+persist_docs": keys("relation columns"),
        "audit": FOLDER | {"dim_build": {"+meta": keys("project_version")}},
    },
)
PROJECT_FILE = keys(
    "name version config-version require-dbt-version profile restrict-access clean-targets vars",
    flags=keys(
        "send_anonymous_usage_stats indirect_selection validate_macro_args",
        warn_error_options=keys("error"),
    ),
    models={NAME: MODEL_FOLDERS},
    seeds={NAME: keys("+full_refresh", sample=FOLDER, reference=FOLDER)},
) | keys("model-paths seed-paths macro-paths test-paths analysis-paths")


def unknown_keys(value: object, allowed: Allowed, place: str) -> Iterator[str]:
    """Yield the place of each key that is not allowed where it stands."""
    if isinstance(allowed, list):
        for number, item in enumerate(value or []):
            name = item.get("name", number) if isinstance(item, dict) else number
            yield from unknown_keys(item, allowed[0], f"{place}[{name}]")
    elif isinstance(allowed, Mapping):
        for key in value or {}:
            if key in allowed and isinstance(value, dict):
                yield from unknown_keys(value[key], allowed[key], f"{place}.{key}")
            elif key not in allowed:
                yield f"{place}.{key}"


@rule("An unknown key does nothing; if it is meant, allow it in this file:")
def test_every_key_is_one_that_is_read():
    for path in YAML_FILES:
        allowed = PROJECT_FILE if path == "dbt_project.yml" else PROPERTIES
        yield from unknown_keys(yaml.safe_load(text_of(path)), allowed, path)


# Nothing unused, nothing undeclared


@rule("No model, singular test or analysis reads it:")
def test_every_model_and_seed_is_used(manifest, nodes):
    for node in nodes:
        users = [manifest["nodes"].get(name) for name in manifest["child_map"][node["unique_id"]]]
        # a test of the node itself is no use of it
        is_used = any(user and not user.get("attached_node") for user in users)
        # staging mirrors the raw contract, whether or not a mart asks for the table yet
        is_an_end = is_mart(node) or node["name"].startswith("stg_")
        if node["resource_type"] in ("model", "seed") and not is_used and not is_an_end:
            yield node["original_file_path"]


@rule("Staging is base_<table> and stg_<table> for each table of the raw contract:")
def test_every_table_of_the_contract_has_its_two_models(manifest, models):
    sources = manifest["sources"].values()
    tables = [source["name"] for source in sources if source["source_name"] == "raw"]
    expected = {f"{layer}_{table}" for layer in ("base", "stg") for table in tables}
    staging = {model["name"] for model in models if model["fqn"][1] == "staging"}
    yield from (f"{name}: missing" for name in expected - staging)
    yield from (f"{name}: not in the contract" for name in staging - expected)


@rule(
    "A text of a customer's row is `restricted` or `coarse`, a key of a thing, or of fixed words:"
)
def test_every_text_that_may_tell_who_somebody_is_is_decided(manifest):
    for source in manifest["sources"].values():
        if source["source_name"] == "raw" and "customer_id" in source["columns"]:
            for name, column in source["columns"].items():
                meta = column["config"]["meta"]
                is_known = name.endswith("_id") or "currency" in name or "accepted_values" in meta
                decided = [is_known, bool(meta.get("restricted")), bool(meta.get("coarse"))]
                if column["data_type"] == "string" and decided.count(True) != 1:
                    yield f"{source['name']}.{name}"


@rule("A model in Python has its vars in meta.settings, because it cannot ask for them:")
def test_every_setting_of_a_model_is_the_var_of_its_name():
    for path in files("models/**/*.yml"):
        for model in yaml.safe_load(text_of(path)).get("models", []):
            settings = model.get("config", {}).get("meta", {}).get("settings", {})
            code = text_of(path.replace(".yml", ".py")) if settings else ""
            for name, value in settings.items():
                if value != f"{{{{ var('{name}') }}}}" or f'settings["{name}"]' not in code:
                    yield f"{path}: {name}"


@rule("A macro has a description, and each of its arguments a type and a description:")
def test_every_macro_is_described(manifest):
    for macro in manifest["macros"].values():
        if macro["package_name"] != NAME:
            continue
        # dbt adds those that the YAML leaves out, and stops where it names one that does not exist
        arguments = [(f"({each['name']})", each) for each in macro["arguments"]]
        for name, each in [("", macro | {"type": "macro"}), *arguments]:
            if not (each["type"] and each["description"]):
                yield f"{macro['original_file_path']}: {macro['name']}{name}"


@rule("The macros of a folder are described in its _macros.yml:")
def test_every_macro_is_described_beside_its_file(manifest):
    for macro in manifest["macros"].values():
        path = macro["original_file_path"]
        beside = f"{NAME}://{Path(path).parent}/_macros.yml"
        is_ours = macro["package_name"] == NAME and path.startswith("macros/")
        if is_ours and macro["patch_path"] != beside:
            yield f"{path}: {macro['name']}"


@rule("No model, macro or test calls this macro:")
def test_every_macro_is_used(manifest, data_tests):
    macros = manifest["macros"].values()
    code = "\n".join(CODE.values())
    called = set(re.findall(r"(?<!macro )(?<!test )\b(\w+)\(", code))
    called |= {f"test_{test['test_metadata']['name']}" for test in data_tests if is_generic(test)}
    dispatched = set(re.findall(r"adapter\.dispatch\(['\"](\w+)", code))
    # dbt calls the materializations, and what takes the place of a macro of its own
    of_dbt = {macro["name"] for macro in macros if macro["package_name"] != NAME}
    called |= of_dbt
    called |= {macro["name"] for macro in macros if macro["supported_languages"]}
    for macro in macros:
        of_an_engine = macro["name"].partition("__")[2]
        if macro["name"] not in called and of_an_engine not in dispatched | of_dbt:
            yield f"{macro['original_file_path']}: {macro['name']}"


@rule("No description cites this docs block:")
def test_every_docs_block_is_cited(manifest):
    cited = calls("doc")
    for block in manifest["docs"].values():
        # dbt shows the overview by itself
        if block["package_name"] == NAME and block["name"] not in {*cited, "__overview__"}:
            yield f"{block['original_file_path']}: {block['name']}"


@rule("The vars of dbt_project.yml are those that are read, each with a comment above it:")
def test_every_var_is_declared_explained_and_read(manifest):
    project_file = text_of("dbt_project.yml")
    declared = yaml.safe_load(project_file)["vars"]
    explained = re.findall(r"^  #.*\n  (\w+):", project_file, re.MULTILINE)
    # those that dbt_project.yml itself reads cannot stand in its vars; a comment there names them
    comment = re.search(r"((?:^#.*\n)+)vars:", project_file, re.MULTILINE)[1]
    read = calls("var", "setting", "policy")
    for test in manifest["unit_tests"].values():
        overrides = (test["overrides"] or {}).get("vars", {})
        read |= dict.fromkeys(overrides.keys() - read, test["original_file_path"])
    for name in declared:
        if name not in read:
            yield f"{name}: nothing reads it"
        if name not in explained:
            yield f"{name}: no comment above it"
    for name in read.keys() - declared.keys():
        if not re.search(rf"\b{name}\b", comment):
            yield f"{name}: read in {read[name]}, not declared"


@rule("docs/operations.md does not name this environment variable:")
def test_every_environment_variable_of_dbt_is_in_the_guide():
    guide = text_of("docs/operations.md")
    for name, path in ENVIRONMENT.items():
        if f"`{name}`" not in guide:
            yield f"{name}: read in {path}"


# SQL that means the same on every engine

# Outside macros/cross_engine, where each engine has its own: pattern -> what to write instead.
DATE = r"(today|date_day|\w*(_on|_date|_day|(?<!of)_month))"
BANNED_ANYWHERE = {
    r"::": "cast(... as ...)",
    r"\bas (text|varchar|timestamptz|u?hugeint)\b": "a type every engine has, such as string",
    r"\b(list\w*|array_agg|string_agg|struct_pack|unnest)\s*\(": "rows, not lists",
    r"\b(generate_series|range)\s*\(": "dates_from_to()",
    r"\b(quantile\w*|approx_quantile)\s*\(": "median(), or row_number()",
    r"\b(arg_max|arg_min)\s*\(": "row_number() and a filter",
    r"\bconcat\s*\(": "|| or concat_ws(): engines disagree on NULL",
    r"\blog\s*\(": "ln(): engines disagree on the base",
    r"\b(strftime|strptime|regexp_matches|today|now|epoch\w*|error)\s*\(": "a macro per engine",
    r"\b(isodow|dow|dayofweek|weekday)\b": "days from a Monday: engines disagree on the number",
    r"\b(date_?diff|date_sub|date_add|to_(days|months|years))\s*\(": "days_between(), days_after()",
    r"\binterval\s*['\d(]": "days_after() or months_after()",
    rf"\b({DATE}|days_after|months_after|\w+_start)\s*[-+]": "days_after() or days_between()",
    rf"[-+]\s*(\w+\.)?{DATE}\b": "days_after() or days_between()",
    r"\d\.\d+\s*/\s*\d": "whole numbers, which divide alike everywhere",
    r"_amount\s*/|/\s*(\w+\.)?\w*_amount\b": "rate() or amount_per(): decimals divide differently",
    r"\bover \w+\s*[-+*/]": "brackets around the window, which some engines read on",
    r"\btarget\.type\b": "a macro per engine",
    r"\basof\b": "a join on an interval",
    r"\*\s*(exclude|replace|rename)\b": "the columns by name",
    r"\b(group|order) by all\b|\bby name\b": "the columns by name",
    r"'[^']*\\\\[^']*'": "sql_text(): a backslash is an escape on some engines",
}
# In a text within Jinja these may be a part of a path or of a message.
BANNED_IN_SQL = {
    r'"': "the name without quotes, or adapter.quote(): elsewhere this is a text",
    r"//": "floor()",
}


def portable_sql(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the SQL and the templates of SQL that every engine runs, each with its place."""
    for path in SQL_FILES:
        if not path.startswith("macros/cross_engine/"):
            yield path, text_of(path)
    for test in filter(is_generic, manifest["nodes"].values()):
        arguments = test["test_metadata"]["kwargs"]
        for sql in [arguments.get("condition", ""), *arguments.get("columns", [])]:
            yield test["name"], sql
    for source in manifest["sources"].values():
        for sql in source["config"]["meta"].get("reject_when", {}).values():
            yield source["name"], sql
    for metric in manifest["metrics"].values():
        yield metric["name"], metric["type_params"]["expr"] or ""


def banned_in(text: str, banned: Mapping[str, str], *, line: int = 1) -> Iterator[str]:
    """Yield the line, the words and the remedy of each banned construct in a text."""
    for pattern, instead in banned.items():
        for match in re.finditer(pattern, text, re.IGNORECASE):
            at = line + text.count("\n", 0, match.start())
            yield f"{at}: `{' '.join(match[0].split())}`; write {instead}"


@rule("Not every engine can run this, or means the same by it:")
def test_no_sql_is_of_one_engine_alone(manifest):
    for place, template in portable_sql(manifest):
        sql, strings = lexed(template)
        offenders = [*banned_in(sql, BANNED_ANYWHERE | BANNED_IN_SQL)]
        for line, text in strings:
            offenders += banned_in(text, BANNED_ANYWHERE, line=line)
        yield from (f"{place}:{offender}" for offender in offenders)


# What reads the marts, and the parts of the project that can be built by themselves


@rule("An exposure has other marts than what it describes reads:")
def test_every_exposure_depends_on_what_it_reads(manifest, marts):
    charts = text_of("docs/bi.md").partition("## Five charts")[2]
    names_of_marts = {mart["name"] for mart in marts}
    read = {
        "five_charts": set(re.findall(r"from marts\.(\w+)", charts)),
        "exports": names_of_marts,
    }
    for package in ("report", "digest"):
        code = "".join(
            path.read_text(encoding="utf-8")
            for path in (PROJECT / "python_helpers" / package).rglob("*.py")
        )
        words = {word.removesuffix("_sliced") for word in re.findall(r"\w+", code)}
        read[package] = names_of_marts & words
    for exposure in manifest["exposures"].values():
        names = {manifest["nodes"][name]["name"] for name in exposure["depends_on"]["nodes"]}
        differing = read.get(exposure["name"], names) ^ names
        yield from (f"{exposure['name']}: {name}" for name in differing)


@rule("Write the page again: dbt parse, then python docs/erd.py target/manifest.json")
def test_the_page_of_keys_is_what_contracts_and_tests_say(manifest):
    specification = importlib.util.spec_from_file_location("erd", PROJECT / "docs" / "erd.py")
    erd = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(erd)
    text = erd.PAGE.read_text(encoding="utf-8")
    yield from difflib.unified_diff(
        text.splitlines(), erd.page(text=text, manifest=manifest).splitlines(), lineterm=""
    )


def test_every_selector_holds_its_marts_and_all_that_they_read(dbt, manifest, models):
    selectors = yaml.safe_load(text_of("selectors.yml"))["selectors"]
    listed = dict.fromkeys(each["name"] for each in selectors)
    for name in listed:
        outcome = dbt("list", "--selector", name, "--resource-type", "model", "--output", "name")
        assert outcome.success, outcome.exception
        listed[name] = set(outcome.result)
    # a group with marts has a selector, and so has a tag
    named = {model["group"] for model in models if is_mart(model)}
    named |= {tag for model in models for tag in model["tags"]}
    assert named == set(listed)
    for name, found in listed.items():
        wanted = {model["name"] for model in models if name in (model["group"], *model["tags"])}
        assert wanted <= found
        read = {
            parent["name"]
            for model in models
            if model["name"] in found
            for parent in parents(manifest, model)
        }
        assert read <= found


def test_freshness_is_that_of_the_files_and_tables_delivered(dbt, monkeypatch, tmp_path):
    for name, days in {"orders": 5, "engagement_events": 0}.items():
        path = tmp_path / f"{name}.csv"
        path.write_text("a\n1\n")
        written = time.time() - days * 24 * 60 * 60
        os.utime(path, (written, written))
    with duckdb.connect(os.environ["WAREHOUSE_PATH"]) as warehouse:
        warehouse.execute(
            "create schema raw; create table raw.subscriptions as "
            "select unnest([today() - 20, date '2999-01-01'])::timestamp as started_at"
        )
    monkeypatch.setenv("RAW_INPUT", "files,tables")
    monkeypatch.setenv("RAW_DATA_DIR", str(tmp_path))
    outcome = dbt("source", "freshness")
    assert {result.node.name: result.status for result in outcome.result.results} == {
        "orders": "warn",  # three days are late, fourteen missing
        "engagement_events": "pass",
        "subscriptions": "error",
        "survey_responses": "pass",  # not delivered
    }


# What people type


@rule("An option has a help text, and a test that uses it or its variable:")
def test_every_option_is_explained_and_tried():
    tests = "".join(text_of(path) for path in files("tests/*/test_*.py") if path != THIS_FILE)
    for command in cli.main.commands.values():
        for option in (each for each in command.params if isinstance(each, click.Option)):
            name = f"{command.name} {option.opts[0]}"
            if not option.help:
                yield f"{name}: no help"
            spellings = "|".join(re.escape(text) for text in [*option.opts, option.envvar])
            if not re.search(rf"(?<![\w-])({spellings})(?![\w-])", tests):
                yield f"{name}: in no test"


@rule("A target has a `##` comment, is in .PHONY and in README.md or CONTRIBUTING.md:")
def test_every_target_of_make_is_documented_and_phony():
    makefile = text_of("Makefile")
    targets = set(re.findall(r"^([\w-]+):.*## ", makefile, re.MULTILINE))
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    documents = "".join(text_of(path) for path in files("README.md", "CONTRIBUTING.md"))
    for name in targets | phony:
        if name not in phony:
            yield f"{name}: not in .PHONY"
        if name not in targets:
            yield f"{name}: no comment"
        if not re.search(rf"\bmake {name}\b", documents):
            yield f"{name}: in no document"


# Hooks

HOOKS = {
    hook["id"]: hook
    for repository in yaml.safe_load(text_of(".pre-commit-config.yaml"))["repos"]
    for hook in repository["hooks"]
}


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_runs_what_is_installed_here(name):
    assert HOOKS[name]["language"] == "system"
    command = shlex.split(HOOKS[name]["entry"])
    if THIS_FILE in command:  # which runs already, so only what runs it is left to try
        command[command.index(THIS_FILE)] = "--version"
    if command[0] == "git" and not (PROJECT / ".git").exists():
        pytest.skip("not a clone")
    if command[0].startswith(".venv/bin/"):
        command[0] = str(Path(sys.executable).with_name(Path(command[0]).name))
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
