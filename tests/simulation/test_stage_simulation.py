"""Thousands of customers whose lives go on at random: their stages equal those of the simulator."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from differences import Lines, compare
from lifecycle import build_with_dbt
from random_lifecycles import AS_OF, Lifecycles, some_lifecycles
from random_subscriptions import Row
from returns import booked, is_purchase, matched
from stage_facts import exit_types, read_delivery
from stage_simulator import STAGES, Lifecycle, walk
from stage_situations import situations
from subscription_simulator import Policy, Run

pytestmark = pytest.mark.long  # builds, and a walk through every day of every customer

MART = "fct_lifecycle_stages"
# in the middle of things, on a leap day and at the end of a month
EARLIER_DAYS = (dt.date(2023, 10, 11), dt.date(2024, 2, 29), dt.date(2024, 11, 30))
# of the columns a row has the first says when it happened
TIMES = ("started_at", "ordered_at", "responded_at", "invited_at", "occurred_at", "created_at")

AT_LEAST = 10
SITUATIONS = {
    *STAGES,
    *("aware to captured", "aware to nurtured", "captured to nurtured", "nurtured no more"),
    *("aware to new", "captured to new", "captured by a form", "captured by an email"),
    *("nurtured by 3", "nurtured by one of 89 days ago"),
    *("aware to at_risk", "new to at_risk", "at_risk to new", "new to established"),
    *("new to advocate", "new to churned_unknown"),
    *("established to at_risk", "at_risk to established", "at_risk to won_back"),
    *("established to advocate", "advocate to at_risk", "advocate to established"),
    *("established to growing", "growing to established", "growing to at_risk"),
    *("established to declining", "declining to established", "declining to at_risk"),
    *("growing to declining", "declining to growing", "won_back to established"),
    *(f"at_risk to churned_{exit_type}" for exit_type in ("natural", "preventable", "unknown")),
    *(f"churned_{exit_type} to won_back" for exit_type in ("natural", "preventable", "unknown")),
    *("churned_unknown to churned_natural", "churned_unknown to churned_preventable"),
    *("churned_preventable to churned_natural", "churned_natural to churned_preventable"),
    *("at risk: quiet", "at risk: past_due", "at risk: cancel_requested", "at risk: detractor"),
    *("quiet for half the window", "quiet by rhythm"),
    *("quiet for the fewest days", "quiet for most of the window"),
    *("advocate by purchases", "advocate by a paid year"),
    *("advocate until the answer is old", "at_risk until the answer is old"),
    *("the answer of a leap day is old", "two answers of a second"),
    *("declining at exactly 0.8", "declining at exactly 0.9"),
    *("growing at exactly 1.2", "growing at exactly 1.1"),
    *("declining between the thresholds of a decline", "growing between the thresholds of growth"),
    "established between the thresholds of a decline",
    "established between the thresholds of growth",
    *("established from nothing", "answered after leaving", "left without a word"),
    *("left for the contract's reason", "a buyer left for the contract's reason"),
    *("answered without a reason", "answered without a reason, the contract has one"),
    *("the answer and the contract differ", "a reason nobody knows"),
    *("two answers as near", "two answers of a day", "one answer too far"),
    *("answered 90 days from the end", "contracts that end together differ"),
    "two answers of a day, not of a second",
    *(f"{stage} for a day" for stage in ("new", "established", "at_risk", "churned_unknown")),
    *(f"vertical {vertical}" for vertical in ("grocery", "beauty", "fashion", "electronics")),
    *("vertical home", "vertical toys", "vertical ", "known on no day", "not described"),
    *("described late", "email without a day", "partly refunded later", "wholly refunded later"),
    *("came back by its key", "came back by its amount", "came back as a whole"),
    *("refunded before its sale", "return", "free", "adjusted", "invoice", "pending"),
    *("answer held back", "anonymous answer", "score out of range", "invited and answered"),
    "reason without an answer",
}


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A delivery and what the simulator makes of it."""

    delivery: Lifecycles
    run: Run
    lives: dict[str, Lifecycle]

    def lines(self) -> Lines:
        """Return the stays of each customer as a test compares them."""
        return {
            customer_id: [
                f"{number} {stay.stage}: {stay.entered_on} to {stay.left_on}"
                f"{', current' if not stay.left_on else ''}"
                for number, stay in enumerate(life.stays, start=1)
            ]
            for customer_id, life in self.lives.items()
        }


def simulated(*, delivery: Lifecycles, policy: Policy | None = None) -> Simulated:
    """Walk every customer of a delivery through all days."""
    facts, run = read_delivery(delivery=delivery, as_of=AS_OF, policy=policy or Policy())
    types = exit_types()
    lives = {
        customer_id: walk(facts=of_customer, run=run, exit_types=types)
        for customer_id, of_customer in facts.items()
    }
    return Simulated(delivery=delivery, run=run, lives=lives)


def raw_rows(*, delivery: Lifecycles) -> dict[str, list[Row]]:
    """Return the rows of each customer, what happened first before the rest."""
    raw = defaultdict(list)
    for table, rows in vars(delivery).items():
        for row in rows:
            if "customer_id" in row:
                raw[row["customer_id"]].append({"table": table, **row})
    for rows in raw.values():
        rows.sort(key=lambda row: next((row[name] for name in TIMES if row.get(name)), ""))
    return raw


def stages_found(
    *, delivery: Lifecycles, folder: Path, as_of: dt.date, policy: dict[str, object] | None = None
) -> list[dict[str, object]]:
    """Build the mart from a delivery and return its rows, the first stage of a customer first."""
    raw = folder / "delivery"
    if not raw.exists():
        raw.mkdir()
        delivery.write(folder=raw)
    with build_with_dbt(
        folder=folder,
        select=[f"+{MART}"],
        dbt_vars=policy,
        RAW_INPUT="files",
        RAW_DATA_DIR=raw,
        AS_OF_DATE=as_of,
        # what differs is to be seen, not a test that fails before it
        DBT_EXCLUDE_RESOURCE_TYPES="test unit_test",
    ) as warehouse:
        return rows_of(warehouse)


def rows_of(warehouse: duckdb.DuckDBPyConnection, /) -> list[dict[str, object]]:
    """Read the mart."""
    cursor = warehouse.execute(
        "select customer_id, stage_number, lifecycle_stage, entered_on, left_on, is_current "
        f"from marts.{MART} order by customer_id, stage_number"
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def lines_of(rows: Sequence[dict[str, object]], /) -> Lines:
    """Return the stays of each customer as a test compares them."""
    lines = defaultdict(list)
    for row in rows:
        text = "{stage_number} {lifecycle_stage}: {entered_on} to {left_on}".format(**row)
        lines[row["customer_id"]].append(f"{text}{', current' if row['is_current'] else ''}")
    return lines


@pytest.fixture(scope="module")
def everything() -> Simulated:
    """Walk through the days of a delivery in which everything happens."""
    return simulated(delivery=some_lifecycles(seed=20250318))


def situations_of_rows(simulated: Simulated, /) -> Iterator[str]:
    """Yield what is special about the raw rows."""
    delivery = simulated.delivery
    described = {row["customer_id"] for row in delivery.customers}
    yield from ("not described" for name in simulated.lives if name not in described)
    for row in delivery.customers:
        yield f"vertical {row['vertical'].lower()}"
        life = simulated.lives.get(row["customer_id"])
        if life is None:
            yield "known on no day"
            continue
        if row["created_at"][:10] > str(life.facts.known_since):
            yield "described late"
        if row["email"] and not row["created_at"]:
            yield "email without a day"
    for row in delivery.orders:
        if row["refunded_at"]:
            paid = float(row["amount"]) - float(row["discount_amount"] or 0)
            whole = float(row["refunded_amount"] or paid) >= paid
            if row["refunded_at"][:10] > row["ordered_at"][:10]:
                yield "wholly refunded later" if whole else "partly refunded later"
            elif row["refunded_at"][:10] < row["ordered_at"][:10]:
                yield "refunded before its sale"
        amount = float(row["amount"])
        sale = "free" if amount == 0 else "adjusted" if amount < 0 else "sale"
        yield row["order_type"] or sale
        yield row["status"] or "completed"
        if row["subscription_id"]:
            yield "invoice"
    bookings = [booked(row) for row in delivery.orders]
    matches = matched(bookings=bookings)
    yield from ("came back by its key" for _ in matches.by_id)
    yield from ("came back by its amount" for _ in matches.by_amount)
    for booking in bookings:
        if booking.order_id in matches.taken_back:
            is_part = is_purchase(booking=booking, matches=matches)
            yield "came back in part" if is_part else "came back as a whole"
    keys = Counter(row["response_id"] for row in delivery.survey_responses)
    for row in delivery.survey_responses:
        if row["responded_at"][:10] > str(AS_OF):
            yield "answer held back"
        if not row["customer_id"]:
            yield "anonymous answer"
        if row["survey_type"] == "nps" and row["score"] == "11":
            yield "score out of range"
        if keys[row["response_id"]] > 1 and row["responded_at"]:
            yield "invited and answered"
        if row["reason_code"] and not row["responded_at"]:
            yield "reason without an answer"


def test_every_situation_occurs(everything):
    seen = Counter(situations_of_rows(everything))
    for life in everything.lives.values():
        seen.update(situations(life, everything.run))
    assert len(everything.lives) >= 2000
    assert {name: seen[name] for name in SITUATIONS if seen[name] < AT_LEAST} == {}


def test_every_stay_is_that_of_the_simulator(everything, tmp_path):
    rows = stages_found(delivery=everything.delivery, folder=tmp_path, as_of=AS_OF)
    compare(
        what="stages",
        expected=everything.lines(),
        found=lines_of(rows),
        raw=raw_rows(delivery=everything.delivery),
        folder=tmp_path,
    )


def cut_at(rows: Sequence[dict[str, object]], day: dt.date, /) -> Iterator[dict[str, object]]:
    """Yield the stays as they were to be seen at the end of a day."""
    for row in rows:
        if row["entered_on"] <= day:
            lasts = row["left_on"] is None or row["left_on"] > day
            yield row | ({"left_on": None, "is_current": True} if lasts else {})


@pytest.mark.nightly
def test_a_past_day_shows_what_was_to_be_known_then(tmp_path):
    delivery = some_lifecycles(seed=7, is_corrected=False)
    # a gap is filled only when it is over: without a grace there is none to fill
    policy = {"renewal_grace_days": 0}
    today = stages_found(delivery=delivery, folder=tmp_path, as_of=AS_OF, policy=policy)
    for day in EARLIER_DAYS:
        then = stages_found(delivery=delivery, folder=tmp_path, as_of=day, policy=policy)
        compare(
            what=f"stages at {day}",
            expected=lines_of(list(cut_at(today, day))),
            found=lines_of(then),
            raw=raw_rows(delivery=delivery),
            folder=tmp_path,
        )
