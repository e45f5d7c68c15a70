"""The search for the parameters of a model that make what was seen most likely."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize

CONVERGED = "converged"
AT_A_BOUND = "at a bound"
NOT_CONVERGED = "did not converge"
USABLE = frozenset({CONVERGED, AT_A_BOUND})
"""At a bound a model has become a simpler one, for example one without differences between
customers: its forecasts are as good as the hold-out says."""

GRADIENT_TOLERANCE = 1e-4  # per observation, by the logarithm of a parameter
BOUND_TOLERANCE = 1e-6
WALL = 1e10  # the cost of what cannot be evaluated: a line search steps back from it
NEWTON_STEPS = 12

Floats = np.ndarray
Objective = Callable[[Floats], tuple[float, Floats]]
"""Parameters -> log-likelihood per observation, and its gradient by each parameter."""


def dot(left: Floats, right: Floats) -> float:
    """Return the sum of products, in one thread.

    `@` hands long arrays to a library whose threads then wait for more in a busy loop: it costs ten
    times the processor time, and adds up in an order that depends on the machine.
    """
    return np.einsum("i,i->", left, right)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What a search found; without parameters where there was too little to search in."""

    status: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    log_likelihood: float | None = None
    observations: int = 0

    @property
    def is_usable(self) -> bool:
        """Tell whether there are parameters to forecast with."""
        return self.status in USABLE


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where a search is: logarithms of the parameters, cost per observation and its slope."""

    logarithms: Floats
    cost: float
    slope: Floats


def maximise(
    *,
    objective: Objective,
    starts: Sequence[Sequence[float]],
    bounds: Mapping[str, tuple[float, float]],
    observations: int,
    rough_objective: Objective | None = None,
) -> Fit:
    """Search from each start for the positive parameters of the greatest likelihood.

    The search is on the logarithms of the parameters, within their bounds, which are in the order
    of the starts. With a rough objective, one of less data, the starts are tried on that, and the
    best end is only corrected on all data. It never raises: the status says what came of it.
    """
    limits = np.log(np.array(list(bounds.values()), dtype=float))
    best = searched(objective=rough_objective or objective, starts=np.log(starts), limits=limits)
    if rough_objective:
        best = corrected(
            objective=objective, rough_objective=rough_objective, start=best, limits=limits
        )
    if best.cost >= WALL:
        return Fit(status=NOT_CONVERGED, observations=observations)
    if np.abs(free_slope(point=best, limits=limits)).max() > GRADIENT_TOLERANCE:
        status = NOT_CONVERGED
    else:
        status = AT_A_BOUND if is_at_bound(point=best, limits=limits).any() else CONVERGED
    return Fit(
        status=status,
        parameters=dict(zip(bounds, np.exp(best.logarithms).tolist(), strict=True)),
        log_likelihood=float(-best.cost * observations),
        observations=observations,
    )


def evaluated(*, objective: Objective, logarithms: Floats) -> Point:
    """Evaluate a point; one without a finite likelihood is at the wall."""
    parameters = np.exp(logarithms)
    with np.errstate(all="ignore"):
        value, gradient = objective(parameters)
    if not (np.isfinite(value) and np.isfinite(gradient).all()):
        return Point(logarithms=logarithms, cost=WALL, slope=np.zeros_like(logarithms))
    return Point(logarithms=logarithms, cost=-value, slope=-gradient * parameters)


def searched(*, objective: Objective, starts: Floats, limits: Floats) -> Point:
    """Return the best end of the searches (L-BFGS-B) from the starts; of equal ones, the first."""

    def cost(logarithms: Floats) -> tuple[float, Floats]:
        point = evaluated(objective=objective, logarithms=logarithms)
        return point.cost, point.slope

    found = [
        minimize(
            cost,
            np.clip(start, limits[:, 0], limits[:, 1]),
            jac=True,
            method="L-BFGS-B",
            bounds=limits,
            options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7},
        )
        for start in starts
    ]
    best = min(found, key=lambda result: result.fun)
    return Point(logarithms=best.x, cost=float(best.fun), slope=best.jac)


def corrected(
    *, objective: Objective, rough_objective: Objective, start: Point, limits: Floats
) -> Point:
    """Walk from the optimum of a rough objective to that of the exact one.

    Newton's steps, with the curvature of the rough one: a few evaluations where a search would take
    dozens. Where they do not get there (at a bound, for one), the search does.
    """
    point = evaluated(objective=objective, logarithms=start.logarithms)
    step = 1e-4
    curvature = np.array([
        evaluated(objective=rough_objective, logarithms=start.logarithms + step * direction).slope
        - evaluated(objective=rough_objective, logarithms=start.logarithms - step * direction).slope
        for direction in np.eye(len(limits))
    ]) / (2 * step)  # fmt: skip
    curvature = (curvature + curvature.T) / 2
    if np.linalg.eigvalsh(curvature).min() > 1e-9:
        for _ in range(NEWTON_STEPS):
            if np.abs(point.slope).max() < 1e-8:
                return point
            logarithms = point.logarithms - np.linalg.solve(curvature, point.slope)
            if ((logarithms <= limits[:, 0]) | (logarithms >= limits[:, 1])).any():
                break
            following = evaluated(objective=objective, logarithms=logarithms)
            if np.abs(following.slope).max() > np.abs(point.slope).max():
                break
            point = following
    if point.cost < WALL and np.abs(point.slope).max() < 1e-6:
        return point
    return searched(objective=objective, starts=point.logarithms[None], limits=limits)


def is_at_bound(*, point: Point, limits: Floats) -> Floats:
    """Tell of each parameter whether it lies at a bound."""
    to_bounds = np.abs(point.logarithms[:, None] - limits).min(axis=1)
    return to_bounds < BOUND_TOLERANCE


def free_slope(*, point: Point, limits: Floats) -> Floats:
    """Return the slope without what points out of the bounds."""
    at_low = point.logarithms < limits[:, 0] + BOUND_TOLERANCE
    at_high = point.logarithms > limits[:, 1] - BOUND_TOLERANCE
    points_out = (at_low & (point.slope > 0)) | (at_high & (point.slope < 0))
    return np.where(points_out, 0, point.slope)
