"""Churn risk: what is known on a past day, the model, and how it is judged.

What is known: a build of the sample as of an earlier day, from raw rows as they were then, has the
same features for its days as the build of today has for its past days. The model: against another
search of the same likelihood, and against planted truth. The judge: against scipy and pandas.
"""

import datetime as dt
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from lifecycle import PROJECT, build_with_dbt, real_data
from sample import published_sample
from scipy.optimize import minimize
from scipy.stats import mannwhitneyu

from python_helpers.value import risk_model

SAMPLE = PROJECT / "seeds" / "sample"
TODAY = dt.date(2025, 12, 31)
THEN = TODAY - dt.timedelta(days=90)
# which day it is in its own build, and what became of the customer afterwards
OF_LATER = ("day_role", "is_churned")

# What a table said at the end of a day, `{until}` being the day after it: rows of later days are not
# there, and neither is what happened later to those that are. Times are texts, all of one form.
KNOWN_ROWS = {
    "campaigns": "from raw where started_at < '{until}'",
    "campaign_members": "from raw where assigned_at < '{until}'",
    "customers": "from raw where created_at is null or created_at < '{until}'",
    "engagement_events": "from raw where occurred_at < '{until}'",
    "exchange_rates": "from raw where rate_date < '{until}'",
    "loyalty_memberships": "from raw where joined_at < '{until}'",
    "marketing_spend": "from raw where spend_date < '{until}'",
    "orders": """
        select * replace (
            if(refunded_at >= '{until}', null, refunded_at) as refunded_at,
            if(refunded_at >= '{until}', null, refunded_amount) as refunded_amount,
            if(refunded_at >= '{until}' and status = 'refunded', 'completed', status) as status
        )
        from raw where ordered_at < '{until}'
    """,
    "order_lines": "from raw",
    "products": "from raw",
    # an end that lies ahead is not known. A contract that ran on unpaid until then was past due.
    "subscriptions": """
        select * exclude (is_to_end) replace (
            if(is_to_end, null, ended_at) as ended_at,
            if(is_to_end, null, cancel_reason) as cancel_reason,
            if(is_to_end, null, is_involuntary) as is_involuntary,
            if(cancel_requested_at >= '{until}', null, cancel_requested_at) as cancel_requested_at,
            case
                when not is_to_end or status not in ('cancelled', 'expired') then status
                when paid_through_at < '{until}' then 'past_due'
                else 'active'
            end as status
        )
        from (
            select
                *,
                coalesce(
                    coalesce(
                        ended_at,
                        case
                            when status in ('cancelled', 'expired')
                                then greatest(paid_through_at, cancel_requested_at)
                        end
                    ) >= '{until}',
                    false
                ) as is_to_end
            from raw
        )
        where started_at < '{until}'
    """,
    "survey_responses": """
        select * replace (
            if(responded_at >= '{until}', null, responded_at) as responded_at,
            if(responded_at >= '{until}', null, score) as score
        )
        from raw where invited_at < '{until}' or responded_at < '{until}'
    """,
    "usage_readings": "from raw where read_at < '{until}'",
}


# Rows that nobody delivered, of people each of whom has one thing that changed after a day that both
# builds look at, 2025-10-02.
PLANTED = {
    "orders": """
        order_id,customer_id,ordered_at,amount,currency,status,refunded_amount,refunded_at,order_type,original_order_id
        L01,refunded,2025-08-01T10:00:00,50.00,EUR,completed,,,sale,
        L02,refunded,2025-09-20T10:00:00,50.00,EUR,refunded,50.00,2025-10-20T10:00:00,sale,
        L03,only_refunded,2025-09-20T10:00:00,50.00,EUR,refunded,50.00,2025-10-20T10:00:00,sale,
        L04,returned,2025-09-20T10:00:00,50.00,EUR,completed,,,sale,
        L05,returned,2025-11-20T10:00:00,50.00,EUR,completed,,,return,L04
        L06,in_two_parts,2025-09-20T10:00:00,50.00,EUR,completed,20.00,2025-09-25T10:00:00,sale,
        L07,in_two_parts,2025-10-05T10:00:00,30.00,EUR,completed,,,return,L06
        L08,returned_without_id,2025-09-25T10:00:00,47.11,EUR,completed,,,sale,
        L09,returned_without_id,2025-10-03T10:00:00,47.11,EUR,completed,,,return,
        L10,to_be_refunded,2025-12-20T10:00:00,50.00,EUR,refunded,50.00,2026-01-20T10:00:00,sale,
        L11,last_moment,2025-10-02T23:59:59,50.00,EUR,completed,,,sale,
        L12,too_late,2025-10-03T00:00:00,50.00,EUR,completed,,,sale,
        L13,detractor,2025-09-30T00:00:00,50.00,EUR,completed,,,sale,
        L14,changed_mind,2025-09-30T00:00:00,50.00,EUR,completed,,,sale,
    """,
    "subscriptions": """
        subscription_id,customer_id,started_at,ended_at,amount,quantity,currency,billing_interval,billing_interval_count,status,paid_through_at,cancel_requested_at
        M01,cut_off,2025-01-20T10:00:00,,10.00,1,EUR,month,1,active,2025-09-20T10:00:00,
        M01,cut_off,2025-09-20T10:00:00,2025-10-10T10:00:00,10.00,1,EUR,month,1,cancelled,2025-09-20T10:00:00,
        M02,asked_before,2025-01-20T10:00:00,2025-10-20T10:00:00,10.00,1,EUR,month,1,cancelled,2025-10-20T10:00:00,2025-09-25T10:00:00
        M03,asked_after,2025-01-20T10:00:00,2025-10-20T10:00:00,10.00,1,EUR,month,1,cancelled,2025-10-20T10:00:00,2025-10-09T10:00:00
        M04,stopped_on_the_spot,2025-01-20T10:00:00,2025-09-25T10:00:00,10.00,1,EUR,month,1,cancelled,2025-10-20T10:00:00,2025-09-25T10:00:00
        M05,stopped_and_returned,2025-01-20T10:00:00,2025-09-25T10:00:00,10.00,1,EUR,month,1,cancelled,2025-10-20T10:00:00,
        M05,stopped_and_returned,2025-10-06T10:00:00,,20.00,1,EUR,month,1,active,,
        M06,without_an_end,2025-01-20T10:00:00,,10.00,1,EUR,month,1,cancelled,2025-11-20T10:00:00,2025-10-01T10:00:00
        M07,late_renewal,2025-09-02T10:00:00,2025-10-02T10:00:00,10.00,1,EUR,month,1,expired,2025-10-02T10:00:00,
        M08,late_renewal,2025-10-03T10:00:00,,10.00,1,EUR,month,1,active,,
        M09,upgraded,2025-03-02T10:00:00,,10.00,1,EUR,year,1,active,,
        M09,upgraded,2025-10-09T10:00:00,,30.00,1,EUR,year,1,active,,
    """,
    "survey_responses": """
        response_id,customer_id,survey_type,invited_at,responded_at,score
        N01,detractor,nps,2025-10-01T10:00:00,2025-10-03T10:00:00,2
        N02,changed_mind,nps,2025-08-01T10:00:00,2025-08-03T10:00:00,2
        N03,changed_mind,nps,2025-10-01T10:00:00,2025-10-03T10:00:00,10
    """,
}
THEIRS = {row.split(",")[1] for rows in PLANTED.values() for row in rows.split()[1:]}
GONE = {"too_late", "to_be_refunded", "late_renewal"}  # on that day, or not there yet


# ---------------------------------------------------------------------------------------------
# what is known on a past day


def known_on(day: dt.date, /, *, folder: Path) -> Path:
    """Write the sample as it was at the end of a day; returns the folder of the delivery."""
    folder.mkdir()
    until = day + dt.timedelta(days=1)
    for table, query in KNOWN_ROWS.items():
        with duckdb.connect() as connection:
            own = f"from read_csv('{SAMPLE}/{table}.csv', all_varchar = true)"
            if table in PLANTED:
                planted = folder / "planted.txt"
                planted.write_text("\n".join(PLANTED[table].split()) + "\n")
                own += f" union all by name from read_csv('{planted}', all_varchar = true)"
            connection.execute(f"create view raw as {own}")
            rows = query.format(until=until)
            connection.execute(f"copy ({rows}) to '{folder}/{table}.csv' (header)")
    (folder / "planted.txt").unlink()
    return folder


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[dt.date, Path]:
    """Build what churn risk knows twice, today and as of an earlier day from what was known then."""
    warehouses = {}
    for day in (TODAY, THEN):
        folder = tmp_path_factory.mktemp(f"as_of_{day}")
        build_with_dbt(
            folder=folder,
            select=("+int_churn_risk_features",),
            RAW_INPUT="files",
            RAW_DATA_DIR=known_on(day, folder=folder / "delivery"),
            AS_OF_DATE=day,
            DBT_EXCLUDE_RESOURCE_TYPES="test unit_test",
        ).close()
        warehouses[day] = folder / "warehouse.duckdb"
    return warehouses


def rows_of(warehouse: Path, sql: str, /) -> pd.DataFrame:
    """Read rows of a warehouse."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.sql(sql).df()


# the days that both builds look at
DAYS = ", ".join(f"date '{THEN - dt.timedelta(days=90 * number)}'" for number in range(3))


def features(warehouse: Path, /) -> pd.DataFrame:
    """Read the features of the days that both builds look at."""
    return rows_of(
        warehouse,
        f"""
        select * exclude ({", ".join(OF_LATER)}) from intermediate.int_churn_risk_features
        where scored_on in ({DAYS})
        order by scored_on, customer_id
        """,
    )


@pytest.mark.long
def test_a_past_day_is_known_as_a_build_of_that_day_knew_it(builds):
    now, then = (features(builds[day]) for day in (TODAY, THEN))
    assert then["scored_on"].nunique() == 3
    assert len(then[then["scored_on"] == pd.Timestamp(THEN)]) > 100
    assert THEIRS - set(then["customer_id"]) == GONE
    pd.testing.assert_frame_equal(now, then, check_exact=True)


# Faults that let a past day know what came later: a part of the compiled SQL, and what stands there then.
LEAKS = {
    "purchases taken back later": ("from purchases_undone\n    ) as orders", "{0} where false {1}"),
    "refunds to come": ("orders.refunded_on", "orders.order_date"),
    "ends of contracts": ("versions.end_known_on <= customer_days.scored_on", "true"),
    "versions to come": ("versions.next_started_on <= customer_days.scored_on", "true"),
    "requests to cancel": ("cancel_requested_on <= scored_on", "cancel_requested_on is not null"),
    "payments that only the last row tells": ("paid_through_on <= scored_on", "false"),
    "answers to come": ("customers.scored_on >= answers.valid_from", "true"),
    "engagements to come": ("customers.scored_on >= events.engaged_on", "true"),
    "contacts to come": ("customers.scored_on >= contacts.contacted_on", "true"),
}


@pytest.mark.long
@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_found(leak, builds):
    compiled, right, wrong = "int_churn_risk_features.sql", *LEAKS[leak]
    (file,) = (builds[TODAY].parent / "target" / "compiled").rglob(compiled)
    sql = file.read_text(encoding="utf-8")
    assert right in sql
    if "{0}" in wrong:
        wrong = wrong.format(*right.split("\n"))
    leaking = rows_of(builds[TODAY], sql.replace(right, wrong))
    known = features(builds[THEN])
    leaking = leaking[leaking["scored_on"].isin(known["scored_on"])].drop(columns=list(OF_LATER))
    leaking = leaking.sort_values(["scored_on", "customer_id"], ignore_index=True)
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(leaking, known, check_exact=True)
