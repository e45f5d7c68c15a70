"""The model of renewals, fitted to the contracts of each billing term and judged on a hold-out."""

from collections.abc import Iterator

import duckdb
import numpy as np

from python_helpers.value import renewal_model
from python_helpers.value.fitted import Columns, Row, Slice, fit_rows, holdout_rows
from python_helpers.value.likelihood import Fit, dot

RENEWALS = "shifted_beta_geometric"
TERM = "billing_term"


def renewal_rows(*, histories: duckdb.DuckDBPyRelation, min_churned: int) -> Iterator[Row]:
    """Yield the fit of each billing term as of the as-of day, and the hold-out of earlier ones."""
    contracts = grouped(relation=histories, renewals="renewals", is_churned="is_churned")
    for term, groups in contracts.items():
        of = Slice(model=RENEWALS, segment_name=TERM, segment_value=term)
        yield from fit_rows(of=of, fit=fitted(groups=groups, min_churned=min_churned))
    calibrated = grouped(
        relation=histories.filter("calibration_renewals is not null"),
        renewals="calibration_renewals",
        is_churned="is_calibration_churned",
        renewals_if_kept="renewals_if_kept",
        kept="case when is_churned then 0 else 1 end",
    )
    for term, groups in calibrated.items():
        of = Slice(model=RENEWALS, segment_name=TERM, segment_value=term)
        yield from judged(of=of, groups=groups, min_churned=min_churned)


def grouped(*, relation: duckdb.DuckDBPyRelation, **columns: str) -> dict[str, Columns]:
    """Count equal contracts, by billing term: the columns and `customers`."""
    selected = ", ".join(
        f"cast({expression} as bigint) as {name}" for name, expression in columns.items()
    )
    alike = ", ".join([TERM, *columns])
    counted = relation.project(f"{TERM}, {selected}").aggregate(
        f"{alike}, count(*) as customers", alike
    )
    arrays = counted.order(alike).fetchnumpy()
    terms = np.asarray(arrays.pop(TERM), dtype=object)
    return {
        term: {
            name: np.asarray(array[terms == term], dtype=float) for name, array in arrays.items()
        }
        for term in sorted(set(terms))
    }


def fitted(*, groups: Columns, min_churned: int) -> Fit:
    """Fit the model to contracts, counted by renewals and whether they churned."""
    return renewal_model.fit(
        renewals=groups["renewals"],
        is_churned=groups["is_churned"],
        customers=groups["customers"],
        min_churned=min_churned,
    )


def judged(*, of: Slice, groups: Columns, min_churned: int) -> Iterator[Row]:
    """Compare the contracts that survive the hold-out with the model and with two baselines.

    The baselines: at each end of a term the same share leaves as so far; nobody leaves.
    """
    fit = fitted(groups=groups, min_churned=min_churned)
    there = {name: column[groups["is_churned"] == 0] for name, column in groups.items()}
    if not fit.is_usable or not len(there["customers"]):
        return
    customers = there["customers"]
    survival = {
        name: renewal_model.survival(parameters=fit.parameters, renewals=there[name])
        for name in ("renewals", "renewals_if_kept")
    }
    # a contract reached one end of a term per renewal, and one more if it churned there
    ends = dot(groups["customers"], groups["renewals"] + groups["is_churned"])
    stayed = 1 - dot(groups["customers"], groups["is_churned"]) / ends
    yield from holdout_rows(
        of=of,
        status=fit.status,
        frequency=there["renewals"],
        customers=customers,
        actual=customers * there["kept"],
        forecasts={
            "predicted": customers * survival["renewals_if_kept"] / survival["renewals"],
            "past_rate": customers * stayed ** (there["renewals_if_kept"] - there["renewals"]),
            "nobody_leaves": customers,
        },
    )


def paid_months(
    *,
    fits: duckdb.DuckDBPyRelation,
    contracts: Columns,
    terms: np.ndarray,
    horizon_months: int,
    annual_discount_rate: float = 0.0,
) -> np.ndarray:
    """Return the expected paid months of contracts with these terms; NaN without a fit."""
    months = np.full(len(terms), np.nan)
    for term in sorted(set(terms)):
        found = fits.filter("frequency_class = 'all' and statistic in ('alpha', 'beta')").filter(
            f"segment_value = '{term}'"
        )
        parameters = {row[3]: row[5] for row in found.fetchall()}
        if parameters:
            of_term = terms == term
            months[of_term] = renewal_model.paid_months(
                parameters=parameters,
                horizon_months=horizon_months,
                annual_discount_rate=annual_discount_rate,
                **{name: column[of_term] for name, column in contracts.items()},
            )
    return months
