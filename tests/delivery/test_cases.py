"""Deliveries of the shapes that people really have: right numbers, or one line that says why."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from connected import connected
from lifecycle import PROJECT, VARIABLES, build_with_dbt, refresh_delivery, run

from python_helpers.delivery.rendering import Macros

CASES = Path(os.environ.get("LIFECYCLE_CASES", PROJECT.parent / "shared" / "cases"))
NET = """sum(
    case when status in ('completed', 'refunded') then
        amount - coalesce(discount_amount, 0)
        - coalesce(refunded_amount, case when status = 'refunded' then amount else 0 end)
    end
)::text"""
Query = Callable[[str], list[tuple]]


def case(name: str, /) -> Path:
    """Find a case, or skip the test that wants it: the cases are not part of the repository."""
    folder = CASES / name
    if not folder.is_dir():
        pytest.skip(f"no {name} in {CASES}: set LIFECYCLE_CASES to the folder that has it")
    return folder


@contextmanager
def staged(name: str, /, **environment: str) -> Iterator[Query]:
    """Stage the delivery of a case as a build does; yields how to ask the tables."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        macros = Macros(
            connection=connection,
            project_dir=PROJECT,
            settings={"raw_input": "files", "raw_data_dir": str(case(name))},
            environment=environment,
        )
        for table in ("orders", "subscriptions"):
            macros.ref(f"stg_{table}")
        yield lambda sql: connection.execute(sql).fetchall()


def checked(name: str, /, *arguments: str) -> str:
    """Check the delivery of a case; returns what is said, on one line."""
    with pytest.MonkeyPatch.context() as patched:
        for variable in VARIABLES:
            patched.delenv(variable, raising=False)
        return " ".join(run("check", case(name), *arguments).output.split())


# Right numbers


@pytest.mark.parametrize(
    ("name", "environment", "query", "answer"),
    [
        (
            "dot-thousands",
            {"DECIMAL_MARK": "comma"},
            f"select {NET} from staging.stg_orders",
            [("17680.00",)],
        ),
        (
            "email-case",
            {},
            "select count(distinct customer_id) from staging.stg_orders",
            [(2,)],
        ),
        (
            "etsy-us-dates",
            {},
            "select count(*), min(event_date)::text, max(event_date)::text from staging.stg_orders",
            [(120, "2025-01-01", "2025-12-22")],
        ),
        (
            "guest-zero",
            {},
            "select count(distinct customer_id), count(*) filter (customer_id is null), "
            "sum(amount) filter (customer_id is null)::text from staging.stg_orders",
            [(2, 6, "115.00")],
        ),
        (
            "overlap-exports",
            {},
            f"select {NET}, list(order_id || ' ' || status order by order_id) "
            "from staging.stg_orders",
            [("130.00", ["701 completed", "702 refunded", "703 completed", "704 completed"])],
        ),
        ("preamble", {}, f"select count(*), {NET} from staging.stg_orders", [(3, "1069.95")]),
        (
            "reporting-timezone-west",
            {"REPORTING_TIMEZONE": "America/New_York"},
            f"select count(*), min(event_date)::text, {NET} from staging.stg_orders",
            [(3, "2025-01-31", "75.00")],
        ),
        (
            "sentinel-dates/raw",
            {"AS_OF_DATE": "2025-12-31", "REPORTING_TIMEZONE": "Europe/Berlin"},
            "select count(*), count(ended_at), count(paid_through_at), max(ended_at)::date::text "
            "from staging.stg_subscriptions",
            [(6, 2, 0, "2025-05-31")],
        ),
        (
            "tz-naive",
            {"REPORTING_TIMEZONE": "Europe/Berlin", "RAW_TIMEZONE": "Europe/Berlin"},
            "select event_date::text from staging.stg_orders order by order_id limit 2",
            [("2025-01-31",), ("2025-02-01",)],
        ),
        ("upper-case-name", {}, f"select {NET} from staging.stg_orders", [("10.00",)]),
        (
            "zone-west-of-utc-cannot-publish/raw",
            {"REPORTING_TIMEZONE": "America/New_York"},
            f"select count(*), {NET} from staging.stg_orders",
            [(3, "107.40")],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_a_case_with_a_right_answer_gives_it(name, environment, query, answer):
    with staged(name, **environment) as ask:
        assert ask(query) == answer


@pytest.mark.parametrize(
    ("name", "system", "query", "answer"),
    [
        (
            "cancelled-not-listed/export",
            "stripe",
            "select subscription_id, ended_at::date::text from staging.stg_subscriptions "
            "order by subscription_id",
            [("stripe-sub_G", "2025-04-20"), ("stripe-sub_V", "2025-05-01")],
        ),
        (
            "phone-only/export",
            "shopify",
            "select count(*), count(distinct customer_id), count(customer_id) "
            "from staging.stg_orders",
            [(5, 3, 5)],
        ),
        (
            "store-name-collision/export",
            "shopify",
            "select sum(amount)::text, sum(discount_amount)::text, "
            "(select count(*) from staging.stg_order_lines) from staging.stg_orders",
            [("100.00", "0.00", 3)],
        ),
        (
            "trial-never-paid/export",
            "stripe",
            "select list(status order by started_at), count(paid_through_at) "
            "from staging.stg_subscriptions where subscription_id = 'stripe-sub_T1'",
            [(["trialing", "cancelled"], 0)],
        ),
    ],
)
def test_an_export_with_a_right_answer_gives_it(name, system, query, answer, tmp_path):
    tables = "subscriptions" if system == "stripe" else "orders order_lines"
    with connected(case(name), system, salts=tmp_path, tables=tables) as ask:
        assert ask(query) == answer


# One line


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "cod-all-pending",
            r"Warning: orders: none of 5 orders carries revenue: 4 pending, 1 cancelled.*"
            r"Warning: orders: 5 of 5 orders have no customer",
        ),
        (
            "dot-thousands",
            r"orders\.csv: amount written like '9\.999' may be .* --decimal-mark comma",
        ),
        ("etsy-us-dates", r"ordered_at is read as dates that begin with the month, .* '9/9/9999'"),
        ("footer", r"orders\.csv, lines 6 to 7: .* Take away lines 6 to 7"),
        (
            "items-of-one-subscription/raw",
            r"1 of 2 rows have the key of another row and other content.* put the item in item_id",
        ),
        (
            "line-items-as-orders",
            r"rows have the key of another row and other content.* the lines of an order",
        ),
        ("phone-only/export", r"orders_export\.csv is an export of shopify\. Read it with"),
        ("refund-same-id", r"differ in .*amount\. They look like a sale and its refund"),
        ("sci-ids", r"order_id written like '9\.99999x\+99' was rounded by a spreadsheet"),
        (
            "woo-status-semicolon",
            r"6 of 6 rows are rejected: unknown_status 6 \(written like 'xx-xxxxxxxxx'; wanted "
            r"completed, pending, cancelled or refunded\)",
        ),
        ("wrapped", r"line 2: The line is quoted as one field.* Split that column"),
    ],
)
def test_a_case_without_a_right_answer_is_told_in_one_line(name, line):
    assert re.search(line, checked(name))


@pytest.mark.parametrize(
    ("orders", "arguments", "line"),
    [
        (
            "o,ann,1/2/2025,5",
            (),
            r"ordered_at written like '9/9/9999' may begin with the day or with",
        ),
        ("o,ann,1/2/2025,5", ("--date-order", "day-first"), r"from 2025-02-01 to 2025-02-01"),
        ("o,ann,1/2/2025,5", ("--date-order", "month-first"), r"from 2025-01-02 to 2025-01-02"),
        ("o,ann,1.2.2025,5", (), r"from 2025-02-01 to 2025-02-01"),
        ("o,ann,1/2/2025,5\nq,ann,13/2/2025,5", (), r"from 2025-02-01 to 2025-02-13"),
        ("o,ann,2/13/2025,5\nq,ann,13/2/2025,5", (), r"begins with the day in some rows and with"),
        (
            "o,ann,2025-01-31,1.250",
            (),
            r"amount written like '9\.999' may be a thousand or a fraction",
        ),
        (
            "o,ann,2025-01-31,1.250",
            ("--decimal-mark", "comma"),
            r"decimal comma, written like '9\.",
        ),
        ("o,ann,2025-01-31,1.250", ("--reporting-currency", "KWD"), r"as of 2025-01-31, in KWD"),
        (
            'o,ann,2025-01-31,"1,250"',
            ("--reporting-currency", "KWD"),
            r"amount written like '9,999' may be",
        ),
        ("o,ann,2025-01-31,5 oz", (), r"invalid_amount 1 \(written like '9 xx'"),
        ("o,ann,2025-01-31,5 EUR", (), r"amount is read as numbers .* written like '9 xxx'"),
        ("o,ann,2025-01-31,5", ("--vars", "{date_order: dmy}"), r"Invalid date_order \"dmy\""),
        (
            "1e+12,ann,2025-01-31,5",
            (),
            r"order_id written like '9x\+99' was rounded by a spreadsheet",
        ),
        ('o,ann,2025-01-31,"1,5"\nq,ann,2025-01-31,1.5', (), r"a decimal point in some rows and a"),
        ("o,ann,2025-01-31 23:30:00,5", ("--raw-timezone", "Asia/Tokyo"), r"read as Asia/Tokyo"),
        ("17.0,ann,2025-01-31,5\n18.0,ann,2025-01-31,5", (), r"order_id is read as whole numbers"),
        (
            "1E+12,ann,2025-01-31,5",
            (),
            r"order_id written like '9x\+99' was rounded by a spreadsheet",
        ),
        ("o,N/A,2025-01-31,5\nq,Guest,2025-01-31,5", (), r"100\.0% of the accepted rows have no c"),
        ("o,ann,2025-01-31,NULL", (), r"missing_amount 1"),
    ],
)
def test_what_decides_a_form_is_taken_and_what_does_not_is_asked(
    orders, arguments, line, tmp_path, monkeypatch
):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "orders.csv").write_text(f"order_id,customer_id,ordered_at,amount\n{orders}\n")
    said = " ".join(run("check", tmp_path, *arguments).output.split())
    assert re.search(line, said), said


def test_one_column_of_a_file_decides_for_the_others_and_a_key_is_no_example(tmp_path, monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "orders.csv").write_text(
        "order_id;customer_id;ordered_at;updated_at;amount;discount_amount\n"
        "1;4711.0;1/2/2025;13/2/2025;1.250;0,5\n2;4712.0;2/2/2025;14/2/2025;2.500;1\n"
    )
    (tmp_path / "order_lines.csv").write_text(
        "order_id,line_number,product_id,quantity,amount\n1,1,p,1.250,10.00\n1,2,p,7.125,10.00\n"
    )
    said = " ".join(run("check", tmp_path).output.split())
    assert "orders: from 2025-02-01 to 2025-02-02." in said
    assert "orders: amount is read as numbers with a decimal comma, written like '9.999'." in said
    assert "order_lines: quantity is read as numbers with a decimal point" in said
    assert "line_number" not in said.partition("Settings:")[2]
    assert "orders: customer_id is read as whole numbers: 7.0 is 7." in said
    assert "471" not in said


# Rules that the contract does not have yet


@contextmanager
def built(raw: Path, folder: Path, /, *marts: str, **settings: object) -> Iterator[Query]:
    """Build marts from a delivery; yields how to ask them."""
    settings = {"RAW_INPUT": "files", "RAW_DATA_DIR": str(raw)} | settings
    with build_with_dbt(folder=folder, select=[f"+{mart}" for mart in marts], **settings) as built:
        yield lambda sql: built.execute(sql).fetchall()


def mrr(day: str, customer: str, /) -> str:
    """Ask what a customer's MRR is at the end of a day."""
    return (
        "select coalesce(sum(mrr_change_amount), 0)::text from marts.fct_mrr_movements "
        f"where customer_id = '{customer}' and moved_on <= '{day}'"
    )


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Query]:
    """Build three cases in one, whose customers are others; yields how to ask the marts."""
    folder = tmp_path_factory.mktemp("later")
    (folder / "raw").mkdir()
    for name in ("cancelled-at-once-with-credit", "free-month-as-trial", "lifetime-member"):
        for file in (case(name) / "raw").iterdir():
            shutil.copy(file, folder / "raw" / f"{file.stem}_{name}.csv")
    # what the case cannot say: what the order paid for is a membership for life
    (folder / "raw" / "subscriptions_for_life.csv").write_text(
        "subscription_id,customer_id,started_at,amount,currency,billing_interval,status\n"
        "life,c_lifetime,2025-02-01,300.00,EUR,lifetime,active\n"
    )
    orders = folder / "raw" / "orders_lifetime-member.csv"
    lines = orders.read_text().splitlines()
    orders.write_text(f"{lines[0]},subscription_id\n{lines[1]},life\n")
    settings = {"AS_OF_DATE": "2025-12-31", "dbt_vars": {"free_time_counts_as": "kept"}}
    marts = ("fct_mrr_movements", "fct_churn_events", "rpt_revenue_mix", "dim_customers")
    with built(folder / "raw", folder, *marts, **settings) as ask:
        yield ask


def test_scores_of_another_scale_are_doubted():
    said = checked("csat-other-scale/raw")
    # of eight about the delivery five are too high; nobody gives the chat more than a 3
    assert "5 csat score(s) above 5, such as 7, are rejected while 13 are taken" in said
    assert "no csat score is above 3 in 10 answers about 1 touchpoint(s), and 5 is the" in said
    assert "Say the ends of its scale in scale_min and scale_max" in said


@pytest.mark.long
def test_a_score_of_another_scale_is_taken(tmp_path):
    header, *answers = (case("csat-other-scale") / "raw/survey_responses.csv").read_text().split()
    scales = {"jan": "1,3", "feb": "1,10"}
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/survey_responses.csv").write_text(
        "\n".join(
            [f"{header},scale_min,scale_max", *(f"{row},{scales[row[:3]]}" for row in answers)]
        )
    )
    said = checked(str(tmp_path / "raw"))
    assert "rejected:" not in said and "of its scale" not in said
    with built(tmp_path / "raw", tmp_path, "rpt_csat", AS_OF_DATE="2025-12-31") as ask:
        # months, and by what they were about
        assert ask(
            "select segment_value, satisfied_responses, responses, csat from marts.rpt_csat "
            "where period_grain = 'month' and segment_name in ('all', 'touchpoint') "
            "order by period_start_date, segment_name"
        ) == [
            ("all", 6, 10, 0.6),
            ("chat", 6, 10, 0.6),
            ("all", 4, 8, 0.5),
            ("delivery", 4, 8, 0.5),
        ]


@pytest.mark.long
def test_a_plan_that_was_credited_ends_with_its_successor(later):
    movements = (
        "select moved_on::text, movement, mrr_change_amount::text from marts.fct_mrr_movements "
        "where customer_id = '{}' order by 1"
    )
    assert later(movements.format("c_upg")) == [
        ("2025-01-15", "new", "40.00"),
        ("2025-04-15", "expansion", "20.00"),
    ]
    assert later(movements.format("c_imm")) == [
        ("2025-01-15", "new", "100.00"),
        ("2025-03-20", "churn", "-100.00"),
    ]
    stage = "select lifecycle_stage from marts.dim_customers where customer_id = 'c_upg'"
    assert later(stage) != [("at_risk",)]


@pytest.mark.long
def test_a_free_month_is_no_churn(later):
    assert later("from marts.fct_churn_events where customer_id = 'c_free'") == []
    assert later(mrr("2025-05-20", "c_free")) == [("20.00",)]


@pytest.mark.long
def test_a_member_for_life_is_not_lost(later):
    assert later("from marts.fct_churn_events where customer_id = 'c_lifetime'") == []
    assert later(mrr("2025-12-31", "c_lifetime")) == [("0.00",)]
    active = "select is_active, cohort_month::text from marts.dim_customers where customer_id = "
    assert later(f"{active}'c_lifetime'") == [(True, "2025-02-01")]
    # 300 on its day, and what the others pay: 100 for 2 months and 19 of 31 days less 14 of 31...
    paid = 300 + 100 * (17 / 31 + 1 + 19 / 31)
    # ...40 for 3 months, then 60 for 8 and 16 days, 20 from January 10, and 20 from February 1 on
    paid += 40 * (17 / 31 + 2 + 14 / 30) + 60 * (16 / 30 + 8) + 20 * (22 / 31 + 11) + 20 * 11
    ((found,),) = later(
        "select sum(total_revenue_amount)::double from marts.rpt_revenue_mix "
        "where period_grain = 'year'"
    )
    assert found == pytest.approx(paid, abs=0.1)


@pytest.mark.long
def test_a_request_to_cancel_counts_on_its_day_and_one_that_was_withdrawn_is_nothing(tmp_path):
    told = []
    for day in ("2025-06-30", "2025-12-31"):
        refreshed = refresh_delivery(
            tmp_path,
            *("--as-of", day, "--vars", "{churn_recognised_at: requested}"),
            delivery=case("committed-mrr-requested/raw"),
        )
        # the same day, told before and after the end: no closed month changes, and nobody is warned
        assert refreshed.exit_code == 0, refreshed.output
        assert "changed" not in refreshed.output
        with duckdb.connect(str(tmp_path / "published" / "marts.duckdb"), read_only=True) as marts:
            movements = marts.execute(
                "select customer_id, moved_on::text, movement, mrr_change_amount::text "
                "from marts.fct_mrr_movements order by all"
            ).fetchall()
            committed = marts.execute(
                "select period_start_date::text, sum(closing_mrr_amount)::text, "
                "sum(committed_mrr_amount)::text from marts.rpt_mrr_periods "
                "where period_grain = 'month' and period_start_date <= '2025-06-01' "
                "group by 1 order by 1"
            ).fetchall()
        told.append((movements, committed))
    assert told[0] == told[1]
    assert told[0] == (
        [
            ("q1", "2025-01-01", "new", "100.00"),
            ("q1", "2025-03-05", "churn", "-100.00"),
            ("q2", "2025-01-01", "new", "20.00"),
            ("q2", "2025-03-05", "churn", "-20.00"),
            ("q3", "2025-01-01", "new", "20.00"),
            ("q4", "2025-01-01", "new", "20.00"),
        ],
        [
            *((f"2025-0{month}-01", "160.00", "160.00") for month in (1, 2)),
            *((f"2025-0{month}-01", "40.00", "40.00") for month in (3, 4, 5, 6)),
        ],
    )


@pytest.mark.long
def test_a_trial_that_was_never_paid_is_no_payer(tmp_path):
    (tmp_path / "salt").write_text("salt", encoding="utf-8")
    settings = {"AS_OF_DATE": "2025-05-31", "RAW_INPUT": "stripe", "ERASURES_DIR": str(tmp_path)}
    marts = ("fct_mrr_movements", "fct_churn_events")
    with built(case("trial-never-paid/export"), tmp_path, *marts, **settings) as ask:
        # the other one came in March and went in April
        assert ask(
            "select moved_on::text, mrr_change_amount::text from marts.fct_mrr_movements order by 1"
        ) == [("2025-03-20", "20.00"), ("2025-04-20", "-20.00")]
        events = "select churned_on::text from marts.fct_churn_events where relationship = "
        assert ask(f"{events}'subscription'") == [("2025-04-20",)]


def test_every_case_is_here():
    if not CASES.is_dir():
        pytest.skip(f"no cases in {CASES}: set LIFECYCLE_CASES to the folder that has them")
    said = Path(__file__).read_text(encoding="utf-8")
    folders = [path.name for path in CASES.iterdir() if path.is_dir()]
    assert [name for name in folders if f'"{name}' not in said] == []
