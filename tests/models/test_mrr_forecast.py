"""Subscribers who leave by a known chance: the forecast of MRR finds it and knows its limits."""

import csv
import datetime as dt
import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lifecycle import build_with_dbt
from subscription_simulator import ONE_DAY

pytestmark = pytest.mark.long  # two builds

FIRST_DAY = dt.date(2024, 1, 1)
AS_OF = dt.date(2025, 6, 30)
LAST_DAY = dt.date(2026, 6, 30)
CHANCE_TO_LEAVE = 0.08  # at each end of a month
CHANCE_TO_GROW = 0.03
NEW_PER_DAY = 6
PRICES = (10, 20, 40)
FUTURES = 200


@dataclass(kw_only=True)
class Subscriber:
    """A customer with what they pay from which day on; 0 when they have left."""

    days: list[dt.date]
    prices: list[int]
    month: int = field(default=0)

    def price(self, *, day: dt.date) -> int:
        """Return what is paid at the end of a day."""
        place = bisect_right(self.days, day)
        return self.prices[place - 1] if place else 0

    def live(self, *, chance: random.Random, until: dt.date) -> "Subscriber":
        """Go on from month to month until a day, or until they leave."""
        days, prices, month = list(self.days), list(self.prices), self.month
        while prices[-1]:
            month += 1
            due = renewed_on(first_day=days[0], months=month)
            if due > until:
                month -= 1
                break
            if chance.random() < CHANCE_TO_LEAVE:
                days, prices = [*days, due], [*prices, 0]
            elif chance.random() < CHANCE_TO_GROW:
                days, prices = [*days, due], [*prices, prices[-1] + 10]
        return Subscriber(days=days, prices=prices, month=month)


def renewed_on(*, first_day: dt.date, months: int) -> dt.date:
    """Return the day some months later. No month lacks it: everybody begins by the 28th."""
    year, month = divmod(first_day.year * 12 + first_day.month - 1 + months, 12)
    return dt.date(year, month + 1, first_day.day)


def newcomers(*, chance: random.Random, after: dt.date, until: dt.date) -> Iterator[Subscriber]:
    """Yield who begins after a day, and how they go on until another one."""
    day = after + ONE_DAY
    while day <= until:
        for _ in range(NEW_PER_DAY if day.day <= 28 else 0):
            begun = Subscriber(days=[day], prices=[chance.choice(PRICES)])
            yield begun.live(chance=chance, until=until)
        day += ONE_DAY


def write(*, subscribers: list[Subscriber], folder: Path) -> None:
    """Write a version per price."""
    columns = ("subscription_id", "customer_id", "started_at", "ended_at", "amount", "status")
    with (folder / "subscriptions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number, one in enumerate(subscribers):
            ends = [*one.days[1:], None]
            for started_on, price, ended_on in zip(one.days, one.prices, ends, strict=True):
                if price:
                    has_left = ended_on == one.days[-1] and not one.prices[-1]
                    status = "cancelled" if has_left else "active"
                    ended = ended_on if has_left else ""
                    writer.writerow((f"s{number}", f"c{number}", started_on, ended, price, status))


def forecast(*, subscribers: list[Subscriber], folder: Path) -> list[dict[str, object]]:
    """Build the mart from a delivery; returns its rows."""
    (folder / "delivery").mkdir()
    write(subscribers=subscribers, folder=folder / "delivery")
    with build_with_dbt(
        folder=folder,
        select=["+rpt_mrr_forecast"],
        RAW_INPUT="files",
        RAW_DATA_DIR=folder / "delivery",
        AS_OF_DATE=AS_OF,
    ) as warehouse:
        cursor = warehouse.execute("from marts.rpt_mrr_forecast order by months_ahead")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_a_known_chance_to_leave_is_found_and_futures_lie_in_the_interval(tmp_path):
    chance = random.Random(1)
    known = list(newcomers(chance=chance, after=FIRST_DAY - ONE_DAY, until=AS_OF))
    rows = forecast(subscribers=known, folder=tmp_path)

    assert [row["months_ahead"] for row in rows] == list(range(1, 13))
    assert {row["forecast_status"] for row in rows} == {"used"}
    # 26 weeks before as-of is the last day but one of a month
    assert rows[0]["holdout_months"] == 7
    assert rows[0]["holdout_forecast_error"] < 0.5 * rows[0]["holdout_naive_error"]
    paid = sum(one.price(day=AS_OF) for one in known)
    for row in rows:
        assert row["current_mrr_amount"] == paid
        # each contract meets one end a month
        kept = paid * (1 - CHANCE_TO_LEAVE) ** row["months_ahead"]
        assert float(row["kept_mrr_amount"]) == pytest.approx(kept, rel=0.05)

    outside = dict.fromkeys(range(1, 13), 0)
    means = dict.fromkeys(outside, 0.0)
    for _ in range(FUTURES):
        future = [one.live(chance=chance, until=LAST_DAY) for one in known]
        future += newcomers(chance=chance, after=AS_OF, until=LAST_DAY)
        for row in rows:
            came = sum(one.price(day=row["closes_on"]) for one in future)
            means[row["months_ahead"]] += came / FUTURES
            is_inside = row["forecast_low_amount"] <= came <= row["forecast_high_amount"]
            outside[row["months_ahead"]] += not is_inside
    for row in rows:
        expected = means[row["months_ahead"]]
        assert float(row["forecast_mrr_amount"]) == pytest.approx(expected, rel=0.1)
        width = float(row["forecast_high_amount"] - row["forecast_low_amount"])
        assert width < 0.5 * expected, "an interval that holds everything says nothing"
    # 5 % are expected outside; how far off this one history is, all futures share
    assert sum(outside.values()) < 0.15 * FUTURES * len(rows), outside


def test_a_business_that_stops_selling_in_the_hold_out_has_no_forecast(tmp_path):
    chance = random.Random(2)
    stops_on = AS_OF - dt.timedelta(weeks=26)
    known = [
        one.live(chance=chance, until=AS_OF) if number % 2 else one
        for number, one in enumerate(
            newcomers(chance=chance, after=FIRST_DAY - ONE_DAY, until=stops_on)
        )
    ]
    rows = forecast(subscribers=known, folder=tmp_path)

    assert len(rows) == 12
    assert rows[0]["holdout_forecast_error"] > rows[0]["holdout_naive_error"]
    for row in rows:
        assert row["forecast_status"] == "worse than naive"
        assert row["forecast_mrr_amount"] is row["forecast_low_amount"] is None
        assert row["kept_mrr_amount"] is row["new_mrr_amount"] is None
