"""`lifecycle docs` writes one page with every mart and its lineage, and its overview is true.

The site around it has every guide, definition and command, and needs nothing from elsewhere. The
warehouse also answers the metrics that docs/metrics.md is about.
"""

import html
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import base_orders
import click
import duckdb
import pytest
import yaml
from dbt_metricflow.cli import main as mf
from lifecycle import built_marts
from metric_queries import ANSWERS, Metrics
from metricflow_semantic_interfaces.validations.semantic_manifest_validator import (
    SemanticManifestValidator,
)

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
    files = {path.stem for path in built_marts()}
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
    for file in (path.with_suffix(".yml") for path in built_marts()):
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


# The metrics

METRICS = (PROJECT / "docs" / "metrics.md").read_text(encoding="utf-8")
ASKED = re.findall(r"^\.venv/bin/mf (query .*)$", METRICS, flags=re.MULTILINE)
(SENTENCE,) = re.findall(r"^```text\n(.*?)\n```$", METRICS, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def metrics(docs: Docs) -> Iterator[Metrics]:
    """Ask the metrics of the warehouse."""
    with duckdb.connect(str(docs.warehouse), read_only=True) as warehouse:
        yield Metrics.of(target=docs.target, warehouse=warehouse)


def known(rows: list[tuple], /) -> dict[tuple, float]:
    """Return the numbers that are known, by what they are of."""
    assert len({row[:-1] for row in rows}) == len(rows)
    return {
        tuple(str(key).removesuffix(" 00:00:00") for key in keys): float(number)
        for *keys, number in rows
        if number is not None
    }


@pytest.mark.parametrize(("metric", "by"), ANSWERS, ids=[" ".join(key) for key in ANSWERS])
def test_a_metric_is_the_number_of_the_mart(metrics, metric, by):
    answer = known(metrics.ask([metric], by.split()))
    expected = known(metrics.warehouse.sql(ANSWERS[metric, by]).fetchall())
    assert answer
    assert answer == pytest.approx(expected, abs=0.0051 if metric == "cac" else 1e-9)


def test_every_metric_answers_at_the_grain_of_the_catalogue(metrics):
    together = metrics.warehouse.sql(
        "select mart, time_grain, list(metric_name), list(distinct over_time) "
        "from marts.metric_catalogue group by all"
    ).fetchall()
    asked = 0
    for mart, grain, names, rules in together:
        by = [f"metric_time__{grain}"]
        by += ["cohort__months_since"] if "one age" in rules else []
        by += ["funnel__lifecycle_stage"] if "one step" in rules else []
        assert metrics.ask(sorted(names), by), mart
        asked += len(names)
    assert asked == len(metrics.manifest.metrics)


def test_a_metric_of_one_period_fails_where_several_meet(metrics):
    names = metrics.warehouse.sql(
        "select metric_name from marts.metric_catalogue where over_time like 'one %'"
    ).fetchall()
    assert len(names) > 30
    for (name,) in names:
        with pytest.raises(duckdb.ConversionException, match="This metric holds for one "):
            metrics.ask([name])


@pytest.mark.parametrize(
    "by", [["metric_time__year"], ["region"], ["metric_time__year", "acquisition_channel"]]
)
def test_another_grain_fails_with_the_sentence_of_the_page(metrics, by):
    with pytest.raises(duckdb.ConversionException, match="meet in one row") as failed:
        metrics.ask(["churn_rate_quarterly"], by)
    number = r"Here \d+ "
    assert re.search(re.sub(number, r"Here \\d+ ", SENTENCE), str(failed.value))


@pytest.mark.parametrize(
    ("metric", "by", "where"),
    [
        ("churn_rate_quarterly", ["metric_time__month"], []),
        ("share_of_wallet", ["metric_time__month"], []),
        ("churn_rate_monthly", [], ["{{ Dimension('retention__relationship') }} = 'orders'"]),
        ("mrr", [], ["{{ Dimension('mrr_period__period_grain') }} = 'year'"]),
    ],
)
def test_a_finer_grain_and_a_choice_of_other_rows_are_not_offered(metrics, metric, by, where):
    with pytest.raises(Exception, match="does not match any of the available group-by-items"):
        metrics.ask([metric], by, where)


def test_one_period_of_several_can_be_chosen_by_a_filter(metrics):
    quarter = "{{ TimeDimension('metric_time', 'quarter') }} = '2024-04-01'"
    ((rate,),) = metrics.ask(["churn_rate_quarterly"], where=[quarter])
    rates = known(metrics.ask(["churn_rate_quarterly"], ["metric_time__quarter"]))
    assert rate == rates["2024-04-01",]


def test_the_catalogue_has_each_metric_as_it_is_defined(metrics, docs):
    rows = metrics.warehouse.sql(
        "select metric_name, metric_label, definition, kind from marts.metric_catalogue"
    ).fetchall()
    found = {name: (label, definition, kind) for name, label, definition, kind in rows}
    defined = {
        metric["name"]: (
            metric["label"],
            " ".join(metric["description"].split()),
            metric["config"]["meta"]["kind"],
        )
        for metric in docs.embedded("manifest")["metrics"].values()
    }
    assert found == defined
    assert found.keys() == {metric.name for metric in metrics.manifest.metrics}
    blocks = docs.embedded("manifest")["docs"].values()
    definitions = {" ".join(block["block_contents"].split()) for block in blocks}
    cited = [definition for _, definition, _ in found.values() if definition in definitions]
    assert len(cited) > 100


def test_every_published_benchmark_of_a_metric_is_in_the_catalogue(metrics):
    (missing,) = metrics.warehouse.sql(
        "select list(distinct benchmarks.metric) from reference.metric_benchmarks as benchmarks "
        "where not exists (select 1 from marts.metric_catalogue as catalogue "
        "where contains(catalogue.benchmark, benchmarks.comment))"
    ).fetchone()
    assert missing == ["profit_change"]  # of a scenario, and so no metric


def test_metricflow_finds_nothing_wrong_with_the_metrics(metrics):
    found = SemanticManifestValidator().validate_semantic_manifest(metrics.manifest)
    assert not found.all_issues


def test_the_saved_queries_are_those_of_the_page_and_answer(metrics):
    saved = [query.name for query in metrics.manifest.saved_queries]
    page = METRICS[: METRICS.index("## Which metrics there are")]
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(saved)
    for name in saved:
        assert metrics.ask(saved_query=name), name


def test_the_query_of_the_catalogue_answers(metrics):
    (query,) = re.findall(r"^```sql\n(.*?)^```$", METRICS, flags=re.MULTILINE | re.DOTALL)
    rows = metrics.warehouse.sql(query).fetchall()
    assert "churn_rate_quarterly" in {name for name, *_ in rows}
    assert "lost_customer_quarters" not in {name for name, *_ in rows}


@pytest.mark.parametrize("command", ASKED)
def test_what_the_page_asks_for_is_answered(metrics, command):
    given = mf.query.make_context("query", shlex.split(command)[1:]).params
    assert metrics.ask(
        given["metrics"],
        given["group_by"] or (),
        given["where"],
        saved_query=given["saved_query"],
        start=given["start_time"],
    )


def test_the_program_mf_reads_the_file_as_the_page_says(docs, tmp_path):
    (tmp_path / "target").symlink_to(docs.target)
    (tmp_path / "dbt_project.yml").symlink_to(PROJECT / "dbt_project.yml")
    (tmp_path / "profiles.yml").symlink_to(PROJECT / "profiles.example.yml")
    (settings,) = re.findall(r"^export (.*)$", METRICS, flags=re.MULTILINE)
    own = dict(word.split("=") for word in settings.split())
    assert own == {"DBT_TARGET": "read"}
    own |= {"WAREHOUSE_PATH": str(docs.warehouse), "DBT_LOG_PATH": str(tmp_path / "logs")}
    program = Path(sys.executable).with_name("mf")
    written = docs.warehouse.stat().st_mtime_ns
    with duckdb.connect(str(docs.warehouse), read_only=True):  # so that no one can write
        result = subprocess.run(
            [program, *shlex.split(ASKED[0])],
            cwd=tmp_path,
            env=os.environ | own,
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2024-04-01" in result.stdout
    assert docs.warehouse.stat().st_mtime_ns == written
