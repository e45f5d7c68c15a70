"""The models fitted to each slice of customers as of the as-of day, and tested on a hold-out."""

from collections.abc import Iterator

import duckdb
import numpy as np

from python_helpers.value import margin_model, purchase_model, renewal_model
from python_helpers.value.likelihood import Fit, Floats, dot
from python_helpers.value.purchase_model import BG, FAMILIES, MBG, NBD
from python_helpers.value.tables import (
    ALL,
    Columns,
    Number,
    calibration,
    fit_numbers,
    holdout_numbers,
    numbers,
    sampled,
    slices,
)

MARGINS = "gamma_gamma"
RENEWALS = "shifted_beta_geometric"
DAYS_PER_WEEK = 7
MOST_DAYS = 1_000_000  # longer than anybody is a customer
CONTRACT = (
    "billing_term, renewals, is_churned, "
    "calibration_renewals, is_calibration_churned, renewals_if_kept"
)

Fits = dict[str, Fit]
"""The fit of each model to one slice."""


def purchase_rows(
    *,
    states: duckdb.DuckDBPyRelation,
    min_repeat_customers: int,
    holdout_weeks: float,
    most_customers: int,
) -> Iterator[tuple]:
    """Yield rows of FIT_TYPES: fits of purchases and margins, and the test of earlier fits.

    `states` has one row per customer and cutoff, which is the day before the hold-out or the as-of
    day. Of more customers than `most_customers`, a sample stands for all. The likelihood of all
    customers at the first chooses the family of purchases. A slice that contains all customers has
    the numbers of the slice `all`; the search for every other slice, and for the later day, starts
    from the fits of `all`.
    """
    fits_of_all: Fits = {}
    chosen = None
    for cutoff in ("calibration", "as_of"):
        relation = sampled(
            relation=states.filter(f"cutoff = '{cutoff}'"), most=most_customers
        ).project(f"'{ALL}' as \"{ALL}\", * exclude (cutoff, customer_id)")
        count_of_all = 0
        rows_of_all: list[Number] = []
        for name, value, customers in slices(relation=relation):
            count = len(customers["frequency"])
            rows = rows_of_all
            if count != count_of_all:
                fits = purchase_fits(
                    customers=customers, min_customers=min_repeat_customers, like=fits_of_all
                )
                if cutoff == "as_of":
                    rows = [*fit_numbers(fits=fits), *family_numbers(fits=fits, chosen=chosen)]
                else:
                    chosen = most_likely(fits=fits) if name == ALL else chosen
                    rows = [
                        *family_numbers(fits=fits, prefix="calibration_"),
                        *purchase_test(
                            fits=fits, chosen=chosen, customers=customers, weeks=holdout_weeks
                        ),
                    ]
            if name == ALL:
                count_of_all, fits_of_all, rows_of_all = count, fits, rows
            yield from ((row[0], name, value, *row[1:]) for row in rows)


def purchase_fits(*, customers: Columns, min_customers: int, like: Fits) -> Fits:
    """Fit the families of purchases and the model of margins to the customers of a slice."""
    frequency = customers["frequency"]
    histories = purchase_model.grouped(
        frequency=frequency,
        recency=customers["recency_days"] / DAYS_PER_WEEK,
        age=customers["age_days"] / DAYS_PER_WEEK,
    )
    fits = {
        family: purchase_model.fit(
            family=family,
            histories=histories,
            min_repeat_customers=min_customers,
            like=like.get(family),
        )
        for family in FAMILIES
    }
    fits[MARGINS] = margin_model.fit(
        frequency=frequency,
        margin=customers["limited_repeat_margin_amount"],
        min_customers=min_customers,
        like=like.get(MARGINS),
    )
    return fits


def most_likely(*, fits: Fits) -> str | None:
    """Return which family that lets customers leave has the greatest likelihood, if any has one."""
    likelihoods = {
        family: fits[family].log_likelihood for family in (BG, MBG) if fits[family].is_usable
    }
    return max(likelihoods, key=lambda family: likelihoods[family] or 0, default=None)


def family_numbers(*, fits: Fits, chosen: str | None = None, prefix: str = "") -> Iterator[Number]:
    """Yield what tells whether customers leave: how much likelier a family is than one without.

    And whether its parameters of leaving are at a bound; and of the as-of day, whether it is the
    chosen one.
    """
    for family in FAMILIES:
        fit, without = fits[family], fits[NBD].log_likelihood
        likelihood = fit.log_likelihood
        values: dict[str, float | None] = {"chosen": family == chosen if chosen else None}
        if prefix:
            values = {"log_likelihood": likelihood}
        if family != NBD and likelihood is not None and without is not None:
            values["log_likelihood_above_nbd"] = likelihood - without
            values["dropout_at_a_bound"] = not fit.at_a_bound.isdisjoint("ab")
        values = {f"{prefix}{statistic}": value for statistic, value in values.items()}
        yield from numbers(model=family, status=fit.status, values=values)


def purchase_test(
    *, fits: Fits, chosen: str | None, customers: Columns, weeks: float
) -> Iterator[Number]:
    """Compare a hold-out of this many weeks with the models and with two baselines.

    In the baseline `past_rate` all customers continue at their own rate so far; in `segment_mean`
    all of them buy like the mean of the slice. Margins are those of the chosen family's purchases.
    """
    frequency, age = customers["frequency"], customers["age_days"] / DAYS_PER_WEEK
    # the costly part depends on frequency and age, which many customers share
    alike = frequency * MOST_DAYS + customers["age_days"]
    _, firsts, of_alike = np.unique(alike, return_index=True, return_inverse=True)
    # of each model: the sum before the hold-out, the forecast and the actual number
    tests = {}
    for family in FAMILIES:
        fit = fits[family]
        if not fit.is_usable:
            continue
        if_alive = purchase_model.purchases_if_alive(
            family=family,
            parameters=fit.parameters,
            frequency=frequency[firsts],
            age=age[firsts],
            horizon=weeks,
        )
        alive = purchase_model.alive_probability(
            family=family,
            parameters=fit.parameters,
            frequency=frequency,
            recency=customers["recency_days"] / DAYS_PER_WEEK,
            age=age,
        )
        purchases = if_alive[of_alike] * alive
        tests[family] = (frequency, purchases, customers["holdout_purchase_days"])
        if family == chosen and fits[MARGINS].is_usable:
            margin, limited = (
                np.maximum(customers[f"{kind}repeat_margin_amount"], 0) for kind in ("", "limited_")
            )
            spending = purchases * margin_model.expected_margin(
                parameters=fits[MARGINS].parameters, frequency=frequency, margin=limited
            )
            tests[MARGINS] = (margin, spending, customers["holdout_margin_amount"])
        for values, decile in chances_tested(
            fit=fit, alive=alive, customers=customers, weeks=weeks
        ):
            yield from numbers(model=family, status=fit.status, values=values, chance_decile=decile)
    share_of_age = weeks / np.where(age > 0, age, np.inf)
    # at least one day, because customers of the last day have no age
    share_of_all = np.full(len(age), weeks / max(age.sum(), 1 / DAYS_PER_WEEK))
    for model, (so_far, predicted, actual) in tests.items():
        yield from holdout_numbers(
            model=model,
            status=fits[model].status,
            customers=np.ones(len(frequency)),
            frequency=frequency,
            actual=actual,
            forecasts={
                "predicted": predicted,
                "past_rate": so_far * share_of_age,
                "segment_mean": so_far.sum() * share_of_all,
            },
        )


def chances_tested(
    *, fit: Fit, alive: Floats, customers: Columns, weeks: float
) -> Iterator[tuple[dict[str, float], str]]:
    """Compare the chances to buy again with the shares of customers who did.

    Within the hold-out they are compared for each tenth of the customers; within the activity
    window, for customers who count as churned before the hold-out and for the others, if their
    window ends with the hold-out at the latest.
    """
    days = weeks * DAYS_PER_WEEK
    window, waited = customers["activity_window_days"], customers["days_to_holdout_purchase"]

    def chance(horizon: Floats | float) -> Floats:
        silence = purchase_model.silence_if_alive(
            parameters=fit.parameters,
            frequency=customers["frequency"],
            age=customers["age_days"] / DAYS_PER_WEEK,
            window=horizon,
        )
        return alive * (1 - silence)

    yield from calibration(chance=chance(weeks), is_buyer=(waited > 0) & (waited <= days))
    of_window, is_buyer = chance(window / DAYS_PER_WEEK), (waited > 0) & (waited <= window)
    for name, is_churned in (("churned", 1), ("active", 0)):
        is_of = (customers["is_churned"] == is_churned) & (window <= days)
        if is_of.any():
            values = {
                f"holdout_{name}_customers": float(is_of.sum()),
                f"holdout_{name}_chance": float(of_window[is_of].mean()),
                f"holdout_{name}_share": float(is_buyer[is_of].mean()),
            }
            yield values, ALL


def renewal_rows(*, histories: duckdb.DuckDBPyRelation, min_churned: int) -> Iterator[tuple]:
    """Yield rows of FIT_TYPES: the fit of each billing term, and the test of an earlier fit.

    `histories` has one row per contract; contracts that are alike are counted first, because few
    differ. The test has only contracts from before the hold-out.
    """
    grouped = histories.aggregate(f"{CONTRACT}, count(*) as contracts", CONTRACT)
    for when in ("", "calibration_"):
        relation = grouped.filter(f"{when}renewals is not null")
        for name, term, contracts in slices(relation=relation):
            fit = renewal_model.fit(
                renewals=contracts[f"{when}renewals"],
                is_churned=contracts[f"is_{when}churned"],
                customers=contracts["contracts"],
                min_churned=min_churned,
            )
            test = renewal_test(fit=fit, contracts=contracts)
            values = {f"{when}{parameter}": value for parameter, value in fit.parameters.items()}
            tested = numbers(model=RENEWALS, status=fit.status, values=values)
            rows = [*tested, *test] if when else fit_numbers(fits={RENEWALS: fit})
            yield from ((row[0], name, term, *row[1:]) for row in rows)


def renewal_test(*, fit: Fit, contracts: Columns) -> Iterator[Number]:
    """Compare the contracts that survive the hold-out with the model and with two baselines.

    In the baseline `past_rate` the same share leaves at each end of a term as so far; in
    `nobody_leaves` all contracts are renewed.
    """
    renewals, is_churned = contracts["calibration_renewals"], contracts["is_calibration_churned"]
    count = contracts["contracts"]
    if not fit.is_usable or is_churned.all():
        return
    # a contract met one end per renewal, and one more if the customer left there
    stayed = 1 - dot(is_churned, count) / dot(renewals + is_churned, count)
    there = {name: column[is_churned == 0] for name, column in contracts.items()}
    before, after = there["calibration_renewals"], there["renewals_if_kept"]
    survival_before, survival_after = (
        renewal_model.survival(parameters=fit.parameters, renewals=ends) for ends in (before, after)
    )
    yield from holdout_numbers(
        model=RENEWALS,
        status=fit.status,
        customers=there["contracts"],
        frequency=before,
        actual=1 - there["is_churned"],
        forecasts={
            "predicted": survival_after / survival_before,
            "past_rate": stayed ** (after - before),
            "nobody_leaves": np.ones(len(before)),
        },
    )
