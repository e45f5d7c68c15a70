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
from lifecycle import PROJECT, build_with_dbt
from sample import published_sample
from scipy.optimize import minimize
from scipy.stats import mannwhitneyu

from python_helpers.value import risk_model

SAMPLE = PROJECT / "seeds" / "sample"
TODAY = dt.date(2025, 12, 31)
THEN = TODAY - dt.timedelta(days=90)
# which day it is in its own build, and what became of the customer afterwards
OF_LATER = ("day_role", "is_churned")

# What a table said at the end of a day, `{until}` being the day after it: rows of later days are
# not there, and neither is what happened later to those that are. Times are texts of one form.
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


# Rows that nobody delivered, of people each of whom has one thing that changed after a day that
# both builds look at, 2025-10-02.
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
    """Build what churn risk knows twice: today, and on an earlier day from what was known then."""
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


# Faults that let a past day know what came later: a part of the compiled SQL, and what then
# stands in its place.
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


# ---------------------------------------------------------------------------------------------
# the model


def drawn(*, count: int, coefficients: np.ndarray, intercept: float, seed: int) -> tuple:
    """Let customers with normal inputs churn as a logistic model says."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(count, len(coefficients)))
    chance = 1 / (1 + np.exp(-(intercept + matrix @ coefficients)))
    return matrix, random.random(count) < chance


@pytest.mark.parametrize("penalty", [0.5, 1.0, 40.0])
def test_the_fit_is_that_of_another_search_of_the_same_likelihood(penalty):
    truth = np.array([1.5, -0.7, 0.0, 0.3])
    matrix, is_churned = drawn(count=400, coefficients=truth, intercept=-1, seed=3)
    found = risk_model.fit(matrix=matrix, is_churned=is_churned, penalty=penalty)

    def cost(coefficients: np.ndarray) -> float:
        chance = 1 / (1 + np.exp(-(coefficients[0] + matrix @ coefficients[1:])))
        likelihood = np.where(is_churned, np.log(chance), np.log(1 - chance)).sum()
        return -likelihood + penalty / 2 * (coefficients[1:] ** 2).sum()

    other = minimize(cost, np.zeros(5), method="BFGS", options={"gtol": 1e-7})
    assert found.status == "converged"
    assert found.coefficients == pytest.approx(other.x, abs=1e-5)
    near = 1e-3 * np.eye(5)
    curvature = [
        [
            sum(
                sign * other_sign * cost(other.x + sign * one + other_sign * another)
                for sign in (-1, 1)
                for other_sign in (-1, 1)
            )
            / 4e-6
            for one in near
        ]
        for another in near
    ]
    errors = np.sqrt(np.diag(np.linalg.inv(curvature)))
    assert found.standard_errors == pytest.approx(errors, rel=1e-4)
    punished = penalty / 2 * (found.coefficients[1:] ** 2).sum()
    assert -found.log_likelihood + punished == pytest.approx(other.fun, abs=1e-8)


def test_planted_coefficients_are_found_within_their_standard_errors():
    truth = np.array([1.2, -0.8, 0.0, 0.4, 0.1])
    distances = []
    for seed in range(60):
        matrix, is_churned = drawn(count=2000, coefficients=truth, intercept=-1.5, seed=seed)
        found = risk_model.fit(matrix=matrix, is_churned=is_churned, penalty=1e-6)
        off = found.coefficients - [-1.5, *truth]
        distances.append(off / found.standard_errors)
    # 95 of 100 intervals of two standard errors hold the truth
    assert 0.93 < (np.abs(distances) < 1.96).mean() < 0.97
    assert np.abs(distances).max() < 4.5


def test_an_input_that_tells_all_keeps_a_coefficient_that_is_finite():
    matrix = np.repeat([[-1.0], [1.0]], 50, axis=0)
    found = risk_model.fit(matrix=matrix, is_churned=matrix[:, 0] > 0, penalty=1.0)
    assert found.status == "converged"
    assert 2 < found.coefficients[1] < 10


def test_a_missing_value_is_an_average_one_and_has_an_indicator():
    missing = np.nan
    matrix, terms = risk_model.standardised(
        inputs={
            "flag": np.array([1.0, 0, 0, 0, 1, 0]),
            "value": np.array([2.0, 4, missing, 6, 8, missing]),
            # the same as the flag, or its opposite, and the same for all
            "of_flag": np.array([missing, 1, 2, 3, missing, 4]),
            "of_others": np.array([1, missing, missing, missing, 3, missing]),
            "constant": np.array([5.0, 5, 5, 5, 5, 5]),
            "never": np.full(6, missing),
        }
    )
    assert list(terms) == ["flag", "value", "value missing", "of_flag", "of_others"]
    assert matrix.mean(axis=0) == pytest.approx(np.zeros(5), abs=1e-12)
    assert matrix[2, 1] == 0
    assert matrix[[0, 1, 3, 4], 1] == pytest.approx(np.array([-3, -1, 1, 3]) / np.sqrt(5))
    assert matrix[:, 2] == pytest.approx(np.array([0, 0, 1, 0, 0, 1]) - 1 / 3)


def test_a_value_beyond_the_others_counts_like_the_greatest_of_them():
    _, terms = risk_model.standardised(inputs={"amount": np.array([*range(1000), 1e9])})
    assert (terms["amount"]["lower"], terms["amount"]["upper"]) == (10, 990)


@pytest.mark.parametrize(
    ("customers", "churned", "status"),
    [
        (99, 50, "too few customers"),
        (100, 19, "too few churned"),
        (100, 81, "too few stayed"),
        (100, 20, "converged"),
    ],
)
def test_too_little_data_gives_no_terms_but_says_so(customers, churned, status):
    rows = duckdb.sql(f"""
        select
            date '2024-01-01' as scored_on,
            'c' || range as customer_id,
            cast(range % 7 as double) as number,
            range < {churned} as is_churned
        from range({customers})
    """)
    limits = {"min_customers": 100, "min_churned": 20, "penalty": 1.0}
    found = list(risk_model.risk_rows(customers=rows, **limits))
    assert {row[3] for row in found} == {status}
    assert ("all", "churned", churned, status) in found
    assert any(term == "intercept" for term, *_ in found) == (status == "converged")


# ---------------------------------------------------------------------------------------------
# the judge


def measured(*, score: np.ndarray, chance: np.ndarray, is_churned: np.ndarray) -> dict[str, float]:
    """Measure how well a score ranks customers and how right the chances are, by hand."""
    churned, stayed = score[is_churned], score[~is_churned]
    pairs = mannwhitneyu(churned, stayed).statistic
    # the tenth with the greatest scores, on average over the orders of those of one score
    shares = []
    for seed in range(4000):
        mixed = np.random.default_rng(seed).permutation(len(score))
        first = mixed[np.argsort(-score[mixed], kind="stable")]
        tenth = len(score) / 10
        whole, part = int(tenth), tenth - int(tenth)
        hits = is_churned[first]
        shares.append((hits[:whole].sum() + part * hits[whole]) / tenth)
    return {
        "test_auc": pairs / (len(churned) * len(stayed)),
        "test_brier_score": ((chance - is_churned) ** 2).mean(),
        "test_top_decile_lift": np.mean(shares) / is_churned.mean(),
    }


SCORES = {
    "model": "model_score",
    "rule days_to_lapse": "lapse_score",
    "rule recency": "recency_score",
    "rule at_risk": "at_risk_score",
    "base rate": "base_score",
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the warehouse of the sample."""
    return published_sample(tmp_path_factory) / "warehouse.duckdb"


@pytest.mark.parametrize("method", SCORES)
def test_the_judgement_is_that_of_other_libraries(method, warehouse):
    tested = rows_of(
        warehouse,
        f"""
        select {SCORES[method]} as score, is_churned from intermediate.int_churn_risk_scores
        where day_role = 'test' and can_lapse
        """,
    )
    assert len(tested) > 100
    score, is_churned = tested["score"].to_numpy(), tested["is_churned"].to_numpy(bool)
    fit = rows_of(warehouse, f"from marts.rpt_churn_risk_fit where method = '{method}'")

    # tenths by the middle of the ranks of equal scores
    tested["decile"] = (10 * (tested["score"].rank(ascending=False) - 1) / len(tested)).astype(
        int
    ) + 1
    by_decile = tested.groupby("decile")["is_churned"].agg(["size", "sum", "mean"])
    of_deciles = fit[fit["risk_decile"] != "all"].pivot(
        index="risk_decile", columns="statistic", values="value"
    )
    of_deciles.index = of_deciles.index.astype(int)
    of_deciles = of_deciles.sort_index()
    assert of_deciles.index.tolist() == by_decile.index.tolist()
    assert of_deciles["decile_customers"].tolist() == by_decile["size"].tolist()
    assert of_deciles["decile_churned"].tolist() == by_decile["sum"].tolist()
    assert of_deciles["decile_churned_share"].tolist() == pytest.approx(by_decile["mean"].tolist())

    if method == "model":
        chance = score
    else:
        prior = 10 * is_churned.mean()
        chances = (by_decile["sum"] + prior) / (by_decile["size"] + 10)
        chance = tested["decile"].map(chances).to_numpy()
    expected = pd.Series(chance).groupby(tested["decile"]).mean()
    assert of_deciles["decile_mean_chance"].tolist() == pytest.approx(expected.tolist())
    of_all = fit[fit["risk_decile"] == "all"].set_index("statistic")["value"]
    wanted = measured(score=score, chance=chance, is_churned=is_churned)
    assert of_all["test_customers"] == len(tested)
    assert of_all["test_churned"] == is_churned.sum()
    for statistic in ("test_auc", "test_brier_score"):
        assert of_all[statistic] == pytest.approx(wanted[statistic], abs=1e-12), statistic
    lift = "test_top_decile_lift"
    assert of_all[lift] == pytest.approx(wanted[lift], rel=0.02)


def test_published_chances_are_those_of_the_published_terms(warehouse):
    fit = rows_of(warehouse, "from marts.rpt_churn_risk_fit where method = 'model'")
    terms = fit[fit["risk_decile"] == "all"].pivot(
        index="term", columns="statistic", values="value"
    )
    inputs = rows_of(
        warehouse, "from intermediate.int_churn_risk_inputs where day_role = 'as_of'"
    ).set_index("customer_id")
    odds = pd.Series(terms.loc["intercept", "coefficient"], index=inputs.index)
    for term, of in terms.drop(["intercept", "all"]).iterrows():
        name = term.removesuffix(" missing")
        value = inputs[name].isna().astype(float) if name != term else inputs[name]
        scaled = (value.clip(of["lower"], of["upper"]) - of["mean"]) / of["deviation"]
        odds += of["coefficient"] * scaled.fillna(0)
    risks = rows_of(warehouse, "from marts.fct_churn_risk where risk_method = 'model'")
    risks = risks.set_index("customer_id")["churn_risk"]
    assert len(risks) > 50
    expected = (1 / (1 + np.exp(-odds))).loc[risks.index]
    assert risks.tolist() == pytest.approx(expected.tolist(), abs=1.1e-6)
