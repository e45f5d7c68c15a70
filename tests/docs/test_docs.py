"""`lifecycle docs` writes one page with every mart and its lineage, and its overview is true.

The site around it has every guide, definition and command, and needs nothing from elsewhere.
"""

import html
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import base_orders
import click
import duckdb
import pytest
import yaml

from python_helpers.cli import main as cli

PROJECT = Path(__file__).resolve().parents[2]
OVERVIEW = (PROJECT / "models" / "overview.md").read_text(encoding="utf-8")
SETTINGS = (
    *("RAW_INPUT", "RAW_DATA_DIR", "AS_OF_DATE", "REPORTING_CURRENCY", "REPORTING_TIMEZONE"),
    *("VARS", "DBT_LOG_PATH", "DBT_PROFILES_DIR"),
)


@dataclass(frozen=True)
class Docs:
    """The page, and the warehouse it is about."""

    text: str
    target: Path
    warehouse: Path
    printed: str

    def embedded(self, name: str, /) -> dict:
        """Return the manifest or the catalog out of the page."""
        start = f'{name}:{{"metadata": '
        assert self.text.count(start) == 1
        position = self.text.index(start) + len(name) + 1
        return json.JSONDecoder().raw_decode(self.text, position)[0]


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Docs:
    """Write the page of a warehouse that is not there yet, from the sample."""
    folder = tmp_path_factory.mktemp("docs")
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment |= {
        "WAREHOUSE_PATH": str(folder / "warehouse.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_EXCLUDE_RESOURCE_TYPES": "test unit_test",  # they are run elsewhere
    }
    result = subprocess.run(
        [sys.executable, "-m", "python_helpers", "docs"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    page = folder / "target" / "docs.html"
    return Docs(
        text=page.read_text(encoding="utf-8"),
        target=page.parent,
        warehouse=folder / "warehouse.duckdb",
        printed=result.stdout,
    )


def marts(manifest: dict) -> dict[str, dict]:
    """Return the marts of a manifest: name -> node."""
    return {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }


def test_the_page_is_named_and_describes_every_mart_and_each_of_its_columns(docs):
    assert docs.printed.startswith("Open ")
    assert docs.printed.rstrip().endswith("docs.html in a browser.")
    files = {path.stem for path in (PROJECT / "models" / "marts").glob("*/*.sql")}
    found = marts(docs.embedded("manifest"))
    assert found.keys() == files
    catalog = docs.embedded("catalog")["nodes"]
    for name, node in found.items():
        assert node["description"].strip(), name
        columns = catalog[node["unique_id"]]["columns"].keys()  # those of the warehouse
        assert columns == node["columns"].keys(), name
        for column in node["columns"].values():
            assert column["description"].strip(), f"{name}.{column['name']}"


def test_the_lineage_leads_from_each_mart_to_the_raw_data(docs):
    parents = docs.embedded("manifest")["parent_map"]
    for name, node in marts(docs.embedded("manifest")).items():
        seen, waiting = set(), [node["unique_id"]]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting += parents[one]
        assert any(one.startswith("seed.") for one in seen), name


def test_the_page_needs_nothing_from_elsewhere(docs):
    tags = re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", docs.text[:20_000])
    assert not [tag for tag in tags if re.search(r"(src|href)=.?(https?:)?//", tag)]
    metadata = docs.embedded("manifest")["metadata"]
    assert metadata["send_anonymous_usage_stats"] is False  # else it would fetch a tracker


def test_the_page_tells_nothing_of_this_machine(docs):
    for folder in (PROJECT, docs.warehouse.parent):
        assert str(folder) not in docs.text
    for name in ("manifest", "catalog"):
        assert not re.findall(r"[\w.+-]+@[\w-]+\.\w+", json.dumps(docs.embedded(name)))
    assert docs.embedded("manifest")["metadata"]["user_id"] is None


def test_the_overview_is_the_one_of_this_project(docs):
    blocks = docs.embedded("manifest")["docs"]
    (name,) = {name for name in blocks if name.endswith(".__overview__")} - {"doc.dbt.__overview__"}
    assert name.startswith("doc.customer_lifecycle_warehouse.")
    assert blocks[name]["block_contents"].strip() in OVERVIEW


# The walk of one order: each row of the table is a model and what it says, `column` value.
WALK = OVERVIEW[OVERVIEW.index("| model |") : OVERVIEW.index("The churn rate")]
STEPS = re.findall(r"^\| `(\w+)` \| (.*) \|$", WALK, flags=re.MULTILINE)
REPORT = (
    "select sum(lost_customers) as lost_customers, sum(opening_customers) as opening_customers "
    "from marts.rpt_retention_periods where relationship = 'orders' "
    "and period_grain = 'month' and period_start_date = '2024-02-01'"
)


def test_the_walk_has_a_step_for_each_kind_of_model():
    kinds = [model.split("_")[0] for model, _ in STEPS]
    assert set(kinds) == {"base", "stg", "int", "fct", "rpt"}


@pytest.mark.parametrize(("model", "says"), STEPS, ids=[model for model, _ in STEPS])
def test_what_the_overview_says_of_one_order_is_in_the_warehouse(docs, model, says):
    order, customer = re.findall(r"`([OC]\d+)`", OVERVIEW)
    claims = re.findall(r"`(\w+)` ([\w.-]+\w)", says)
    assert claims
    with duckdb.connect(str(docs.warehouse), read_only=True) as warehouse:
        (schema,) = warehouse.execute(
            "select schema_name from (from duckdb_tables() select schema_name, table_name as name "
            "union all from duckdb_views() select schema_name, view_name) where name = ?",
            [model],
        ).fetchone()
        columns = {name for name, *_ in warehouse.execute(f"describe {schema}.{model}").fetchall()}
        if model == "rpt_retention_periods":
            rows = f"({REPORT})"
        else:
            key = ("order_id", order) if "order_id" in columns else ("customer_id", customer)
            rows = f"(from {schema}.{model} where {key[0]} = '{key[1]}')"
        conditions = " and ".join(
            f"cast({column} as varchar) = '{value}'" for column, value in claims
        )
        (found,) = warehouse.execute(f"select count(*) from {rows} where {conditions}").fetchone()
    assert found, conditions


def test_the_sql_of_base_orders_is_what_dbt_compiles(docs):
    shown = base_orders.PAGE.read_text(encoding="utf-8")
    assert shown == base_orders.page(docs.target)


def test_the_rates_of_the_overview_follow_from_its_counts():
    lost, opening = map(int, re.search(r"is (\d+) / (\d+) =", OVERVIEW).groups())
    churn, retention = map(float, re.findall(r"(\d+\.\d) %", OVERVIEW))
    assert f"`lost_customers` {lost} out of `opening_customers` {opening}" in OVERVIEW
    assert churn == round(100 * lost / opening, 1)
    assert retention == round(100 - churn, 1)


def test_make_docs_writes_this_page_and_then_the_site():
    result = subprocess.run(
        ["make", "--dry-run", "docs"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert re.search(r"python_helpers docs.*mkdocs build", result.stdout, re.DOTALL)


@pytest.fixture(scope="module")
def site(docs: Docs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the site around the page; a warning, such as a link that leads nowhere, fails it."""
    folder = tmp_path_factory.mktemp("site")
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", folder],
        cwd=PROJECT,
        env=os.environ | {"DBT_TARGET_PATH": str(docs.warehouse.parent / "target")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def article(page: Path, /) -> str:
    """Return what a page of the site says, without its navigation and its tags."""
    text = page.read_text(encoding="utf-8")
    inner = text[text.index("<article") : text.index("</article>")]
    return html.unescape(re.sub(r"<[^>]+>", "", inner))


def test_the_site_has_every_document_and_the_page_of_dbt(site, docs):
    documents = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")]
    for document in documents:
        name = document.relative_to(PROJECT).with_suffix(".html")
        page = site / ("index.html" if document.name == "README.md" else name)
        title = document.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert title in article(page), name
    assert (site / "docs.html").read_text(encoding="utf-8") == docs.text


def test_every_link_within_the_site_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site):
    pages = [page for page in site.rglob("*.html") if page != site / "docs.html"]
    assert len(pages) > 15
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", text):
            assert not re.search(r"(src|href)=[\"']?(https?:)?//", tag), (page, tag)
        if page.name == "404.html":  # its links are those of the root of a server
            continue
        for target in re.findall(r"(?:src|href)=\"?([^\"\s>#?]+)", text):
            if not re.match(r"(https?|mailto|javascript|data):", target):
                assert (page.parent / target).exists(), (page, target)


def test_the_dictionary_has_each_definition_with_the_columns_that_carry_it(site):
    definitions = (PROJECT / "models" / "metrics.md").read_text(encoding="utf-8")
    names = re.findall(r"{% docs (\w+) %}", definitions)
    dictionary = article(site / "models" / "metrics.html")
    assert "{%" not in dictionary
    parts = re.split(rf"^({'|'.join(names)})¶$", dictionary, flags=re.MULTILINE)
    entries = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert [*entries] == names
    cited = 0
    for file in (PROJECT / "models" / "marts").glob("*/*.yml"):
        for column in yaml.safe_load(file.read_text(encoding="utf-8"))["models"][0]["columns"]:
            for name in re.findall(r"doc\('(\w+)'\)", column["description"]):
                (line,) = re.findall(rf"The column {column['name']}: (.*)", entries[name])
                assert file.stem in line.split(", "), (name, file.stem)
                cited += 1
    assert cited > 200


def test_every_command_with_each_of_its_options_is_in_the_reference(site):
    reference = article(site / "docs" / "commands.html")
    for name, command in cli.main.commands.items():
        section = reference[reference.index(f"Usage: lifecycle {name} [OPTIONS]") :]
        for option in command.params:
            said = option.opts[0] if isinstance(option, click.Option) else option.metavar
            assert said in section, f"{name} {said}"


STAGES = (PROJECT / "docs" / "lifecycle_stages.md").read_text(encoding="utf-8")
TRACES = re.findall(r"^\| (C\d+) \| (\w+) \| ([\d-]+) \|", STAGES, re.MULTILINE)


@pytest.mark.parametrize("customer", sorted({customer for customer, _, _ in TRACES}))
def test_the_customers_that_are_followed_went_through_these_stages(docs, customer):
    with duckdb.connect(str(docs.warehouse), read_only=True) as warehouse:
        found = warehouse.execute(
            "select lifecycle_stage, cast(entered_on as text) from marts.fct_lifecycle_stages "
            "where customer_id = ? order by stage_number",
            [customer],
        ).fetchall()
    assert found == [(stage, day) for name, stage, day in TRACES if name == customer]


def test_every_stage_and_every_threshold_is_in_the_table_of_the_rule():
    rule = STAGES[STAGES.index("## The rule") : STAGES.index("## Three customers")]
    words = set(re.findall(r"`(\w+)`", rule))
    seed = (PROJECT / "seeds" / "reference" / "lifecycle_stages.csv").read_text(encoding="utf-8")
    assert {line.split(",")[0] for line in seed.splitlines()[1:]} <= words
    project = (PROJECT / "dbt_project.yml").read_text(encoding="utf-8")
    thresholds = re.findall(
        r"^  ((?:at_risk|nps|advocate|trend|nurtured|stage)_\w+):", project, re.M
    )
    assert set(thresholds) <= words
