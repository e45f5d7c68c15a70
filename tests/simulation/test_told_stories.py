"""The same story gives the same marts, whatever form it is told in, and those of the simulator."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import duckdb
import pytest
from lifecycle import build_with_dbt
from subscription_simulator import Policy, Run, read_version, simulate
from told_stories import AS_OF, COLUMNS, FIRST_DAY, FORMS, Row, rows, stories

pytestmark = pytest.mark.long

POLICIES = {
    "the defaults": Policy(),
    "the request counts, a pause and free time are kept": Policy(
        churn_recognised_at="requested", paused_counts_as="kept", free_time_counts_as="kept"
    ),
}
# of each what the form does not change: the days and amounts, and the words that come with them
TOLD = {
    "movements": "marts.fct_mrr_movements",
    "spells": "marts.fct_activity_spells",
    "churn events": "marts.fct_churn_events",
    "trials": "intermediate.int_trials",
    "past-due episodes": "intermediate.int_past_due_episodes",
    "terms due": "intermediate.int_renewal_terms",
    "what is committed": "intermediate.int_committed_mrr_changes",
    "what is billed": "intermediate.int_stretches_billed",
    "versions": """(
        select subscription_id, started_on, stopped_on, status, mrr_amount, committed_since,
            committed_until, is_paying, customer_id
        from intermediate.int_subscription_versions
    )""",
}


@dataclass(frozen=True, kw_only=True)
class Built:
    """The marts, and the raw rows that they are made of."""

    marts: duckdb.DuckDBPyConnection
    raw: list[Row]
    policy: Policy


@pytest.fixture(scope="module", params=POLICIES.values(), ids=POLICIES.keys())
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    """Build 2,500 stories of 1,250 customers, each in all forms."""
    folder = tmp_path_factory.mktemp("stories")
    raw = [
        row
        for told in stories(count=2500, seed=22)
        for form in FORMS
        for row in rows(told, form=form)
    ]
    (folder / "delivery").mkdir()
    with (folder / "delivery" / "subscriptions.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(raw)
    marts = ("fct_mrr_movements", "fct_activity_spells", "fct_churn_events", "rpt_renewals")
    reports = ("rpt_trials", "rpt_dunning", "rpt_mrr_periods", "rpt_deferred_revenue")
    with build_with_dbt(
        folder=folder,
        select=[f"+{mart}" for mart in (*marts, *reports)],
        dbt_vars=asdict(request.param) if request.param != Policy() else {},
        RAW_INPUT="files",
        RAW_DATA_DIR=folder / "delivery",
        AS_OF_DATE=AS_OF,
    ) as warehouse:
        yield Built(marts=warehouse, raw=raw, policy=request.param)


@pytest.mark.parametrize("what", TOLD)
def test_every_form_tells_the_same(built, what):
    query = f"""
        select customer_id, replace(to_json(told)::text, split_part(customer_id, ' ', 1) || ' ', '')
        from {TOLD[what]} as told
    """
    found: dict[str, dict[str, list[str]]] = {form: defaultdict(list) for form in FORMS}
    for customer_id, row in built.marts.execute(query).fetchall():
        form, number = customer_id.split()
        found[form][number].append(row)
    assert sum(map(len, found["states"].values())) > 100
    for form in FORMS[1:]:
        for number in found["states"].keys() | found[form].keys():
            said, expected = sorted(found[form][number]), sorted(found["states"][number])
            raw = [row for row in built.raw if row["customer_id"].split()[1] == number]
            assert said == expected, "\n".join(
                str({name: value for name, value in row.items() if value})
                for row in raw
                if row["customer_id"].startswith(("states", form))
            )


def test_every_movement_is_that_of_the_simulator(built):
    run = Run(first_day=FIRST_DAY, as_of=AS_OF, policy=built.policy)
    histories = simulate(
        versions=[read_version(row=row) for row in built.raw], purchases={}, run=run
    )
    found = defaultdict(list)
    for customer_id, *movement in built.marts.execute(
        "select customer_id, moved_on, movement, (mrr_change_amount * 100)::integer "
        "from marts.fct_mrr_movements order by moved_on"
    ).fetchall():
        found[customer_id].append(tuple(movement))
    assert len(found) > 1000
    for customer_id, history in histories.items():
        expected = [(each.moved_on, each.movement, each.change) for each in history.movements]
        raw = [row for row in built.raw if row["customer_id"] == customer_id]
        assert found[customer_id] == expected, "\n".join(map(str, raw))
