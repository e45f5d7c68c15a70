"""What a delivery says about itself: findings that stop a build, and findings that warn."""

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml
from jinja_macros import CompilerError, Macros
from lifecycle import PROJECT, refresh_delivery

VARS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
BASES = sorted((PROJECT / "models" / "staging" / "base").glob("base_*.sql"))
HEADER = "order_id,customer_id,ordered_at,amount,currency,status"
Files = dict[str, str]
Findings = list[dict[str, str]]


def orders(*rows: str, header: str = HEADER) -> Files:
    """Deliver orders in one file."""
    return {"orders.csv": "\n".join([header, *rows])}


def many(*rows: str) -> Files:
    """Deliver orders among two hundred good ones, each of a customer of its own."""
    good = [f"g{number},c{number},2024-01-05,5,EUR,completed" for number in range(200)]
    return orders(*good, *rows)


def survey(*rows: str) -> Files:
    """Deliver answers in one file."""
    header = "response_id,survey_type,touchpoint,responded_at,score,scale_min,scale_max"
    return {"survey_responses.csv": "\n".join([header, *rows])}


# kind -> its files, the level, and what the message says in this order
KINDS: dict[str, tuple[Files, str, tuple[str, ...]]] = {
    "the lines of an order under one key": (
        orders(
            "1001,ann,2024-01-05,10,EUR,completed",
            "1001,ann,2024-01-05,20,EUR,completed",
            "1002,bob,2024-01-20,15,EUR,completed",
            "1002,bob,2024-01-20,15,EUR,completed",
        ),
        "stop",
        (
            "orders: 1 of 4 rows have the key of another row and other content",
            "For example two of them in orders.csv differ in amount.",
            "lines of an order: deliver one row per order with their sum",
            "max_conflicting_share allows 0.01",
        ),
    ),
    "a sale and its refund under one key": (
        orders("7,ann,2024-01-05,80,EUR,completed", "7,ann,2024-01-20,-80,EUR,completed"),
        "stop",
        (
            "differ in ordered_at, amount.",
            "a sale and its refund",
            "original_order_id",
        ),
    ),
    "the items of one subscription under one key": (
        {
            "subscriptions.csv": "subscription_id,customer_id,started_at,plan_id,amount,currency\n"
            "s,ann,2024-01-05,base,20,EUR\ns,ann,2024-01-05,seat,5,EUR\n"
        },
        "stop",
        ("subscriptions: 1 of 2 rows", "differ in plan_id, amount", "put the item in item_id"),
    ),
    "two shops that number alike": (
        {
            "orders_north.csv": f"{HEADER}\n1,ann,2024-01-05,10,EUR,completed\n",
            "orders_south.csv": f"{HEADER}\n1,bob,2024-02-05,12,EUR,completed\n",
        },
        "stop",
        (
            "in orders_south.csv and orders_north.csv differ in customer_id, ordered_at, amount.",
            "two shops that number alike",
        ),
    ),
    "two versions of one row, not told apart": (
        {
            **orders("1,ann,2024-01-05,10,EUR,completed"),
            "products.csv": "product_id,product_name\np,Tea\np,Coffee\nq,Milk\nq,Salt\n",
            "customers.csv": "customer_id,email\nann,a@example.com\nann,b@example.com\n",
        },
        "stop",
        ("products: 2 of 4 rows", "differ in product_name", "deliver the one that counts"),
    ),
    "one product with two names": (
        {
            **orders("1,ann,2024-01-05,10,EUR,completed"),
            "products.csv": "product_id,product_name\np,Tea\np,Coffee\n",
        },
        "warn",
        ("products: 1 of 2 rows have the key of another row and other content. For example",),
    ),
    "few rows in conflict": (
        many("g0,ann,2024-01-05,6,EUR,completed"),
        "warn",
        ("orders: 1 of 201 rows have the key of another row", "One row of each key counts."),
    ),
    "exports that overlap": (
        {
            "orders_2024-01.csv": f"{HEADER}\n1,ann,2024-01-05,10,EUR,pending\n",
            "orders_2024-02.csv": f"{HEADER}\n1,ann,2024-01-05,10,EUR,completed\n",
        },
        "warn",
        (
            "differ in status.",
            "updates by a later file: the one whose name sorts last",
        ),
    ),
    "a main table without a usable row": (
        orders("1,ann,soon,10,EUR,wc-completed", "2,ann,soon,,EUR,wc-completed"),
        "stop",
        (
            "orders: 2 of 2 rows are rejected: ",
            "invalid_ordered_at 2 (written like 'xxxx'; wanted 2025-01-31 or ",
            "unknown_status 2 (written like 'xx-xxxxxxxxx'; wanted completed, pending, cancelled "
            "or refunded)",
            "No row can be used",
        ),
    ),
    "a main table whose rows all lie after as-of": (
        orders("1,ann,2024-07-03,10,EUR,completed", "2,ann,2024-07-02,10,EUR,completed"),
        "stop",
        ("orders: none of 2 rows can be used: as-of, 2024-06-30, lies before", "on 2024-07-02"),
    ),
    "a small main table, mostly rejected": (
        orders(
            "1,ann,2024-01-05,10,EUR,completed",
            '2,ann,2024-01-06,"10,5",EUR,completed',
            '3,ann,2024-01-06,"11,5",EUR,completed',
        ),
        "stop",
        ("orders: 2 of 3 rows are rejected: invalid_amount 2", "max_rejected_share_of_few (0.5)"),
    ),
    "some rows rejected": (
        many(*(f"{number},ann,soon,10,EUR,completed" for number in range(15))),
        "warn",
        ("orders: 15 of 215 rows are rejected: invalid_ordered_at 15 (written like 'xxxx'",),
    ),
    "orders that carry no revenue": (
        orders("1,ann,2024-01-05,10,EUR,pending", "2,ann,2024-01-06,10,EUR,cancelled"),
        "warn",
        ("orders: none of 2 orders carries revenue: 1 cancelled, 1 pending.",),
    ),
    "orders without a customer": (
        orders("1,,2024-01-05,10,EUR,completed", "2,,2024-01-06,10,EUR,completed"),
        "warn",
        ("orders: 2 of 2 orders have no customer",),
    ),
    "one customer_id for many orders": (
        many(*(f"{number},till,2024-01-05,5,EUR,completed" for number in range(60))),
        "warn",
        ("60 of 260 orders share one customer_id.", "placeholder_customers.csv"),
    ),
    "scores above the scale while others are taken": (
        survey(
            *(f"a{number},csat,shop,2024-01-05,4,," for number in range(200)),
            *(f"b{number},csat,shop,2024-01-05,{number},," for number in range(8, 11)),
            # these have a scale of their own
            *(f"c{number},csat,stars,2024-01-05,{number},1,10" for number in range(3, 11)),
        ),
        "warn",
        (
            "3 csat score(s) above 5, such as 8, are rejected while 200 are taken",
            "Say the ends of its scale in scale_min and scale_max",
        ),
    ),
    "many answers without a high score": (
        survey(
            *(f"a{number},ces,phone,2024-01-05,{1 + number % 5},," for number in range(10)),
            # nine are few, a scale that is told is not doubted, and a low intent is a good one
            *(f"b{number},ces,chat,2024-01-05,5,," for number in range(9)),
            *(f"c{number},csat,shop,2024-01-05,3,1,3" for number in range(20)),
            *(f"d{number},intent,shop,2024-01-05,1,," for number in range(20)),
        ),
        "warn",
        (
            "no ces score is above 5 in 10 answers about 1 touchpoint(s), and 7 is the best one",
            "the question may have a shorter scale",
        ),
    ),
    "no currency": (
        orders("1,ann,2024-01-05,10", header="order_id,customer_id,ordered_at,amount"),
        "warn",
        ("orders: no row names a currency and none is set, so amounts are in XXX",),
    ),
}


@pytest.fixture
def judged(tmp_path: Path) -> Callable[..., Macros]:
    """Return a function that delivers files, and judges them as the base tables do."""

    def judge(files: Files, /, **settings: object) -> Macros:
        for name, content in files.items():
            (tmp_path / name).write_text(content)
        macros = Macros(connection=duckdb.connect())
        macros.settings = VARS | {"raw_input": "files", "raw_data_dir": str(tmp_path)} | settings
        macros.connection.execute(
            "create table int_run_settings as select date '2024-06-30' as as_of_date, "
            "date '1970-01-01' as first_plausible_date, date '2024-07-31' as last_plausible_date, "
            "? as reporting_currency",
            ["EUR" if "EUR" in "".join(files.values()) else "XXX"],
        )
        macros.connection.execute(
            "create table int_exchange_rates_daily "
            "(currency text, rate_date date, exchange_rate double)"
        )
        macros.environment.globals["load_relation"] = lambda relation: None
        forms = macros.render(PROJECT / "models" / "utilities" / "int_raw_forms.sql")
        macros.connection.execute(f"create table int_raw_forms as {forms}")
        # the lines of the orders read the orders
        for model in sorted(BASES, key=lambda path: path.stem == "base_order_lines"):
            macros.connection.execute(f"create table {model.stem} as {macros.render(model)}")
        return macros

    return judge


@pytest.mark.parametrize("kind", KINDS)
def test_a_delivery_is_told_what_it_looks_like(kind, judged):
    files, level, said = KINDS[kind]
    macros = judged(files)
    findings: Findings = macros.raw_findings()
    pattern = ".*".join(re.escape(part) for part in said)
    (found,) = [each for each in findings if re.search(pattern, each["message"])]
    assert found["level"] == level
    assert found["message"].startswith(f"{found['table_name']}: ")
    # no other table is accused, and no address is shown
    assert len({each["subject"] for each in findings if each["level"] == "stop"}) <= 1
    assert "@" not in str(findings)
    if level == "warn":
        macros.report_findings(findings)
        assert found["message"] in macros.warnings
    else:
        with pytest.raises(CompilerError, match=r"^Raw data: "):
            macros.report_findings(findings)


def test_a_good_delivery_and_one_with_repeats_are_said_nothing(judged):
    assert judged(many("g0,c0,2024-01-05,5.00,eur,completed")).raw_findings() == []


def test_a_newer_version_is_no_conflict(judged):
    header = f"{HEADER},updated_at"
    rows = (
        "1,ann,2024-01-05,10,EUR,pending,2024-01-05",
        "1,ann,2024-01-05,12,EUR,completed,2024-01-06",
        "1,ann,2024-01-05,13,EUR,completed,",
    )
    macros = judged(orders(*rows, header=header))
    assert macros.raw_findings() == []
    assert macros.connection.sql("select amount from base_orders where is_accepted").fetchall() == [
        (12,)
    ]


def test_the_limits_are_settings(judged):
    lines, _, _ = KINDS["the lines of an order under one key"]
    (found,) = judged(lines, max_conflicting_share=0.25).raw_findings()
    assert found["level"] == "warn"
    assert "max_conflicting_share" not in found["message"]


def test_of_exports_that_overlap_the_last_by_name_counts(judged):
    header = "order_id,customer_id,ordered_at,amount,currency,status,refunded_amount\n"
    macros = judged(
        {
            "orders_2025-01-31.csv": header
            + "702,c2,2024-01-15,90.00,EUR,completed,0\n703,c3,2024-01-30,60.00,EUR,pending,0\n",
            "orders_2025-02-28.csv": header
            + "702,c2,2024-01-15,90.00,EUR,refunded,90.00\n"
            + "703,c3,2024-01-30,60.00,EUR,completed,0\n",
        }
    )
    assert macros.connection.sql(
        "select order_id, status, is_conflicting from base_orders order by is_accepted desc, 1"
    ).fetchall() == [
        ("702", "refunded", False),
        ("703", "completed", False),
        ("702", "completed", True),
        ("703", "pending", True),
    ]


def test_a_stop_is_a_line_of_its_own_and_nothing_is_built_after_it(tmp_path):
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    both = KINDS["the items of one subscription under one key"][0]
    both |= KINDS["a main table without a usable row"][0]
    for name, content in both.items():
        (delivery / name).write_text(content)
    result = refresh_delivery(tmp_path, select=["+stg_customers"])
    assert result.exit_code == 4
    lines = result.stderr.splitlines()
    start = lines.index("Error: Nothing was published.")
    assert lines[start + 1].startswith("orders: 2 of 2 rows are rejected: ")
    assert lines[start + 2].startswith("subscriptions: 1 of 2 rows have the key of another row")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
        built = warehouse.sql("select view_name from duckdb_views() where not internal").fetchall()
    assert ("stg_customers",) not in built
