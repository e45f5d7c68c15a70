"""Fits as rows: one number each, with its model and its slice of customers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np

from python_helpers.value.likelihood import CONVERGED, Fit, Floats

CLASSES = ("0", "1", "2", "3", "4", "5", "6", "7+")
TYPES = {
    "model": "varchar",
    "segment_name": "varchar",
    "segment_value": "varchar",
    "statistic": "varchar",
    "frequency_class": "varchar",
    "value": "double",
    "status": "varchar",
}

Columns = dict[str, Floats]
Row = tuple[str, str, str, str, str, float, str]


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A model, and the customers it was fitted to."""

    model: str
    segment_name: str
    segment_value: str


def fit_rows(*, of: Slice, fit: Fit) -> Iterator[Row]:
    """Yield the parameters of a fit, if it found any, its likelihood and its status."""
    numbers: dict[str, float | None] = {
        **fit.parameters,
        "log_likelihood": fit.log_likelihood,
        "customers": fit.observations,
        "converged": fit.status == CONVERGED,
    }
    for statistic, value in numbers.items():
        if value is not None:
            yield row(of=of, statistic=statistic, value=value, status=fit.status)


def holdout_rows(
    *,
    of: Slice,
    status: str,
    frequency: Floats,
    customers: Floats,
    actual: Floats,
    forecasts: Mapping[str, Floats],
) -> Iterator[Row]:
    """Yield the actual values and each forecast, by frequency class and in total.

    The error of a forecast is the sum of its absolute errors by class, over the actual total; in
    the total error, classes offset each other. Without an actual value there is no error.
    """
    classes = np.minimum(frequency, len(CLASSES) - 1).astype(int)
    sums = {
        name: np.bincount(classes, weights=values, minlength=len(CLASSES))
        for name, values in {"customers": customers, "actual": actual, **forecasts}.items()
    }
    for name, by_class in sums.items():
        statistic = f"holdout_{name}"
        yield row(of=of, statistic=statistic, value=by_class.sum(), status=status)
        for number, label in enumerate(CLASSES):
            if sums["customers"][number]:
                yield row(
                    of=of,
                    statistic=statistic,
                    value=by_class[number],
                    status=status,
                    frequency_class=label,
                )
    total = sums["actual"].sum()
    if total > 0:
        for name in forecasts:
            off = sums[name] - sums["actual"]
            for statistic, value in {
                f"holdout_{name}_error": np.abs(off).sum() / total,
                f"holdout_{name}_total_error": abs(off.sum()) / total,
            }.items():
                yield row(of=of, statistic=statistic, value=value, status=status)


def row(
    *, of: Slice, statistic: str, value: float, status: str, frequency_class: str = "all"
) -> Row:
    """Return a number of a slice as a row."""
    place = (of.model, of.segment_name, of.segment_value)
    return (*place, statistic, frequency_class, float(value), status)


def table(
    *,
    session: duckdb.DuckDBPyConnection,
    name: str,
    types: Mapping[str, str],
    columns: Mapping[str, np.ndarray],
) -> duckdb.DuckDBPyRelation:
    """Return columns as a relation with these types, even if they are empty."""
    session.register(name, {column: np.asarray(columns[column]) for column in types})
    casts = ", ".join(f"cast({column} as {kind}) as {column}" for column, kind in types.items())
    return session.query(f"select {casts} from {name}")


def table_of_rows(
    *, session: duckdb.DuckDBPyConnection, name: str, rows: list[Row]
) -> duckdb.DuckDBPyRelation:
    """Return rows of fits as a relation."""
    cells = list(zip(*rows, strict=True)) or [()] * len(TYPES)
    columns = {
        column: np.array(values, dtype=float if column == "value" else object)
        for column, values in zip(TYPES, cells, strict=True)
    }
    return table(session=session, name=name, types=TYPES, columns=columns)


def parameters_of(*, fits: duckdb.DuckDBPyRelation, of: Slice) -> dict[str, float]:
    """Read the parameters of a fit; empty where it has none."""
    rows = fits.filter(
        f"model = '{of.model}' and segment_name = '{of.segment_name}' and "
        f"segment_value = {literal(of.segment_value)} and frequency_class = 'all'"
    ).fetchall()
    return {statistic: value for _, _, _, statistic, _, value, _ in rows}


def literal(text: str) -> str:
    """Return a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"
