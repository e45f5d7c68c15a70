"""The whole project built from the sample, unit tests and data tests included, in other settings.

A refresh leaves the unit tests out, so this is where they run. Each of them names the settings that
it assumes, so that they pass in every time zone and under every policy.
"""

import pytest
from lifecycle import build_with_dbt

POLICIES = {
    "churn_recognised_at": {"paid_through", "cancelled", "requested"},
    "paused_counts_as": {"churn", "kept"},
}
SETTINGS = [
    ("America/Los_Angeles", {"churn_recognised_at": "cancelled", "paused_counts_as": "churn"}),
    ("Asia/Tokyo", {"churn_recognised_at": "requested", "paused_counts_as": "churn"}),
    ("Pacific/Tongatapu", {"churn_recognised_at": "paid_through", "paused_counts_as": "kept"}),
]
"""Zones eight hours behind, nine and thirteen hours ahead of UTC, each with one set of policies."""
FAST, *SLOW = SETTINGS


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
    assert moved > 0, "the zone moves no order to another day"
