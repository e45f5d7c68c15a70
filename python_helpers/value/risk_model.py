"""Chance to churn: logistic regression with a penalty on its squared coefficients (ridge).

Hosmer, Lemeshow and Sturdivant (2013), Applied Logistic Regression, chapters 1 and 2; the penalty
is that of le Cessie and van Houwelingen (1992). The search is Newton's (iteratively reweighted
least squares), whose cost has one minimum, so that it needs no other starts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np

from python_helpers.value.likelihood import CONVERGED, NOT_CONVERGED, Floats

TOO_FEW_CUSTOMERS = "too few customers"
TOO_FEW_CHURNED = "too few churned"
TOO_FEW_STAYED = "too few stayed"
INTERCEPT = "intercept"
MISSING = " missing"  # after the name of an input: the indicator of its missing values
ALL = "all"
FIT_TYPES = {"term": "varchar", "statistic": "varchar", "value": "double", "status": "varchar"}
CLIPPED = (0.01, 0.99)  # an input beyond these quantiles counts as it would at them
STEPS = 100
TOLERANCE = 1e-10  # of the slope, per observation
DIGITS = 9  # of published numbers: those after them depend on the processor

Terms = dict[str, dict[str, float]]
"""How each column of the matrix is made: lower, upper, mean and deviation by name."""


@dataclass(frozen=True, kw_only=True)
class Logistic:
    """Where the search ended: coefficients and standard errors, the intercept first."""

    status: str
    coefficients: Floats
    standard_errors: Floats
    log_likelihood: float


def standardised(*, inputs: Mapping[str, Floats]) -> tuple[Floats, Terms]:
    """Make a matrix with mean 0 of inputs with missing values (NaN); returns it and its terms.

    An input is clipped and scaled, and 0 where it is missing; the indicator of its missing values
    is only centred. What is the same for all customers tells nothing, and neither does an indicator
    that is the same as an earlier flag or its opposite: they are no columns.
    """
    columns: dict[str, Floats] = {}
    terms: Terms = {}
    flags: set[bytes] = set()
    for name, values in inputs.items():
        is_missing = np.isnan(values)
        known = values[~is_missing]
        lower, upper = limits(known=known) if len(known) else (0.0, 0.0)
        clipped = np.clip(values, lower, upper)
        if lower < upper:
            mean, deviation = float(np.nanmean(clipped)), float(np.nanstd(clipped))
            terms[name] = {"lower": lower, "upper": upper, "mean": mean, "deviation": deviation}
            columns[name] = np.where(is_missing, 0, (clipped - mean) / deviation)
        share = float(is_missing.mean())
        flag = is_missing if share else values == upper
        is_new = flag.tobytes() not in flags
        if share or set(np.unique(values)) == {lower, upper}:
            flags |= {flag.tobytes(), (~flag).tobytes()}
        if 0 < share < 1 and is_new:
            terms[name + MISSING] = {"lower": 0, "upper": 1, "mean": share, "deviation": 1}
            columns[name + MISSING] = is_missing - share
    return np.column_stack(list(columns.values())) if columns else np.empty((0, 0)), terms


def limits(*, known: Floats) -> tuple[float, float]:
    """Return between which values an input counts: some of its own, so that a flag stays one."""
    lower = np.quantile(known, CLIPPED[0], method="lower")
    upper = np.quantile(known, CLIPPED[1], method="higher")
    if lower == upper:  # what is rare counts as it is
        lower, upper = known.min(), known.max()
    return float(lower), float(upper)


def fit(*, matrix: Floats, is_churned: Floats, penalty: float) -> Logistic:
    """Find the coefficients with the greatest log-likelihood less penalty / 2 x their squares.

    The intercept goes unpunished. The standard errors are those of the curvature at the end.
    """
    observed = np.asarray(is_churned, float)
    design = np.column_stack([np.ones(len(observed)), matrix])
    ridge = np.full(design.shape[1], float(penalty))
    ridge[0] = 0
    share = observed.mean()
    found = np.zeros(design.shape[1])
    found[0] = np.log(share / (1 - share))

    def cost(coefficients: Floats) -> float:
        linear = np.einsum("ij,j->i", design, coefficients)
        likelihood = (observed * linear - np.logaddexp(0, linear)).sum()
        return -float(likelihood) + (ridge * coefficients**2).sum() / 2

    status = NOT_CONVERGED
    lowest = cost(found)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.einsum("ij,j->i", design, found)))
        slope = np.einsum("ij,i->j", design, chance - observed) + ridge * found
        weighted = design * (chance * (1 - chance))[:, None]
        curvature = np.einsum("ij,ik->jk", weighted, design) + np.diag(ridge)
        if np.abs(slope).max() <= TOLERANCE * len(observed):
            status = CONVERGED
            break
        step = np.linalg.solve(curvature, slope)
        # the cost is convex: a step that overshoots is halved until it does not
        while cost(found - step) > lowest and np.abs(step).max() > TOLERANCE:
            step /= 2
        found = found - step
        lowest = cost(found)
    errors = np.sqrt(np.diag(np.linalg.inv(curvature)))
    return Logistic(
        status=status,
        coefficients=found,
        standard_errors=errors,
        log_likelihood=-lowest + float((ridge * found**2).sum() / 2),
    )


def risk_rows(
    *,
    customers: duckdb.DuckDBPyRelation,
    min_customers: int,
    min_churned: int,
    penalty: float,
) -> Iterator[tuple[str, str, float, str]]:
    """Yield rows of FIT_TYPES: the terms of the model, and what it was fitted to.

    `customers` has a row per day and customer who could churn; its columns of floating-point
    numbers are the inputs, and `is_churned` is the outcome.
    """
    types = dict(zip(customers.columns, map(str, customers.types), strict=True))
    names = [name for name, kind in types.items() if kind == "DOUBLE"]
    fetched = customers.order("scored_on, customer_id").project(
        ", ".join([*names, "cast(is_churned as integer) as is_churned"])
    )
    # a column with NULL is masked
    columns = {
        name: np.ma.filled(values.astype(float), np.nan)
        for name, values in fetched.fetchnumpy().items()
    }
    is_churned = columns.pop("is_churned")
    count, churned = len(is_churned), is_churned.sum()
    known = {"customers": count, "churned": churned}
    few = {
        TOO_FEW_CUSTOMERS: count < max(min_customers, 1),
        TOO_FEW_CHURNED: churned < max(min_churned, 1),
        TOO_FEW_STAYED: count - churned < max(min_churned, 1),
    }
    status = next((status for status, is_few in few.items() if is_few), CONVERGED)
    if status == CONVERGED:
        matrix, terms = standardised(inputs=columns)
        found = fit(matrix=matrix, is_churned=is_churned, penalty=penalty)
        status = found.status
        known["log_likelihood"] = found.log_likelihood
        scales: Terms = {INTERCEPT: {}, **terms}
        for (term, scale), coefficient, error in zip(
            scales.items(), found.coefficients, found.standard_errors, strict=True
        ):
            values = {"coefficient": coefficient, "standard_error": error, **scale}
            for statistic, value in values.items():
                yield term, statistic, round(float(value), DIGITS), status
    for statistic, value in known.items():
        yield ALL, statistic, round(float(value), DIGITS), status
