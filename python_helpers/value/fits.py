"""The models fitted to each slice of customers as of the as-of day, and tested on a hold-out."""

from collections.abc import Iterator, Mapping

import duckdb
import numpy as np

from python_helpers.value import margin_model, purchase_model, renewal_model
from python_helpers.value.likelihood import Fit
from python_helpers.value.tables import Columns, Number, fit_numbers, holdout_numbers, slices

PURCHASES = "bg_nbd"
MARGINS = "gamma_gamma"
RENEWALS = "shifted_beta_geometric"
ALL = "all"
DAYS_PER_WEEK = 7
MOST_DAYS = 1_000_000  # longer than anybody is a customer


def purchase_rows(
    *, states: duckdb.DuckDBPyRelation, min_repeat_customers: int, holdout_weeks: float
) -> Iterator[tuple]:
    """Yield rows of FIT_TYPES: fits of purchases and margins, and the test of earlier fits.

    `states` has one row per customer and cutoff, which is the as-of day or the day before the
    hold-out. A slice that contains all customers has the numbers of the slice `all`; the search for
    every other slice starts from the fits of `all`.
    """
    for cutoff in ("as_of", "calibration"):
        relation = states.filter(f"cutoff = '{cutoff}'").project(
            f"'{ALL}' as \"{ALL}\", * exclude (cutoff, customer_id)"
        )
        count_of_all = 0
        fits_of_all: dict[str, Fit] = {}
        numbers_of_all: list[Number] = []
        for name, value, customers in slices(relation=relation):
            count = len(customers["frequency"])
            numbers = numbers_of_all
            if count != count_of_all:
                fits = {
                    PURCHASES: purchase_model.fit(
                        frequency=customers["frequency"],
                        recency=customers["recency_days"] / DAYS_PER_WEEK,
                        age=customers["age_days"] / DAYS_PER_WEEK,
                        min_repeat_customers=min_repeat_customers,
                        like=fits_of_all.get(PURCHASES),
                    ),
                    MARGINS: margin_model.fit(
                        frequency=customers["frequency"],
                        margin=customers["repeat_margin_amount"],
                        min_customers=min_repeat_customers,
                        like=fits_of_all.get(MARGINS),
                    ),
                }
                test = purchase_test(fits=fits, customers=customers, weeks=holdout_weeks)
                numbers = list(fit_numbers(fits=fits) if cutoff == "as_of" else test)
            if name == ALL:
                count_of_all, fits_of_all, numbers_of_all = count, fits, numbers
            yield from ((row[0], name, value, *row[1:]) for row in numbers)


def purchase_test(*, fits: Mapping[str, Fit], customers: Columns, weeks: float) -> Iterator[Number]:
    """Compare a hold-out of this many weeks with the models and with two baselines.

    In the baseline `past_rate` all customers continue at their own rate so far; in `segment_mean`
    all of them buy like the mean of the slice.
    """
    if not fits[PURCHASES].is_usable:
        return
    frequency, age = customers["frequency"], customers["age_days"] / DAYS_PER_WEEK
    margin = np.maximum(customers["repeat_margin_amount"], 0)
    # the costly part depends on frequency and age, which many customers share
    alike = frequency * MOST_DAYS + customers["age_days"]
    _, firsts, of_alike = np.unique(alike, return_index=True, return_inverse=True)
    parameters = fits[PURCHASES].parameters
    if_alive = purchase_model.purchases_if_alive(
        parameters=parameters, frequency=frequency[firsts], age=age[firsts], horizon=weeks
    )
    purchases = if_alive[of_alike] * purchase_model.alive_probability(
        parameters=parameters,
        frequency=frequency,
        recency=customers["recency_days"] / DAYS_PER_WEEK,
        age=age,
    )
    # of each model: the sum before the hold-out, the forecast and the actual number
    tests = {PURCHASES: (frequency, purchases, customers["holdout_purchase_days"])}
    if fits[MARGINS].is_usable:
        spending = purchases * margin_model.expected_margin(
            parameters=fits[MARGINS].parameters, frequency=frequency, margin=margin
        )
        tests[MARGINS] = (margin, spending, customers["holdout_margin_amount"])
    share_of_age = weeks / np.where(age > 0, age, np.inf)
    # at least one day, because customers of the last day have no age
    share_of_all = np.full(len(age), weeks / max(age.sum(), 1 / DAYS_PER_WEEK))
    for model, (so_far, predicted, actual) in tests.items():
        yield from holdout_numbers(
            model=model,
            status=fits[model].status,
            frequency=frequency,
            actual=actual,
            forecasts={
                "predicted": predicted,
                "past_rate": so_far * share_of_age,
                "segment_mean": so_far.sum() * share_of_all,
            },
        )


def renewal_rows(*, histories: duckdb.DuckDBPyRelation, min_churned: int) -> Iterator[tuple]:
    """Yield rows of FIT_TYPES: the fit of each billing term, and the test of an earlier fit.

    `histories` has one row per contract. The test has only contracts from before the hold-out.
    """
    for when in ("", "calibration_"):
        relation = histories.filter(f"{when}renewals is not null").project(
            "* exclude (customer_id, spell_number)"
        )
        for name, value, contracts in slices(relation=relation):
            fit = renewal_model.fit(
                renewals=contracts[f"{when}renewals"],
                is_churned=contracts[f"is_{when}churned"],
                customers=np.ones(len(contracts["renewals"])),
                min_churned=min_churned,
            )
            test = renewal_test(fit=fit, contracts=contracts)
            numbers = test if when else fit_numbers(fits={RENEWALS: fit})
            yield from ((row[0], name, value, *row[1:]) for row in numbers)


def renewal_test(*, fit: Fit, contracts: Columns) -> Iterator[Number]:
    """Compare the contracts that survive the hold-out with the model and with two baselines.

    In the baseline `past_rate` the same share leaves at each end of a term as so far; in
    `nobody_leaves` all contracts are renewed.
    """
    renewals, is_churned = contracts["calibration_renewals"], contracts["is_calibration_churned"]
    if not fit.is_usable or is_churned.all():
        return
    # a contract met one end per renewal, and one more if the customer left there
    stayed = 1 - is_churned.sum() / (renewals + is_churned).sum()
    there = {name: column[is_churned == 0] for name, column in contracts.items()}
    before, after = there["calibration_renewals"], there["renewals_if_kept"]
    survival_before, survival_after = (
        renewal_model.survival(parameters=fit.parameters, renewals=ends) for ends in (before, after)
    )
    yield from holdout_numbers(
        model=RENEWALS,
        status=fit.status,
        frequency=before,
        actual=1 - there["is_churned"],
        forecasts={
            "predicted": survival_after / survival_before,
            "past_rate": stayed ** (after - before),
            "nobody_leaves": np.ones(len(before)),
        },
    )
