"""The models of purchases and margins, fitted to every slice and judged on a hold-out."""

from collections.abc import Iterator

import duckdb
import numpy as np

from python_helpers.value import margin_model, purchase_forecasts, purchase_model
from python_helpers.value.fitted import Columns, Row, Slice, fit_rows, holdout_rows
from python_helpers.value.likelihood import Fit

PURCHASES = "bg_nbd"
MARGINS = "gamma_gamma"
SEGMENTS = ("region", "industry", "customer_segment", "acquisition_channel")
NUMBERS = (
    "frequency",
    "recency_days",
    "age_days",
    "repeat_margin_amount",
    "holdout_purchase_days",
    "holdout_margin_amount",
)
DAYS_PER_WEEK = 7
MOST_DAYS = 1_000_000  # longer than any customer has been one


def purchase_rows(
    *, states: duckdb.DuckDBPyRelation, min_repeat_customers: int, holdout_weeks: float
) -> Iterator[Row]:
    """Yield the fits of every slice as of the as-of day, and the hold-out of the earlier fits.

    A segment with a single value contains every customer, so it takes over the fit to all.
    """
    # customers known at the calibration are known as of the as-of day
    known = states.filter("cutoff = 'as_of'")
    names = {
        name: known.aggregate(f"hash({name}), {name}", name).order(name).fetchall()
        for name in SEGMENTS
    }
    for cutoff in ("as_of", "calibration"):
        numbers, codes = fetched(states=states.filter(f"cutoff = '{cutoff}'"))
        if not len(numbers["frequency"]):
            continue
        weeks = holdout_weeks if cutoff == "calibration" else None
        fits = fitted(numbers=numbers, min_repeat_customers=min_repeat_customers)
        everybody = list(
            slice_rows(name="all", value="all", numbers=numbers, fits=fits, holdout_weeks=weeks)
        )
        yield from everybody
        for name, values in names.items():
            for code, value in values:
                if len(values) == 1:
                    yield from ((model, name, value, *rest) for model, _, _, *rest in everybody)
                    continue
                is_of = codes[name] == code
                of_value = {number: column[is_of] for number, column in numbers.items()}
                yield from slice_rows(
                    name=name,
                    value=value,
                    numbers=of_value,
                    fits=fitted(
                        numbers=of_value, min_repeat_customers=min_repeat_customers, like=fits
                    ),
                    holdout_weeks=weeks,
                )


def fetched(*, states: duckdb.DuckDBPyRelation) -> tuple[Columns, dict[str, np.ndarray]]:
    """Fetch the numbers of customers, sorted by them, and the codes of their segments."""
    # codes instead of texts, which would be a Python object per customer
    codes = ", ".join(f"hash({name}) as {name}" for name in SEGMENTS)
    numbers = ", ".join(f"cast(coalesce({name}, 0) as double) as {name}" for name in NUMBERS)
    columns = states.project(f"{numbers}, {codes}").order(", ".join(NUMBERS)).fetchnumpy()
    return (
        {name: np.asarray(columns[name]) for name in NUMBERS},
        {name: np.asarray(columns[name]) for name in SEGMENTS},
    )


def fitted(
    *, numbers: Columns, min_repeat_customers: int, like: tuple[Fit, Fit] | None = None
) -> tuple[Fit, Fit]:
    """Fit purchases and margins, starting from the fits to all customers if there are any."""
    starts = [fit.parameters if fit.is_usable else None for fit in like or ()] or [None, None]
    purchases = purchase_model.fit(
        frequency=numbers["frequency"],
        recency=numbers["recency_days"] / DAYS_PER_WEEK,
        age=numbers["age_days"] / DAYS_PER_WEEK,
        customers=np.ones(len(numbers["frequency"])),
        min_repeat_customers=min_repeat_customers,
        start=starts[0],
    )
    margins = margin_model.fit(
        frequency=numbers["frequency"],
        margin=numbers["repeat_margin_amount"],
        min_customers=min_repeat_customers,
        start=starts[1],
    )
    return purchases, margins


def slice_rows(
    *,
    name: str,
    value: str,
    numbers: Columns,
    fits: tuple[Fit, Fit],
    holdout_weeks: float | None,
) -> Iterator[Row]:
    """Yield the fits to customers or, with a hold-out, how well they forecast it."""
    purchases = Slice(model=PURCHASES, segment_name=name, segment_value=value)
    spending = Slice(model=MARGINS, segment_name=name, segment_value=value)
    purchases_fit, margins_fit = fits
    if holdout_weeks is None:
        yield from fit_rows(of=purchases, fit=purchases_fit)
        yield from fit_rows(of=spending, fit=margins_fit)
    elif purchases_fit.is_usable:
        yield from judged(
            purchases=purchases,
            spending=spending,
            numbers=numbers,
            purchases_fit=purchases_fit,
            margins_fit=margins_fit,
            weeks=holdout_weeks,
        )


def judged(
    *,
    purchases: Slice,
    spending: Slice,
    numbers: Columns,
    purchases_fit: Fit,
    margins_fit: Fit,
    weeks: float,
) -> Iterator[Row]:
    """Compare a hold-out of this many weeks with the models and with two baselines.

    The baselines: each customer continues at their own past rate; each is the mean of the slice.
    """
    frequency, age = numbers["frequency"], numbers["age_days"] / DAYS_PER_WEEK
    margin = np.maximum(numbers["repeat_margin_amount"], 0)
    # the costly part depends on frequency and age alone, which many customers share
    alike = frequency * MOST_DAYS + numbers["age_days"]
    _, firsts, of_alike = np.unique(alike, return_index=True, return_inverse=True)
    if_alive = purchase_forecasts.purchases_if_alive(
        parameters=purchases_fit.parameters,
        frequency=frequency[firsts],
        age=age[firsts],
        horizon=weeks,
    )
    expected = if_alive[of_alike] * purchase_forecasts.alive_probability(
        parameters=purchases_fit.parameters,
        frequency=frequency,
        recency=numbers["recency_days"] / DAYS_PER_WEEK,
        age=age,
    )
    share_of_age = weeks / np.where(age > 0, age, np.inf)
    # the same for each customer: the mean of the slice
    share_of_all = np.full(len(age), weeks / max(age.sum(), 1 / DAYS_PER_WEEK))
    yield from holdout_rows(
        of=purchases,
        status=purchases_fit.status,
        frequency=frequency,
        customers=np.ones(len(age)),
        actual=numbers["holdout_purchase_days"],
        forecasts={
            "predicted": expected,
            "past_rate": frequency * share_of_age,
            "segment_mean": frequency.sum() * share_of_all,
        },
    )
    if margins_fit.is_usable:
        mean = margin_model.expected_margin(
            parameters=margins_fit.parameters, frequency=frequency, margin=margin
        )
        yield from holdout_rows(
            of=spending,
            status=margins_fit.status,
            frequency=frequency,
            customers=np.ones(len(age)),
            actual=numbers["holdout_margin_amount"],
            forecasts={
                "predicted": expected * mean,
                "past_rate": margin * share_of_age,
                "segment_mean": margin.sum() * share_of_all,
            },
        )
