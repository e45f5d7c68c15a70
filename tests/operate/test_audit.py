"""The audit of a refresh: faults planted into honest data are found.

Each fault is planted into a delivery whose first refresh was published, and refreshed again. What
is planted into the sample is run with the other tests; the shop's own faults run nightly, and need
the real data.
"""

import csv
import html
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest
import yaml
from audited_days import query_of
from click.testing import Result
from lifecycle import PROJECT, changed_copy, real_data, run
from shops import GIFT_SHOP, LEFT_OUT, OLD, Shop, deliver, shop_of

from python_helpers.audit.database import KNOWN_TO_SUITES
from python_helpers.audit.expectations import read_suite, read_suites
from python_helpers.audit.findings import sentence
from python_helpers.audit.run import asked, check_suites, compared
from python_helpers.cli import command
from python_helpers.core import log
from python_helpers.core.errors import SettingsError
from python_helpers.core.folders import Places, find_folders
from python_helpers.core.locks import locked, warehouse_lock
from python_helpers.core.log import Log
from python_helpers.core.settings import Choices, Inputs, resolve_settings
from python_helpers.publishing.builds import live_build, read_manifest

EXPECTATIONS = {
    expectation.name: expectation
    for suite in read_suites(project_dir=PROJECT)
    for expectation in suite.expectations
}
DOCUMENT = (PROJECT / "docs" / "audit.md").read_text(encoding="utf-8")
SAMPLE = PROJECT / "seeds" / "sample"


@dataclass(frozen=True)
class Fault:
    """What is planted, and the expectations that have to say so."""

    words: str
    changes: Mapping[str, str]
    blocks: tuple[str, ...] = ()
    warns: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    is_of_new_days: bool = False
    """Planted into the last days of a delivery, which the published build did not have."""


def orders(*changes: str) -> dict[str, str]:
    """Change columns of the orders."""
    return {"orders": f"select * replace ({', '.join(changes)}) from orders"}


DAY_TWICE = "select * replace ({key} as order_id) from orders where ordered_at::date = '2011-11-14'"
FAULTS = (
    Fault(
        words="revenue down 40 %",
        changes=orders("(amount * 0.6)::decimal(18, 2) as amount"),
        blocks=(
            "a_closed_month_stays_as_it_was",
            "all_closed_months_stay_as_they_were",
            "revenue_to_date_is_kept",
        ),
    ),
    Fault(
        words="the latest, open month in pence",
        changes=orders(
            "case when ordered_at >= '2011-12-01' then amount * 100 else amount end"
            "::decimal(18, 2) as amount"
        ),
        blocks=("revenue_to_date_is_kept",),
        warns=("a_changed_day_stays_like_the_others",),
    ),
    Fault(
        words="one order of the open month in another unit",
        changes=orders(
            "case order_id when '579917' then amount * 10000 else amount end"
            "::decimal(18, 2) as amount"
        ),
        warns=("no_order_is_half_a_month",),
    ),
    Fault(
        words="no orders for the last three months",
        changes={},
        warns=(
            "no_table_has_gone_silent",
            "not_everybody_leaves",
            "rates_do_not_jump",
            "the_latest_month_has_a_precedent",
        ),
        arguments=("--as-of", "2012-02-29"),
    ),
    Fault(
        words="half of the orders",
        changes={"orders": "select * from orders where hash(order_id) % 2 = 0"},
        blocks=(
            "a_closed_month_stays_as_it_was",
            "a_mart_keeps_its_rows",
            "a_table_keeps_its_rows",
            "all_closed_months_stay_as_they_were",
            "no_more_is_rejected_than_before",
            "revenue_to_date_is_kept",
            "rows_can_be_used",
        ),
    ),
    Fault(
        words="half of the order lines",
        changes={"order_lines": "select * from order_lines where hash(order_id) % 2 = 0"},
        blocks=(
            "a_mart_keeps_its_rows",
            "a_table_keeps_its_rows",
        ),
    ),
    Fault(
        words="a table that is not delivered",
        changes={"customers": LEFT_OUT},
        blocks=("a_table_keeps_its_rows",),
    ),
    Fault(
        words="a day twice, under new keys",
        changes={
            "orders": "from orders union all " + DAY_TWICE.format(key="'again-' || order_id"),
        },
        blocks=("no_day_is_delivered_twice",),
        warns=(
            "a_closed_month_stays_as_it_was",
            "all_closed_months_stay_as_they_were",
        ),
    ),
    Fault(
        words="a day twice, under its own keys",
        changes={"orders": "from orders union all " + DAY_TWICE.format(key="order_id")},
    ),
    Fault(
        words="everything twice, under new keys",
        changes={
            "orders": "from orders union all "
            "select * replace ('again-' || order_id as order_id) from orders",
        },
        blocks=(
            "a_closed_month_stays_as_it_was",
            "all_closed_months_stay_as_they_were",
            "no_day_is_delivered_twice",
        ),
        warns=(
            "a_table_does_not_grow_by_half",
            "revenue_to_date_is_kept",
        ),
    ),
    Fault(
        words="every order under another currency",
        changes=orders("'EUR' as currency"),
        blocks=(
            "a_new_currency_is_meant",
            "known_words_are_still_there",
            "the_currency_stays",
        ),
    ),
    Fault(
        words="a third of the orders under another currency",
        changes=orders("case hash(order_id) % 3 when 0 then 'EUR' else 'GBP' end as currency")
        | {
            "exchange_rates": "select '2010-01-01' as rate_date, 'EUR' as from_currency, "
            "'GBP' as to_currency, 0.85 as rate",
        },
        blocks=("a_new_currency_is_meant",),
        warns=(
            "a_closed_month_stays_as_it_was",
            "all_closed_months_stay_as_they_were",
            "revenue_to_date_is_kept",
        ),
        arguments=("--reporting-currency", "GBP"),
    ),
    Fault(
        words="every date 30 days early",
        changes=orders("ordered_at - interval 30 days as ordered_at"),
        blocks=(
            "a_closed_month_stays_as_it_was",
            "all_closed_months_stay_as_they_were",
            "as_of_does_not_go_back",
        ),
        warns=("a_closed_month_stays_as_it_was",),
    ),
    Fault(
        words="every date 30 days late",
        changes=orders("ordered_at + interval 30 days as ordered_at"),
        blocks=(
            "a_closed_month_stays_as_it_was",
            "all_closed_months_stay_as_they_were",
        ),
        warns=("a_closed_month_stays_as_it_was",),
    ),
    Fault(
        words="no word for a return any more",
        changes=orders("null::varchar as order_type"),
        blocks=("known_words_are_still_there",),
    ),
    Fault(
        words="15 % of the orders without their customer",
        changes=orders("case when hash(order_id) % 100 >= 15 then customer_id end as customer_id"),
        blocks=(
            "a_filled_column_stays_filled",
            "all_closed_months_stay_as_they_were",
        ),
        warns=(
            "a_closed_month_stays_as_it_was",
            "a_mart_keeps_its_rows",
        ),
    ),
    Fault(
        words="an optional column that is not delivered",
        changes={"customers": "select * exclude (region) from customers"},
        blocks=("a_filled_column_stays_filled",),
    ),
    Fault(
        words="a new day in pence",
        changes=orders(
            "case when ordered_at::date = '2011-12-08' then amount * 100 else amount end"
            "::decimal(18, 2) as amount"
        ),
        blocks=("the_amounts_of_a_day_have_the_usual_unit",),
        warns=("a_day_sells_about_as_usual", "revenue_to_date_is_kept"),
        is_of_new_days=True,
    ),
    Fault(
        words="two new days without customers",
        changes=orders(
            "case when ordered_at::date not in ('2011-12-07', '2011-12-08') then customer_id end "
            "as customer_id"
        ),
        blocks=("a_day_is_filled_as_usual",),
        is_of_new_days=True,
    ),
    Fault(
        words="a new day whose orders are all pending",
        changes=orders(
            "case when ordered_at::date = '2011-12-08' then 'pending' else status end as status"
        ),
        blocks=("a_day_has_the_usual_words",),
        is_of_new_days=True,
    ),
    Fault(
        words="a new day whose orders are all rejected",
        changes=orders(
            "case when ordered_at::date = '2011-12-08' then 'lost' else status end as status"
        ),
        blocks=("a_day_has_the_usual_words", "a_day_is_not_rejected"),
        is_of_new_days=True,
    ),
    Fault(
        words="a twentieth of the orders of a new day",
        changes={
            "orders": "from orders where ordered_at::date <> '2011-12-08' "
            "or hash(order_id) % 20 = 0",
        },
        warns=("a_day_has_the_usual_rows",),
        is_of_new_days=True,
    ),
    Fault(
        words="three new days of orders without their lines",
        changes={
            "order_lines": "from order_lines where order_id not in "
            "(select order_id from orders where ordered_at >= '2011-12-07')",
        },
        warns=("no_table_lags_behind_the_others",),
        is_of_new_days=True,
    ),
)


# The shop of a gift trader, 23,798 orders


@pytest.fixture(scope="module")
def gift_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Publish the gift shop once."""
    return shop_of(source=real_data(GIFT_SHOP), folder=tmp_path_factory.mktemp("gift_shop"))


@pytest.fixture(scope="module")
def younger_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Publish the gift shop as it was three days before its last."""
    until = "from orders where ordered_at < '2011-12-07'"
    return shop_of(
        source=real_data(GIFT_SHOP),
        folder=tmp_path_factory.mktemp("younger_shop"),
        changes={
            "orders": until,
            "order_lines": f"from order_lines where order_id in (select order_id {until})",
        },
    )


@pytest.mark.nightly
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.words.replace(" ", "_"))
def test_a_planted_fault_is_said_at_its_level(request, tmp_path, fault):
    gift_shop = request.getfixturevalue("younger_shop" if fault.is_of_new_days else "gift_shop")
    delivery = gift_shop.folder / "delivery"
    deliver(source=real_data(GIFT_SHOP), folder=delivery, changes=fault.changes)
    published = tmp_path / "published"
    shutil.copytree(gift_shop.folder / "published", published, symlinks=True)
    before = live_build(publish_dir=published)
    result = gift_shop.refresh("--publish-dir", published, *fault.arguments)
    said = gift_shop.said(result)
    assert result.exit_code == (5 if fault.blocks else 0), result.output
    assert said["block"] == set(fault.blocks)
    assert said["warn"] - {OLD} == set(fault.warns)
    assert (live_build(publish_dir=published) == before) == bool(fault.blocks)


# The sample


PLANTED = {
    "customers": "from customers union all by name select customer_id: 'zaphod-42', "
    "full_name: 'Zaphod Beeblebrox', email: 'zaphod@example.org', created_at: '2025-12-01', "
    "region: 'Zaphod Beeblebrox'",
    "orders": "from orders union all by name select order_id: 'heart-of-gold-' || copy, "
    "customer_id: 'zaphod-42', ordered_at: '2025-12-24 10:00:00', amount: '1.00', "
    "currency: 'EUR' from range(12) as copies(copy)",
}
"""A customer to look for who ordered twelve times a day, and whose name is in a wrong column."""
COST_IN_PENCE = "(try_cast(cost_amount as decimal(18, 2)) * 100)::varchar as cost_amount"
SAMPLE_FAULTS = {
    "half of the subscriptions, and one word for all reasons to cancel": {
        "subscriptions": "select * replace (case when cancel_reason <> '' then 'price' end "
        "as cancel_reason) from subscriptions limit 160",
    },
    "every survey twice, under new keys, without touchpoints": {
        "survey_responses": "with answers as (select * exclude (touchpoint) replace ("
        "case when reason_code <> '' then 'price' end as reason_code) from survey_responses) "
        "from answers union all "
        "select * replace ('again-' || response_id as response_id) from answers",
    },
    "costs times 100": {
        "orders": f"select * replace ({COST_IN_PENCE}) from ({PLANTED['orders']})",
        "order_lines": f"select * replace ({COST_IN_PENCE}) from order_lines",
    },
    "all customers in one region": {
        "customers": "select * replace (case customer_id when 'zaphod-42' then region "
        f"else 'dach' end as region) from ({PLANTED['customers']})",
    },
}


@dataclass(frozen=True)
class Sample:
    """The sample, published once as it is, and refreshed with faults."""

    shop: Shop
    first: Result
    faulty: Result

    def audit(
        self,
        *,
        warehouse: str = "warehouse.duckdb",
        project: Path = PROJECT,
        publish_dir: Path | None = None,
    ) -> Result:
        """Run the audit alone."""
        folder = self.shop.folder
        published = publish_dir or folder / "published"
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("DBT_TARGET_PATH", str(folder / "target"))
            # all warnings and errors, as on a terminal
            patched.setattr(log, "MOST_WARNINGS", 1000)
            patched.setattr(command, "MOST_LINES", 1000)
            arguments = ("--publish-dir", published, "--project-dir", project)
            return run("audit", "--warehouse", folder / warehouse, *arguments)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Publish the sample, then plant faults into it."""
    shop = Shop(folder=tmp_path_factory.mktemp("sample_audit"))
    delivery = shop.folder / "delivery"
    arguments = ("--as-of", "2025-12-31", "--reporting-currency", "EUR")
    deliver(source=SAMPLE, folder=delivery, changes=PLANTED | {"orders": "from orders"})
    first = shop.refresh(*arguments)
    changes = {table: sql for fault in SAMPLE_FAULTS.values() for table, sql in fault.items()}
    deliver(source=SAMPLE, folder=delivery, changes=changes)
    return Sample(shop=shop, first=first, faulty=shop.refresh(*arguments))


def test_a_first_publication_says_that_there_is_nothing_to_compare_with(sample):
    assert sample.first.exit_code == 0, sample.first.output
    assert "First build: nothing to compare with yet." in sample.first.stderr
    assert sample.shop.said(sample.first) == {"warn": set(), "block": set()}
    live = live_build(publish_dir=sample.shop.folder / "published")
    of_audit = read_manifest(build=live)["audit"]
    assert of_audit["compared_with"] is None
    assert of_audit["warnings"] == []
    # what needs no build to compare with is asked, and what does is not
    outcomes = of_audit["expectations"]
    assert outcomes["passed"] + outcomes["not asked"] == len(EXPECTATIONS)
    assert outcomes["passed"] > 0 and outcomes["not asked"] > 0


def test_a_blocked_audit_says_what_was_found_and_what_to_do_and_publishes_nothing(sample):
    assert sample.faulty.exit_code == 5
    assert "not asked, because something it reads is missing" not in sample.faulty.stderr
    assert "Nothing was published.\nThe audit blocked the build.\n" in sample.faulty.stderr
    assert (
        "subscriptions: 160 raw rows, 320 in the last build. Expected: rows_ratio at least 0.8. "
        "Deliver the table whole. (a_table_keeps_its_rows in delivery.yml)\n"
    ) in sample.faulty.stderr
    with (SAMPLE / "survey_responses.csv").open(newline="", encoding="utf-8") as file:
        named = [bool(row["touchpoint"].strip()) for row in csv.DictReader(file)]
    assert (
        "survey_responses: touchpoint is filled in 0.0% of the raw rows, "
        f"{sum(named) / len(named):.1%} in the last build."
    ) in sample.faulty.stderr
    with (SAMPLE / "orders.csv").open(newline="", encoding="utf-8") as file:
        others = sum(row["ordered_at"].startswith("2025-12-24") for row in csv.DictReader(file))
    assert (
        f"orders: 11 of {12 + others} orders of 2025-12-24 repeat another one in customer"
    ) in sample.faulty.stderr
    assert len(list((sample.shop.folder / "published" / "builds").glob("[!.]*"))) == 1


OF_SAMPLE = {
    "customers_are_where_they_were": "dim_customers: the regions of the customers differ",
    "customers_leave_for_the_reasons_they_did": "fct_churn_events: the reasons of churn differ",
    "most_sales_cost_less_than_they_bring": "orders_with_costs: cost_amount is above amount in",
    "no_survey_is_delivered_twice": "survey_responses: ",
}
"""What the sample alone has, and how the message of a block begins."""


@pytest.mark.parametrize(("name", "message"), OF_SAMPLE.items(), ids=OF_SAMPLE)
def test_a_fault_that_only_the_sample_can_have_is_blocked(sample, name, message):
    assert name in sample.shop.said(sample.faulty)["block"]
    lines = [line for line in sample.faulty.stderr.splitlines() if f"({name} in " in line]
    assert any(line.startswith(message) for line in lines)
    assert all(EXPECTATIONS[name].advice in line for line in lines)


def test_the_audit_alone_finds_the_same(sample):
    result = sample.audit()
    assert result.exit_code == 5
    assert "Error: The audit blocked the build.\n" in result.stderr
    assert sample.shop.said(result) == sample.shop.said(sample.faulty)


def test_neither_the_page_nor_a_message_tells_who_somebody_is(sample):
    folder = sample.shop.folder
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        ids = connection.execute(
            """
            select customer_id from restricted.base_customers where customer_id is not null
            union
            select order_id from restricted.base_orders where order_id is not null
            union
            select unnest([email, full_name]) from restricted.base_customers
            where email is not null and full_name is not null
            """
        ).fetchall()
    # rows in conflict are named by their key, so that they can be found
    said = re.sub(r"For example \w+_id '[^']*'", "", sample.faulty.output)
    pages = [path for path in (folder / "published" / "data_docs").rglob("*.*") if path.is_file()]
    manifest = live_of(folder).with_name("manifest.json")
    shown = said + "".join(path.read_text() for path in (*pages, manifest))
    words = {*re.findall(r"[\w@.-]+", shown)}
    # the search finds what is there
    assert {"zaphod-42", "Zaphod Beeblebrox", "heart-of-gold-3"} <= {name for (name,) in ids}
    assert "2025-12-24" in words
    assert "another region" in shown
    assert [name for (name,) in ids if name in words or (" " in name and name in shown)] == []


def text_of(page: Path, /) -> str:
    """Read a page as a browser shows it."""
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.read_text(), flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


def test_the_data_docs_show_each_build_and_what_was_observed_beside_what_was_expected(sample):
    docs = sample.shop.folder / "published" / "data_docs"
    runs = {page.parents[1].name for page in (docs / "validations").rglob("*.html")}
    first, faulty = sorted(runs)
    assert first == f"{live_of(sample.shop.folder).parent.name}_as_of_2025-12-31"
    index = text_of(docs / "index.html")
    assert f"{first} delivery.table_changes" not in index  # nothing to compare
    assert f"{first} delivery.repeated_orders" in index
    assert f"{faulty} delivery.table_changes" in index
    (page,) = (docs / "validations" / "delivery" / "table_changes").rglob("*.html")
    assert page.parents[1].name == faulty
    assert page.relative_to(docs).as_posix() in (docs / "index.html").read_text()
    expected = "a_table_keeps_its_rows (blocks): rows_ratio at least 0.8. The whole history is"
    assert expected in text_of(page)
    assert "subscriptions: 160 raw rows, 320 in the last build." in text_of(page)
    (page,) = (docs / "validations" / "marts" / "customer_regions").rglob("*.html")
    assert re.search(r"another region 0\.\d % benelux 0\.0 % dach 9\d\.\d %", text_of(page))


def test_the_data_docs_ask_no_other_site(sample):
    pages = [*(sample.shop.folder / "published" / "data_docs").rglob("*.html")]
    assert len(pages) > 50
    for page in pages:
        asked = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)|url\(|@import""", page.read_text())
        assert [link for link in asked if not re.match(r"[\w./#-]", link) or ":" in link] == []


def test_the_data_docs_show_as_many_runs_as_builds_are_kept(sample, tmp_path):
    places = Places(
        publish_dir=tmp_path / "published", warehouse=sample.shop.folder / "warehouse.duckdb"
    )
    settings = resolve_settings(find_folders(places), choices=Choices(keep_builds=1))
    for name in ("older", "newer"):
        page = asked(settings=settings, docs=tmp_path / "docs", run_name=name).page
    assert "newer_as_of" in page.read_text()
    assert "older_as_of" not in page.read_text()
    assert [path for path in (tmp_path / "docs").rglob("*.*") if "older" in str(path)] == []


def test_a_file_in_the_way_of_the_data_docs_is_one_line(sample, tmp_path):
    (tmp_path / "docs").write_text("mine")
    warehouse = sample.shop.folder / "warehouse.duckdb"
    settings = resolve_settings(find_folders(Places(publish_dir=tmp_path, warehouse=warehouse)))
    with pytest.raises(SettingsError, match=re.escape(f"{tmp_path / 'docs'} cannot be written to")):
        asked(settings=settings, docs=tmp_path / "docs", run_name="run")


def test_five_lines_make_an_expectation(sample, tmp_path):
    contributing = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^```yaml\n(  - name: .*?)^```$", contributing, re.MULTILINE | re.DOTALL)
    assert lines.count("\n") == 5
    assert "max_value: 10" in lines
    faulty = lines.replace("- name: ", "- name: not_that_").replace("max_value: 10", "max_value: 1")
    quantiles = """
  - name: half_of_the_answers_are_bad
    table: marts.fct_survey_responses
    expect: ExpectColumnQuantileValuesToBeBetween
    warn: {column: score, quantile_ranges: {quantiles: [0.5], value_ranges: [[0, 1]]}}
    advice: "Ask again."
"""
    before = "  - name: a_mart_keeps_its_rows\n"
    new = f"{lines}{faulty}{quantiles}{before}"
    project = project_with(tmp_path, written=before, instead=new)
    result = sample.audit(project=project)
    names = re.findall("- name: (.*)", f"{lines}{faulty}{quantiles}")
    assert sample.shop.said(result)["warn"] & {*names} == {*names[1:]}
    (line,) = (line for line in result.stderr.splitlines() if names[1] in line)
    assert re.match(
        r"Warning: fct_survey_responses: \d\.\d\. Expected: score at least 1 and at most 1\. See",
        line,
    )


def test_an_audit_that_fetched_rows_leaves_the_warehouse_free(sample, tmp_path):
    """Great Expectations reads 200 of many rows, and leaves the result open."""
    many = """
  - name: no_rows_at_all
    table: marts.fct_orders
    expect: UnexpectedRowsExpectation
    warn: {unexpected_rows_query: "select order_date, copy from {batch}, range(200) r(copy)"}
    found: "An order of {order_date}."
    advice: "Look."
"""
    before = "  - name: a_mart_keeps_its_rows\n"
    project = project_with(tmp_path, written=before, instead=f"{many}{before}")
    warehouse = sample.shop.folder / "warehouse.duckdb"
    places = Places(project_dir=project, publish_dir=tmp_path / "published", warehouse=warehouse)
    settings = resolve_settings(find_folders(places))
    for _ in range(2):
        lines = asked(settings=settings, docs=tmp_path / "docs", run_name="run").lines("warn")
        assert any(line.startswith("An order of 20") for line in lines)
        duckdb.connect(str(warehouse)).close()


def test_the_audit_needs_a_warehouse(sample):
    result = sample.audit(warehouse="none.duckdb")
    assert result.exit_code == 2
    assert "There is no warehouse" in result.stderr


def test_a_rate_that_is_none_is_blocked_wherever_it_comes_from(sample):
    changed_copy(
        sample.shop.folder / "warehouse.duckdb",
        "update marts.rpt_renewals set renewal_rate = 2 where segment_name = 'all'",
        "alter table marts.dim_customers drop column is_inherited",
        "alter table marts.fct_orders drop column sales_channel",
        name="broken.duckdb",
    )
    result = sample.audit(warehouse="broken.duckdb")
    assert "renewal_rates_are_rates" in sample.shop.said(result)["block"]
    for mart, column in (("dim_customers", "is_inherited"), ("fct_orders", "sales_channel")):
        assert f"Warning: {mart}: the last build had {column} as well." in result.stderr


DAY_FAULTS = {
    "the_amounts_of_a_day_have_the_usual_unit": """
        update marts.rpt_raw_days
        set total_amount = total_amount * 100, typical_amount = typical_amount * 100
        where table_name = 'orders' and event_date = '2025-12-30'
        """,
    "a_day_is_filled_as_usual": """
        delete from marts.rpt_raw_day_profile
        where table_name = 'orders' and column_name = 'customer_id'
        and event_date between '2025-12-28' and '2025-12-29'
        """,
    "no_table_lags_behind_the_others": """
        delete from marts.rpt_raw_days
        where table_name = 'order_lines' and event_date > '2025-12-28'
        """,
    "closed_months_do_not_drift": """
        insert into marts.rpt_period_history by name
        select * exclude (night) replace (
            recorded_on - night::int as recorded_on,
            measure_value * (1 + 0.005 * night) as measure_value
        )
        from marts.rpt_period_history, range(1, 31) as nights(night)
        """,
}
"""Small copies of what test_days.py plants on random days, and the expectations that say so."""


def test_a_day_a_lag_and_a_drift_are_seen(sample, tmp_path):
    folder, nothing = sample.shop.folder, tmp_path / "published"
    before = sample.shop.said(sample.audit(publish_dir=nothing))
    changed_copy(folder / "warehouse.duckdb", *DAY_FAULTS.values(), name="days.duckdb")
    said = sample.shop.said(sample.audit(warehouse="days.duckdb", publish_dir=nothing))
    found = set.union(*said.values()) - set.union(*before.values())
    assert DAY_FAULTS.keys() <= found
    assert "closed_months_do_not_drift" in said["block"]


def test_a_day_that_was_delivered_again_and_wrong_is_told_of(sample):
    folder = sample.shop.folder
    changed_copy(
        folder / "warehouse.duckdb",
        "update marts.rpt_raw_days set typical_amount = 100000 "
        "where table_name = 'orders' and event_date = '2025-11-20'",
        name="again.duckdb",
    )
    with duckdb.connect(str(live_of(folder)), read_only=True) as live:
        ((published,),) = live.execute(
            "select typical_amount from rpt_raw_days "
            "where table_name = 'orders' and event_date = '2025-11-20'"
        ).fetchall()
    result = sample.audit(warehouse="again.duckdb")
    assert (
        "orders: 2025-11-20 changed: typical amount (any, any) is 100,000.00, "
        f"{published:,.2f} in the last build"
    ) in result.stderr
    assert "a_changed_day_stays_like_the_others" not in sample.shop.said(sample.faulty)["warn"]


def live_of(folder: Path, /) -> Path:
    """Return the database of the live build."""
    return live_build(publish_dir=folder / "published") / "marts.duckdb"


def project_with(folder: Path, /, *, written: str, instead: str) -> Path:
    """Make a project whose suites are written another way."""
    for name in ("dbt_project.yml", "models", "seeds"):
        (folder / name).symlink_to(PROJECT / name)
    shutil.copytree(PROJECT / "tests" / "expectations", folder / "tests" / "expectations")
    texts = {file: file.read_text() for file in (folder / "tests" / "expectations").iterdir()}
    assert any(written in text for text in texts.values())
    for file, text in texts.items():
        file.write_text(text.replace(written, instead))
    return folder


@pytest.mark.parametrize(
    ("written", "misspelt"),
    [
        ("table: rejected_shares", "rejected_sharez"),
        ("from marts.row_reconciliation\n", "row_reconcilation"),
        ("join published.row_reconciliation", "row_reconcilation"),
        ("last_build.rejected_rows / ", "rejected_rowz"),
        ("from day_bands\n", "day_bandz"),
    ],
)
def test_a_misspelt_name_in_a_suite_is_no_expectation_that_was_met(
    sample, tmp_path, written, misspelt
):
    name = max(re.findall(r"\w+", written), key=len)
    instead = written.replace(name, misspelt)
    project = project_with(tmp_path, written=written, instead=instead)
    said = sample.audit(project=project).stderr.splitlines()
    lines = [line for line in said if misspelt in line]
    assert lines
    assert all("not asked, because" in line for line in lines)


def test_a_misspelt_name_disarms_no_expectation_that_blocks(sample, tmp_path):
    project = project_with(tmp_path, written="marts.rpt_renewals", instead="marts.renewalz")
    result = sample.audit(project=project)
    assert result.exit_code == 5
    (line,) = (line for line in result.stderr.splitlines() if "renewal_rates_are_rates" in line)
    assert line.startswith("renewal_rates_are_rates: not asked")  # without `Warning:`


def test_what_was_not_built_is_told_of_and_the_rest_is_asked(sample):
    changed_copy(
        sample.shop.folder / "warehouse.duckdb",
        "drop table marts.rpt_renewals",
        name="part.duckdb",
    )
    result = sample.audit(warehouse="part.duckdb")
    assert result.exit_code == 5
    assert "Warning: renewal_rates_are_rates: not asked, because the last build" in result.stderr


def test_without_a_suite_nothing_is_said_to_be_audited(sample, tmp_path):
    project = project_with(tmp_path, written="queries:", instead="queries:")
    shutil.rmtree(project / "tests" / "expectations")
    assert "Warning: nothing was audited" in sample.audit(project=project).stderr


def test_a_suite_that_is_wrong_keeps_nobody_from_a_build_that_is_not_audited(tmp_path):
    project = project_with(tmp_path, written="expectations:", instead="expectation:")
    settings = resolve_settings(
        find_folders(Places(project_dir=project)), choices=Choices(skip_audit=True)
    )
    check_suites(settings=settings)
    assert asked(settings=settings, docs=tmp_path, run_name="run").is_skipped
    with pytest.raises(SettingsError, match="expectations: Field required"):
        check_suites(settings=replace(settings, skip_audit=False))


def test_a_damaged_live_build_is_no_way_past_the_comparison(sample, tmp_path):
    published = tmp_path / "published"
    shutil.copytree(sample.shop.folder / "published", published, symlinks=True)
    whole = live_build(publish_dir=published)
    later = whole.with_name("20991231T000000Z")
    shutil.copytree(whole, later)
    (later / "marts.duckdb").chmod(0o644)
    (later / "marts.duckdb").write_bytes(b"damaged")
    (published / "current").unlink()
    (published / "current").symlink_to(Path("builds", later.name))
    result = sample.audit(publish_dir=published)
    assert "It is live; comparing with the newest whole build." in result.stderr
    assert sample.shop.said(result) == sample.shop.said(sample.faulty)


def test_a_spill_beside_the_live_build_is_no_way_past_the_comparison(sample, tmp_path):
    published = tmp_path / "published"
    shutil.copytree(sample.shop.folder / "published", published, symlinks=True)
    beside = live_build(publish_dir=published) / "marts.duckdb.tmp"
    beside.mkdir()
    (beside / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"\0" * 4096)
    result = sample.audit(publish_dir=published)
    assert "marts.duckdb.tmp. Move them away." in result.stderr
    assert sample.shop.said(result) == sample.shop.said(sample.faulty)


def test_the_audit_alone_compares_with_the_live_build_whatever_is_kept(sample, tmp_path):
    published = tmp_path / "published"
    shutil.copytree(sample.shop.folder / "published", published, symlinks=True)
    live = live_build(publish_dir=published)
    kept = shutil.copytree(live, live.with_name("20200101T000000Z"))
    replaced_in(kept / "manifest.json", '"raw_input": "files"', '"raw_input": "sample"')
    result = sample.audit(publish_dir=published)
    assert sample.shop.said(result) == sample.shop.said(sample.faulty)


def cut(path: Path, /) -> None:
    """Leave half of a file."""
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage",
    [
        lambda build: cut(build / "marts.duckdb"),
        lambda build: (build / "manifest.json").unlink(),
        lambda build: shutil.rmtree(build),
        lambda build: [shutil.rmtree(build.parent), (build.parents[1] / "current").unlink()],
        lambda build: replaced_in(build / "manifest.json", "2025-12-31", "soon"),
    ],
    ids=["a_changed_file", "no_manifest", "no_build", "the_record_alone", "no_as_of_date"],
)
def test_what_is_not_the_first_build_is_not_published_without_a_comparison(
    sample, tmp_path, damage
):
    published = tmp_path / "published"
    shutil.copytree(sample.shop.folder / "published", published, symlinks=True)
    damage(live_build(publish_dir=published))
    result = sample.audit(publish_dir=published)
    assert result.exit_code == 5
    assert "No published build is whole, so there is nothing to compare with. Re" in result.stderr
    assert "publish it once with refresh --skip-audit." in result.stderr


def replaced_in(path: Path, /, before: str, after: str) -> None:
    """Replace a text in a file."""
    path.chmod(0o644)
    path.write_text(path.read_text().replace(before, after))


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('"raw_input": "files"', '"raw_input": "sample"', "one of the two builds is of the sample"),
        ('"reporting_currency": "EUR"', '"reporting_currency": "USD"', "the reporting currency"),
        ('"as_of_date": "2025-12-31"', '"as_of_date": "2026-01-31"', "the as-of date was set back"),
        ('"activity_window": null', '"activity_window": "365"', "the activity window has changed"),
    ],
    ids=["sample", "currency", "as_of_date", "activity_window"],
)
def test_a_build_unlike_the_live_one_is_compared_with_a_kept_one_or_warned_of(
    sample, tmp_path, before, after, why
):
    published = tmp_path / "published"
    shutil.copytree(sample.shop.folder / "published", published, symlinks=True)
    live = live_build(publish_dir=published)
    kept = live.with_name("20200101T000000Z")
    shutil.copytree(live, kept)
    replaced_in(live / "manifest.json", before, after)
    settings = resolve_settings(
        find_folders(
            Places(publish_dir=published, warehouse=sample.shop.folder / "warehouse.duckdb")
        ),
        inputs=Inputs(raw_data=tmp_path, as_of="2025-12-31", reporting_currency="EUR"),
    )
    said = Log(file=tmp_path / "log.jsonl")
    assert compared(settings=settings, log=said).compared_with == kept
    shutil.rmtree(kept)
    assert compared(settings=settings, log=said).compared_with == published
    assert said.warnings == 0
    result = sample.audit(publish_dir=published)
    assert f"Warning: Not compared with what is published: {why}" in result.stderr


def test_a_warehouse_that_is_none_or_in_use_is_one_line(sample):
    folder = sample.shop.folder
    (folder / "text.duckdb").write_text("no database" * 1000)
    duckdb.connect(str(folder / "empty.duckdb")).close()
    for warehouse in ("text.duckdb", "empty.duckdb"):
        result = sample.audit(warehouse=warehouse)
        assert result.exit_code == 2
        (line,) = result.stderr.splitlines()
        assert f"{warehouse} cannot be audited: " in line
    with locked(warehouse_lock(warehouse=folder / "warehouse.duckdb"), command="lifecycle refresh"):
        result = sample.audit()
    assert result.exit_code == 6
    assert "lifecycle refresh" in result.stderr


def test_a_build_that_was_looked_at_is_published_without_an_audit_and_says_so(sample, tmp_path):
    published = tmp_path / "published"
    result = sample.shop.refresh(
        *("--as-of", "2025-12-31", "--reporting-currency", "EUR"),
        *("--skip-audit", "--publish-dir", published),
    )
    assert result.exit_code == 0, result.output
    assert "The audit was skipped." in result.stderr
    live = live_build(publish_dir=published)
    assert read_manifest(build=live)["audit"]["skipped"] is True


# The suites


SUITE = """
queries: {counts: select 1 as orders}
expectations:
  - name: orders_are_few
    table: counts
    column: orders
    expect: ExpectColumnValuesToBeBetween
    warn: {max_value: 9}
    found: "{orders} orders."
    reason: It is a small shop.
    advice: Count again.
"""


def test_a_suite_is_read_as_it_is_written(tmp_path):
    (tmp_path / "shop.yml").write_text(SUITE)
    suite = read_suite(path=tmp_path / "shop.yml")
    assert suite.queries == {"counts": "select 1 as orders"}
    (expectation,) = suite.expectations
    assert expectation.arguments == {"warn": {"column": "orders", "max_value": 9}}
    assert expectation.shown_columns == ["orders"]


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("    advice: Count again.", "", "orders_are_few: advice: Field required."),
        ("    warn:", "    wran:", "orders_are_few: wran: Extra inputs are not permitted."),
        ("    warn: {max_value: 9}", "", "orders_are_few: it needs warn or block."),
        ("{orders} orders", "{customer_id}", "customer_id may identify a person"),
        ("table: counts", "table: marts.fct_orders", "only a query can show columns of its rows"),
        ("queries: {", "queries: [", "is not YAML"),
        (SUITE, "just a text", "Input should be a valid dictionary"),
        ("  - name:", "    name:", "expectations: Input should be a valid list"),
        ("expectations:", "expectation:", "expectations: Field required"),
        ("queries:", "querys:", "querys: Extra inputs are not permitted."),
        (
            "warn: {max_value: 9}",
            "warn: 9",
            "orders_are_few: warn: Input should be a valid",
        ),
        (
            "warn: {max_value: 9}",
            "block:",
            "orders_are_few: block: Input should be a valid",
        ),
        ('"{orders} orders."', "5", "orders_are_few: found: Input should be a valid string."),
        ("{orders}", "{}", "orders_are_few: found: put the name of a column"),
        ("{orders}", "{orders", "orders_are_few: "),
        ("expectations:", "expectations: [{name: a}, {name: a}]\nx:", "a: table: Field required"),
    ],
)
def test_a_suite_that_cannot_be_understood_says_where(tmp_path, written, instead, message):
    assert written in SUITE
    (tmp_path / "shop.yml").write_text(SUITE.replace(written, instead))
    with pytest.raises(SettingsError, match=re.escape(message)):
        read_suite(path=tmp_path / "shop.yml")


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("BeBetween", "BeBetwixt", "warn: Great Expectations has no ExpectColumnValuesToBeBetwixt"),
        ("ExpectColumnV", "expect_column_v", "Great Expectations has no expect_column_values"),
        (
            "{max_value: 9}",
            "{max_value: {$PARAMETER: most * 2}}",
            "orders_are_few: no parameter most",
        ),
        ("ColumnValues", "ColumnMax", "orders_are_few: warn: found: it has no rows"),
        (
            SUITE[SUITE.index("    column") :],
            "    column: email\n    expect: ExpectColumnMaxToBeBetween\n"
            "    warn: {max_value: 9}\n    advice: Look.",
            "orders_are_few: warn: it would show values that may identify a person",
        ),
        ("max_value: 9", "max_val: 9", "max_val extra fields not permitted"),
        ("max_value: 9", "max_value: [9]", "shop.yml: orders_are_few: warn: "),
    ],
)
def test_what_great_expectations_does_not_know_is_told_before_the_build(
    tmp_path, written, instead, message
):
    (tmp_path / "shop.yml").write_text(SUITE.replace(written, instead))
    with pytest.raises(SettingsError, match=re.escape(message)) as found:
        read_suite(path=tmp_path / "shop.yml")
    assert "\n" not in str(found.value)


def test_the_columns_that_settle_are_those_of_the_contract():
    (source,) = yaml.safe_load((PROJECT / "models/staging/_raw.yml").read_text())["sources"]
    contract = {
        (table["name"], column["name"]) for table in source["tables"] for column in table["columns"]
    }
    settling = {*duckdb.sql(query_of("settling_columns")).fetchall()}
    assert len(settling) > 10
    assert settling <= contract


def test_a_word_that_passes_or_is_corrected_has_not_gone():
    counts = {"pending": (30, 0), "no such word": (40, 0), "cancelled": (30, 0), "any": (500, 500)}
    with duckdb.connect() as connection:
        for schema, build in (("published", 0), ("marts", 1)):
            connection.execute(
                f"create schema {schema}; create table {schema}.rpt_raw_profile "
                "(table_name varchar, column_name varchar, category varchar, raw_rows bigint)"
            )
            rows = [("orders", "status", word, both[build]) for word, both in counts.items()]
            connection.executemany(
                f"insert into {schema}.rpt_raw_profile values (?, ?, ?, ?)",
                [("orders", "any", "any", 500), *rows],
            )
        gone = connection.execute(
            f"select category from ({query_of('profile_changes')}) where kind = 'word'"
        ).fetchall()
    assert gone == [("cancelled",)]


@pytest.mark.parametrize(("sales", "judged"), [(19, 0), (20, 20)])
def test_costs_are_judged_of_enough_sales_and_never_of_returns(sales, judged):
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            create schema restricted;
            create table restricted.base_orders as
            select true as is_accepted, order_type, amount, 60.0 as cost_amount
            from (values ('sale', 100.0, {sales}), ('return', -100.0, 50), ('sale', 0.0, 50))
                as kinds (order_type, amount, copies), range(copies)
            """
        )
        found = connection.execute(query_of("orders_with_costs")).fetchall()
    assert found == [(100, 60)] * judged


@pytest.mark.parametrize(
    ("first_day", "step", "last_day", "is_known"),
    [("2025-01-03", 15, "2025-07-31", True), ("2025-07-01", 1, "2025-07-12", False)],
)
def test_a_feed_of_few_days_can_fall_silent_if_they_are_spread(first_day, step, last_day, is_known):
    with duckdb.connect() as connection:
        for statement in KNOWN_TO_SUITES:
            connection.execute(statement)
        connection.execute(
            f"""
            create schema marts;
            create table run as select date '2025-12-31' as as_of_date;
            create table marts.rpt_raw_days as
            select 'marketing_spend' as table_name, day::date as event_date
            from range(date '{first_day}', date '{last_day}', interval {step} day) as days (day)
            """
        )
        found = connection.execute(
            f"select silence_ratio > 2 from ({query_of('silences')})"
        ).fetchall()
    assert found == [(True,)] * is_known


def test_a_word_is_shown_whatever_the_format_of_a_number():
    assert sentence(template="{a:,} {b:.1%} {c:,}", values={"a": "tea", "b": 0.5, "c": None}) == (
        "tea 50.0% nothing"
    )


def test_an_expectation_of_the_project_says_why():
    assert [each.name for each in EXPECTATIONS.values() if not each.reason] == []


def test_every_expectation_is_seen_to_fail():
    planted = {name for fault in FAULTS for name in (*fault.blocks, *fault.warns)}
    # planted into a warehouse, and a drift also night by night in test_days.py
    elsewhere = {
        "a_mart_keeps_its_columns",
        "closed_months_do_not_drift",
        "renewal_rates_are_rates",
    }
    assert EXPECTATIONS.keys() == planted | {*OF_SAMPLE} | {OLD} | elsewhere


def test_the_document_lists_what_is_planted_and_what_says_so():
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", DOCUMENT, re.MULTILINE)
    assert rows[1:] == [
        (fault.words, listed(names=fault.blocks), listed(names=fault.warns)) for fault in FAULTS
    ]


def test_the_document_names_what_only_the_sample_can_have():
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", DOCUMENT, re.MULTILINE)
    assert {f"`{name}`" for name in OF_SAMPLE} <= {name for _, name in rows}


def listed(*, names: Iterable[str]) -> str:
    """Write names as the document does."""
    return ", ".join(f"`{name}`" for name in sorted(names)) or "-"
