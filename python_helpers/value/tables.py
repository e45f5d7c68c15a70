"""Tables in and out: the numbers of each slice of customers, and one row per number of a fit.

A slice is a value of a segment, for example the region north. A row names the model, the slice, the
statistic and the frequency class.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import duckdb
import numpy as np

from python_helpers.value.likelihood import CONVERGED, Fit, Floats

CLASSES = ("0", "1", "2", "3", "4", "5", "6", "7+")
FIT_TYPES = {
    "model": "varchar",
    "segment_name": "varchar",
    "segment_value": "varchar",
    "statistic": "varchar",
    "frequency_class": "varchar",
    "value": "double",
    "status": "varchar",
}
DTYPES = {"varchar": object, "bigint": np.int64, "double": float}

Columns = dict[str, Floats]
Slice = tuple[str, str, str]
"""Model, segment name and segment value."""
Number = tuple[str, str, str, float, str]
"""Model, statistic, frequency class, value and status: a row without its slice."""


def slices(*, relation: duckdb.DuckDBPyRelation) -> Iterator[tuple[str, str, Columns]]:
    """Yield each value of each segment with the numbers of its rows.

    The text columns of the relation are segments, all others are numbers. The numbers are arrays
    with one element per row, sorted by the columns in their order. A missing number is 0.
    """
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    segments = [column for column, kind in types.items() if kind == "VARCHAR"]
    numbers = [column for column in types if column not in segments]
    # a hash stands for the value, because Python would create one text object per row
    selected = [f'hash("{name}") as "{name}"' for name in segments] + [
        f"coalesce(cast({name} as double), 0) as {name}" for name in numbers
    ]
    fetched = relation.project(", ".join(selected)).order(", ".join(numbers)).fetchnumpy()
    columns = {name: np.asarray(column) for name, column in fetched.items()}
    for name in segments:
        values = relation.aggregate(f'hash("{name}"), "{name}"', f'"{name}"').order(f'"{name}"')
        for code, value in values.fetchall():
            is_of = columns[name] == code
            yield name, value, {number: columns[number][is_of] for number in numbers}


def fit_numbers(*, fits: Mapping[str, Fit]) -> Iterator[Number]:
    """Yield the parameters of each fit, its likelihood, its customers and whether it converged."""
    for model, fit in fits.items():
        numbers: dict[str, float | None] = {
            **fit.parameters,
            "log_likelihood": fit.log_likelihood,
            "customers": fit.observations,
            "converged": fit.status == CONVERGED,
        }
        for statistic, value in numbers.items():
            if value is not None:
                yield model, statistic, "all", float(value), fit.status


def holdout_numbers(
    *, model: str, status: str, frequency: Floats, actual: Floats, forecasts: Mapping[str, Floats]
) -> Iterator[Number]:
    """Yield the actual numbers of a hold-out and those of each forecast, by class and in total.

    The arrays have one element per customer. The error of a forecast is the sum over the classes of
    |forecast - actual| / actual; in its total error, the classes can balance each other. If the
    actual total is 0, there are no errors.
    """
    classes = np.minimum(frequency, len(CLASSES) - 1).astype(int)
    measures = {"customers": np.ones(len(classes)), "actual": actual, **forecasts}
    sums = {
        name: np.bincount(classes, weights=values, minlength=len(CLASSES))
        for name, values in measures.items()
    }
    numbers = [(name, "all", by_class.sum()) for name, by_class in sums.items()]
    for number in np.flatnonzero(sums["customers"]):
        numbers += [(name, CLASSES[number], by_class[number]) for name, by_class in sums.items()]
    total = sums["actual"].sum()
    for name in forecasts if total > 0 else ():
        off = sums[name] - sums["actual"]
        numbers.append((f"{name}_error", "all", np.abs(off).sum() / total))
        numbers.append((f"{name}_total_error", "all", abs(off.sum()) / total))
    for name, label, value in numbers:
        yield model, f"holdout_{name}", label, float(value), status


def table(
    *,
    session: duckdb.DuckDBPyConnection,
    name: str,
    types: Mapping[str, str],
    rows: Iterable[Sequence],
) -> duckdb.DuckDBPyRelation:
    """Return the rows as a relation whose columns have these types, even if there are no rows."""
    dtype = [(column, DTYPES[kind]) for column, kind in types.items()]
    array = np.array(list(rows), dtype=dtype)
    session.register(name, {column: np.ascontiguousarray(array[column]) for column in types})
    casts = ", ".join(f"cast({column} as {kind}) as {column}" for column, kind in types.items())
    return session.query(f"select {casts} from {name}")


def parameters_by_slice(*, fits: duckdb.DuckDBPyRelation) -> dict[Slice, dict[str, float]]:
    """Read fits back: the numbers of all classes by statistic.

    A fit that found no parameters has none here either.
    """
    found: dict[Slice, dict[str, float]] = {}
    rows = fits.filter("frequency_class = 'all'").fetchall()
    for model, segment_name, segment_value, statistic, _, value, _ in rows:
        found.setdefault((model, segment_name, segment_value), {})[statistic] = value
    return found
