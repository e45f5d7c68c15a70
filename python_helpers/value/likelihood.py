"""Maximum likelihood: the parameters of a model that make the observed data most likely."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize

CONVERGED = "converged"
AT_A_BOUND = "at a bound"
NOT_CONVERGED = "did not converge"
USABLE = frozenset({CONVERGED, AT_A_BOUND})
"""At a bound a model reduces to a simpler one, for example without differences between customers.
The hold-out says how good its forecasts are."""

GRADIENT_TOLERANCE = 1e-4  # per observation, by the logarithm of a parameter
BOUND_TOLERANCE = 1e-6  # in logarithms
WALL = 1e10  # the cost where the likelihood cannot be evaluated, so that a search steps back
SEARCH = {"maxiter": 300, "ftol": 1e-14, "gtol": 1e-7}

Floats = np.ndarray
Objective = Callable[[Floats], tuple[float, Floats]]
"""Parameters -> log-likelihood per observation, and its gradient by each parameter."""


def dot(left: Floats, right: Floats) -> float:
    """Return the sum of products, in one thread.

    `@` passes long arrays to a library whose threads then wait in a busy loop. It costs ten times
    the processor time, and adds up in an order that depends on the machine.
    """
    return np.einsum("i,i->", left, right)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What a search found; without parameters where there was too little data."""

    status: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    log_likelihood: float | None = None
    observations: int = 0

    @property
    def is_usable(self) -> bool:
        """Tell whether there are parameters to forecast with."""
        return self.status in USABLE


def maximise(
    *,
    objective: Objective,
    starts: Sequence[Sequence[float]],
    bounds: Mapping[str, tuple[float, float]],
    observations: int,
    rough_objective: Objective | None = None,
) -> Fit:
    """Search from each start for the positive parameters of the greatest likelihood.

    L-BFGS-B searches the logarithms of the parameters, within bounds in the order of the starts.
    With a rough objective, on less data, the starts are tried on that one, and only the best result
    is refined on all data. It never raises: the status says how it went.
    """
    limits = np.log(np.array(list(bounds.values()), dtype=float))
    ends = [
        searched(objective=rough_objective or objective, start=np.log(start), limits=limits)
        for start in starts
    ]
    best, cost, slope = min(ends, key=lambda end: end[1])
    if rough_objective:
        best, cost, slope = searched(objective=objective, start=best, limits=limits)
    if cost >= WALL:
        return Fit(status=NOT_CONVERGED, observations=observations)
    at_low, at_high = np.abs(best[:, None] - limits).T < BOUND_TOLERANCE
    # at a bound, the slope may point out of the bounds
    uphill = np.where((at_low & (slope > 0)) | (at_high & (slope < 0)), 0, slope)
    if np.abs(uphill).max() > GRADIENT_TOLERANCE:
        status = NOT_CONVERGED
    else:
        status = AT_A_BOUND if (at_low | at_high).any() else CONVERGED
    return Fit(
        status=status,
        parameters=dict(zip(bounds, np.exp(best).tolist(), strict=True)),
        log_likelihood=float(-cost * observations),
        observations=observations,
    )


def searched(
    *, objective: Objective, start: Floats, limits: Floats
) -> tuple[Floats, float, Floats]:
    """Search downhill; returns logarithms of parameters, cost per observation and its slope."""

    def cost_and_slope(logarithms: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logarithms)
        with np.errstate(all="ignore"):
            value, gradient = objective(parameters)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return WALL, np.zeros_like(logarithms)
        return -value, -gradient * parameters

    start = np.clip(start, limits[:, 0], limits[:, 1])
    found = minimize(
        cost_and_slope, start, jac=True, method="L-BFGS-B", bounds=limits, options=SEARCH
    )
    return found.x, float(found.fun), found.jac
