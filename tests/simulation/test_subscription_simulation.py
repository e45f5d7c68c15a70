"""Thousands of customers whose subscriptions go on at random: the marts equal the simulator."""

import datetime as dt
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from differences import Lines, compare
from lifecycle import build_with_dbt
from random_subscriptions import AS_OF, OFFERS, SEGMENTS, Delivery, Row, some_delivery
from simulated_deliveries import Simulated, simulated, situations
from simulated_periods import MONTHS_OF_GRAIN, mrr_sums, periods, retention_counts
from simulated_plans import (
    episodes,
    first_plan,
    paid_by_plan,
    plan_movements,
    plan_sums,
    subscription_counts,
    trials,
)
from subscription_simulator import RELATIONSHIPS, Policy

pytestmark = pytest.mark.long  # each policy is a build, and a walk through every day

POLICIES = {
    "the defaults": Policy(),
    "the request counts, a pause is kept, five days of grace": Policy(
        churn_recognised_at="requested", paused_counts_as="kept", renewal_grace_days=5
    ),
    "the cancellation counts, no grace": Policy(
        churn_recognised_at="cancelled", renewal_grace_days=0
    ),
}
MARTS = (
    "fct_mrr_movements",
    "rpt_mrr_periods",
    "fct_activity_spells",
    "rpt_retention_periods",
    "rpt_mrr_plans",
    "rpt_trials",
    "rpt_dunning",
)

AT_LEAST = 20
SITUATIONS = {
    *("new", "expansion", "contraction", "churn", "reactivation", "fx"),
    *("gap within the grace", "gap beyond the grace", "gap between two subscriptions"),
    *("overlap of two subscriptions", "swap of subscriptions on a day", "handed over"),
    *("trial to paid", "two versions of a day", "stops before it starts"),
    *("paused", "past_due", "trialing", "cancelled", "expired", "no status"),
    *("cancelled before paid through", "stop planned", "end planned", "end against status"),
    *("nothing to pay", "discount", "interval count above 1", "half a cent", "no quantity"),
    *("day", "week", "month", "quarter", "year"),
    *("over without a date", "ended before its start", "no rate", "held back", "superseded"),
    *("orders alone", "orders and subscription"),
}


@dataclass(frozen=True, kw_only=True)
class Built:
    """What the simulator and the project make of the same delivery."""

    simulated: Simulated
    warehouse: duckdb.DuckDBPyConnection
    folder: Path
    with_weeks: bool

    def rows(self, sql: str, /) -> list[dict[str, object]]:
        """Run a query; amounts become whole cents."""
        cursor = self.warehouse.execute(sql)
        names = [column[0] for column in cursor.description]
        return [
            {
                name: int(value * 100) if isinstance(value, Decimal) else value
                for name, value in zip(names, row, strict=True)
            }
            for row in cursor.fetchall()
        ]

    def compare(self, *, what: str, expected: Lines, found: Lines) -> None:
        """Fail with every customer or period of which not the same is said."""
        raw: dict[str, list[Row]] = defaultdict(list)
        for row in sorted(self.simulated.delivery.subscriptions, key=lambda row: row["started_at"]):
            raw[row["customer_id"]].append(row)
        for row in self.simulated.delivery.orders:
            raw[row["customer_id"]].append(row)
        compare(what=what, expected=expected, found=found, raw=raw, folder=self.folder)


@pytest.fixture(scope="module")
def delivery() -> Delivery:
    """Make one delivery for all policies."""
    return some_delivery(seed=20241218)


@pytest.fixture(scope="module", params=POLICIES.values(), ids=POLICIES.keys())
def built(
    request: pytest.FixtureRequest,
    delivery: Delivery,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Built]:
    """Build the marts from the delivery, and walk through its days."""
    folder = tmp_path_factory.mktemp("simulation")
    (folder / "delivery").mkdir()
    delivery.write(folder=folder / "delivery")
    with build_with_dbt(
        folder=folder,
        select=[f"+{mart}" for mart in MARTS],
        # the defaults are what the project says without being told
        dbt_vars=(
            asdict(request.param) | {"report_weeks": True} if request.param != Policy() else {}
        ),
        RAW_INPUT="files",
        RAW_DATA_DIR=folder / "delivery",
        AS_OF_DATE=AS_OF,
        # what differs is to be seen, not a test that fails before it
        DBT_EXCLUDE_RESOURCE_TYPES="test unit_test",
    ) as warehouse:
        yield Built(
            simulated=simulated(delivery=delivery, policy=request.param),
            warehouse=warehouse,
            folder=folder,
            with_weeks=request.param != Policy(),
        )


def test_every_situation_occurs(delivery):
    seen = situations(simulated(delivery=delivery, policy=Policy()))
    assert len({row["customer_id"] for row in delivery.subscriptions}) >= 2000
    assert {name: seen[name] for name in SITUATIONS if seen[name] < AT_LEAST} == {}


def movements_found(built: Built, /) -> dict[str, list[dict[str, object]]]:
    """Return each customer's rows of the mart, the exchange rate's first on its day."""
    found = defaultdict(list)
    for row in built.rows(
        "select customer_id, moved_on, movement, mrr_before_amount as before, "
        "mrr_change_amount as change, mrr_after_amount as after from marts.fct_mrr_movements "
        "order by customer_id, moved_on, movement <> 'fx'"
    ):
        found[row.pop("customer_id")].append(row)
    return found


def test_every_customer_pays_the_same_at_the_end_of_every_day(built):
    def steps(changes: Mapping[dt.date, int]) -> list[str]:
        paid, said = 0, []
        for day in built.simulated.run.days:
            paid += changes.get(day, 0)
            if changes.get(day):
                said.append(f"from {day} {paid} cents")
        return said

    expected, found = {}, {}
    for customer_id, history in built.simulated.histories.items():
        days = zip(built.simulated.run.days, [0, *history.mrr], history.mrr, strict=False)
        expected[customer_id] = steps({day: after - before for day, before, after in days})
    for customer_id, rows in movements_found(built).items():
        changes = Counter()
        for row in rows:
            changes[row["moved_on"]] += row["change"]
        found[customer_id] = steps(changes)
    built.compare(what="daily recurring revenue", expected=expected, found=found)


def test_every_movement_is_that_of_the_simulator(built):
    def lines(rows: Iterable[Mapping[str, object]]) -> list[str]:
        return [
            "{moved_on} {movement}: {before} {change:+} = {after}".format(**row) for row in rows
        ]

    built.compare(
        what="movements",
        expected={
            customer_id: lines(map(asdict, history.movements))
            for customer_id, history in built.simulated.histories.items()
        },
        found={customer_id: lines(rows) for customer_id, rows in movements_found(built).items()},
    )


def test_every_spell_is_that_of_the_simulator(built):
    text = "{relationship} {spell_number}: {started_on} to {ended_on}, lapses {lapses_on}"
    expected, found = {}, defaultdict(list)
    for customer_id, history in built.simulated.histories.items():
        spells = [asdict(spell) | {"is_active": not spell.ended_on} for spell in history.spells]
        expected[customer_id] = sorted(
            f"{text.format(**spell)}, active: {spell['is_active']}" for spell in spells
        )
    for row in built.rows("select * from marts.fct_activity_spells"):
        found[row["customer_id"]].append(f"{text.format(**row)}, active: {row['is_active']}")
    for lines in found.values():
        lines.sort()
    built.compare(what="spells", expected=expected, found=found)


def compare_periods(
    built: Built, /, *, mart: str, relationship: str, sums_of: Callable[..., Mapping[str, int]]
) -> None:
    """Compare what adds up in the periods of a mart, segment by segment and flag by flag."""
    expected: dict[str, Counter] = defaultdict(Counter)
    for period in periods(run=built.simulated.run, with_weeks=built.with_weeks):
        for customer_id, history in built.simulated.histories.items():
            sums = sums_of(history=history, period=period, run=built.simulated.run)
            segments = ", ".join(built.simulated.segments[customer_id])
            complete = "complete" if period.is_complete else "cut short"
            expected[f"{period.grain} {period.starts_on} ({complete}), {segments}"].update(sums)
    names = sorted({name for sums in expected.values() for name in sums})
    found: dict[str, Counter] = defaultdict(Counter)
    where = f"where relationship = '{relationship}'" if relationship else ""
    for row in built.rows(f"select * from marts.{mart} {where}"):
        segments = ", ".join(row[name] for name in SEGMENTS)
        complete = "complete" if row["is_complete_period"] else "cut short"
        key = f"{row['period_grain']} {row['period_start_date']} ({complete}), {segments}"
        found[key].update({name: row[name] for name in names})

    def lines(periods: Mapping[str, Counter]) -> Lines:
        # a row in which nothing is counted may be there or not
        return {
            key: [f"{name} {sums[name]}" for name in names if sums[name]]
            for key, sums in periods.items()
        }

    what = f"periods of {relationship or 'recurring revenue'}"
    built.compare(what=what, expected=lines(expected), found=lines(found))


@pytest.mark.parametrize("relationship", RELATIONSHIPS)
def test_every_period_counts_the_customers_of_the_simulator(built, relationship):
    def counts(**arguments: object) -> Mapping[str, int]:
        return retention_counts(relationship=relationship, **arguments)

    mart = "rpt_retention_periods"
    compare_periods(built, mart=mart, relationship=relationship, sums_of=counts)


def test_every_period_has_the_recurring_revenue_of_the_simulator(built):
    compare_periods(built, mart="rpt_mrr_periods", relationship="", sums_of=mrr_sums)


def test_every_period_counts_the_subscriptions_of_the_simulator(built):
    compare_periods(built, mart="rpt_mrr_periods", relationship="", sums_of=subscription_counts)


def said(sums: Mapping[str, int], /) -> list[str]:
    """Say what is counted; a row in which nothing is counted may be there or not."""
    return [f"{name} {sums[name]}" for name in sorted(sums) if sums[name]]


def test_every_plan_moves_in_every_period_as_in_the_simulator(built):
    run = built.simulated.run
    walked = []
    for history in built.simulated.histories.values():
        days = paid_by_plan(history=history, run=run)
        moves = list(plan_movements(history=history, days=days, run=run))
        if moves:
            walked.append((moves, days))
    expected: dict[str, Counter] = defaultdict(Counter)
    for period in periods(run=run, with_weeks=built.with_weeks):
        for moves, days in walked:
            sums = plan_sums(movements=moves, days=days, period=period, run=run)
            for plan, its_sums in sums.items():
                key = f"{period.grain} {period.starts_on}, {' / '.join(plan)}"
                expected[key].update(its_sums)
    assert sum(sums["plan_in_mrr_amount"] for sums in expected.values()) > 0
    names = sorted({name for sums in expected.values() for name in sums})
    found = {}
    for row in built.rows("select * from marts.rpt_mrr_plans"):
        plan = " / ".join((row["plan_id"], row["billing_term"], row["currency"]))
        key = f"{row['period_grain']} {row['period_start_date']}, {plan}"
        found[key] = said({name: row[name] for name in names})
    built.compare(
        what="plans",
        expected={key: said(sums) for key, sums in expected.items() if said(sums)},
        found={key: lines for key, lines in found.items() if lines},
    )


def median(days: Iterable[int], /) -> float | None:
    """Return the median of some days, if there are any."""
    return statistics.median(found) if (found := list(days)) else None


def slices(built: Built, customer_id: str, /) -> list[str]:
    """Name the slices that a customer is in."""
    segments = dict(zip(SEGMENTS, built.simulated.segments[customer_id], strict=True))
    described = built.simulated.described.get(customer_id, {})
    segments |= {
        "all": "all",
        "vertical": described.get("vertical") or "unknown",
        "discount": OFFERS[described.get("is_discount_acquired", "")],
        "first_plan": first_plan(history=built.simulated.histories[customer_id]),
    }
    return [f"{name} {value}" for name, value in segments.items()]


def test_every_trial_ends_as_in_the_simulator(built):
    cohorts = defaultdict(list)
    for customer_id, history in built.simulated.histories.items():
        for trial in trials(history=history, run=built.simulated.run):
            month = trial.began_on.replace(day=1)
            plan = f"plan {trial.term.version.plan_id or 'unknown'}"
            for name in (*slices(built, customer_id), plan):
                cohorts[f"{month} {name}"].append(trial)
    expected = {}
    for key, begun in cohorts.items():
        counts = Counter(f"trials_{trial.outcome}" for trial in begun)
        days = median(trial.days for trial in begun if trial.outcome == "converted")
        expected[key] = [*said(counts | {"trials_begun": len(begun)}), f"median {days}"]
    found = {}
    for row in built.rows("select * from marts.rpt_trials"):
        key = f"{row['cohort_month']} {row['segment_name']} {row['segment_value']}"
        counts = {name: row[name] for name in row if name.startswith("trials_")}
        found[key] = [*said(counts), f"median {row['median_days_to_convert']}"]
    seen = Counter(trial.outcome for key in cohorts if "all" in key for trial in cohorts[key])
    assert min(seen[outcome] for outcome in ("converted", "lost", "open")) > 0
    built.compare(what="trials", expected=numbers(expected), found=numbers(found))


def numbers(lines: Lines, /) -> Lines:
    """Write 3.0 as 3."""
    return {key: [line.removesuffix(".0") for line in said] for key, said in lines.items()}


def test_every_failed_payment_ends_as_in_the_simulator(built):
    run = built.simulated.run
    begun = defaultdict(list)
    churned = Counter()
    for customer_id, history in built.simulated.histories.items():
        happened = [(each.began_on, each) for each in episodes(history=history, run=run)]
        happened += [
            (spell.ended_on, None)
            for spell in history.spells
            if spell.relationship == "subscription" and spell.ended_on
        ]
        for day, episode in happened:
            for period in periods(run=run):
                if period.grain not in MONTHS_OF_GRAIN:
                    continue
                if not period.starts_on <= day <= period.closes_on:
                    continue
                for name in slices(built, customer_id):
                    key = f"{period.grain} {period.starts_on} {name}"
                    if episode:
                        begun[key].append(episode)
                    else:
                        churned[key] += 1
    expected = {}
    for key in begun.keys() | churned.keys():
        sums = Counter(f"episodes_{each.outcome}" for each in begun[key])
        sums |= {"episodes_begun": len(begun[key]), "churn_events": churned[key]}
        for each in begun[key]:
            sums[f"{each.outcome}_mrr_amount"] += each.term.mrr
            sums["past_due_mrr_amount"] += each.term.mrr
        expected[key] = said(sums)
        for outcome in ("recovered", "lost"):
            days = median(each.days for each in begun[key] if each.outcome == outcome)
            expected[key].append(f"{outcome} {days}")
    found = {}
    for row in built.rows("select * from marts.rpt_dunning"):
        key = f"{row['period_grain']} {row['period_start_date']} "
        key += f"{row['segment_name']} {row['segment_value']}"
        names = [name for name in row if name.startswith("episodes_") or name.endswith("_amount")]
        found[key] = said({name: row[name] for name in (*names, "churn_events")})
        found[key] += [
            f"recovered {row['median_days_to_recover']}",
            f"lost {row['median_days_to_lose']}",
        ]
    seen = Counter(each.outcome for key in begun if "all" in key for each in begun[key])
    assert min(seen[outcome] for outcome in ("recovered", "lost", "open")) > 0
    built.compare(what="failed payments", expected=numbers(expected), found=numbers(found))
