"""The synthetic data is believable, reproducible, and bad in every way the contract names."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import duckdb
import pytest
from click.testing import CliRunner, Result

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "seeds" / "sample"
CHANNELS = ("organic_search", "paid_search", "paid_social", "referral", "email", "partner")
CURRENCIES = ("EUR", "GBP", "USD")

# What the contract asks of each table, as far as a row can break it: key, required columns,
# columns with a type, closed vocabularies, and the column that dates the row.
CONTRACT = {
    "customers": {
        "key": ["customer_id"],
        "required": ["customer_id"],
        "types": {
            "created_at": "timestamp",
            "is_discount_acquired": "boolean",
            "may_contact": "boolean",
        },
        "date": "created_at",
    },
    "orders": {
        "key": ["order_id"],
        "required": ["order_id", "ordered_at", "amount"],
        "types": {"ordered_at": "timestamp", "amount": "decimal(18, 2)"},
        "words": {
            "status": ("completed", "pending", "cancelled", "refunded"),
            "order_type": ("sale", "return"),
        },
        "date": "ordered_at",
        "currency_of": "amount",
    },
    "order_lines": {
        "key": ["order_id", "line_number"],
        "required": ["order_id", "line_number", "product_id", "amount"],
        "types": {"amount": "decimal(18, 2)", "quantity": "integer"},
    },
    "products": {"key": ["product_id"], "required": ["product_id"]},
    "subscriptions": {
        "key": ["subscription_id", "started_at"],
        "required": ["subscription_id", "customer_id", "started_at", "amount"],
        "types": {"started_at": "timestamp", "amount": "decimal(18, 2)"},
        "words": {
            "status": ("trialing", "active", "past_due", "paused", "cancelled", "expired"),
            "billing_interval": ("day", "week", "month", "quarter", "year"),
        },
        "date": "started_at",
        "currency_of": "amount",
    },
    "survey_responses": {
        "key": ["response_id"],
        "required": ["response_id", "survey_type"],
        "types": {"responded_at": "timestamp", "score": "integer"},
        "words": {"survey_type": ("nps", "csat", "ces", "intent", "wallet", "exit")},
        "date": "responded_at",
        "currency_of": "category_spend_amount",
    },
    "engagement_events": {
        "key": ["event_id"],
        "required": ["event_id", "customer_id", "occurred_at", "event_type"],
        "types": {"occurred_at": "timestamp", "duration_seconds": "integer"},
        "words": {
            "event_type": (
                *("site_visit", "portal_login", "tool_use", "download", "email_sent"),
                *("email_opened", "email_clicked", "form_submitted", "support_contact"),
                *("sales_contact", "loyalty_earned", "loyalty_redeemed"),
            )
        },
        "date": "occurred_at",
    },
    "campaigns": {
        "key": ["campaign_id"],
        "required": ["campaign_id"],
        "words": {
            "objective": ("awareness", "engagement", "conversion", "retention", "expansion"),
            "audience": ("prospect", "customer"),
        },
    },
    "campaign_members": {
        "key": ["campaign_id", "customer_id"],
        "required": ["campaign_id", "customer_id", "assigned_at"],
        "date": "assigned_at",
    },
    "marketing_spend": {
        "key": ["spend_date", "channel", "campaign_id"],
        "required": ["spend_date", "channel", "amount"],
        "types": {"amount": "decimal(18, 2)"},
        "date": "spend_date",
        "currency_of": "amount",
    },
    "loyalty_memberships": {
        "key": ["customer_id", "programme", "joined_at"],
        "required": ["customer_id", "programme", "joined_at"],
        "date": "joined_at",
    },
    "usage_readings": {
        "key": ["asset_id", "read_at"],
        "required": ["asset_id", "customer_id", "read_at", "reading"],
        "types": {"reading": "decimal(18, 2)"},
        "date": "read_at",
    },
    "exchange_rates": {
        "key": ["rate_date", "from_currency", "to_currency"],
        "required": ["rate_date", "from_currency", "to_currency", "rate"],
        "types": {"rate": "double"},
        "date": "rate_date",
    },
}


def load_generator() -> ModuleType:
    """Import the script, which is in no package."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "benchmarks" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate"] = module
    spec.loader.exec_module(module)
    return module


generator = load_generator()


def run(*arguments: object) -> Result:
    """Run the generator's command line; an error it does not handle fails the test."""
    result = CliRunner().invoke(generator.main, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def reasons_of(table: str) -> dict[str, str]:
    """Return reason -> SQL condition under which a row of the table breaks the contract."""
    contract = CONTRACT[table]
    reasons = {
        "missing_required": " or ".join(f"{column} is null" for column in contract["required"]),
        "duplicate": f"""count(*) over (partition by {", ".join(contract["key"])}) > 1
            and row_number() over (
                partition by {", ".join(contract["key"])} order by rowid
            ) > 1 and {contract["key"][0]} is not null""",
    }
    if "types" in contract:
        reasons["wrong_type"] = " or ".join(
            f"{column} is not null and try_cast({column} as {kind}) is null"
            for column, kind in contract["types"].items()
        )
    if "words" in contract:
        reasons["unknown_value"] = " or ".join(
            f"{column} not in {words}" for column, words in contract["words"].items()
        )
    if "date" in contract:
        reasons["implausible_date"] = f"try_cast({contract['date']} as date) < '1970-01-01'"
        reasons["future_dated"] = f"try_cast({contract['date']} as date) > '2026-01-01'"
    if "currency_of" in contract:
        reasons["unknown_currency"] = (
            f"currency not in {CURRENCIES} and {contract['currency_of']} is not null"
        )
    if table == "survey_responses":
        reasons["out_of_range"] = """not try_cast(score as integer) between
            case survey_type when 'csat' then 1 when 'ces' then 1 else 0 end
            and case survey_type when 'csat' then 5 when 'ces' then 7 else 10 end"""
    if table == "engagement_events":
        reasons["out_of_range"] = "not try_cast(outcome_score as integer) between 1 and 5"
    if table == "subscriptions":
        reasons["ended_without_date"] = """status in ('cancelled', 'expired')
            and coalesce(ended_at, paid_through_at, cancel_requested_at) is null"""
    if table == "order_lines":
        reasons["orphan"] = "order_id not in (select order_id from every_order)"
        reasons["lines_of_a_rejected_order"] = (
            "order_id in (select order_id from every_order)"
            " and order_id not in (select order_id from accepted_orders)"
        )
        reasons["unknown_product"] = "product_id not in (select product_id from known_products)"
    if table == "orders":
        reasons["unknown_customer"] = "customer_id not in (select customer_id from known_people)"
    return reasons


def judge(folder: Path, file_format: str) -> duckdb.DuckDBPyConnection:
    """Load every table as text and write down in `verdicts` what is wrong with which row."""
    connection = duckdb.connect()
    reader = "read_csv('{}', all_varchar = true)" if file_format == "csv" else "'{}'"
    for table in CONTRACT:
        file = reader.format(folder / f"{table}.{file_format}")
        connection.execute(f"create table {table} as select columns(*)::varchar from {file}")
    connection.execute("""
        create view every_order as
        select order_id from orders where order_id is not null;
        create view known_products as
        select product_id from products where product_id is not null;
        create view known_people as
        select customer_id from customers where customer_id is not null;
        create table verdicts (table_name varchar, row_number bigint, reason varchar);
    """)
    for table in CONTRACT:
        conditions = reasons_of(table)
        for reason, condition in conditions.items():
            connection.execute(f"""
                insert into verdicts
                select '{table}', number, '{reason}'
                from (select rowid as number, coalesce({condition}, false) as holds from {table})
                where holds
            """)
        if table == "orders":
            connection.execute("""
                create table accepted_orders as
                select order_id from orders
                where order_id is not null and rowid not in (
                    select row_number from verdicts
                    where table_name = 'orders' and reason != 'unknown_customer'
                )
            """)
    return connection


def value(connection: duckdb.DuckDBPyConnection, query: str) -> object:
    """Return the one value of a query."""
    return connection.execute(query).fetchone()[0]


@pytest.fixture(scope="session")
def sample() -> duckdb.DuckDBPyConnection:
    """Return the committed sample, judged."""
    return judge(SAMPLE, "csv")


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """Return 20,000 customers: every table as a view, with their purchases and spells."""
    folder = tmp_path_factory.mktemp("town")
    result = run(folder, "--customers", 20_000, "--seed", 1, "--format", "parquet")
    assert result.exit_code == 0, result.stderr
    connection = duckdb.connect()
    for table in CONTRACT:
        connection.execute(f"create view {table} as from '{folder / table}.parquet'")
    connection.execute(f"create table folder as select '{folder}' as path")
    connection.execute("""
        create table windows as
        from (values
            ('grocery', 30), ('beauty', 60), ('fashion', 120), ('electronics', 270),
            ('home', 365), (null, 60)
        ) as activity_window (vertical, days);

        create table people as
        from customers
        where customer_id is not null
        qualify row_number() over (partition by customer_id order by updated_at desc) = 1;

        create table last_versions as
        from orders
        where order_id is not null
        qualify row_number() over (partition by order_id order by updated_at desc) = 1;

        -- every return names its sale
        create table sent_back as
        select original_order_id as order_id, sum(abs(amount)) as returned_amount
        from last_versions
        where order_type = 'return'
        group by original_order_id;

        -- a purchase: a completed sale, not wholly paid or sent back, no invoice, by somebody known
        create table purchases as
        select customer_id, ordered_at::date as bought_on, order_id
        from last_versions
        left join sent_back using (order_id)
        where
            customer_id is not null
            and coalesce(status, 'completed') in ('completed', 'refunded')
            and coalesce(order_type, 'sale') = 'sale'
            and amount >= 0
            and subscription_id is null
            and currency != 'ZZZ'
            and ordered_at between '2020-01-01' and '2026-01-01'
            and case
                when status = 'refunded' and refunded_amount is null then false
                else coalesce(refunded_amount, 0) + coalesce(returned_amount, 0) = 0
                    or coalesce(refunded_amount, 0) + coalesce(returned_amount, 0)
                    < amount - coalesce(discount_amount, 0)
            end;

        -- a spell lasts until as many days have passed without a purchase as the window has
        create table gaps as
        select
            purchases.*,
            people.vertical,
            days as window_days,
            acquisition_channel,
            bought_on - lag(bought_on) over (partition by customer_id order by bought_on) as gap
        from purchases
        left join people using (customer_id)
        left join windows on windows.vertical is not distinct from people.vertical;

        create table spells as
        select
            customer_id,
            vertical,
            acquisition_channel,
            min(bought_on) as started_on,
            max(bought_on) + max(window_days) as ended_on
        from (
            select
                *,
                sum((gap is null or gap > window_days)::int) over (
                    partition by customer_id order by bought_on
                ) as spell
            from gaps
        )
        group by customer_id, vertical, acquisition_channel, spell;

        -- active on the last day before the month begins
        create table openings as
        select distinct customer_id, vertical, acquisition_channel, month_no
        from (select unnest(range(37)) as month_no)
        inner join spells
            on started_on < date '2023-01-01' + to_months(month_no::int)
            and ended_on >= date '2023-01-01' + to_months(month_no::int);
    """)
    return connection


# --- the program


@pytest.mark.parametrize("table", CONTRACT)
def test_the_committed_sample_is_what_its_arguments_give(table, fresh_sample):
    # After an upgrade of DuckDB that changes hash(), write the sample again.
    assert (fresh_sample / f"{table}.csv").read_bytes() == (SAMPLE / f"{table}.csv").read_bytes()


@pytest.fixture(scope="session")
def fresh_sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    result = run(folder, "--customers", 400, "--seed", 1, "--format", "csv")
    assert result.exit_code == 0, result.stderr
    assert {file.name for file in folder.iterdir()} == {f"{table}.csv" for table in CONTRACT}
    assert all(table in result.stdout for table in CONTRACT)
    return folder


def test_two_runs_give_the_same_bytes_and_another_seed_gives_others(tmp_path):
    tables = ("orders", "order_lines", "subscriptions", "survey_responses")
    for folder, seed in (("one", 5), ("two", 5), ("other", 6)):
        arguments = (
            tmp_path / folder,
            "--customers",
            150,
            "--seed",
            seed,
            "--tables",
            ",".join(tables),
        )
        assert run(*arguments).exit_code == 0
    for table in tables:
        one, two, other = (
            (tmp_path / folder / f"{table}.csv").read_bytes() for folder in ("one", "two", "other")
        )
        assert one == two
        assert one != other


def test_some_tables_alone_are_the_same_as_among_all(tmp_path, fresh_sample):
    assert run(tmp_path, "--tables", "orders, campaigns").exit_code == 0
    assert {file.name for file in tmp_path.iterdir()} == {"orders.csv", "campaigns.csv"}
    for name in ("orders.csv", "campaigns.csv"):
        assert (tmp_path / name).read_bytes() == (fresh_sample / name).read_bytes()


def test_the_sample_is_small_and_holds_nothing_else():
    files = list(SAMPLE.iterdir())
    assert {file.name for file in files} == {f"{table}.csv" for table in CONTRACT}
    assert sum(file.stat().st_size for file in files) < 2_000_000


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["--customers", "0"], 2, "--customers"),
        (["--format", "xml"], 2, "--format"),
        (["--tables", "orders,oders"], 2, "unknown table oders"),
        (["--memory-limit", "much"], 1, "Memory must have a number"),
    ],
)
def test_a_bad_argument_is_one_clear_line(tmp_path, arguments, exit_code, message):
    result = run(tmp_path / "out", *arguments)
    assert result.exit_code == exit_code
    assert message in result.stderr
    assert not (tmp_path / "out" / "orders.csv").exists()


def test_one_table_in_two_formats_is_refused(tmp_path):
    (tmp_path / "orders.csv").write_text("order_id\n", encoding="utf-8")
    result = run(tmp_path, "--format", "parquet", "--tables", "orders")
    assert result.exit_code == 1
    assert "orders.csv exists" in result.stderr


def test_parquet_columns_keep_their_types(town):
    types = dict(town.execute("select column_name, column_type from (describe orders)").fetchall())
    assert types["amount"] == "DECIMAL(18,2)"
    assert types["ordered_at"] == "TIMESTAMP"
    assert types["order_id"] == "VARCHAR"


# --- what is wrong with it

EVERY_REASON = sorted({
    (table, reason) for table in CONTRACT for reason in reasons_of(table)
    # in these small tables not everything goes wrong
    if table not in (
        "products", "exchange_rates", "campaigns", "campaign_members", "marketing_spend",
        "loyalty_memberships", "usage_readings",
    )
})  # fmt: skip


@pytest.mark.parametrize(("table", "reason"), EVERY_REASON)
def test_the_sample_has_rows_of_every_bad_kind(sample, table, reason):
    rows = value(
        sample,
        f"select count(*) from verdicts where table_name = '{table}' and reason = '{reason}'",
    )
    assert rows >= 1


def test_every_table_of_the_sample_has_a_bad_row_and_most_rows_are_good(sample):
    shares = dict(
        sample.execute(
            "select table_name, count(distinct row_number) from verdicts group by table_name"
        ).fetchall()
    )
    for table in CONTRACT:
        assert 0 < shares.get(table, 0) / value(sample, f"select count(*) from {table}") < 0.12


def test_duplicates_come_with_the_same_and_with_other_content(sample):
    same, other = sample.execute("""
        select
            count(*) filter (where contents = 1),
            count(*) filter (where contents > 1 and times = contents and statuses > 1)
        from (
            select
                count(*) as copies,
                count(distinct orders::varchar) as contents,
                count(distinct updated_at) as times,
                count(distinct status) as statuses
            from orders
            where order_id is not null
            group by order_id
        )
        where copies > 1
    """).fetchone()
    assert same >= 1
    assert other >= 1


def test_some_customers_are_known_from_their_orders_only(sample):
    unlisted = value(
        sample,
        """select count(distinct customer_id) from orders
        where customer_id not in (select customer_id from known_people)""",
    )
    assert unlisted >= 2


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_about_one_row_in_a_hundred_is_bad(sample, town, file_format):
    judged = sample
    if file_format == "parquet":
        judged = judge(Path(value(town, "select path from folder")), "parquet")
    rows = sum(value(judged, f"select count(*) from {table}") for table in CONTRACT)
    bad = value(
        judged, "select count(*) from (select distinct table_name, row_number from verdicts)"
    )
    assert 0.006 < bad / rows < 0.015


# --- what is believable about it


def test_half_of_the_buyers_buy_again(town):
    repeat_share = value(
        town,
        """select avg((purchases > 1)::int) from (
            select count(*) as purchases from purchases group by customer_id
        )""",
    )
    assert 0.30 < repeat_share < 0.60


def test_each_channel_loses_a_few_percent_of_its_customers_a_month(town):
    rates = dict(
        town.execute("""
            select
                opening.acquisition_channel,
                avg((closing.customer_id is null)::int)
            from openings as opening
            left join openings as closing
                on opening.customer_id = closing.customer_id
                and closing.month_no = opening.month_no + 1
            where opening.month_no < 36
            group by opening.acquisition_channel
        """).fetchall()
    )
    assert set(CHANNELS) | {None} == set(rates)
    for channel, rate in rates.items():
        assert 0.02 < rate < 0.15, channel
    assert rates["paid_social"] == max(rates[channel] for channel in CHANNELS)
    assert rates["referral"] == min(rates[channel] for channel in CHANNELS)
    assert rates["paid_social"] > 2 * rates["referral"]


def test_the_activity_windows_fit_the_rhythms(town):
    for vertical, window, median_gap in town.execute(
        "select vertical, window_days, median(gap) from gaps group by vertical, window_days"
    ).fetchall():
        assert median_gap < 0.5 * window, vertical
    for vertical, returned in town.execute("""
        select vertical, avg(coalesce(next_on - ended_on <= 180, false)::int)
        from (
            select
                *,
                lead(started_on) over (partition by customer_id order by started_on) as next_on
            from spells
        )
        where ended_on <= date '2025-12-31' - 180 and vertical is not null
        group by vertical
    """).fetchall():
        assert returned < 0.20, vertical


def test_some_customers_come_back_after_a_long_break(town):
    assert (
        value(
            town,
            """select avg((spells > 1)::int) from (
            select count(*) as spells from spells group by customer_id
        )""",
        )
        > 0.05
    )


def test_customers_grow_and_november_and_december_are_the_peak(town):
    active = [
        value(town, f"select count(*) from openings where month_no = {months}")
        for months in (12, 24, 36)
    ]
    assert active == sorted(active)
    assert active[2] > 1.3 * active[1]
    for year in (2024, 2025):
        peak, rest = town.execute(f"""
            select
                count(*) filter (where month(bought_on) >= 11) / 61,
                count(*) filter (where month(bought_on) between 2 and 10) / 273
            from purchases
            where year(bought_on) = {year}
        """).fetchone()
        assert peak > 1.2 * rest
    late = dict(
        town.execute("""
            select vertical, avg((month(bought_on) >= 11)::int)
            from purchases
            inner join people using (customer_id)
            group by vertical
        """).fetchall()
    )
    assert late["electronics"] > 1.2 * late["home"]


def test_volumes_are_about_ten_orders_and_twenty_five_lines_per_customer(town):
    assert 9 < value(town, "select count(*) from orders") / 20_000 < 11.5
    assert 22 < value(town, "select count(*) from order_lines") / 20_000 < 28


def test_segments_are_few_and_partly_unknown_and_some_people_never_buy(town):
    for column in ("region", "industry", "customer_segment", "acquisition_channel", "vertical"):
        unknown = value(town, f"select avg(({column} is null)::int) from people")
        assert 0 < unknown < (0.95 if column == "industry" else 0.05), column
    combinations = value(
        town,
        """select count(*) from (
            select distinct region, industry, customer_segment, acquisition_channel from people
        )""",
    )
    assert 100 < combinations <= 500
    prospects = value(
        town,
        """select avg((
            customer_id not in (select customer_id from orders where customer_id is not null)
            and customer_id not in (
                select customer_id from subscriptions where customer_id is not null
            )
        )::int) from people""",
    )
    assert 0.04 < prospects < 0.15


def test_lines_add_up_to_their_order_and_few_orders_have_none(town):
    matching, without = town.execute("""
        with sums as (
            select order_id, sum(amount) as amount from order_lines group by order_id
        )
        select
            avg((sums.amount = orders.amount)::int),
            avg((sums.order_id is null)::int)
        from orders
        left join sums using (order_id)
        where order_id like 'O%'
    """).fetchone()
    assert 0.95 < matching < 1
    assert 0.01 < without < 0.03
    most, mean = town.execute("""
        select max(lines), avg(lines) from (
            select count(distinct line_number) as lines from order_lines
            where order_id like 'O%' group by order_id
        )
    """).fetchone()
    assert most == 5
    assert 2.4 < mean < 2.6


def test_customers_buy_from_more_categories_as_time_goes_by(town):
    early, late = town.execute("""
        with numbered as (
            select
                purchases.customer_id,
                product_category,
                dense_rank() over (
                    partition by purchases.customer_id order by bought_on, order_id
                ) as purchase_number
            from purchases
            inner join order_lines using (order_id)
            inner join products using (product_id)
        )
        select
            count(distinct (customer_id, product_category)) filter (
                where purchase_number <= 4
            ) / count(distinct customer_id),
            count(distinct (customer_id, product_category)) filter (
                where purchase_number between 9 and 12
            ) / count(distinct customer_id)
        from numbered
        where customer_id in (
            select customer_id from purchases group by customer_id having count(*) >= 12
        )
    """).fetchone()
    assert late > 1.2 * early


def test_returns_refunds_and_currencies_are_there(town):
    returns, originals, negative = town.execute("""
        select
            count(*),
            count(*) filter (where original_order_id in (select order_id from orders)),
            avg((amount < 0)::int)
        from orders where order_type = 'return'
    """).fetchone()
    assert returns > 5_000
    assert originals > 0.98 * returns
    assert 0.4 < negative < 0.6
    whole, part, unstated, same_day = town.execute("""
        select
            count(*) filter (where refunded_amount = amount - coalesce(discount_amount, 0)),
            count(*) filter (where refunded_amount < amount - coalesce(discount_amount, 0)),
            count(*) filter (where refunded_amount is null),
            count(*) filter (where refunded_at < ordered_at + interval 1 day)
        from orders
        where refunded_at is not null and ordered_at between '2020-01-01' and '2026-01-01'
    """).fetchone()
    assert min(whole, part, unstated) > 500
    assert same_day == 0
    anonymous = value(town, "select avg((customer_id is null)::int) from orders")
    assert 0.02 < anonymous < 0.04
    shares = dict(
        town.execute(
            "select currency, count(*) / sum(count(*)) over () from orders group by currency"
        ).fetchall()
    )
    assert all(shares[currency] > 0.1 for currency in CURRENCIES)
    pairs, weekends = town.execute("""
        select
            list(distinct from_currency || to_currency order by from_currency || to_currency),
            count(*) filter (where isodow(rate_date) > 5)
        from exchange_rates
    """).fetchone()
    assert pairs == ["EURGBP", "USDEUR"]
    assert weekends == 0


def test_subscriptions_live_through_everything_the_contract_names(town):
    statuses = dict(
        town.execute("select status, count(*) from subscriptions group by status").fetchall()
    )
    for status in ("trialing", "active", "past_due", "paused", "cancelled", "expired", None):
        assert statuses[status] > 50, status
    intervals = set(
        town.execute(
            "select distinct billing_interval, billing_interval_count from subscriptions"
        ).fetchall()
    )
    assert {("month", 1), ("month", 3), ("quarter", 1), ("year", 1)} <= intervals
    up, down, renewed, resumed = town.execute("""
        select
            count(*) filter (where amount * quantity > before * quantity_before),
            count(*) filter (where amount * quantity < before * quantity_before),
            count(*) filter (
                where billing_interval = 'year'
                and started_at = started_before + interval 1 year
            ),
            count(*) filter (where status = 'active' and status_before = 'paused')
        from (
            select
                *,
                lag(amount) over by_start as before,
                lag(quantity) over by_start as quantity_before,
                lag(status) over by_start as status_before,
                lag(started_at) over by_start as started_before
            from subscriptions
            window by_start as (partition by subscription_id order by started_at)
        )
    """).fetchone()
    assert min(up, down, renewed, resumed) > 100
    reasons = {
        row[0]
        for row in town.execute("select distinct cancel_reason from subscriptions").fetchall()
    }
    assert {"price", "competitor", "moved_away", "payment_failed", None} <= reasons
    involuntary = value(
        town, "select avg(is_involuntary::int) from subscriptions where is_involuntary is not null"
    )
    assert 0.1 < involuntary < 0.4
    two, both, invoices = town.execute("""
        select
            (select count(*) from (
                select customer_id from subscriptions
                group by customer_id having count(distinct subscription_id) > 1
            )),
            (
                select count(distinct customer_id)
                from subscriptions semi join purchases using (customer_id)
            ),
            (select count(*) from orders where subscription_id is not null)
    """).fetchone()
    assert min(two, both, invoices) > 200


def test_what_people_say_goes_with_what_they_do(town):
    answers = town.execute("""
        with habits as (
            select customer_id, count(*) as purchases, max(bought_on) - min(bought_on) as days
            from purchases group by customer_id
        )
        select median(purchases), median(days), count(*)
        from survey_responses
        inner join habits using (customer_id)
        where survey_type = 'nps' and score between 0 and 10
        group by score >= 9, score <= 6
        order by score >= 9 desc, score <= 6
    """).fetchall()
    promoters, _, detractors = answers
    assert promoters[0] > 1.3 * detractors[0]
    assert promoters[1] > 1.2 * detractors[1]
    assert min(promoters[2], detractors[2]) > 300


def test_surveys_of_every_type_are_partly_answered(town):
    for survey_type, rate, anonymous in town.execute("""
        select survey_type, avg((responded_at is not null)::int), avg((customer_id is null)::int)
        from survey_responses
        where survey_type in ('nps', 'csat', 'ces', 'intent', 'wallet', 'exit')
        group by survey_type
    """).fetchall():
        assert 0.2 < rate < 0.6, survey_type
        assert 0 < anonymous < 0.1, survey_type
    shares = dict(
        town.execute("""
            select reason_code, count(*) / sum(count(*)) over ()
            from survey_responses where reason_code is not null group by reason_code
        """).fetchall()
    )
    assert set(shares) == {
        *("price", "moved_away", "competitor", "poor_service"),
        *("no_longer_needed", "payment_failed"),
    }
    assert max(shares.values()) < 0.5
    assert value(
        town,
        """select bool_and(switched_to_competitor) from survey_responses
        where reason_code = 'competitor'""",
    )
    # most are asked around the end of a spell
    near = value(
        town,
        """select avg((
            exists (
                select 1 from spells
                where spells.customer_id = survey_responses.customer_id
                    and abs(responded_at::date - ended_on) <= 90
            )
        )::int)
        from survey_responses semi join purchases using (customer_id)
        where survey_type = 'exit' and year(responded_at) between 2023 and 2025""",
    )
    assert near > 0.9


def test_campaigns_hold_some_customers_out_and_write_to_the_others(town):
    control, mailed_control, refused = town.execute("""
        select
            avg(is_control::int) filter (where campaigns.is_control_held_out),
            count(*) filter (where is_control and exists (
                select 1 from engagement_events as event
                where event.customer_id = campaign_members.customer_id
                    and event.campaign_id = campaign_members.campaign_id
            )),
            count(*) filter (where not may_contact)
        from campaign_members
        inner join campaigns using (campaign_id)
        left join people using (customer_id)
    """).fetchone()
    assert 0.30 < control < 0.36
    assert mailed_control == 0
    assert refused == 0
    uncontrolled = value(
        town,
        """select count(*) filter (where is_control)
        from campaign_members
        inner join campaigns using (campaign_id)
        where not campaigns.is_control_held_out""",
    )
    assert uncontrolled == 0
    channels = {
        row[0] for row in town.execute("select distinct channel from marketing_spend").fetchall()
    }
    assert channels == {*CHANNELS, "sales"}


def test_campaigns_have_the_lifts_that_are_planted(town):
    lifts = generator.planted_lifts()
    assert len(lifts) == 12
    assert 4 <= sum(lift == 0 for lift in lifts.values()) <= 8
    arms = {
        (campaign, is_control): (members, buyers)
        for campaign, is_control, members, buyers in town.execute("""
            with members as (
                select distinct campaign_id, customer_id, assigned_at, is_control
                from campaign_members
                where assigned_at is not null
            )
            select
                campaign_id,
                is_control,
                count(distinct customer_id),
                count(distinct customer_id) filter (
                    where bought_on between assigned_at::date and assigned_at::date + 13
                )
            from members
            left join purchases using (customer_id)
            group by campaign_id, is_control
        """).fetchall()
    }
    distances = []
    for campaign, lift in lifts.items():
        (targeted, buyers), (held_out, others) = (
            arms.get((campaign, is_control), (0, 0)) for is_control in (False, True)
        )
        if held_out < 50:
            continue
        rate, other_rate = buyers / targeted, others / held_out
        variance = rate * (1 - rate) / targeted + other_rate * (1 - other_rate) / held_out
        distances.append((rate - other_rate - lift) / variance**0.5)
    # all within what chance does, and no lean to one side
    assert len(distances) >= 6
    assert max(map(abs, distances)) < 3
    assert abs(sum(distances)) < 3 * len(distances) ** 0.5


def test_the_lifts_are_said_with_the_data(tmp_path):
    printed = run(tmp_path, "--customers", 20, "--tables", "campaign_members").stdout
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for campaign, lift in generator.planted_lifts().items():
        assert (f"{campaign} +{lift:.2f}" in printed) == (lift > 0)
        assert f"| {campaign} |" in readme
        line = next(line for line in readme.splitlines() if line.startswith(f"| {campaign} |"))
        assert line.endswith(f" {lift:.2f} |")
    assert "planted" not in run(tmp_path, "--customers", 20, "--tables", "orders").stdout


def test_some_customers_refuse_to_be_contacted_and_of_some_nobody_knows(town):
    refused, unknown = town.execute("""
        select avg((may_contact is false)::int), avg((may_contact is null)::int) from people
    """).fetchone()
    assert 0.06 < refused < 0.10
    assert 0.18 < unknown < 0.22


def test_a_meter_tells_the_next_service_better_than_the_last_gap(town):
    services, by_gap, by_meter, near = town.execute("""
        with meters as (
            select distinct on (asset_id, read_at)
                asset_id,
                read_at::date as read_on,
                reading,
                is_service_visit
            from usage_readings
            where reading is not null
        ),

        paces as (
            select
                *,
                (reading - lag(reading) over by_day)
                / nullif(read_on - lag(read_on) over by_day, 0) as pages_a_day
            from meters
            window by_day as (partition by asset_id order by read_on)
        ),

        visits as (
            select
                read_on - lag(read_on) over by_day as gap,
                lag(read_on) over by_day - lag(read_on, 2) over by_day as gap_before,
                6000 / nullif(lag(pages_a_day) over by_day, 0) as gap_by_meter,
                reading - lag(reading) over by_day as pages
            from paces
            where is_service_visit
            window by_day as (partition by asset_id order by read_on)
        )

        select
            count(*),
            median(abs(gap - gap_before)),
            median(abs(gap - gap_by_meter)),
            avg((pages between 5400 and 6600)::int)
        from visits
        where gap_before is not null
    """).fetchone()
    assert services > 500
    assert by_meter < 0.7 * by_gap
    # most come when the device asks, some late
    assert 0.6 < near < 0.9


def test_a_meter_never_runs_backwards_and_some_owners_have_two(town):
    backwards, assets, owners, never_served = town.execute("""
        select
            (
                select count(*) from (
                    select reading - lag(reading) over (
                        partition by asset_id order by read_at
                    ) as pages
                    from usage_readings
                    where reading is not null
                )
                where pages < 0
            ),
            count(distinct asset_id),
            count(distinct customer_id),
            (
                select count(*) from (
                    select asset_id from usage_readings
                    group by asset_id
                    having max(reading) > 20000 and not bool_or(is_service_visit)
                )
            )
        from usage_readings
    """).fetchone()
    assert backwards == 0
    assert 1.05 * owners < assets < 1.3 * owners
    assert never_served > 10


def test_the_best_customers_of_a_region_have_a_category_in_common(town):
    for region, category in (
        ("dach", "fragrance"),
        ("benelux", "fragrance"),
        ("united_kingdom", "clothing"),
        ("united_states", "clothing"),
    ):
        best, others = town.execute(f"""
            with buyers as (
                select
                    customer_id,
                    ntile(4) over (order by sum(amount) desc) = 1 as is_best,
                    bool_or(product_category = '{category}') as has_category
                from purchases
                inner join order_lines using (order_id)
                inner join products using (product_id)
                inner join people using (customer_id)
                where region = '{region}' and bought_on >= '2025-01-01'
                group by customer_id
            )
            select
                avg(has_category::int) filter (where is_best),
                avg(has_category::int) filter (where not is_best)
            from buyers
        """).fetchone()
        assert best > 0.5, region
        assert best > others + 0.15, region


def test_who_leaves_has_been_served_worse(town):
    leavers, stayers = town.execute("""
        with served as (
            select
                max(ended_on) <= '2025-12-31' as has_left,
                avg(is_resolved::int) as resolved_share
            from engagement_events
            inner join spells using (customer_id)
            where event_type = 'support_contact'
            group by customer_id
        )
        select
            avg(resolved_share) filter (where has_left),
            avg(resolved_share) filter (where not has_left)
        from served
    """).fetchone()
    assert leavers < stayers - 0.05


def test_nothing_happens_after_the_last_day(town):
    for table, column in (
        ("orders", "ordered_at"),
        ("subscriptions", "started_at"),
        ("survey_responses", "responded_at"),
        ("engagement_events", "occurred_at"),
    ):
        first, last = town.execute(f"""
            select min({column}), max({column}) from {table}
            where {column} between '1950-01-01' and '2050-01-01'
        """).fetchone()
        assert str(first) >= "2023-01-01", table
        assert "2025-12-30" < str(last) < "2026-01-01", table
