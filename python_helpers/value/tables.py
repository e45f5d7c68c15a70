"""Tables in and out: the numbers of each slice of customers, and one row per number of a fit.

A slice is a value of a segment, for example the region north. A row names the model, the slice, the
statistic, the frequency class and the tenth of the customers by their chance to buy again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import duckdb
import numpy as np

from python_helpers.value.likelihood import CONVERGED, Fit, Floats

ALL = "all"
CLASSES = ("0", "1", "2", "3", "4", "5", "6", "7+")
FIT_TYPES = {
    "model": "varchar",
    "segment_name": "varchar",
    "segment_value": "varchar",
    "statistic": "varchar",
    "frequency_class": "varchar",
    "chance_decile": "varchar",
    "value": "double",
    "status": "varchar",
}
DTYPES = {"varchar": object, "bigint": np.int64, "double": float}

Columns = dict[str, Floats]
Slice = tuple[str, str, str]
"""Model, segment name and segment value."""
Number = tuple[str, str, str, str, float, str]
"""Model, statistic, frequency class, decile, value and status: a row without its slice."""


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
        values = relation.project(f'hash("{name}"), "{name}"').distinct().order(f'"{name}"')
        for code, value in values.fetchall():
            is_of = columns[name] == code
            yield name, value, {number: columns[number][is_of] for number in numbers}


def sampled(*, relation: duckdb.DuckDBPyRelation, most: int) -> duckdb.DuckDBPyRelation:
    """Return the rows of about `most` customers, or all rows if there are no more than that.

    The relation has one row per customer. The choice is by a hash of the key that every engine
    computes alike, so that all of them choose the same customers.
    """
    ((count,),) = relation.aggregate("count(*)").fetchall()
    if count <= most:
        return relation
    return relation.filter(f"md5(customer_id) < '{most * 16**8 // count:08x}'")


def numbers(
    *,
    model: str,
    status: str,
    values: Mapping[str, float | None],
    frequency_class: str = ALL,
    chance_decile: str = ALL,
) -> Iterator[Number]:
    """Yield the values that are known, by statistic."""
    for statistic, value in values.items():
        if value is not None:
            yield model, statistic, frequency_class, chance_decile, float(value), status


def fit_numbers(*, fits: Mapping[str, Fit]) -> Iterator[Number]:
    """Yield the parameters of each fit, its likelihood, its customers and whether it converged."""
    for model, fit in fits.items():
        values = {
            **fit.parameters,
            "log_likelihood": fit.log_likelihood,
            "customers": fit.observations,
            "converged": fit.status == CONVERGED,
        }
        yield from numbers(model=model, status=fit.status, values=values)


def holdout_numbers(
    *,
    model: str,
    status: str,
    customers: Floats,
    frequency: Floats,
    actual: Floats,
    forecasts: Mapping[str, Floats],
) -> Iterator[Number]:
    """Yield the actual numbers of a hold-out and those of each forecast, by class and in total.

    An element of the arrays stands for as many customers as `customers` says. The error of a
    forecast is the sum over the classes of |forecast - actual| / actual; in its total error, the
    classes can balance each other. If the actual total is 0, there are no errors.
    """
    classes = np.minimum(frequency, len(CLASSES) - 1).astype(int)
    measures = {"customers": 1.0, "actual": actual, **forecasts}
    sums = {
        f"holdout_{name}": np.bincount(classes, weights=customers * values, minlength=len(CLASSES))
        for name, values in measures.items()
    }
    of = {"model": model, "status": status}
    for number in np.flatnonzero(sums["holdout_customers"]):
        values = {name: by_class[number] for name, by_class in sums.items()}
        yield from numbers(**of, values=values, frequency_class=CLASSES[number])
    yield from numbers(**of, values={name: by_class.sum() for name, by_class in sums.items()})
    came = sums["holdout_actual"]
    for name in forecasts if came.sum() > 0 else ():
        off = sums[f"holdout_{name}"] - came
        errors = {
            f"holdout_{name}_error": np.abs(off).sum() / came.sum(),
            f"holdout_{name}_total_error": abs(off.sum()) / came.sum(),
        }
        yield from numbers(**of, values=errors)


def calibration(*, chance: Floats, is_buyer: Floats) -> Iterator[tuple[dict[str, float], str]]:
    """Yield predicted chances and the shares of customers who bought, by statistic, and the tenth.

    The first tenth has the greatest chances. Customers of one chance are in one tenth, that of the
    one in their middle, so that the result cannot depend on who of them bought. The Brier score is
    the mean squared error of the chances; beside it is that of the share of all, known afterwards.
    """
    chance = np.round(chance, 12)  # without the digits that depend on the processor
    _, of_group, sizes = np.unique(-chance, return_inverse=True, return_counts=True)
    middles = np.cumsum(sizes) - (sizes + 1) / 2
    deciles = (10 * middles / len(chance)).astype(int)[of_group]
    for decile in np.unique(deciles):
        is_of = deciles == decile
        values = {
            "decile_customers": float(is_of.sum()),
            "decile_chance": float(chance[is_of].mean()),
            "decile_share": float(is_buyer[is_of].mean()),
        }
        yield values, str(decile + 1)
    share = float(is_buyer.mean())
    score = float(((chance - is_buyer) ** 2).mean())
    yield {"brier_score": score, "brier_score_of_share": share * (1 - share)}, ALL


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
    rows = fits.filter(f"frequency_class = '{ALL}' and chance_decile = '{ALL}'").fetchall()
    for model, segment_name, segment_value, statistic, _, _, value, _ in rows:
        found.setdefault((model, segment_name, segment_value), {})[statistic] = value
    return found
