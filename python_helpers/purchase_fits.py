"""The models of purchases and margins, fitted to every slice and judged on a hold-out."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np

from python_helpers import margin_model, purchase_forecasts, purchase_model
from python_helpers.fitted import Row, Slice, fit_rows, holdout_rows
from python_helpers.likelihood import Fit, Floats, dot

PURCHASES = "bg_nbd"
MARGINS = "gamma_gamma"
DAYS_PER_WEEK = 7

Columns = dict[str, Floats]


def purchase_rows(
    *, states: duckdb.DuckDBPyRelation, min_repeat_customers: int, holdout_weeks: float
) -> Iterator[Row]:
    """Yield the fits of every slice as of the as-of day, and how the earlier ones did since.

    A segment with one value is everybody: it takes over what was found for them.
    """
    everybody: dict[str, list[Row]] = {}
    names = states.aggregate(
        "segment_name, count(distinct segment_value) as segment_values", "segment_name"
    )
    for name, values in names.order("segment_name <> 'all', segment_name").fetchall():
        if name != "all" and values == 1:
            value = value_of(states=states, name=name)
            for model, _, _, *rest in (row for rows in everybody.values() for row in rows):
                yield (model, name, value, *rest)
            continue
        for cutoff in ("as_of", "calibration"):
            rows = list(
                slice_rows(
                    states=states.filter(f"cutoff = '{cutoff}' and segment_name = '{name}'"),
                    name=name,
                    min_repeat_customers=min_repeat_customers,
                    holdout_weeks=holdout_weeks if cutoff == "calibration" else None,
                )
            )
            if name == "all":
                everybody[cutoff] = rows
            yield from rows


def value_of(*, states: duckdb.DuckDBPyRelation, name: str) -> str:
    """Return the one value of a segment."""
    return states.filter(f"segment_name = '{name}'").limit(1).fetchall()[0][2]


def slice_rows(
    *,
    states: duckdb.DuckDBPyRelation,
    name: str,
    min_repeat_customers: int,
    holdout_weeks: float | None,
) -> Iterator[Row]:
    """Yield the fits of each value of a segment or, with a hold-out, what became of them."""
    histories = split(
        relation=states.aggregate(
            "segment_value, frequency, recency_days, age_days, count(*) as customers, "
            "cast(sum(greatest(repeat_margin_amount, 0)) as double) as margin, "
            "cast(coalesce(sum(holdout_purchase_days), 0) as double) as purchases, "
            "cast(coalesce(sum(holdout_margin_amount), 0) as double) as holdout_margin",
            "segment_value, frequency, recency_days, age_days",
        ).order("segment_value, frequency, recency_days, age_days")
    )
    margins = split(
        relation=states.filter("frequency > 0 and repeat_margin_amount > 0")
        .project("segment_value, frequency, cast(repeat_margin_amount as double) as margin")
        .order("segment_value, frequency, margin")
    )
    for value, history in histories.items():
        margin = margins.get(value, {"frequency": np.zeros(0), "margin": np.zeros(0)})
        purchases_fit = purchase_model.fit(
            frequency=history["frequency"],
            recency=history["recency_days"] / DAYS_PER_WEEK,
            age=history["age_days"] / DAYS_PER_WEEK,
            customers=history["customers"],
            min_repeat_customers=min_repeat_customers,
        )
        margins_fit = margin_model.fit(
            frequency=margin["frequency"],
            margin=margin["margin"],
            min_customers=min_repeat_customers,
        )
        purchases = Slice(model=PURCHASES, segment_name=name, segment_value=value)
        spending = Slice(model=MARGINS, segment_name=name, segment_value=value)
        if holdout_weeks is None:
            yield from fit_rows(of=purchases, fit=purchases_fit)
            yield from fit_rows(of=spending, fit=margins_fit)
        elif purchases_fit.is_usable:
            yield from judged(
                purchases=purchases,
                spending=spending,
                history=history,
                purchases_fit=purchases_fit,
                margins_fit=margins_fit,
                weeks=holdout_weeks,
            )


def judged(
    *,
    purchases: Slice,
    spending: Slice,
    history: Columns,
    purchases_fit: Fit,
    margins_fit: Fit,
    weeks: float,
) -> Iterator[Row]:
    """Compare a hold-out of so many weeks with the models and with what needs none.

    The baselines: everybody goes on at their own rate so far; everybody is the mean of the slice.
    """
    frequency, customers, margin = history["frequency"], history["customers"], history["margin"]
    age = history["age_days"] / DAYS_PER_WEEK
    known = {"parameters": purchases_fit.parameters, "frequency": frequency, "age": age}
    expected = purchase_forecasts.alive_probability(
        recency=history["recency_days"] / DAYS_PER_WEEK, **known
    ) * purchase_forecasts.purchases_if_alive(horizon=weeks, **known)
    share_of_age = weeks / np.where(age > 0, age, np.inf)
    # of a customer: the mean of the slice, if anybody has been there for a day
    share_of_all = weeks * customers / max(dot(customers, age), 1 / DAYS_PER_WEEK)
    yield from holdout_rows(
        of=purchases,
        status=purchases_fit.status,
        frequency=frequency,
        customers=customers,
        actual=history["purchases"],
        forecasts={
            "predicted": customers * expected,
            "past_rate": customers * frequency * share_of_age,
            "segment_mean": dot(customers, frequency) * share_of_all,
        },
    )
    if margins_fit.is_usable:
        mean = margin_model.expected_margin(
            parameters=margins_fit.parameters, frequency=frequency, margin=margin / customers
        )
        yield from holdout_rows(
            of=spending,
            status=margins_fit.status,
            frequency=frequency,
            customers=customers,
            actual=history["holdout_margin"],
            forecasts={
                "predicted": customers * expected * mean,
                "past_rate": margin * share_of_age,
                "segment_mean": margin.sum() * share_of_all,
            },
        )


def split(*, relation: duckdb.DuckDBPyRelation) -> dict[str, Columns]:
    """Fetch an ordered relation: the columns of each segment_value, as floating point."""
    columns = relation.fetchnumpy()
    values = columns.pop("segment_value")
    numbers = {name: np.asarray(column, dtype=float) for name, column in columns.items()}
    if not len(values):
        return {}
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    ends = np.append(starts[1:], len(values))
    return {
        str(values[start]): {name: column[start:end] for name, column in numbers.items()}
        for start, end in zip(starts, ends, strict=True)
    }
