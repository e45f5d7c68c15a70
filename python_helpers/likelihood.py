"""The search for the parameters of a model that make what was seen most likely."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

CONVERGED = "converged"
AT_A_BOUND = "at a bound"
NOT_CONVERGED = "did not converge"
USABLE = frozenset({CONVERGED, AT_A_BOUND})
"""At a bound a model has become a simpler one, for example one without differences between
customers: its forecasts are as good as the hold-out says."""

GRADIENT_TOLERANCE = 1e-4  # per observation, by the logarithm of a parameter
BOUND_TOLERANCE = 1e-6
WALL = 1e10  # the cost of what cannot be evaluated: a search steps back from it
ITERATIONS = 300
SLOPE_OF_AN_END = 1e-7
LEAST_GAIN = 1e-14  # of likelihood per observation; less drowns in rounding
LONGEST_STEP = 2.0  # in logarithms, so that no step leaves what can be evaluated by far

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
    inverse_curvature: Floats
    """What the search has learnt about how the slope changes, turned around."""


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
    ends = [
        searched(objective=rough_objective or objective, start=np.log(start), limits=limits)
        for start in starts
    ]
    best = min(ends, key=lambda end: end.cost)
    if rough_objective:
        best = searched(
            objective=objective,
            start=best.logarithms,
            limits=limits,
            inverse_curvature=best.inverse_curvature,
        )
    if best.cost >= WALL:
        return Fit(status=NOT_CONVERGED, observations=observations)
    is_bound = np.abs(best.logarithms[:, None] - limits).min(axis=1) < BOUND_TOLERANCE
    if np.abs(best.slope[is_free(point=best, limits=limits)]).max(initial=0) > GRADIENT_TOLERANCE:
        status = NOT_CONVERGED
    else:
        status = AT_A_BOUND if is_bound.any() else CONVERGED
    return Fit(
        status=status,
        parameters=dict(zip(bounds, np.exp(best.logarithms).tolist(), strict=True)),
        log_likelihood=float(-best.cost * observations),
        observations=observations,
    )


def searched(
    *,
    objective: Objective,
    start: Floats,
    limits: Floats,
    inverse_curvature: Floats | None = None,
) -> Point:
    """Walk downhill within the limits, by the method of Broyden, Fletcher, Goldfarb and Shanno.

    The same steps as in a library, without its threads: for so few parameters they cost more than
    they help. What an earlier search learnt of the curvature saves most of the way.
    """
    unknown = np.eye(len(limits))
    point = evaluated(
        objective=objective,
        logarithms=np.clip(start, limits[:, 0], limits[:, 1]),
        inverse_curvature=unknown if inverse_curvature is None else inverse_curvature,
    )
    were_free = is_free(point=point, limits=limits)
    for _ in range(ITERATIONS):
        free = is_free(point=point, limits=limits)
        if (free != were_free).any():  # a walk along a bound knows another curvature
            point, were_free = replace(point, inverse_curvature=unknown), free
        if np.abs(point.slope[free]).max(initial=0) < SLOPE_OF_AN_END:
            break
        following = stepped(objective=objective, point=point, free=free, limits=limits)
        if following is None:
            # nothing learnt is better than something wrong
            afresh = replace(point, inverse_curvature=unknown)
            following = stepped(objective=objective, point=afresh, free=free, limits=limits)
        if following is None:
            break
        point = following
    return point


def stepped(*, objective: Objective, point: Point, free: Floats, limits: Floats) -> Point | None:
    """Return a point that is lower by as much as the slope promises, a part at least, or None."""
    slope = np.where(free, point.slope, 0)
    direction = -np.where(free, np.einsum("ij,j->i", point.inverse_curvature, slope), 0)
    if dot(direction, slope) > -LEAST_GAIN:
        direction = -slope
    if dot(direction, slope) > -LEAST_GAIN:
        return None
    direction *= min(1, LONGEST_STEP / np.abs(direction).max())
    share = 1.0
    while share > 1e-12:
        logarithms = np.clip(point.logarithms + share * direction, limits[:, 0], limits[:, 1])
        step = logarithms - point.logarithms
        following = evaluated(
            objective=objective,
            logarithms=logarithms,
            inverse_curvature=point.inverse_curvature,
        )
        if following.cost <= point.cost + 1e-4 * dot(step, slope) and step.any():
            return replace(
                following,
                inverse_curvature=learnt(
                    inverse=point.inverse_curvature,
                    step=np.where(free, step, 0),
                    change=np.where(free, following.slope - point.slope, 0),
                ),
            )
        share *= 0.4
    return None


def learnt(*, inverse: Floats, step: Floats, change: Floats) -> Floats:
    """Return the inverse curvature that a change of slope over a step asks for."""
    curved = dot(step, change)
    if curved <= 1e-14:
        return inverse
    if (inverse == np.eye(len(step))).all():
        inverse = inverse * curved / dot(change, change)
    turned = np.eye(len(step)) - np.einsum("i,j->ij", step, change) / curved
    kept = np.einsum("ij,jk,lk->il", turned, inverse, turned)
    return kept + np.einsum("i,j->ij", step, step) / curved


def evaluated(*, objective: Objective, logarithms: Floats, inverse_curvature: Floats) -> Point:
    """Evaluate a point; one without a finite likelihood is at the wall."""
    parameters = np.exp(logarithms)
    with np.errstate(all="ignore"):
        value, gradient = objective(parameters)
    is_finite = np.isfinite(value) and np.isfinite(gradient).all()
    return Point(
        logarithms=logarithms,
        cost=-value if is_finite else WALL,
        slope=-gradient * parameters if is_finite else np.zeros_like(logarithms),
        inverse_curvature=inverse_curvature,
    )


def is_free(*, point: Point, limits: Floats) -> Floats:
    """Tell which parameters do not lie at a bound that the way down leads out of."""
    at_low = point.logarithms < limits[:, 0] + BOUND_TOLERANCE
    at_high = point.logarithms > limits[:, 1] - BOUND_TOLERANCE
    return ~((at_low & (point.slope > 0)) | (at_high & (point.slope < 0)))
