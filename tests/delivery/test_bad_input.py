"""Every kind of bad input: a damaged row is kept with its reasons, a damaged file stops the build.

docs/bad_input.md lists the kinds, and is tested to be the list of the kinds tried here.
"""

import codecs
import csv
import gzip
import io
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from lifecycle import PROJECT, ROW_FATE, refresh_delivery
from test_findings import KINDS as KINDS_OF_FINDINGS

DOCUMENTED = PROJECT / "docs" / "bad_input.md"
ACCEPTED = [("accepted", None)]
LONG_TEXT = "x" * 300
ORDERS = "order_id,customer_id,ordered_at,amount\no1,ann,2024-01-05,30\n"


# Bad rows: all in one delivery, whose folder and files have every awkward name


def order(order_id: str, **changes: str) -> dict[str, str]:
    """Return a good order, with changes."""
    good = {
        "order_id": order_id,
        "customer_id": "ann",
        "ordered_at": "2024-01-05",
        "amount": "5.00",
    }
    return good | {"currency": "EUR", "status": "", "order_type": ""} | changes


def rejected(*reasons: str) -> list[tuple[str, str]]:
    """Return the fate of one row that is rejected for these reasons."""
    return [("rejected", ", ".join(reasons))]


# kind -> its rows of orders.csv, and the fates of the rows with the key of the first
BAD_ORDERS: dict[str, tuple[list[dict[str, str]], list[tuple[str, str | None]]]] = {
    "a wrong type": ([order("wrong_type", amount="five")], rejected("invalid_amount")),
    "no key": ([order("")], rejected("missing_order_id")),
    "several faults in one row": (
        [order("several", amount="", status="lost", ordered_at="soon")],
        rejected("invalid_ordered_at", "missing_amount", "unknown_status"),
    ),
    "a key twice, the same content": (
        [order("twice"), order("twice")],
        [("accepted", None), ("superseded", None)],
    ),
    "a key twice, other content": (
        [order("two"), order("two", amount="6")],
        [("accepted", None), ("superseded", None)],
    ),
    "a key twice, the later one by updated_at": (
        [order("late", updated_at="2024-01-06"), order("late", updated_at="2024-01-05")],
        [("accepted", None), ("superseded", None)],
    ),
    "an unknown status": ([order("status", status="shipped")], rejected("unknown_status")),
    "an unknown currency": ([order("currency", currency="QQQ")], rejected("no_exchange_rate")),
    "no exchange rate for the day": (
        [order("before_rates", currency="USD", ordered_at="2023-12-31")],
        rejected("no_exchange_rate"),
    ),
    "a date in the future": ([order("future", ordered_at="2124-01-01")], rejected("future_dated")),
    "a date after as-of": ([order("after", ordered_at="2024-07-01")], [("held_back", None)]),
    "the year 1900": ([order("old", ordered_at="1900-01-01")], rejected("implausible_date")),
    "the year 9999": ([order("never", ordered_at="9999-12-31")], rejected("missing_ordered_at")),
    "a time with the name of a zone": (
        [order("zone", ordered_at="2024-01-05 10:00:00 Europe/Berlin")],
        rejected("invalid_ordered_at"),
    ),
    "a negative amount": ([order("negative", amount="-5")], ACCEPTED),
    "an amount of zero": ([order("zero", amount="0")], ACCEPTED),
    "an amount of a trillion": (
        [order("trillion", amount="9999999999999999.99")],
        rejected("implausible_amount"),
    ),
    "an amount with a decimal comma": ([order("comma", amount="5,5")], rejected("invalid_amount")),
    "a return without its sale": (
        [order("return", order_type="return", original_order_id="nowhere")],
        ACCEPTED,
    ),
    "a return with a positive amount": (
        [order("return_plus", order_type="return", amount="5")],
        ACCEPTED,
    ),
    "a text of 300 characters": ([order(LONG_TEXT, customer_id=LONG_TEXT)], ACCEPTED),
    "text of any script": ([order("ключ-鍵-🔑", customer_id="顧客 Ünï")], ACCEPTED),
    "a NUL character in a key": ([order("nul\0key", customer_id="nul\0")], ACCEPTED),
    "a NUL character in a number": ([order("nul", amount="5\0")], rejected("invalid_amount")),
    "quotes and semicolons in a key": ([order("a;'\"b\n", customer_id="';--\"")], ACCEPTED),
    "an e-mail as customer_id": ([order("email", customer_id="jane@example.com")], ACCEPTED),
}


def version(subscription_id: str, **changes: str) -> dict[str, str]:
    """Return a good version of a subscription, with changes."""
    good = {"subscription_id": subscription_id, "customer_id": "ann", "started_at": "2024-01-05"}
    return good | {"amount": "12", "billing_interval": "month"} | changes


# kind -> its rows of subscriptions.csv, the fate of the first of them, and of each version that
# counts: the day it stops, its MRR
Versions = list[tuple[str | None, str]]
BAD_SUBSCRIPTIONS: dict[
    str, tuple[list[dict[str, str]], list[tuple[str, str | None]], Versions]
] = {
    "an end before the start": (
        [version("backwards", ended_at="2024-01-04")],
        rejected("ended_before_start"),
        [],
    ),
    "an end on the day of the start": (
        [version("same_day", started_at="2024-01-05 10:00", ended_at="2024-01-05")],
        ACCEPTED,
        [("2024-01-05", "12.00")],
    ),
    "a version that was to end after the next one began": (
        [
            version("overlap", ended_at="2024-06-01"),
            version("overlap", started_at="2024-02-01", amount="15"),
        ],
        ACCEPTED,
        [("2024-02-01", "12.00"), (None, "15.00")],
    ),
    "two items of one subscription": (
        [
            version("items", item_id="base"),
            version("items", item_id="seats", started_at="2024-02-01", amount="15"),
        ],
        ACCEPTED,
        [(None, "12.00"), (None, "15.00")],
    ),
    "an unknown billing interval": (
        [version("fortnight", billing_interval="fortnight")],
        rejected("unknown_billing_interval"),
        [],
    ),
    "a billing interval of count 0": (
        [version("no_count", billing_interval_count="0")],
        rejected("billing_interval_count_not_positive"),
        [],
    ),
    "a billing interval of ten thousand years": (
        [version("ever", billing_interval="year", billing_interval_count="10000")],
        rejected("implausible_billing_interval_count"),
        [],
    ),
    "paid through a day before the start": (
        [version("paid_before", paid_through_at="2023-12-01", status="cancelled")],
        ACCEPTED,
        [("2024-01-05", "12.00")],
    ),
    "a status that contradicts the end": (
        [version("alive", ended_at="2024-03-01", status="active")],
        ACCEPTED,
        [("2024-03-01", "12.00")],
    ),
    "cancelled without any date, and no version before it": (
        [version("undated", status="cancelled")],
        rejected("ended_without_date"),
        [],
    ),
    "cancelled without any date, after another version": (
        [version("closed"), version("closed", started_at="2024-03-01", status="cancelled")],
        ACCEPTED,
        [("2024-03-01", "12.00")],
    ),
    "paid through more than a term ago, and still live": (
        [version("silent", paid_through_at="2024-02-05", status="active")],
        ACCEPTED,
        [(None, "12.00")],
    ),
    "a discount above the price": (
        [version("gift", discount_amount="13")],
        ACCEPTED,
        [(None, "0.00")],
    ),
    "a price of a trillion by its quantity": (
        [version("seats", amount="1000000", quantity="1000000")],
        rejected("implausible_price"),
        [],
    ),
    "a cost of a trillion by its quantity": (
        [version("dear", cost_amount="1000000", quantity="1000000")],
        rejected("implausible_cost"),
        [],
    ),
    "paid through the year 9999": (
        [version("lifetime", paid_through_at="9999-12-31")],
        ACCEPTED,
        [(None, "12.00")],
    ),
}


# file -> its rows: of two snapshots and of two parts the second leaves out what the first lists
MORE_SUBSCRIPTIONS = {
    "subscriptions_2024-04-30.csv": [version("repeated"), version("left_out")],
    "subscriptions_2024-05-31.csv": [version("repeated")],
    "subscriptions_part_1.csv": [version("in_part_1")],
    "subscriptions_part_2.csv": [version("in_part_2")],
}


def answer(response_id: str, **changes: str) -> dict[str, str]:
    """Return a good answer to the recommendation question, with changes."""
    good = {"response_id": response_id, "customer_id": "ann", "survey_type": "nps"}
    return good | {"invited_at": "2024-01-05", "responded_at": "2024-01-06", "score": "9"} | changes


# kind -> its rows of survey_responses.csv, the fate of each of them, and of each accepted one: what
# nps_category it has
BAD_SURVEYS: dict[
    str, tuple[list[dict[str, str]], list[tuple[str, str | None]], list[str | None]]
] = {
    "a score beyond its scale": (
        [
            answer("beyond_11", score="11"),
            answer("beyond_minus", score="-1"),
            answer("beyond_csat", survey_type="csat", score="0"),
            answer("beyond_ces", survey_type="ces", score="8"),
            answer("beyond_intent", survey_type="intent", score="11"),
        ],
        rejected("score_out_of_range") * 5,
        [],
    ),
    "a score on a scale of its own": (
        [
            answer("own_scale", survey_type="csat", score="9", scale_min="0", scale_max="10"),
            answer("own_beyond", survey_type="csat", score="4", scale_min="1", scale_max="3"),
        ],
        [*ACCEPTED, *rejected("score_out_of_range")],
        [None],
    ),
    "a scale with one end, or upside down": (
        [
            answer("one_end", score="3", scale_max="5"),
            answer("down", survey_type="ces", score="3", scale_min="3", scale_max="3"),
        ],
        rejected("invalid_scale") * 2,
        [],
    ),
    "a score as text": ([answer("text", score="ten")], rejected("invalid_score"), []),
    "a score between two numbers": (
        [answer("between", score="8.5")],
        rejected("invalid_score"),
        [],
    ),
    "an answer without a score": ([answer("blank", score="")], ACCEPTED, [None]),
    "a score without the day of the answer": (
        [answer("undated", responded_at="", score="2")],
        ACCEPTED,
        [None],
    ),
    "a survey without any day": (
        [answer("never", invited_at="", responded_at="")],
        rejected("missing_invited_at_and_responded_at"),
        [],
    ),
    "an answer a day before its invitation": (
        [answer("early", responded_at="2024-01-04 23:59")],
        rejected("answered_before_invited"),
        [],
    ),
    "an answer by date on the day of its invitation": (
        [answer("same_day", invited_at="2024-01-05 10:00", responded_at="2024-01-05")],
        ACCEPTED,
        ["promoter"],
    ),
    "an invitation of the year 1900": (
        [answer("invited_1900", invited_at="1900-01-01")],
        rejected("implausible_invited_at"),
        [],
    ),
    "an unknown type of survey": (
        [answer("mood", survey_type="mood")],
        rejected("unknown_survey_type"),
        [],
    ),
    "two answers of one customer on a day": (
        [
            answer("day_1", customer_id="twice", responded_at="2024-03-06 10:00", score="3"),
            answer("day_2", customer_id="twice", responded_at="2024-03-06 11:00", score="10"),
        ],
        ACCEPTED * 2,
        ["detractor", "promoter"],
    ),
    "an answer without a customer": ([answer("nobody", customer_id="")], ACCEPTED, ["promoter"]),
}


def stay(customer_id: str, **changes: str) -> dict[str, str]:
    """Return a good stay in a loyalty programme, with changes."""
    good = {"customer_id": customer_id, "programme": "club", "joined_at": "2024-01-05"}
    return good | {"left_at": ""} | changes


# kind -> its rows of loyalty_memberships.csv, and their fates
BAD_MEMBERSHIPS: dict[str, tuple[list[dict[str, str]], list[tuple[str, str | None]]]] = {
    "memberships that overlap": (
        [
            stay("m_overlap"),
            stay("m_overlap", joined_at="2024-02-01", left_at="2024-03-01"),
            stay("m_overlap", programme="plus", joined_at="2024-02-15"),
        ],
        ACCEPTED * 3,
    ),
    "a membership that ends before it begins": (
        [stay("m_backwards", left_at="2024-01-04")],
        rejected("left_before_joined"),
    ),
    "a membership that ends on the day it begins": (
        [stay("m_same_day", joined_at="2024-01-05 10:00", left_at="2024-01-05")],
        ACCEPTED,
    ),
}


def wallet_answer(response_id: str, **changes: str) -> dict[str, str]:
    """Return a good answer to the question what a customer spends, with changes."""
    good = {"response_id": response_id, "customer_id": "ann", "survey_type": "wallet"}
    good |= {"responded_at": "2024-01-05", "category_spend_amount": "90"}
    return good | {"spend_period_months": "3", "brand_rank": "1", "brands_used": "2"} | changes


# kind -> its row of survey_responses.csv, and its fate
BAD_WALLETS: dict[str, tuple[dict[str, str], list[tuple[str, str | None]]]] = {
    "a rank above the number of brands": (
        wallet_answer("third_of_two", brand_rank="3"),
        rejected("brand_rank_out_of_range"),
    ),
    "a rank of 0": (wallet_answer("rank_0", brand_rank="0"), rejected("brand_rank_out_of_range")),
    "no brands at all": (
        wallet_answer("no_brands", brands_used="0", brand_rank=""),
        rejected("brands_used_not_positive"),
    ),
    "a rank without the number of brands": (wallet_answer("rank_alone", brands_used=""), ACCEPTED),
    "a spend period of 0 months": (
        wallet_answer("no_time", spend_period_months="0"),
        rejected("spend_period_months_not_positive"),
    ),
    "a negative spend": (
        wallet_answer("negative_spend", category_spend_amount="-1"),
        rejected("category_spend_amount_negative"),
    ),
    "a spend of a trillion by the year": (
        wallet_answer("rich", category_spend_amount="500000000000", spend_period_months="3"),
        rejected("implausible_yearly_spend"),
    ),
    "zeros in the wallet columns of another survey": (
        wallet_answer(
            "filled",
            survey_type="csat",
            category_spend_amount="0",
            spend_period_months="0",
            brand_rank="0",
            brands_used="0",
        ),
        ACCEPTED,
    ),
}
# kinds that have a test of their own
SHAPES = "test_rows_of_files_of_every_shape_arrive_with_what_they_say"
TWO_STORIES = "test_versions_that_tell_two_stories_are_counted"
TRIED_ELSEWHERE = {
    "live, and missing in the newest of several files that repeat each other": TWO_STORIES,
    "a line without its order": "test_a_line_falls_with_its_order_or_for_itself",
    "a line whose order is rejected": "test_a_line_falls_with_its_order_or_for_itself",
    "no optional table": "test_an_absent_optional_table_is_empty",
    "a header and no row": SHAPES,
    "columns in another order, added or left out": SHAPES,
    "an optional column renamed": "test_what_is_ignored_is_said_once",
    "a file named after no table": "test_what_is_ignored_is_said_once",
    "a file in a folder named after no table": "test_what_is_ignored_is_said_once",
    "a spreadsheet beside other files of its table": "test_what_is_ignored_is_said_once",
    "files of one table with other columns, types or formats": SHAPES,
    "blanks, quotes or glob characters in a path": SHAPES,
    "another case in the name of a file or a folder": SHAPES,
    "a file named .tsv or .txt": SHAPES,
    "a byte order mark": SHAPES,
    "a last line without a line break": "test_a_last_row_that_may_have_been_cut_is_warned_of",
    "UTF-16 as spreadsheets write it": SHAPES,
    "lines above the header": SHAPES,
    "no place to publish": "test_a_published_folder_that_cannot_be_made_is_exit_code_3",
}
BAD_LINES = (
    "order_id,line_number,product_id,amount\nnowhere,1,tea,5\nfuture,1,tea,5\nzero,x,tea,5\n"
)
# file -> its bytes; one table in many shapes, each row of which must arrive
CUSTOMER_FILES: dict[str, bytes] = {
    "customers_1.csv": b"\xef\xbb\xbfcustomer_id,region\r\nc1,North\r\n",
    "customers_2; 'it''s' [x]*?.csv": b'region|"customer_id"|colour\n"North, a ""b"""|c2|red\n',
    "customers_3.csv.gz": gzip.compress(b"customer_id\tregion\nc3\tNo\nc3b\tSo\n"),
    "customers_4.csv": b"customer_id,region\n",
    "customers_5.csv": b"CUSTOMER_ID ; created_at;\nc5;2024-01-03 02:00:00;\n\nc5b;;\n",
    "Customers_9.CSV": b"customer_id,region\nc9,North\n",
    "CUSTOMERS_10.Csv.GZ": gzip.compress(b"customer_id,region\nc10,South\n"),
    "customers_11.TXT": "customer_id\tregion\r\nc11\tGr\u00f6\u00dfe \u9375\r\n".encode("utf-16"),
    "customers_12.tsv": b"\xef\xbb\xbfcustomer_id\tregion\nc12\tWest\n",
    "customers_16.csv": b"customer_id,region\nc16,North",
    "customers_13.csv": b'"Customers, all of them"\n\nregion;customer_id\nEast;c13\n',
    "customers_14.csv.gz": gzip.compress("sep=;\nregion;customer_id\nEast;c14\n".encode("utf-16")),
}
# the same as queries, written as Parquet: other types of the same columns
CUSTOMER_QUERIES: dict[str, str] = {
    "customers_6.parquet": "select 9007199254740993 as customer_id, "
    "date '2024-01-03' as created_at",
    "customers_7.parquet": "select 7::double as customer_id, true as region",
    "customers_15.PARQUET": "select 'c15' as customer_id, 'North' as region",
    "customers_8.parquet": "select 'c' || chr(0) as customer_id, "
    "timestamp '2024-01-03 02:00' as created_at",
}
CUSTOMERS = {
    ("c1", "North", None),
    ("c2", 'North, a "b"', None),
    ("c3", "No", None),
    ("c3b", "So", None),
    ("c5", None, "2024-01-03 02:00:00"),
    ("c5b", None, None),
    ("9007199254740993", None, "2024-01-03 00:00:00"),
    ("7", "true", None),
    ("c\0", None, "2024-01-03 02:00:00"),
    ("c9", "North", None),
    ("c10", "South", None),
    ("c11", "Gr\u00f6\u00dfe \u9375", None),
    ("c12", "West", None),
    ("c13", "East", None),
    ("c14", "East", None),
    ("c15", "North", None),
    ("c16", "North", None),
}


def csv_text(rows: list[dict[str, str]]) -> str:
    """Write rows as CSV, with the columns of all of them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@dataclass(frozen=True)
class Refreshed:
    """A folder in which a refresh ran, and what it said."""

    folder: Path
    result: Result

    def query(self, sql: str, *parameters: object) -> list[tuple]:
        """Ask the warehouse as the refresh left it."""
        with duckdb.connect(
            str(self.folder / "kept" / "warehouse.duckdb"), read_only=True
        ) as warehouse:
            return warehouse.execute(sql, parameters).fetchall()


@pytest.fixture(scope="module")
def bad_rows(tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    """Refresh from a delivery of every bad row; it is published, because it is told to be."""
    folder = tmp_path_factory.mktemp("bad")
    delivery = folder / 'raw; [1]*? the customer\'s "data" {x=1}'
    (delivery / "Customers").mkdir(parents=True)
    orders = [row for rows, _ in BAD_ORDERS.values() for row in rows]
    (delivery / "orders.csv").write_text(csv_text(orders), newline="")
    (delivery / "order_lines.csv").write_text(BAD_LINES)
    versions = [row for rows, *_ in BAD_SUBSCRIPTIONS.values() for row in rows]
    for name, rows in {"subscriptions.csv": versions, **MORE_SUBSCRIPTIONS}.items():
        (delivery / name).write_text(csv_text(rows))
    answers = [row for rows, *_ in BAD_SURVEYS.values() for row in rows]
    answers += [row for row, _ in BAD_WALLETS.values()]
    (delivery / "survey_responses.csv").write_text(csv_text(answers))
    stays = [row for rows, *_ in BAD_MEMBERSHIPS.values() for row in rows]
    (delivery / "loyalty_memberships.csv").write_text(csv_text(stays))
    (delivery / "exchange_rates.csv").write_text(
        "rate_date,from_currency,to_currency,rate\n2024-01-01,USD,EUR,0.9\n2024-01-01,GBP,EUR,-1\n"
    )
    for number, (name, content) in enumerate(CUSTOMER_FILES.items()):
        # in a folder of the table's name, or beside it
        (delivery / ("Customers" if number % 2 else ".") / name).write_bytes(content)
    for name, query in CUSTOMER_QUERIES.items():
        path = str(delivery / name).replace("'", "''")
        duckdb.sql(f"copy ({query}) to '{path}'")
    for name in (
        "Product.csv",
        ".orders.csv",
        "Customers/._x.csv",
        "orders_2024.xlsx",
        "Customers/notes.md",
    ):
        (delivery / name).write_text("not read")
    (delivery / "2024").mkdir()
    (delivery / "2024" / "orders.csv").write_text(ORDERS)
    result = refresh_delivery(
        folder,
        *("--as-of", "2024-06-30", "--reporting-currency", "EUR"),
        delivery=delivery,
        select=(
            *("+row_reconciliation", "+rejected_rows", "+dim_customers"),
            *("+rpt_nps", "+rpt_loyalty_programme"),
            *("+fct_subscription_versions", "+fct_survey_responses"),
        ),
        dbt_vars={"max_conflicting_share": 1, "max_rejected_share_of_few": 1},
    )
    assert result.exit_code == 0, result.output
    (folder / "kept").mkdir()
    shutil.copy(folder / "warehouse.duckdb", folder / "kept")
    return Refreshed(folder=folder, result=result)


@pytest.mark.parametrize("kind", BAD_ORDERS)
def test_a_bad_row_has_its_fate_and_its_reasons(kind, bad_rows):
    rows, fates = BAD_ORDERS[kind]
    found = bad_rows.query(
        f"select {ROW_FATE}, rejection_reasons from restricted.base_orders "
        "where coalesce(order_id, raw_key, '') = trim(?) order by all",
        rows[0]["order_id"],
    )
    assert found == fates


@pytest.mark.parametrize("kind", BAD_SUBSCRIPTIONS)
def test_a_bad_version_has_its_fate_and_counts_until_it_stops(kind, bad_rows):
    rows, fates, versions = BAD_SUBSCRIPTIONS[kind]
    subscription_id = rows[0]["subscription_id"]
    found = bad_rows.query(
        f"select {ROW_FATE}, rejection_reasons from restricted.base_subscriptions "
        "where coalesce(subscription_id, raw_key) = ? order by started_at limit 1",
        subscription_id,
    )
    assert found == fates
    counted = bad_rows.query(
        "select cast(stopped_on as text), cast(mrr_amount as text) "
        "from marts.fct_subscription_versions where subscription_id = ? order by started_at",
        subscription_id,
    )
    assert counted == versions


@pytest.mark.parametrize("kind", BAD_WALLETS)
def test_a_bad_answer_has_its_fate_and_its_reasons(kind, bad_rows):
    row, fates = BAD_WALLETS[kind]
    found = bad_rows.query(
        f"select {ROW_FATE}, rejection_reasons from restricted.base_survey_responses "
        "where response_id = ?",
        row["response_id"],
    )
    assert found == fates


def test_versions_that_tell_two_stories_are_counted(bad_rows):
    warnings = bad_rows.result.stderr.splitlines()
    for said in (
        "have a status that contradicts ended_at. The date counts; correct one of the two",
        "end after the next one starts. Each counts until then; correct ended_at",
        "have a negative price, or a discount above it. Their MRR is 0; correct the amounts",
        "are live and paid through more than a term before as-of, such as subscription silent. "
        "Each counts as paying; deliver what became of it",
        "are live and missing in the newest file, which repeats most of the one before it, such as "
        "subscription left_out. Each counts as paying; deliver what became of it",
    ):
        assert f"Warning: subscriptions: 1 version(s) {said}." in warnings


@pytest.mark.parametrize("kind", BAD_SURVEYS)
def test_a_bad_answer_has_its_fate_and_is_no_opinion_it_does_not_hold(kind, bad_rows):
    rows, fates, categories = BAD_SURVEYS[kind]
    keys = [row["response_id"] for row in rows]
    found = bad_rows.query(
        f"select {ROW_FATE}, rejection_reasons from restricted.base_survey_responses "
        "where list_contains(?, coalesce(response_id, raw_key))",
        keys,
    )
    assert found == fates
    counted = bad_rows.query(
        "select nps_category from marts.fct_survey_responses where list_contains(?, response_id) "
        "order by response_id",
        keys,
    )
    assert [category for (category,) in counted] == categories


def test_the_score_counts_good_answers_once_and_a_customers_latest(bad_rows):
    # January: ann's one answer and nobody's; March: the later one of two
    found = bad_rows.query(
        "select period_start_date::text, invitations, responses, promoters, detractors "
        "from marts.rpt_nps where period_grain = 'month' and segment_name = 'all' order by 1"
    )
    assert found == [("2024-01-01", 6, 2, 2, 0), ("2024-03-01", 0, 1, 1, 0)]


def test_scores_without_a_day_are_counted(bad_rows):
    assert (
        "Warning: survey_responses: 1 row(s) have a score but no responded_at, so they count as "
        "unanswered. Deliver responded_at with each score."
    ) in bad_rows.result.stderr.splitlines()


@pytest.mark.parametrize("kind", BAD_MEMBERSHIPS)
def test_a_bad_membership_has_its_fate(kind, bad_rows):
    rows, fates = BAD_MEMBERSHIPS[kind]
    found = bad_rows.query(
        f"select {ROW_FATE}, rejection_reasons from restricted.base_loyalty_memberships "
        "where customer_id = ?",
        rows[0]["customer_id"],
    )
    assert found == fates


def test_of_all_these_only_the_one_whose_memberships_overlap_is_a_member(bad_rows):
    assert bad_rows.query(
        "select members, passive_members from marts.rpt_loyalty_programme "
        "where period_grain = 'year' and segment_name = 'all'"
    ) == [(1, 1)]


def test_a_line_falls_with_its_order_or_for_itself(bad_rows):
    assert bad_rows.query(
        "select row_key, rejection_reasons from marts.rejected_rows "
        "where table_name = 'order_lines' order by 1"
    ) == [
        ("future|1", "order_rejected"),
        ("nowhere|1", "orphan"),
        ("zero|x", "invalid_line_number"),
    ]


def test_rows_of_files_of_every_shape_arrive_with_what_they_say(bad_rows):
    found = bad_rows.query(
        "select customer_id, region, created_at::text from staging.stg_customers"
    )
    assert set(found) == CUSTOMERS


def test_nothing_is_lost(bad_rows):
    counted = {table: counts for table, *counts in bad_rows.query("from marts.row_reconciliation")}
    orders = sum(len(rows) for rows, _ in BAD_ORDERS.values())
    fates = [fate for _, fates in BAD_ORDERS.values() for fate, _ in fates]
    ways = [fates.count(way) for way in ("accepted", "superseded", "rejected", "held_back")]
    assert counted["orders"] == [orders, *ways, 1]
    assert counted["order_lines"] == [3, 0, 0, 3, 0, 0]
    assert counted["customers"] == [len(CUSTOMERS), len(CUSTOMERS), 0, 0, 0, 0]
    for raw, *ways, _ in counted.values():
        assert raw == sum(ways)
    reasons = bad_rows.query("select count(*), count(rejection_reasons) from marts.rejected_rows")
    assert reasons == [(sum(ways[3] for ways in counted.values()),) * 2]


def test_an_absent_optional_table_is_empty(bad_rows):
    assert bad_rows.query(
        "select raw_rows from marts.row_reconciliation where table_name = 'campaigns'"
    ) == [(0,)]


def test_what_is_ignored_is_said_once(bad_rows):
    warnings = [line for line in bad_rows.result.stderr.splitlines() if "Warning: " in line]
    assert [line for line in warnings if line.startswith("Warning: customers: these")] == [
        "Warning: customers: these columns are not in the contract and are ignored: column3, "
        "colour. Rename them if they are columns of the contract."
    ]
    (ignored,) = [line for line in warnings if "their names match no table" in line]
    assert "Product.csv" in ignored
    assert "orders_2024.xlsx" in ignored
    (elsewhere,) = [line for line in warnings if "folder is named after no table" in line]
    assert ": 2024/orders.csv. Put them" in elsewhere
    assert "Customers/notes.md" in ignored
    assert "save a spreadsheet as CSV (UTF-8)" in ignored
    assert ".orders.csv" not in ignored
    assert "._x.csv" not in ignored


def test_a_last_row_that_may_have_been_cut_is_warned_of(bad_rows):
    (said,) = [line for line in bad_rows.result.stderr.splitlines() if "no line break" in line]
    assert said.startswith("Warning: Raw data: the last line of customers_16.csv has no line break")


def test_customers_known_by_an_e_mail_address_are_counted(bad_rows):
    assert (
        "Warning: customers: 1 customer_id value(s) look like e-mail addresses, and every mart "
        "shows customer_id. Deliver keys that identify no one, and put the address in the column "
        "email."
    ) in bad_rows.result.stderr.splitlines()


# Bad files: each stops the build, which says so on one line of its own


def half(content: bytes) -> bytes:
    """Cut a file in the middle."""
    return content[: len(content) // 2]


def parquet(query: str) -> bytes:
    """Return a query's rows as the bytes of a Parquet file."""
    file = io.BytesIO()
    pq.write_table(duckdb.sql(query).to_arrow_table(), file)
    return file.getvalue()


MEMBERS = b"campaign_id,customer_id,assigned_at\nk1,ann,2024-01-05\n"
PRODUCTS = b"product_id,product_name\np1,Tea\n"
LOYALTY = "select 'ann' as customer_id, 'club' as programme, date '2024-01-05' as joined_at"
WRAPPED = (
    "The line is quoted as one field, as spreadsheets save a table that is in one column. "
    "Split that column there, and save it as CSV again."
)
RATES = "rate_date,from_currency,to_currency,rate\n2024-01-01,USD,EUR,0.9\n"
# Several in one build, each of another table, none of them read before the others are.
# kind -> file, its bytes, what is said of it after its table and its path
BadFiles = dict[str, tuple[str, bytes, str]]
BAD_FILES: tuple[BadFiles, ...] = (
    {
        "a line with too many fields": (
            "customers_1.csv",
            b"customer_id,region\nc1,North\nc2,South,West\nc3,East\n",
            ", line 3: Expected Number of Columns: 2 Found: 3. Correct the file.",
        ),
        "a line with too few fields": (
            "campaign_members.csv",
            MEMBERS + b"k1,bob\n",
            ", line 3: Expected Number of Columns: 3 Found: 2. Correct the file.",
        ),
        "a quote that is not closed": (
            "products.csv",
            PRODUCTS + b'p2,"Coffee\np3,Milk\n',
            ", line 3: Value with unterminated quote found. Correct the file.",
        ),
        "a byte that is not UTF-8": (
            "campaigns.csv",
            "campaign_id,campaign_name\nk1,Größe\n".encode("latin-1"),
            ", line 2: A character is not UTF-8. Save the file as CSV (UTF-8).",
        ),
        "an empty file": ("usage_readings.csv", b"", " has no header: its first line is empty."),
        "a Parquet file cut in half": (
            "loyalty_memberships/2024.parquet",
            half(parquet(LOYALTY)),
            " cannot be read: ",
        ),
        "a required column renamed": (
            "exchange_rates.csv",
            RATES.replace("rate\n", "course\n", 1).encode(),
            " (found: rate_date, from_currency, to_currency; not known: column 4). Rename or",
        ),
    },
    {
        "text after a closing quote": (
            "products.csv",
            PRODUCTS + b'p2,"Coffee" beans\n',
            ", line 3: Value with unterminated quote found. Correct the file.",
        ),
        "line ends of two kinds": (
            "customers.csv",
            b"customer_id,region\r\nc1,North\nc2,South\n",
            ": Its lines end in two ways, or a quote is out of place. Correct the file.",
        ),
        "a column twice": (
            "campaigns.csv",
            b"campaign_id,campaign_name,Campaign_Name\nk1,a,b\n",
            " has the column campaign_name twice. Remove or rename one of them.",
        ),
        "a required column in one of two files only": (
            "campaign_members_2.csv",
            b"campaign_id,customer_id\nk1,bob\n",
            " (found: campaign_id, customer_id). Rename or add it",
        ),
        "a renamed column below lines above the header": (
            "usage_readings.csv",
            b"Readings of 2024\n\nAsset ID,customer_id,read_at,read\na1,ann,2024-01-05,5\n",
            ", line 1 is no header; line 3 looks like it. Take lines 1 to 2 away. Also, the "
            "required columns asset_id (found: asset id?), reading (found: read?) are missing from "
            "line 3 (found: asset id, customer_id, read_at, read). Rename or add them",
        ),
        "a CSV file named .parquet": (
            "loyalty_memberships.parquet",
            b"customer_id,programme,joined_at\nann,club,2024-01-05\n",
            " cannot be read: ",
        ),
        "a quote in the header that is not closed": (
            "exchange_rates.csv",
            RATES.replace("rate_date", '"rate_date', 1).encode(),
            ", line 1: the header has a double quote that is not closed",
        ),
    },
    {
        "another encoding": (
            "customers.csv",
            "customer_id,région\nc1,North\n".encode("cp1252"),
            ", line 1: A character is not UTF-8. Save the file as CSV (UTF-8).",
        ),
        "records that are quoted as one field": (
            "campaigns.csv",
            b'campaign_id,campaign_name,note;\n"k1,Spring,""a, b""";\n"k2,Autumn,""""";\n',
            f", line 2: {WRAPPED}",
        ),
        "a header that is quoted as one field": (
            "campaign_members.csv",
            b'"campaign_id,customer_id,assigned_at"\n"k1,ann,2024-01-05"\n',
            f", line 1: {WRAPPED}",
        ),
        "lines below the table": (
            "exchange_rates.csv",
            RATES.encode() + b'\n"1","record(s) downloaded,"," from ,2024-01-01"\n"Seller: x"\n',
            ", lines 4 to 5: Fewer fields than in the header, as below a table. "
            "Take away lines 4 to 5.",
        ),
        "a first line that names no column": (
            "products.csv",
            b"p1,Tea\np2,Coffee\n",
            " (found: no name of a column; not known: columns 1, 2). Rename or add it in the "
            "delivery. The first line may be no header: then add one.",
        ),
        "an open quote above the header": (
            "usage_readings.csv",
            b'"All\nasset_id,customer_id,read_at,reading\na1,ann,2024-01-05,5\n',
            ", line 1 is no header; line 2 looks like it. Take line 1 away.",
        ),
        "a Parquet file damaged inside": (
            "loyalty_memberships.parquet",
            # DuckDB does not say which file it is
            parquet(LOYALTY)[:4] + b"\xff" * 16 + parquet(LOYALTY)[20:],
            " is damaged (",
        ),
    },
)
KINDS_OF_FILES = [(kind, number) for number, files in enumerate(BAD_FILES) for kind in files]


@pytest.fixture(scope="module")
def bad_files(bad_rows: Refreshed) -> list[Result]:
    """Refresh from each delivery of bad files, where bad_rows has published before."""
    results = []
    for number, files in enumerate(BAD_FILES):
        delivery = bad_rows.folder / f"delivery_{number}"
        good = {"orders.csv": ORDERS.encode(), "campaign_members_1.csv": MEMBERS}
        for name, content in (
            good | {name: content for name, content, _ in files.values()}
        ).items():
            (delivery / name).parent.mkdir(parents=True, exist_ok=True)
            (delivery / name).write_bytes(content)
        select = ("int_run_settings", "base_*")
        results.append(refresh_delivery(bad_rows.folder, delivery=delivery, select=select))
    return results


@pytest.mark.parametrize(("kind", "number"), KINDS_OF_FILES)
def test_a_bad_file_is_one_line_with_its_table_and_what_to_do(kind, number, bad_rows, bad_files):
    name, _, said = BAD_FILES[number][kind]
    path = bad_rows.folder / f"delivery_{number}" / name
    table = re.split(r"[./]|_\d", name)[0]
    lines = [line for line in bad_files[number].stderr.splitlines() if str(path) in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"{table}: ")
    assert f"{path}{said}" in lines[0]


def test_bad_files_are_exit_code_4_and_each_has_its_line_alone(bad_files):
    for result, files in zip(bad_files, BAD_FILES, strict=True):
        assert result.exit_code == 4
        said = [
            line
            for line in result.stderr.splitlines()
            if line and not re.match(r"Read |Built |Warning: |\d+ models|The log", line)
        ]
        assert said[0] == "Error: Nothing was published."
        assert len(said) == 1 + len(files)


# Deliveries that stop before any table is read


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param(
            {"customers.csv": "customer_id\nann\n"},
            "none of orders, subscriptions, survey_responses was found in {folder}. Deliver",
            id="no main file",
        ),
        pytest.param(
            {"orders.csv": ORDERS.replace("amount", "amuont")},
            "orders: the required column amount (found: amuont?) is missing from "
            "{folder}/orders.csv (found: order_id, customer_id, ordered_at, amuont). Rename",
            id="a main file without a required column",
        ),
        pytest.param(
            {"orders.csv": "Order ID,customer,Order Date,total_amount\no1,ann,2024-01-05,30\n"},
            "orders: the required columns order_id (found: order id?), ordered_at (found: order "
            "date?), amount (found: total_amount?) are missing from {folder}/orders.csv (found: "
            "order id, customer, order date, total_amount). Rename or add them in the delivery.",
            id="several required columns renamed",
        ),
        pytest.param(
            {"Orders.XLSX": "x", "customers.csv": "customer_id\nann\n"},
            "orders: {folder}/Orders.XLSX is no CSV or Parquet file, and nothing else of orders "
            "was delivered. Save a spreadsheet as CSV (UTF-8), or unpack an archive.",
            id="a main table as a spreadsheet alone",
        ),
        pytest.param(
            {"orders.csv": csv_text([order("o1"), order("o2", currency="usd")])},
            "The data has several currencies, EUR and USD among them: set REPORTING_CURRENCY",
            id="several currencies and no setting",
        ),
    ],
)
def test_a_delivery_that_says_too_little_is_one_line_and_exit_code_4(
    files, said, tmp_path, bad_rows
):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    result = refresh_delivery(bad_rows.folder, delivery=tmp_path, select=["int_run_settings"])
    assert result.exit_code == 4
    lines = result.stderr.splitlines()
    start = lines.index("Error: Nothing was published.")
    assert lines[start + 1].startswith(said.format(folder=tmp_path))
    assert lines[start + 2].startswith("The log of dbt: ")
    assert len(lines) == start + 3


def no_folder(folder: Path) -> None:
    """Deliver nothing, not even a folder."""
    folder.rmdir()


def no_file(folder: Path) -> None:
    """Deliver what is no CSV or Parquet file."""
    (folder / "orders.xlsx").write_bytes(b"x")


def utf_16_big_endian(folder: Path) -> None:
    """Deliver the one form of UTF-16 that DuckDB cannot read."""
    (folder / "orders.csv").write_bytes(codecs.BOM_UTF16_BE + ORDERS.encode("utf-16-be"))


def utf_16_with_emoji(folder: Path) -> None:
    """Deliver UTF-16 with a character that takes four bytes."""
    (folder / "orders.CSV.GZ").write_bytes(gzip.compress((ORDERS + "🔑").encode("utf-16")))


def link_to_nothing(folder: Path) -> None:
    """Deliver a link to a file that is gone."""
    (folder / "orders.csv").write_text(ORDERS)
    (folder / "orders_2.csv").symlink_to("gone.csv")


def folder_for_a_file(folder: Path) -> None:
    """Deliver a folder called like a file."""
    (folder / "orders_2.csv").mkdir()


def cut_gzip(folder: Path) -> None:
    """Deliver half of a compressed file, which DuckDB would read as a shorter one."""
    (folder / "orders_2.csv.gz").write_bytes(half(gzip.compress(ORDERS.encode() * 100)))


def very_long_line(folder: Path) -> None:
    """Deliver a line that nobody writes."""
    row = "o9,ann,2024-01-05," + "x" * 2_000_000
    (folder / "orders_2.csv").write_text(f"{ORDERS}{row}\n{ORDERS}")


def unwritten_end(folder: Path) -> None:
    """Deliver a file whose end was kept free for a copy that was broken off."""
    (folder / "orders_2.csv").write_text(ORDERS)
    os.truncate(folder / "orders_2.csv", 40_000_000)


def unwritten_part(folder: Path) -> None:
    """Deliver a file with a block that the disk lost, which joins two rows to a good one."""
    rows = "o1,ann" + "\0" * 512 + "bob,2024-01-05,5\n"
    (folder / "orders_2.csv").write_text(ORDERS + rows)


def file_twice(folder: Path) -> None:
    """Deliver a file, and a link to it."""
    (folder / "orders.csv").write_text(ORDERS)
    (folder / "orders_2.csv").symlink_to("orders.csv")


def pipe(folder: Path) -> None:
    """Deliver what another program would have to write to."""
    os.mkfifo(folder / "orders_2.csv")


def link_out_of_the_delivery(folder: Path) -> None:
    """Deliver a link to a file that may be private."""
    (folder / "orders_2.csv").symlink_to("/etc/hostname")


def name_in_latin_1(folder: Path) -> None:
    """Deliver a file, of whatever kind, whose name is not UTF-8."""
    (folder / "orders.csv").write_text(ORDERS)
    (folder / os.fsdecode(b"caf\xe9.pdf")).write_bytes(b"x")


def no_permission(folder: Path) -> None:
    """Deliver a file that this user may not read."""
    (folder / "orders_2.csv").write_text(ORDERS)
    (folder / "orders_2.csv").chmod(0)
    if os.access(folder / "orders_2.csv", os.R_OK):
        pytest.skip("this user, root for example, may read every file")


@pytest.mark.parametrize(
    ("deliver", "exit_code", "said"),
    [
        pytest.param(no_folder, 2, "The raw data folder {folder} does not exist", id="no folder"),
        pytest.param(
            no_file,
            4,
            "The raw data folder {folder} holds no CSV or Parquet file, only orders.xlsx. "
            "Save a spreadsheet as CSV (UTF-8), or unpack an archive.",
            id="no file",
        ),
        pytest.param(
            utf_16_big_endian,
            4,
            "orders: {folder}/orders.csv is in UTF-16, big-endian, which cannot be read. "
            "Save it as CSV (UTF-8).",
            id="UTF-16, big-endian",
        ),
        pytest.param(
            utf_16_with_emoji,
            4,
            "orders: {folder}/orders.CSV.GZ is in UTF-16 with characters that cannot be read, such "
            "as emoji. Save it as CSV (UTF-8).",
            id="UTF-16 with emoji",
        ),
        pytest.param(
            link_to_nothing,
            4,
            "orders: {folder}/orders_2.csv cannot be read (No such file or directory).",
            id="a link to a file that is gone",
        ),
        pytest.param(
            folder_for_a_file,
            4,
            "orders: {folder}/orders_2.csv cannot be read (Is a directory).",
            id="a folder in place of a file",
        ),
        pytest.param(
            cut_gzip,
            4,
            "orders: {folder}/orders_2.csv.gz is truncated or damaged",
            id="a compressed file cut in half",
        ),
        pytest.param(
            very_long_line,
            4,
            "orders: {folder}/orders_2.csv has no line break in the 2,000,000 bytes from byte ",
            id="a line of two million characters",
        ),
        pytest.param(
            unwritten_end,
            4,
            "orders: {folder}/orders_2.csv has only NUL bytes from byte ",
            id="a file whose end was never written",
        ),
        pytest.param(
            unwritten_part,
            4,
            "orders: {folder}/orders_2.csv has only NUL bytes from byte ",
            id="a part of a file that was never written",
        ),
        pytest.param(
            file_twice,
            4,
            "orders: {folder}/orders_2.csv is the same file as {folder}/orders.csv. Deliver it",
            id="a file that a link delivers twice",
        ),
        pytest.param(
            pipe,
            4,
            "orders: {folder}/orders_2.csv is a pipe, a socket or a device. Deliver a file.",
            id="a pipe, a socket or a device",
        ),
        pytest.param(
            link_out_of_the_delivery,
            4,
            "orders: {folder}/orders_2.csv is a link to a place outside the delivery. Deliver the "
            "file itself.",
            id="a link to a place outside the delivery",
        ),
        pytest.param(
            name_in_latin_1,
            4,
            "raw data: {folder}/caf\\xe9.pdf has a name that is not UTF-8. Rename it.",
            id="a name that is not UTF-8",
        ),
        pytest.param(
            no_permission,
            4,
            "orders: {folder}/orders_2.csv cannot be read (Permission denied).",
            id="no permission to read a file",
        ),
    ],
)
def test_a_delivery_that_cannot_be_read_is_told_before_anything_is_built(
    deliver: Callable[[Path], None], exit_code, said, tmp_path, bad_rows
):
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    deliver(delivery)
    result = refresh_delivery(bad_rows.folder, delivery=delivery)
    assert result.exit_code == exit_code
    assert said.format(folder=delivery) in result.stderr.splitlines()[-1]
    assert "Built" not in result.stderr


# Places that cannot be written to


@pytest.mark.parametrize(
    ("warehouse", "said"),
    [
        pytest.param("a folder", "is a directory.", id="a folder as warehouse"),
        pytest.param(
            "a file/w.duckdb", "cannot be written to (File exists)", id="a warehouse in no folder"
        ),
        pytest.param(
            "read-only/w.duckdb", "cannot be written to", id="no permission to write the warehouse"
        ),
    ],
)
def test_a_warehouse_that_cannot_be_written_is_exit_code_2(warehouse, said, tmp_path):
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a file").write_text("")
    (tmp_path / "read-only").mkdir(mode=0o500)
    if warehouse.startswith("read-only") and os.access(tmp_path / "read-only", os.W_OK):
        pytest.skip("this user, root for example, may write to every folder")
    path = tmp_path / warehouse
    result = refresh_delivery(tmp_path, "--warehouse", path, delivery=tmp_path)
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert str(path.parent) in line
    assert said in line


def test_a_published_folder_that_cannot_be_made_is_exit_code_3(tmp_path, bad_rows):
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "a file").write_text("")
    result = refresh_delivery(
        bad_rows.folder,
        *("--publish-dir", tmp_path / "a file" / "published"),
        delivery=tmp_path,
        select=["int_run_settings", "dim_dates"],
    )
    assert result.exit_code == 3
    line = result.stderr.splitlines()[-1]
    assert str(tmp_path / "a file") in line
    assert line.endswith("Choose another folder.")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("last spring", 'Invalid history_starts_on "last spring". Use a day such as 2024-01-31.'),
        ("01/02/2024", 'Invalid history_starts_on "01/02/2024". Use a day such as 2024-01-31.'),
        ("2999-01-01", "The var history_starts_on, 2999-01-01, is after the as-of date, "),
    ],
)
def test_a_day_that_the_data_cannot_begin_on_stops_the_build(day, said, tmp_path, bad_rows):
    (tmp_path / "orders.csv").write_text(ORDERS)
    result = refresh_delivery(
        bad_rows.folder,
        delivery=tmp_path,
        dbt_vars={"history_starts_on": day},
        select=["int_run_settings"],
    )
    assert result.exit_code == 1
    assert said in result.stderr


def test_after_all_this_the_published_build_is_the_one_before(bad_rows, bad_files):
    published = bad_rows.folder / "published"
    assert len(list((published / "builds").iterdir())) == 1
    with duckdb.connect(str(published / "marts.duckdb"), read_only=True) as marts:
        kept = marts.execute("select customer_id from dim_customers").fetchall()
    assert ("c\0",) in kept


# The documentation


def test_every_documented_kind_is_tried_and_every_kind_tried_is_documented():
    documented = re.findall(r"^\| ([^|]+?) +\| [^|]+\| *\d *\|$", DOCUMENTED.read_text(), re.M)
    tried = {
        parameters.id
        for test in (
            test_a_delivery_that_says_too_little_is_one_line_and_exit_code_4,
            test_a_delivery_that_cannot_be_read_is_told_before_anything_is_built,
            test_a_warehouse_that_cannot_be_written_is_exit_code_2,
        )
        for mark in test.pytestmark
        for parameters in mark.args[1]
    }
    tried |= (
        BAD_ORDERS.keys()
        | BAD_SUBSCRIPTIONS.keys()
        | BAD_SURVEYS.keys()
        | BAD_MEMBERSHIPS.keys()
        | BAD_WALLETS.keys()
        | {kind for kind, _ in KINDS_OF_FILES}
        | KINDS_OF_FINDINGS.keys()
        | set(TRIED_ELSEWHERE)
    )
    assert sorted(documented) == sorted(tried)
    for name in TRIED_ELSEWHERE.values():
        assert name in globals()
