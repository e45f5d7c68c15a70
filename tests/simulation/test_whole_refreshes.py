"""Deliveries that nobody would make by hand are refreshed whole: every test of dbt, and the audit.

The other simulations build some marts without the tests of dbt; here these are the judges.
"""

import csv
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import duckdb
import pytest
from lifecycle import refresh_delivery
from random_lifecycles import some_lifecycles
from random_subscriptions import AS_OF, some_delivery
from subscription_simulator import Policy
from told_stories import COLUMNS, FORMS, rows, stories

pytestmark = pytest.mark.long

POLICIES = {
    "the defaults": Policy(),
    "what can be kept is kept": Policy(
        churn_recognised_at="requested",
        paused_counts_as="kept",
        free_time_counts_as="kept",
        renewal_grace_days=5,
    ),
}
# who has something for life: beside a contract, before or after it, paid back, on trial, free
MEMBERS = """\
subscription_id,customer_id,started_at,ended_at,amount,billing_interval,status,credited_amount
alone,alone,2024-01-10,,100,lifetime,active,
left,left,2024-01-10,2024-05-01,100,lifetime,cancelled,
refunded,refunded,2024-01-10,2024-03-10,100,lifetime,expired,20
month,upgraded,2024-01-10,2024-03-01,10,month,cancelled,
life,upgraded,2024-03-01,,100,lifetime,active,
life_first,also_pays,2023-01-10,,100,lifetime,active,
month_then,also_pays,2024-01-10,2024-05-10,10,month,cancelled,
runs,undone,2024-01-10,,10,month,active,
undone,undone,2024-02-01,2024-02-01,100,lifetime,cancelled,
free,free,2024-01-10,,0,lifetime,active,
below,below,2024-01-10,,-100,lifetime,active,
trial,trial,2024-01-10,,100,lifetime,trialing,
paused,paused,2024-01-10,,100,lifetime,paused,
ahead,ahead,2025-07-10,,100,lifetime,active,
"""


def write_members(*, folder: Path) -> None:
    """Write members for life."""
    (folder / "subscriptions.csv").write_text(MEMBERS)


def write_random(*, folder: Path) -> None:
    """Write subscriptions to which everything happens."""
    some_delivery(seed=77).write(folder=folder)


def write_lifecycles(*, folder: Path) -> None:
    """Write customers of shops and of subscriptions."""
    some_lifecycles(seed=77, share=0.3).write(folder=folder)


def write_stories(*, folder: Path) -> None:
    """Write stories, each in all forms; the first month has trials alone."""
    with (folder / "subscriptions.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for told in stories(count=300, seed=5):
            for form in FORMS:
                writer.writerows(rows(told, form=form))


@pytest.mark.parametrize(
    ("write", "policy"),
    [
        (write_members, "the defaults"),
        (write_members, "what can be kept is kept"),
        (write_random, "what can be kept is kept"),
        (write_lifecycles, "what can be kept is kept"),
        (write_stories, "the defaults"),
    ],
)
def test_it_is_published_because_every_test_passes(
    write: Callable[..., None], policy: str, tmp_path: Path
) -> None:
    (tmp_path / "delivery").mkdir()
    write(folder=tmp_path / "delivery")
    result = refresh_delivery(
        tmp_path,
        *("--as-of", str(AS_OF), "--reporting-currency", "EUR"),
        dbt_vars=asdict(POLICIES[policy]),
    )
    assert result.exit_code == 0, result.output
    with duckdb.connect(str(tmp_path / "published" / "marts.duckdb"), read_only=True) as marts:
        ((spells,),) = marts.execute(
            "select count(*) from fct_activity_spells where relationship = 'subscription'"
        ).fetchall()
    assert spells > 5
