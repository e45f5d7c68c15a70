"""The mappings of docs/bring_your_own_data.md run as they stand there, and give what is right.

Every number below is worked out by hand from the guide's example exports, never copied from a
build. All three mappings deliver into one folder, which is then refreshed from.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
GUIDE = (PROJECT / "docs" / "bring_your_own_data.md").read_text(encoding="utf-8")
CONTRACT = yaml.safe_load((PROJECT / "models" / "staging" / "_raw.yml").read_text())
# A block whose text before it names a file is that file; one without a name is a query.
FILES = dict(
    re.findall(
        r"`([\w/.-]+)`[^\n]*\n\n^```(?:csv|sql)\n(.*?)^```$", GUIDE, flags=re.MULTILINE | re.DOTALL
    )
)
QUERIES = [
    query
    for query in re.findall(r"^```sql\n(.*?)^```$", GUIDE, flags=re.MULTILINE | re.DOTALL)
    if query not in FILES.values()
]
MAPPINGS = ("shop.sql", "billing.sql", "survey.sql")
SETTINGS = ("RAW_INPUT", "RAW_DATA_DIR", "AS_OF_DATE", "REPORTING_CURRENCY", "VARS")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do what the guide says, in a folder of its own: map the exports, then refresh from them."""
    folder = tmp_path_factory.mktemp("own_data")
    (folder / "export").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment |= {
        "PYTHONPATH": str(PROJECT),
        "WAREHOUSE_PATH": str(folder / "warehouse.duckdb"),
        "PUBLISH_DIR": str(folder / "published"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",  # they bring their own rows
        "REPORTING_TIMEZONE": "Europe/Berlin",  # as the guide advises
    }
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", GUIDE, flags=re.MULTILINE | re.DOTALL)
    make_folder, run_mapping, refresh = commands.splitlines()
    mappings = [run_mapping.replace("shop.sql", mapping) for mapping in MAPPINGS]
    assert len(set(mappings)) == len(MAPPINGS)
    for command in (make_folder, *mappings, refresh):
        words = [
            sys.executable if word == ".venv/bin/python" else word for word in shlex.split(command)
        ]
        result = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.fixture(scope="module")
def warehouse(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open what was built."""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        yield connection


def answer(warehouse: duckdb.DuckDBPyConnection, query: str, /) -> list[tuple]:
    """Return the rows of a query, numbers as text so that 30.00 is not 30.000001."""
    rows = warehouse.execute(query).fetchall()
    return [tuple(str(cell) for cell in row) for row in rows]


def test_every_file_of_the_guide_is_used_and_every_query_known():
    assert {name for name in FILES if name.endswith(".sql")} == set(MAPPINGS)
    read = {
        pattern
        for mapping in MAPPINGS
        for pattern in re.findall(r"read_csv\('([^']+)'", FILES[mapping])
    }
    exports = {Path(name) for name in FILES if name.startswith("export/")}
    assert all(any(export.match(pattern) for pattern in read) for export in exports)
    assert all(any(export.match(pattern) for export in exports) for pattern in read)
    assert len(QUERIES) == 4


def test_the_mappings_deliver_columns_of_the_contract(folder):
    tables = {
        table["name"]: {column["name"] for column in table["columns"]}
        for table in CONTRACT["sources"][0]["tables"]
    }
    delivered = {path.stem: path for path in (folder / "delivery").iterdir()}
    assert delivered.keys() == {
        *("customers_shop", "orders_shop", "order_lines_shop", "products_shop"),
        *("orders_billing", "subscriptions", "survey_responses"),
    }
    for stem, path in delivered.items():
        (table,) = {name for name in tables if stem in (name, f"{name}_shop", f"{name}_billing")}
        header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
        assert set(header) <= tables[table], stem


def test_every_row_delivered_is_accepted(warehouse):
    # 6 of the 7 shop orders (not the test one) and 4 of the 5 invoices (not the draft); their 7
    # lines of goods; 2 customers and a guest; 5 versions of 4 subscriptions; 5 answers and
    # silences to each of the 2 questions
    assert answer(
        warehouse,
        "select table_name, raw_rows, accepted_rows from marts.row_reconciliation "
        "where raw_rows > 0 order by table_name",
    ) == [
        ("customers", "3", "3"),
        ("order_lines", "7", "7"),
        ("orders", "10", "10"),
        ("products", "3", "3"),
        ("subscriptions", "5", "5"),
        ("survey_responses", "10", "10"),
    ]


def test_the_shops_orders_are_worth_what_the_guide_says(warehouse):
    # prices hold 20 % tax, so a price is 6/5 of its amount. #1001: 60 of goods, 6 off = 50 - 5.
    # #1002: 48 = 40, of 48 paid 12 came back = 10. #1003: cancelled. #1004: 12 of tea = 10, the
    # gift card is not counted. #1006: not paid yet. #1007: 36 = 30, all paid back.
    orders = answer(
        warehouse,
        "select order_id, customer_id, status, gross_amount, discount_amount, refunded_amount, "
        "net_revenue_amount, is_purchase from marts.fct_orders "
        "where order_id like '5%' order by order_id",
    )
    (guest,) = {customer for order, customer, *_ in orders if order == "5004"}
    assert re.fullmatch("guest-[0-9a-f]{32}", guest)
    assert orders == [
        ("5001", "7001", "completed", "50.00", "5.00", "0.00", "45.00", "True"),
        ("5002", "7002", "completed", "40.00", "0.00", "10.00", "30.00", "True"),
        ("5003", "7001", "cancelled", "0.00", "0.00", "0.00", "0.00", "False"),
        ("5004", guest, "completed", "10.00", "0.00", "0.00", "10.00", "True"),
        ("5006", "7002", "pending", "0.00", "0.00", "0.00", "0.00", "False"),
        ("5007", "7001", "refunded", "30.00", "0.00", "30.00", "0.00", "False"),
    ]
    assert "The net revenue is 85.00" in GUIDE  # 45 + 30 + 10


def test_the_shops_days_are_berlins_and_a_refund_has_its_own(warehouse):
    assert answer(
        warehouse,
        "select order_id, order_date, refunded_on from marts.fct_orders "
        "where order_id in ('5001', '5002', '5007') order by order_id",
    ) == [
        ("5001", "2025-02-01", "None"),
        ("5002", "2025-02-10", "2025-03-05"),
        ("5007", "2025-03-02", "2025-03-10"),  # the one of the 11th failed
    ]


def test_the_shops_lines_are_those_of_its_goods(warehouse):
    assert answer(
        warehouse,
        "select order_id, line_number, product_id, quantity::int, original_amount "
        "from marts.fct_order_lines where order_id in ('5001', '5004') order by order_id, 2",
    ) == [
        ("5001", "1", "TEA-1", "2", "20.00"),  # 2 x 12.00 less tax
        ("5001", "2", "CUP-1", "1", "30.00"),
        ("5004", "1", "TEA-1", "1", "10.00"),
    ]


def test_no_address_of_a_customer_is_outside_the_restricted_schema(warehouse):
    tables = warehouse.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema <> 'restricted' and table_catalog = current_database()"
    ).fetchall()
    assert tables
    for schema, table in tables:
        text = str(warehouse.execute(f"from {schema}.{table}").fetchall())
        assert "@example.com" not in text, table


def test_each_subscription_has_the_versions_the_files_show(warehouse):
    # A: 4 seats since it began, 6 in the second file. B: its end is planned. C: 20 + 3 x 5, ended
    # for want of payment. D: on trial, and its coupon is off one invoice only.
    assert answer(
        warehouse,
        "select subscription_id, started_at::date, ended_at::date, amount, quantity::int, "
        "discount_amount, billing_interval, status, cancel_reason, is_involuntary "
        "from staging.stg_subscriptions order by subscription_id, started_at",
    ) == [
        ("sub_A", "2025-01-15", "None", "15.00", "4", "None", "month", "active", "None", "None"),
        ("sub_A", "2025-04-01", "None", "15.00", "6", "None", "month", "active", "None", "None"),
        (
            *("sub_B", "2025-02-01", "2026-02-01", "240.00", "1", "60.00", "year", "active"),
            *("too_expensive", "False"),
        ),
        (
            *("sub_C", "2025-02-10", "2025-03-20", "35.00", "1", "None", "month", "cancelled"),
            *("payment_failed", "True"),
        ),
        ("sub_D", "2025-03-25", "None", "15.00", "2", "None", "month", "trialing", "None", "None"),
    ]


@pytest.mark.parametrize(
    ("day", "monthly"),
    [
        ("2025-03-15", "110.00"),  # 4 x 15 + 0.75 x 240 / 12 + 20 + 3 x 5
        ("2025-04-02", "105.00"),  # 6 x 15 + 0.75 x 240 / 12
    ],
)
def test_the_subscriptions_bring_a_month_what_the_guide_says(warehouse, day, monthly):
    assert answer(
        warehouse,
        "select sum(mrr_change_amount) from marts.fct_mrr_movements "
        f"where moved_on <= date '{day}'",
    ) == [(monthly,)]
    assert f" {monthly.removesuffix('.00')}" in GUIDE[GUIDE.index("By hand: in March") :]


def test_the_books_of_the_subscriptions_are_those_of_the_guide(warehouse):
    assert answer(
        warehouse,
        "select movement, sum(mrr_change_amount) from marts.fct_mrr_movements "
        "group by all order by all",
    ) == [("churn", "-35.00"), ("expansion", "30.00"), ("new", "110.00")]
    assert answer(
        warehouse,
        "select churned_on, churn_reason, churn_type, lost_mrr_amount "
        "from marts.fct_churn_events where relationship = 'subscription'",
    ) == [("2025-03-20", "payment_failed", "involuntary", "35.00")]


def test_only_the_invoice_without_a_subscription_is_revenue(warehouse):
    # in_3: 200 without tax; of the 240 paid 48 were credited, a fifth: 40
    assert answer(
        warehouse,
        "select order_id, original_amount, refunded_amount, net_revenue_amount "
        "from marts.fct_orders where sales_channel = 'billing' order by order_id",
    ) == [
        ("in_1", "60.00", "0.00", "0.00"),
        ("in_2", "240.00", "0.00", "0.00"),
        ("in_3", "200.00", "40.00", "160.00"),
        ("in_4", "100.00", "0.00", "0.00"),  # void
    ]


def test_the_survey_counts_answers_and_silences(warehouse):
    # NPS 10, 6, 8 from those asked and 9 from the open link: 2 promoters, 1 passive, 1 detractor.
    # CSAT 5 and 3, and 4 from the open link. Asked: all but the bounce, 4 people per question.
    assert answer(
        warehouse,
        "select survey_type, count(invited_at), count(responded_at), "
        "count(case when invited_at is not null then responded_at end), "
        "count(case when score >= 9 then 1 end), count(case when score <= 6 then 1 end), "
        "count(case when score between 4 and 5 then 1 end) "
        "from staging.stg_survey_responses group by survey_type order by survey_type desc",
    ) == [
        ("nps", "4", "4", "3", "2", "1", "0"),
        ("csat", "4", "3", "2", "0", "3", "2"),
    ]
    assert "so 25." in GUIDE  # (2 - 1) / 4


def test_the_surveys_times_are_moved_to_utc(warehouse):
    # 18:01:44 in Denver, seven hours behind in winter
    assert answer(
        warehouse,
        "select responded_at, customer_id from staging.stg_survey_responses "
        "where response_id = 'CID_1-EMD_7-nps'",
    ) == [("2025-03-04 01:01:44", "C-101")]


def test_the_checks_after_the_first_build_answer(folder):
    lost, rejected, revenue, windows = QUERIES
    with duckdb.connect(str(folder / "published" / "marts.duckdb"), read_only=True) as marts:
        assert answer(marts, lost) == []
        assert answer(marts, rejected) == []
        # sales of February in Berlin: 45 + 40 + 10; the refund of 10 is March's. What recurs: sub_A
        # 60, sub_B 15, sub_C 19 of 28 days of 35
        assert answer(marts, revenue) == [("193.75",)]
        chosen = [row for row in answer(marts, windows) if row[5] == "True"]
        assert [(vertical, window) for vertical, window, *_ in chosen] == [("unknown", "60")]
