"""The whole project built from the sample, unit tests and data tests included, in other settings.

A refresh leaves the unit tests out, so this is where they run. Each of them names the settings that
it assumes, so that they pass in every time zone and under every policy.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lifecycle import build_with_dbt

POLICIES = {
    "churn_recognised_at": {"paid_through", "cancelled", "requested"},
    "paused_counts_as": {"churn", "kept"},
    "free_time_counts_as": {"churn", "kept"},
}
SETTINGS = [
    (zone, dict(zip(POLICIES, choices, strict=True)))
    for zone, *choices in (
        ("America/Los_Angeles", "cancelled", "churn", "kept"),
        ("Asia/Tokyo", "requested", "churn", "churn"),
        ("Pacific/Tongatapu", "paid_through", "kept", "churn"),
    )
]
"""Zones eight hours behind, nine and thirteen hours ahead of UTC, each with one set of policies."""
FAST, *SLOW = SETTINGS
SHORT = 100
"""Rows of a table that may be tried with every row of another one, such as a seed."""


def test_every_documented_policy_is_tried():
    for policy, choices in POLICIES.items():
        assert {policies[policy] for _, policies in SETTINGS} == choices


@pytest.mark.parametrize(
    ("zone", "policies"), [FAST, *(pytest.param(*each, marks=pytest.mark.nightly) for each in SLOW)]
)
def test_every_test_of_the_project_passes_in_other_settings(zone, policies, tmp_path):
    with build_with_dbt(
        folder=tmp_path,
        select=["fqn:*"],
        dbt_vars=policies,
        unit_tests=True,
        RAW_INPUT="sample",
        REPORTING_TIMEZONE=zone,
    ) as warehouse:
        [(moved,)] = warehouse.sql(
            "select count(*) from marts.fct_orders where order_date <> cast(ordered_at as date)"
        ).fetchall()
        by_pairs = list(joined_by_pairs(warehouse, tmp_path / "target" / "compiled"))
    assert moved > 0, "the zone moves no order to another day"
    assert by_pairs == []


def joined_by_pairs(
    warehouse: duckdb.DuckDBPyConnection, compiled: Path, /
) -> Iterator[tuple[str, str]]:
    """Yield the outer joins of two long tables that try all pairs: a condition is on one side.

    The sample does not show it, and two million rows take hours.
    """
    # tests lie in folders named after the YAML that says them
    models = [path for path in compiled.glob("*/models/**/*.sql") if ".yml" not in str(path)]
    assert len(models) > 100
    for model in models:
        plan = warehouse.execute(f"explain (format json) {model.read_text()}").fetchall()[0][1]
        for node in nodes(json.loads(plan)):
            info = node["extra_info"]
            rows = [each["extra_info"].get("Estimated Cardinality") for each in node["children"]]
            is_long = all(int(number) > SHORT for number in rows if number is not None)
            if node["name"] == "BLOCKWISE_NL_JOIN" and info["Join Type"] != "INNER" and is_long:
                yield model.stem, info["Condition"]


def nodes(plan: Iterable[dict[str, Any]], /) -> Iterator[dict[str, Any]]:
    """Yield every node of a plan."""
    for node in plan:
        yield node
        yield from nodes(node["children"])
