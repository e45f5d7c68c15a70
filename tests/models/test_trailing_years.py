"""The twelve months that end with each month equal a count of each of them by itself.

The models never look at a year as a whole: they add up what changes from one closing to the next.
Here a year is looked at as a whole, customer by customer, by the words of the metric definitions:
for random spells, movements and answers, and for the movements of the sample.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja_macros import Macros
from lifecycle import PROJECT, build_with_dbt

FIRST_DAY = dt.date(2021, 3, 10)
AS_OF = dt.date(2023, 8, 20)
MONTHS = pd.period_range(FIRST_DAY, AS_OF, freq="M")
ONE_DAY = dt.timedelta(days=1)
TABLES = {
    "int_customers": "customer_id text, region text, industry text, customer_segment text, "
    "acquisition_channel text",
    "int_customers_with_anonymous": "customer_id text, region text, industry text, "
    "customer_segment text, acquisition_channel text, vertical text default 'v', "
    "discount text default 'd', first_plan text default 'p'",
    "int_activity_spells": "customer_id text, relationship text, spell_number int, "
    "started_on date, ended_on date, first_started_on date, previous_ended_on date, "
    "next_started_on date",
    "int_churn_events_explained": "customer_id text, relationship text, churned_on date, "
    "switched_to_competitor boolean",
    "fct_mrr_movements": "customer_id text, moved_on date, movement text, previous_moved_on date, "
    "mrr_before_amount decimal(18, 2), mrr_change_amount decimal(18, 2), "
    "mrr_after_amount decimal(18, 2)",
    "int_run_settings": "as_of_date date",
    "int_subscription_spells": "customer_id text, started_on date, stopped_on date",
    "int_committed_mrr_changes": "customer_id text, changed_on date, "
    "mrr_change_amount decimal(18, 2)",
    "int_survey_responses": "response_id text, customer_id text, survey_type text, "
    "touchpoint text, invited_at timestamp, invited_on date, responded_at timestamp, "
    "responded_on date, score int, nps_category text, "
    "is_satisfied boolean, is_easy boolean, is_answered boolean, is_anonymous boolean",
    "int_periods": "period_grain text, period_start_date date, next_period_start_date date, "
    "closes_on date, has_rates boolean, is_complete_period boolean",
}
REGIONS = {"a": "north", "b": "north", "c": "south", "anonymous": "unknown"}
MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True, kw_only=True)
class Year:
    """The twelve months that end with a month, which as-of may have cut short."""

    starts_on: dt.date
    closes_on: dt.date

    def has(self, day: dt.date | None, /) -> bool:
        """Say whether a day lies in the year."""
        return day is not None and self.starts_on <= day <= self.closes_on


YEARS = [
    Year(
        starts_on=(month - 11).start_time.date(),
        closes_on=min(month.end_time.date(), AS_OF),
    )
    for month in MONTHS
]


@pytest.fixture(scope="module")
def models() -> Iterator[Callable[..., list[dict[str, object]]]]:
    """Yield a function that runs a model on rows of what it reads, and keeps its trailing years."""
    connection = duckdb.connect()
    macros = Macros(connection=connection)
    for name, columns in TABLES.items():
        connection.execute(f"create table {name} ({columns})")
    for customer_id, region in REGIONS.items():
        row = f"('{customer_id}', '{region}', 'i', 's', 'c')"
        segments = "customer_id, region, industry, customer_segment, acquisition_channel"
        connection.execute(f"insert into int_customers_with_anonymous ({segments}) values {row}")
        if customer_id != "anonymous":
            connection.execute(f"insert into int_customers values {row}")
    for month, year in zip(MONTHS, YEARS, strict=True):
        next_month = (month + 1).start_time.date()
        for grain, starts_on in (
            ("month", month.start_time.date()),
            ("trailing_12_months", year.starts_on),
        ):
            connection.execute(
                "insert into int_periods values (?, ?, ?, ?, true, ?)",
                [grain, starts_on, next_month, year.closes_on, next_month - ONE_DAY <= AS_OF],
            )

    def run(model: str, /, **tables: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
        (path,) = (PROJECT / "models").rglob(f"{model}.sql")
        for name, rows in tables.items():
            connection.execute(f"delete from {name}")
            for row in rows:
                connection.execute(
                    f"insert into {name} by name select {', '.join(f'? as {key}' for key in row)}",
                    [*row.values()],
                )
        cursor = connection.execute(
            f"select * from ({macros.render(path)}) where period_grain = 'trailing_12_months'"
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    yield run
    connection.close()


def counted(
    rows: Iterable[Mapping[str, object]], /, *, keys: Sequence[str], counts: Sequence[str]
) -> dict[tuple, dict[str, int]]:
    """Return what is not zero in the counts of each row."""
    found = {
        tuple(row[key] for key in keys): {name: int(row[name]) for name in counts if row[name]}
        for row in rows
    }
    return {key: numbers for key, numbers in found.items() if numbers}


# Spells

days = st.dates(min_value=FIRST_DAY, max_value=AS_OF)


@st.composite
def some_spells(draw: st.DrawFn) -> dict[str, list[tuple[dt.date, dt.date | None, bool]]]:
    """Draw each customer's spells: first day, day after the last, whether a competitor has them.

    A spell may begin and end in a month, and the next one may begin in the month of its end.
    """
    customers = {}
    for customer_id in ("a", "b", "c"):
        bounds = sorted(draw(st.lists(days, max_size=9, unique=True)))
        spells = [
            (*pair, draw(st.booleans())) for pair in zip(bounds[::2], bounds[1::2], strict=False)
        ]
        if len(bounds) % 2:
            spells.append((bounds[-1], None, False))
        customers[customer_id] = spells
    return customers


def retention_of(
    spells: Sequence[tuple[dt.date, dt.date | None, bool]], year: Year, /
) -> dict[str, bool | int]:
    """Count a customer in a year, by the words of the definitions."""

    def is_active(day: dt.date) -> bool:
        return any(start <= day and (end is None or day < end) for start, end, _ in spells)

    opening, closing = is_active(year.starts_on - ONE_DAY), is_active(year.closes_on)
    ended = [spell for spell in spells if year.has(spell[1])]
    arrived = any(year.has(start) for start, *_ in spells)
    is_first = bool(spells) and year.has(spells[0][0])
    return {
        "opening_customers": opening,
        "closing_customers": closing,
        "lost_customers": opening and not closing,
        "competitor_lost_customers": opening and not closing and any(gone for *_, gone in ended),
        "lost_and_returned_customers": opening and closing and bool(ended),
        "first_arrivals": is_first,
        "new_customers": is_first and closing,
        "returns": arrived and not opening and not is_first,
        "reactivated_customers": arrived and not opening and not is_first and closing,
        "churn_events": len(ended),
    }


@MANY
@given(customers=some_spells())
def test_retention_equals_a_count_of_each_year(models, customers):
    rows, losses = [], []
    for customer_id, spells in customers.items():
        for number, (start, end, is_gone) in enumerate(spells):
            own = {"customer_id": customer_id, "relationship": "any"}
            rows.append(
                own
                | {
                    "spell_number": number + 1,
                    "started_on": start,
                    "ended_on": end,
                    "first_started_on": spells[0][0],
                    "previous_ended_on": spells[number - 1][1] if number else None,
                    "next_started_on": (spells[number + 1][0] if spells[number + 1 :] else None),
                }
            )
            if end is not None:
                losses.append(own | {"churned_on": end, "switched_to_competitor": is_gone})
    found = models(
        "int_retention_years_counted", int_activity_spells=rows, int_churn_events_explained=losses
    )
    expected: dict[tuple, Counter] = defaultdict(Counter)
    for customer_id, spells in customers.items():
        for year in YEARS:
            counts = Counter(retention_of(spells, year))
            expected[REGIONS[customer_id], year.starts_on, year.closes_on].update(counts)
    assert counted(
        found,
        keys=["region", "period_start_date", "closes_on"],
        counts=[*retention_of([], YEARS[0])],
    ) == {key: dict(+counts) for key, counts in expected.items() if +counts}


# Recurring revenue

KINDS = ("new", "expansion", "contraction", "churn", "reactivation", "fx")


def movements_of(steps: Mapping[dt.date, tuple[int, int]], /) -> list[dict[str, object]]:
    """Write the movements of a customer whose MRR becomes a level on a day, an fx part first."""
    rows: list[dict[str, object]] = []
    level, moved_before = 0, None

    def move(day: dt.date, movement: str, after: int, previous: dt.date | None) -> None:
        amounts = {
            "mrr_before_amount": level,
            "mrr_change_amount": after - level,
            "mrr_after_amount": after,
        }
        moved = {"moved_on": day, "movement": movement, "previous_moved_on": previous}
        rows.append(moved | amounts)

    for day, (after, fx) in sorted(steps.items()):
        previous = moved_before
        if level > 0 and after > 0 and fx and level + fx > 0:
            move(day, "fx", level + fx, previous)
            level, previous, moved_before = level + fx, day, day
        if after == level:
            continue
        if level == 0:
            movement = "reactivation" if rows else "new"
        elif after == 0:
            movement = "churn"
        else:
            movement = "expansion" if after > level else "contraction"
        move(day, movement, after, previous)
        level, moved_before = after, day
    return rows


def mrr_of(movements: Sequence[Mapping[str, object]], year: Year, /) -> dict[str, object]:
    """Add up a customer's recurring revenue in a year, by the words of the definitions."""
    opening = sum(row["mrr_change_amount"] for row in movements if row["moved_on"] < year.starts_on)
    inside = [row for row in movements if year.has(row["moved_on"])]
    moved = {
        kind: sum(row["mrr_change_amount"] for row in inside if row["movement"] == kind)
        for kind in KINDS
    }
    closing = opening + sum(moved.values())
    # who has left retains nothing, whatever the rates did before
    retained = max(closing - moved["fx"], 0) if opening > 0 and closing > 0 else 0
    return {
        "opening_mrr_amount": opening,
        "closing_mrr_amount": closing,
        "paying_customers": int(closing > 0),
        "gross_retained_mrr_amount": min(retained, opening),
        "net_retained_mrr_amount": retained,
        **{f"{kind}_mrr_amount": amount for kind, amount in moved.items()},
    }


steps = st.dictionaries(
    days, st.tuples(st.sampled_from([0, 0, 40, 70, 100, 150]), st.sampled_from([0, 0, -20, 15]))
)


@MANY
@given(customers=st.fixed_dictionaries({"a": steps, "b": steps, "c": steps}))
def test_recurring_revenue_equals_that_of_each_year(models, customers):
    movements = {customer_id: movements_of(steps) for customer_id, steps in customers.items()}
    found = models(
        "rpt_mrr_periods",
        fct_mrr_movements=(
            {"customer_id": customer_id} | row
            for customer_id, rows in movements.items()
            for row in rows
        ),
    )
    expected: dict[tuple, Counter] = defaultdict(Counter)
    for customer_id, rows in movements.items():
        for year in YEARS:
            expected[REGIONS[customer_id], year.starts_on, year.closes_on].update(
                mrr_of(rows, year)
            )
    amounts = [*mrr_of([], YEARS[0])]
    assert counted(
        found, keys=["region", "period_start_date", "closes_on"], counts=amounts
    ) == counted(
        (
            dict(zip(("region", "starts_on", "closes_on"), key, strict=True)) | sums
            for key, sums in expected.items()
        ),
        keys=["region", "starts_on", "closes_on"],
        counts=amounts,
    )


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Build the recurring revenue of the sample."""
    with build_with_dbt(
        folder=tmp_path_factory.mktemp("sample"), select=["+rpt_mrr_periods"], RAW_INPUT="sample"
    ) as warehouse:
        yield warehouse


def test_nrr_and_grr_of_the_sample_follow_its_customers(sample):
    movements: dict[str, list[dict[str, object]]] = defaultdict(list)
    cursor = sample.execute(
        "select customer_id, moved_on, movement, mrr_change_amount from marts.fct_mrr_movements"
    )
    for customer_id, moved_on, movement, change in cursor.fetchall():
        row = {"moved_on": moved_on, "movement": movement, "mrr_change_amount": change}
        movements[customer_id].append(row)
    found = sample.execute(
        "select period_start_date, closes_on, sum(opening_mrr_amount), "
        "sum(gross_retained_mrr_amount), sum(net_retained_mrr_amount), "
        "bool_and(opening_mrr_amount = 0 or gross_revenue_retention_rate is not null) "
        "from marts.rpt_mrr_periods "
        "where period_grain = 'trailing_12_months' and is_complete_period "
        "group by all order by all"
    ).fetchall()
    assert len(found) > 24
    rates = set()
    for starts_on, closes_on, opening, gross, net, is_rated in found:
        year = Year(starts_on=starts_on, closes_on=closes_on)
        sums = Counter()
        for rows in movements.values():
            sums.update(mrr_of(rows, year))
        assert (opening, gross, net) == (
            sums["opening_mrr_amount"],
            sums["gross_retained_mrr_amount"],
            sums["net_retained_mrr_amount"],
        )
        assert is_rated
        if opening:
            rates.add((round(gross / opening, 3), round(net / opening, 3)))
    # the year is another one every month
    assert len(rates) > 12


# Answers


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An invitation, an answer, or both."""

    customer_id: str
    survey_type: str
    touchpoint: str
    invited_on: dt.date | None
    responded_at: dt.datetime | None
    score: int


answers = st.lists(
    st.builds(
        Answer,
        customer_id=st.sampled_from(["a", "b", "c", "anonymous"]),
        survey_type=st.sampled_from(["nps", "nps", "csat", "csat"]),
        touchpoint=st.sampled_from(["shop", "phone"]),
        invited_on=st.none() | days,
        # some at the same time, of which the later key counts
        responded_at=st.none()
        | st.one_of(days, st.sampled_from([FIRST_DAY, dt.date(2022, 2, 28), AS_OF])).map(
            lambda day: dt.datetime.combine(day, dt.time(9))
        ),
        score=st.integers(min_value=0, max_value=10),
    ),
    max_size=15,
)


def category_of(answer: Answer, /) -> str:
    """Return whether an answer promotes or detracts."""
    if answer.score >= 9:
        return "promoters"
    return "passives" if answer.score >= 7 else "detractors"


def answers_of(asked: Mapping[str, Answer], year: Year, /) -> Counter:
    """Count the answers to one survey in a year; the latest one of each customer has a category."""
    counts, latest, people = Counter(), {}, set()
    for response_id, answer in asked.items():
        who = response_id if answer.customer_id == "anonymous" else answer.customer_id
        if year.has(answer.invited_on):
            people.add(who)
            counts["invitations"] += 1
            counts["answered_invitations"] += answer.responded_at is not None
        if answer.responded_at is None or not year.has(answer.responded_at.date()):
            continue
        counts["answers"] += 1
        counts["sum_of_scores"] += answer.score
        given = (answer.responded_at, response_id, answer)
        latest[who] = max(latest.get(who, given), given, key=lambda each: each[:2])
    for *_, answer in latest.values():
        counts["latest_answers"] += 1
        if answer.survey_type == "nps":
            counts[category_of(answer)] += 1
    counts["asked_customers"] = len(people)
    return +counts


@MANY
@given(asked=answers)
def test_answers_equal_a_count_of_each_year(models, asked):
    numbered = {f"r{number:02}": answer for number, answer in enumerate(asked)}
    found = models(
        "int_surveys_tallied",
        int_survey_responses=(
            {
                "response_id": response_id,
                "customer_id": answer.customer_id,
                "survey_type": answer.survey_type,
                "touchpoint": answer.touchpoint,
                "invited_on": answer.invited_on,
                "responded_at": answer.responded_at,
                "responded_on": answer.responded_at and answer.responded_at.date(),
                "score": answer.score if answer.responded_at else None,
                "nps_category": category_of(answer).removesuffix("s")
                if answer.responded_at and answer.survey_type == "nps"
                else None,
                "is_answered": answer.responded_at is not None,
                "is_anonymous": answer.customer_id == "anonymous",
            }
            for response_id, answer in numbered.items()
        ),
    )
    # nobody recommends a touchpoint
    slices = {
        "all": lambda answer: "all",
        "region": lambda answer: REGIONS[answer.customer_id],
        "touchpoint": lambda answer: answer.touchpoint if answer.survey_type == "csat" else None,
        "vertical": lambda answer: "v",
    }
    expected = {}
    for survey_type in ("nps", "csat"):
        of_survey = {
            response_id: answer
            for response_id, answer in numbered.items()
            if answer.survey_type == survey_type
        }
        for name, value_of in slices.items():
            for value in {value_of(answer) for answer in of_survey.values()} - {None}:
                own = {
                    response_id: answer
                    for response_id, answer in of_survey.items()
                    if value_of(answer) == value
                }
                for year in YEARS:
                    if counts := answers_of(own, year):
                        expected[survey_type, name, value, year.starts_on] = dict(counts)
    assert (
        counted(
            [row for row in found if row["segment_name"] in slices],
            keys=["survey_type", "segment_name", "segment_value", "period_start_date"],
            counts=[
                *("invitations", "asked_customers"),
                *("answered_invitations", "answers", "sum_of_scores"),
                *("latest_answers", "promoters", "passives", "detractors"),
            ],
        )
        == expected
    )
