"""Share of wallet of every customer of the sample, worked out once more in plain Python.

From the accepted raw rows and the seed of benchmarks, customer by customer: no quarter sums, no
joins on intervals, and what recurs is walked through day by day.
"""

import calendar
import csv
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import duckdb
import pytest
from lifecycle import PROJECT, build_with_dbt
from returns import booked, matched

AS_OF = dt.date(2025, 11, 15)  # within a quarter, which then has no end
MARTS = ("fct_share_of_wallet", "rpt_share_of_wallet")
SEGMENTS = ("region", "industry", "customer_segment", "acquisition_channel")
NO_MONEY = Decimal("0.00")
ONE_DAY = dt.timedelta(days=1)
SHOWN = 40

Row = dict[str, object]
Rows = dict[tuple[str, dt.date], Row]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build the two marts from the sample."""
    with build_with_dbt(
        folder=tmp_path_factory.mktemp("wallet"),
        select=[f"+{mart}" for mart in (*MARTS, "fct_mrr_movements")],
        AS_OF_DATE=AS_OF,
        # what differs is to be seen, not a test that fails before it
        DBT_EXCLUDE_RESOURCE_TYPES="test unit_test",
    ) as built:
        yield built


def query(warehouse: duckdb.DuckDBPyConnection, sql: str, /) -> list[Row]:
    """Run a query and return its rows by column."""
    cursor = warehouse.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def cents(value: Fraction, /) -> Decimal:
    """Round to the cent, half away from zero; a billionth of a cent is floating point."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return round(exact, 11).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def converted(amount: Decimal, rate: float, /) -> Decimal:
    """Convert an amount, which is then one of whole cents."""
    return cents(Fraction(amount) * Fraction(repr(rate)))


def money_of(order: Row, /) -> Iterator[tuple[dt.date, Decimal]]:
    """Yield the days on which an order moves revenue, with how much."""
    if order["status"] not in ("completed", "refunded") or order["subscription_id"]:
        return
    amount, rate = order["amount"], order["exchange_rate"]
    if order["order_type"] == "return":
        yield order["event_date"], converted(-abs(amount), rate)
        return
    discount, refund = order["discount_amount"] or NO_MONEY, order["refunded_amount"]
    if amount >= 0:
        discount, refund = abs(discount), None if refund is None else abs(refund)
    if refund is None:
        refund = amount - discount if order["status"] == "refunded" else NO_MONEY
    yield order["event_date"], converted(amount, rate) - converted(discount, rate)
    refunded_at = order["refunded_at"]
    yield (
        max(order["event_date"], refunded_at.date() if refunded_at else order["event_date"]),
        -converted(refund, rate),
    )


class Books:
    """What is known of the customers, and what follows from it."""

    def __init__(self, warehouse: duckdb.DuckDBPyConnection, /) -> None:
        """Read the accepted rows."""
        self.customers = {
            row["customer_id"]: row
            for row in query(warehouse, "from marts.dim_customers where not is_anonymous")
        }
        path = PROJECT / "seeds" / "reference" / "wallet_benchmarks.csv"
        with path.open(newline="", encoding="utf-8") as file:
            self.benchmarks = {
                row["customer_segment"]: Decimal(row["yearly_wallet_amount"])
                for row in csv.DictReader(file)
            }
        self.orders: dict[str, list[Row]] = defaultdict(list)
        for order in query(warehouse, "from staging.stg_orders where customer_id is not null"):
            self.orders[order["customer_id"]].append(order)
        bookings = (booked(order) for orders in self.orders.values() for order in orders)
        self.sale_of = matched(bookings=bookings).sale_of
        products = query(warehouse, "from staging.stg_products")
        category_of = {row["product_id"]: row["product_category"] or "unknown" for row in products}
        self.categories = set(category_of.values()) - {"unknown"}
        self.lines: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for line in query(warehouse, "from staging.stg_order_lines"):
            category = category_of.get(line["product_id"], "unknown")
            self.lines[line["order_id"]][category] += line["amount"]
        self.answers: dict[str, list[Row]] = defaultdict(list)
        for answer in query(
            warehouse,
            "from staging.stg_survey_responses where survey_type = 'wallet' and customer_id is not "
            "null and responded_at is not null and category_spend_amount is not null "
            "order by responded_at, response_id",
        ):
            self.answers[answer["customer_id"]].append(answer)
        self.movements: dict[str, dict[dt.date, Decimal]] = defaultdict(
            lambda: defaultdict(Decimal)
        )
        for row in query(warehouse, "from marts.fct_mrr_movements"):
            self.movements[row["customer_id"]][row["moved_on"]] += row["mrr_change_amount"]

    def quarter_ends(self) -> list[dt.date]:
        """Return the ends of the quarters that are complete."""
        first = min(row["known_since"] for row in self.customers.values())
        ends = (
            dt.date(year, month, calendar.monthrange(year, month)[1])
            for year in range(first.year, AS_OF.year + 1)
            for month in (3, 6, 9, 12)
        )
        return [end for end in ends if first <= end <= AS_OF]

    def wallet(self, customer_id: str, end: dt.date, /) -> dict[str | None, Row]:
        """Return the last answer of each category, or the one that names none."""
        last = {
            answer["category"]: answer
            for answer in self.answers[customer_id]
            if end.replace(year=end.year - 1) <= answer["event_date"] <= end
        }
        return {None: last[None]} if None in last else last

    def spent(
        self, customer_id: str, end: dt.date, /, *, categories: set[str] | None
    ) -> tuple[Decimal, Decimal]:
        """Add up the year to a day, and by how much roundings may make it differ."""
        start, total = end.replace(year=end.year - 1), NO_MONEY
        for order in self.orders[customer_id]:
            lines = self.lines.get(order["order_id"])
            lines = lines or self.lines.get(self.sale_of.get(order["order_id"])) or {}
            of_all = sum(lines.values())
            for day, amount in money_of(order):
                if not start < day <= end:
                    continue
                if categories is None:
                    total += amount
                    continue
                # what may be of any category counts
                parts = lines if of_all else {"unknown": Decimal(1)}
                for category, part in parts.items():
                    if category in {*categories, "unknown"}:
                        share = Fraction(part) / Fraction(of_all or 1)
                        total += cents(Fraction(amount) * share)
        if categories is not None or customer_id not in self.movements:
            return max(total, NO_MONEY), NO_MONEY
        changes, mrr, earned = self.movements[customer_id], NO_MONEY, Fraction(0)
        day = min(changes)
        while day <= end:
            mrr += changes.get(day, NO_MONEY)
            if day > start:
                earned += Fraction(mrr) / calendar.monthrange(day.year, day.month)[1]
            day += ONE_DAY
        # each change is booked in whole cents
        slack = Decimal("0.005") * len(changes) + Decimal("0.005")
        return max(total + cents(earned), NO_MONEY), slack


def allocation(wallet: Iterable[tuple[Row, Decimal]], /) -> float | None:
    """Return the share that the ranks predict, by what is spent in each category."""
    ranked = [
        (amount, Fraction(answer["brand_rank"]), answer["brands_used"])
        for answer, amount in wallet
        if answer["brand_rank"] and answer["brands_used"]
    ]
    whole = sum(amount for amount, *_ in ranked)
    if not whole:
        return None
    predicted = sum(
        Fraction(amount) * (1 - rank / (brands + 1)) * 2 / brands for amount, rank, brands in ranked
    )
    return float(predicted / Fraction(whole))


def expected_rows(books: Books, found: Rows, /) -> Rows:
    """Work out every row; where days do not end on whole cents, the mart's may be a little off."""
    rows: Rows = {}
    for customer_id, customer in books.customers.items():
        for end in books.quarter_ends():
            answers = books.wallet(customer_id, end)
            row: Row = {"wallet_source": "survey" if answers else "benchmark"}
            categories = set(answers) if answers and set(answers) <= books.categories else None
            own, slack = books.spent(customer_id, end, categories=categories)
            if answers:
                amounts = [
                    cents(
                        Fraction(answer["category_spend_amount"])
                        * Fraction(repr(answer["exchange_rate"]))
                        * 12
                        / answer["spend_period_months"]
                    )
                    for answer in answers.values()
                ]
                wallet = sum(amounts)
                share = allocation(zip(answers.values(), amounts, strict=True))
            else:
                wallet, share = books.benchmarks.get(customer["customer_segment"]), None
                if wallet is None or own <= 0:
                    continue
            in_mart = found.get((customer_id, end), {}).get("own_spend_amount", own)
            own = in_mart if abs(in_mart - own) <= slack else own
            greater = max(own, wallet)
            rows[customer_id, end] = row | {
                "spend_scope": "all" if categories is None else "categories",
                "answered_on": max((row["event_date"] for row in answers.values()), default=None),
                "categories_count": len(set(answers) - {None}),
                "own_spend_amount": own,
                "wallet_amount": wallet,
                "wallet_headroom_amount": max(wallet - own, NO_MONEY),
                "share_of_wallet": float(own / greater) if greater else None,
                "raw_share_of_wallet": float(own / wallet) if wallet else None,
                "wallet_allocation_share": share,
                "is_wallet_understated": own > wallet,
            }
    return rows


def differences(expected: Mapping[object, Row], found: Mapping[object, Row], /) -> list[str]:
    """Say of each row what only one side says."""
    said = []
    for key in sorted(expected.keys() | found.keys(), key=str):
        sides = expected.get(key), found.get(key)
        if None in sides:
            said.append(f"{key}: expected {sides[0]}, found {sides[1]}")
            continue
        said += [
            f"{key}: {name} is {sides[1][name]}, not {value}"
            for name, value in sides[0].items()
            if sides[1][name]
            != (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value)
        ]
    return said


@pytest.fixture(scope="module")
def books(warehouse: duckdb.DuckDBPyConnection) -> Books:
    """Read the accepted rows once."""
    return Books(warehouse)


@pytest.fixture(scope="module")
def found(warehouse: duckdb.DuckDBPyConnection) -> Rows:
    """Return the rows of the mart by customer and quarter end."""
    return {
        (row.pop("customer_id"), row.pop("quarter_end_date")): row
        for row in query(warehouse, "from marts.fct_share_of_wallet")
    }


def test_every_customer_has_the_share_that_the_raw_rows_say(books, found):
    expected = expected_rows(books, found)
    assert {row["wallet_source"] for row in expected.values()} == {"survey", "benchmark"}
    assert any(row["is_wallet_understated"] for row in expected.values())
    assert any(customer_id in books.movements for customer_id, _ in expected)
    said = differences(expected, found)
    assert not said, f"{len(said)} of {len(expected)} rows\n" + "\n".join(said[:SHOWN])


def test_the_report_is_the_customers_added_up(books, found, warehouse):
    expected: dict[tuple, Row] = {}
    for customer_id, customer in books.customers.items():
        for end in books.quarter_ends():
            row = found.get((customer_id, end))
            # who spent nothing and was not asked still is a customer with a known wallet
            is_known = customer["known_since"] <= end
            if not row and not (is_known and customer["customer_segment"] in books.benchmarks):
                continue
            source = row["wallet_source"] if row else "benchmark"
            key = (end, source, *(customer[name] for name in SEGMENTS))
            sums = expected.setdefault(
                key,
                {"customers": 0, "buyers": 0, "understated_customers": 0}
                | dict.fromkeys(("own_spend_amount", "wallet_amount", "greater"), NO_MONEY),
            )
            sums["customers"] += 1
            if row:
                sums["buyers"] += row["own_spend_amount"] > 0
                sums["understated_customers"] += row["is_wallet_understated"]
                sums["own_spend_amount"] += row["own_spend_amount"]
                sums["wallet_amount"] += row["wallet_amount"]
                sums["greater"] += max(row["own_spend_amount"], row["wallet_amount"])
    for sums in expected.values():
        greater = sums.pop("greater")
        sums["share_of_wallet"] = float(sums["own_spend_amount"] / greater) if greater else None
        sums["penetration"] = sums["buyers"] / sums["customers"]
    report = {
        tuple(row[name] for name in ("quarter_end_date", "wallet_source", *SEGMENTS)): row
        for row in query(warehouse, "from marts.rpt_share_of_wallet")
    }
    said = differences(expected, report)
    assert not said, f"{len(said)} differences\n" + "\n".join(said[:SHOWN])
