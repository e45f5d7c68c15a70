"""What customers lack: profiles, gaps and bundles of the sample with pandas, and a planted profile.

The orders' margins and the days on which they count have their own tests; here everything that
follows from them is computed once more, customer by customer and order by order.
"""

import csv
import datetime as dt
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifecycle import build_with_dbt

MARTS = ("rpt_ideal_profiles", "fct_product_gaps", "rpt_product_bundles")
OFFERS = ("int_bundle_offers", "int_new_product_buyers", "int_rising_baskets")
SELECTED = [f"+{model}" for model in (*MARTS, *OFFERS)]
AS_OF = dt.date(2025, 11, 15)  # within a quarter, whose end the wallets do not know yet
YEAR_BEFORE = dt.date(2024, 11, 15)
SEGMENT = ["region", "industry", "tenure_band"]
LEVELS = {
    "region, industry and tenure": SEGMENT,
    "region and industry": ["region", "industry"],
    "region": ["region"],
    "all": [],
}
# the sample is small: with its own numbers, nothing would be in a profile
TOP_SHARE, MIN_CUSTOMERS, MIN_HOLDERS_SHARE, MIN_BUNDLE_CUSTOMERS = Fraction(1, 4), 9, 0.25, 8
VARS = {
    "profile_min_customers": MIN_CUSTOMERS,
    "profile_min_holders_share": MIN_HOLDERS_SHARE,
    "bundle_min_customers": MIN_BUNDLE_CUSTOMERS,
}
CENT = Decimal("0.01")


def cents(value: float | Decimal | Fraction, /) -> Decimal:
    """Round to the cent, half away from zero; a billionth of a cent is floating point."""
    exact = Decimal(value.numerator) / value.denominator if isinstance(value, Fraction) else value
    return round(Decimal(exact), 9).quantize(CENT, rounding=ROUND_HALF_UP)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build the marts from the sample as it was within a quarter."""
    with build_with_dbt(
        folder=tmp_path_factory.mktemp("gaps"),
        select=SELECTED,
        dbt_vars=VARS,
        AS_OF_DATE=AS_OF,
        # what differs is to be seen, not a test that fails before it
        DBT_EXCLUDE_RESOURCE_TYPES="test unit_test",
    ) as warehouse:
        yield warehouse


def months_of(start: dt.date, end: dt.date, /) -> Fraction:
    """Count the months of revenue from a day to another, day by day."""
    months = Fraction(0)
    while start < end:
        last = (start.replace(day=1) + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
        months += Fraction(1, last.day)
        start += dt.timedelta(days=1)
    return months


class Shop:
    """The sample as of the day: who is active, what each brought, and what each holds."""

    def __init__(self, warehouse: duckdb.DuckDBPyConnection, /) -> None:
        """Read what lies below and count."""
        self.warehouse = warehouse
        orders = self.rows("intermediate.int_orders_valued")
        self.orders = {order["order_id"]: order for order in orders}
        category_of = {
            product["product_id"]: product["product_category"] or "unknown"
            for product in self.rows("staging.stg_products")
        }
        self.lines: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for line in self.rows("staging.stg_order_lines"):
            category = category_of.get(line["product_id"], "unknown")
            self.lines[line["order_id"]][category] += line["amount"]
        self.held: dict[str, set[str]] = defaultdict(set)
        self.baskets: dict[str, set[str]] = {}
        self.margin: dict[str, Decimal] = defaultdict(Decimal)
        self.category_margin: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for order in orders:
            if order["customer_id"] != "anonymous":
                self.count(order)
        for interval in self.rows("intermediate.int_mrr_intervals"):
            start = max(interval["active_from"], YEAR_BEFORE + dt.timedelta(days=1))
            end = min(interval["active_to"], AS_OF + dt.timedelta(days=1))
            self.margin[interval["customer_id"]] += cents(
                Fraction(interval["margin_mrr_amount"]) * months_of(start, end)
            )
        self.customers = self.active_customers()

    def rows(self, table: str, /) -> list[dict[str, object]]:
        """Read a table."""
        cursor = self.warehouse.execute(f"from {table}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def count(self, order: dict[str, object], /) -> None:
        """Count what an order and its refund bring, in all and with each category."""
        customer, order_id = order["customer_id"], order["order_id"]
        lines = self.lines.get(order_id, {})
        if order["is_purchase"] and YEAR_BEFORE < order["order_date"] <= AS_OF:
            categories = set(lines) - {"unknown"}
            self.held[customer] |= categories
            if categories and sum(lines.values()) != 0:
                self.baskets[order_id] = categories
        if not lines or sum(lines.values()) == 0:
            lines = self.lines.get(order["sale_order_id"], {})
        total = sum(lines.values())
        for day, margin in (
            (order["order_date"], order["sale_margin_amount"]),
            (order["refunded_on"], order["refund_margin_amount"]),
        ):
            if day is None or not YEAR_BEFORE < day <= AS_OF:
                continue
            self.margin[customer] += margin
            for category, amount in lines.items() if total else ():
                share = cents(Fraction(margin) * Fraction(amount) / Fraction(total))
                self.category_margin[customer, category] += share

    def active_customers(self) -> pd.DataFrame:
        """Return the active customers with their segment and margin."""
        rows = []
        first: dict[str, dt.date] = {}
        active = set()
        for spell in self.rows("intermediate.int_activity_spells"):
            if spell["relationship"] == "any":
                customer = spell["customer_id"]
                first[customer] = min(first.get(customer, spell["started_on"]), spell["started_on"])
                if spell["ended_on"] is None:
                    active.add(customer)
        for customer in self.rows("marts.dim_customers"):
            if customer["customer_id"] in active:
                since = first[customer["customer_id"]]
                is_before_day = (AS_OF.month, AS_OF.day) < (since.month, since.day)
                years = AS_OF.year - since.year - is_before_day
                band = ("under 1 year", "1 to 2 years", "2 years or more")[min(years, 2)]
                margin = self.margin[customer["customer_id"]]
                rows.append(
                    {
                        **{name: customer[name] for name in ("customer_id", "region", "industry")},
                        "tenure_band": band,
                        "margin": margin,
                    }
                )
        return pd.DataFrame(rows)

    def profile(self, segment: pd.Series, /) -> tuple[str, pd.DataFrame, pd.DataFrame]:
        """Return the level whose best customers a segment takes, its customers and the best."""
        for level, names in LEVELS.items():
            group = self.customers
            for name in names:
                group = group[group[name] == segment[name]]
            size = math.ceil(TOP_SHARE * len(group))
            if size >= MIN_CUSTOMERS or level == "all":
                ranked = sorted(
                    group.to_dict("records"), key=lambda row: (-row["margin"], row["customer_id"])
                )
                return level, group, pd.DataFrame(ranked[:size])
        raise AssertionError

    def profiles(self) -> dict[tuple[str, ...], dict[str, object]]:
        """Return what each segment and category of its best customers should say."""
        expected = {}
        for _, segment in self.customers[SEGMENT].drop_duplicates().iterrows():
            level, group, top = self.profile(segment)
            own = (self.customers[SEGMENT] == segment).all(axis=1).sum()
            holders = Counter(
                category for customer in top["customer_id"] for category in self.held[customer]
            )
            median = np.median([int(margin * 100) for margin in top["margin"]])
            for category, count in holders.items():
                brought = sum(
                    self.category_margin[customer, category]
                    for customer in top["customer_id"]
                    if category in self.held[customer]
                )
                low, high = wilson(count, len(top))
                expected[(*segment, category)] = {
                    "profile_level": level,
                    "segment_customers": own,
                    "profile_customers": len(group),
                    "top_customers": len(top),
                    "holders": count,
                    "median_margin_amount": cents(Fraction(int(median * 2), 200)),
                    "category_margin_amount": cents(Fraction(brought) / len(top)),
                    "holders_share": pytest.approx(count / len(top), abs=1e-12),
                    "ci_low": pytest.approx(low, abs=1e-12),
                    "ci_high": pytest.approx(high, abs=1e-12),
                    "is_in_profile": len(top) >= MIN_CUSTOMERS
                    and count / len(top) >= MIN_HOLDERS_SHARE,
                }
        return expected


def wilson(part: int, whole: int, /) -> tuple[float, float]:
    """Solve (p - part / whole)^2 = z^2 p (1 - p) / whole for p: Wilson's interval."""
    rate, z2 = part / whole, 1.96**2 / whole
    low, high = sorted(np.roots([1 + z2, -(2 * rate + z2), rate**2]).real)
    return max(low, 0.0), min(high, 1.0)


@pytest.fixture(scope="module")
def shop(sample) -> Shop:
    """Return the sample, counted once."""
    return Shop(sample)


def by_key(rows: Iterable[dict[str, object]], keys: list[str], /) -> dict[tuple, dict[str, object]]:
    """Index rows by their key."""
    return {
        tuple(row[key] for key in keys): {
            name: value for name, value in row.items() if name not in keys
        }
        for row in rows
    }


def test_the_profiles_of_the_sample_are_those_of_pandas(shop):
    expected = shop.profiles()
    found = by_key(shop.rows("marts.rpt_ideal_profiles"), [*SEGMENT, "product_category"])
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        assert found[key] == row, key
    # or little would have been compared
    assert {row["profile_level"] for row in expected.values()} > {"region", "all"}
    assert {row["is_in_profile"] for row in expected.values()} == {True, False}


def test_the_gaps_of_the_sample_are_those_of_pandas(shop):
    profiles = defaultdict(dict)
    for (*segment, category), row in shop.profiles().items():
        if row["is_in_profile"]:
            profiles[tuple(segment)][category] = row
    expected = {}
    for customer in shop.customers.to_dict("records"):
        name = customer["customer_id"]
        profile = profiles[tuple(customer[key] for key in SEGMENT)]
        missing = {each: row for each, row in profile.items() if each not in shop.held[name]}
        brought = {
            each: max(row["category_margin_amount"], Decimal(0)) for each, row in missing.items()
        }
        for category, row in missing.items():
            gap = max(row["median_margin_amount"] - customer["margin"], Decimal(0))
            whole = sum(brought.values())
            equal = Fraction(1, len(missing))
            weight = Fraction(brought[category]) / Fraction(whole) if whole else equal
            expected[name, category] = (gap, Fraction(gap) * weight)
    found = by_key(shop.rows("marts.fct_product_gaps"), ["customer_id", "product_category"])
    assert found.keys() == expected.keys()
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for (name, category), (gap, potential) in expected.items():
        row = found[name, category]
        assert row["margin_gap_amount"] == gap, (name, category)
        # rounded to the cent at either end
        assert abs(Fraction(row["potential_margin_amount"]) - potential) <= Fraction(1, 100)
        sums[name] += row["potential_margin_amount"]
    for (name, _), (gap, _) in expected.items():
        assert sums[name] == gap, name
    assert len(expected) > 50
    assert max(Counter(name for name, _ in expected).values()) > 1


def test_the_bundles_of_the_sample_are_counted_order_by_order(shop):
    baskets = shop.baskets
    single = Counter(category for basket in baskets.values() for category in basket)
    pairs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for order_id, basket in baskets.items():
        for pair in itertools.permutations(basket, 2):
            pairs[pair].append(order_id)
    expected = {}
    for (one, other), both in pairs.items():
        customers = {shop.orders[order_id]["customer_id"] for order_id in both}
        if len(customers) >= MIN_BUNDLE_CUSTOMERS:
            low, high = wilson(len(both), single[one])
            expected[one, other] = {
                "bundle_customers": len(customers),
                "orders": len(baskets),
                "orders_with_category": single[one],
                "orders_with_other": single[other],
                "orders_with_both": len(both),
                "support": pytest.approx(len(both) / len(baskets)),
                "confidence": pytest.approx(len(both) / single[one]),
                "ci_low": pytest.approx(low),
                "ci_high": pytest.approx(high),
                "lift": pytest.approx(len(both) * len(baskets) / single[one] / single[other]),
            }
    found = by_key(shop.rows("marts.rpt_product_bundles"), ["product_category", "other_category"])
    assert found == expected
    assert {row["lift"] > 1 for row in found.values()} == {True, False}


def test_each_customer_is_offered_the_best_bundle_with_what_they_hold(shop):
    bundles = by_key(shop.rows("marts.rpt_product_bundles"), ["product_category", "other_category"])
    expected = {}
    for customer, held in shop.held.items():
        offers = [
            (-row["lift"] * row["confidence"], other, one)
            for (one, other), row in bundles.items()
            if row["lift"] > 1 and one in held and other not in held
        ]
        if offers:
            expected[customer] = min(offers)[1:]
    found = {
        row["customer_id"]: (row["product_category"], row["with_category"])
        for row in shop.rows("intermediate.int_bundle_offers")
    }
    assert found == expected
    assert found


def test_baskets_that_rise_to_the_last_one_are_those_of_a_walk_through_the_orders(shop):
    purchases = defaultdict(list)
    in_order = sorted(shop.orders.values(), key=lambda each: (each["ordered_at"], each["order_id"]))
    for order in in_order:
        if order["is_purchase"] and order["customer_id"] != "anonymous":
            purchases[order["customer_id"]].append(order["net_revenue_amount"])
    expected = {
        customer: tuple(amounts[-3:])
        for customer, amounts in purchases.items()
        if len(amounts) > 2 and amounts[-3] < amounts[-2] < amounts[-1]
    }
    baskets = ("first_basket_amount", "middle_basket_amount", "last_basket_amount")
    found = {
        row["customer_id"]: tuple(row[name] for name in baskets)
        for row in shop.rows("intermediate.int_rising_baskets")
    }
    assert found == expected
    assert found


# A planted profile

NORTH, SOUTH, BEST = 100, 100, 25


def write(folder: Path, name: str, header: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Write a table of a delivery."""
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(header.split())
        table.writerows(rows)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build a shop in whose north the best quarter buys coffee with their tea, and nobody else.

    In the south the best quarter buys more tea. In both, everyone buys tea; the last three in
    each buy a lamp, new since December.
    """
    folder = tmp_path_factory.mktemp("planted")
    customers, orders, lines = [], [], []
    for region, size in (("north", NORTH), ("south", SOUTH)):
        for number in range(size):
            customer = f"{region} {number:03}"
            customers.append((customer, region))
            is_best = number < BEST
            tea = 100 if is_best and region == "south" else 10 + number % 5
            coffee = 90 + number if is_best and region == "north" else 0
            orders.append((customer, customer, "2024-12-01", tea + coffee))
            lines.append((customer, 1, "tea bags", tea))
            if coffee:
                lines.append((customer, 2, "beans", coffee))
            if number >= size - 3:
                orders.append((f"lamp {customer}", customer, "2024-12-20", 1))
                lines.append((f"lamp {customer}", 1, "lamp", 1))
    orders.append(("old", "old", "2023-01-01", 1))
    lines.append(("old", 1, "tea bags", 1))
    write(folder, "customers", "customer_id region", customers)
    write(folder, "orders", "order_id customer_id ordered_at amount", orders)
    write(folder, "order_lines", "order_id line_number product_id amount", lines)
    goods = [("tea bags", "tea"), ("beans", "coffee"), ("lamp", "lamps")]
    write(folder, "products", "product_id product_category", goods)
    with build_with_dbt(
        folder=folder,
        select=SELECTED,
        RAW_INPUT="files",
        RAW_DATA_DIR=folder,
        AS_OF_DATE="2024-12-31",
    ) as warehouse:
        yield warehouse


def test_a_category_that_the_best_quarter_of_a_region_holds_is_lacked_by_the_rest_of_it(planted):
    gaps = planted.execute(
        "select customer_id, product_category, potential_margin_amount, profile_level "
        "from marts.fct_product_gaps order by customer_id"
    ).fetchall()
    # the best bring 100 + 0..24 + 0..4 of tea in turn: their median is the 13th
    brought = sorted(100 + number + number % 5 for number in range(BEST))
    median = brought[BEST // 2]
    assert gaps == [
        (
            f"north {number:03}",
            "coffee",
            median - (10 + number % 5) - (number >= NORTH - 3),
            "region, industry and tenure",
        )
        for number in range(BEST, NORTH)
    ]


def test_the_best_of_the_south_are_the_profile_of_the_south(planted):
    found = planted.execute(
        "select distinct region, product_category, top_customers, holders from "
        "marts.rpt_ideal_profiles where is_in_profile order by all"
    ).fetchall()
    assert found == [
        ("north", "coffee", BEST, BEST),
        ("north", "tea", BEST, BEST),
        ("south", "tea", BEST, BEST),
    ]


def test_what_is_always_bought_with_tea_is_a_bundle_and_offered_to_those_who_hold_tea(planted):
    orders = NORTH + SOUTH + 6
    found = planted.execute(
        "select product_category, other_category, bundle_customers, orders, confidence, lift "
        "from marts.rpt_product_bundles order by all"
    ).fetchall()
    lift = pytest.approx(orders / (NORTH + SOUTH))
    assert found == [
        ("coffee", "tea", BEST, orders, 1.0, lift),
        ("tea", "coffee", BEST, orders, BEST / (NORTH + SOUTH), lift),
    ]
    offers = planted.execute(
        "select distinct product_category, with_category, count(*) over () "
        "from intermediate.int_bundle_offers"
    ).fetchall()
    assert offers == [("coffee", "tea", NORTH + SOUTH - BEST)]


def test_who_bought_what_was_new_is_found_and_tea_was_never_new(planted):
    # coffee came long after the beginning of the data too, on the day of tea's second sale
    found = planted.execute(
        "select newest_category, new_category, count(*) from intermediate.int_new_product_buyers "
        "group by all order by all"
    ).fetchall()
    assert found == [("coffee", "lamps", BEST), ("lamps", "coffee", 6)]


def test_without_order_lines_nobody_lacks_anything(tmp_path):
    numbers = range(300)
    orders = [(each, f"c{each % 90}", f"2024-12-{1 + each % 28:02}", each) for each in numbers]
    write(tmp_path, "orders", "order_id customer_id ordered_at amount", orders)
    with build_with_dbt(
        folder=tmp_path,
        select=[*SELECTED, "+fct_share_of_wallet_categories"],
        RAW_INPUT="files",
        RAW_DATA_DIR=tmp_path,
    ) as warehouse:
        for table in (*MARTS, "fct_share_of_wallet_categories"):
            assert warehouse.execute(f"select count(*) from marts.{table}").fetchone() == (0,)
        profiled = warehouse.execute(
            "select distinct region, industry from intermediate.int_customers_profiled"
        ).fetchall()
    assert profiled == [("unknown", "unknown")]
