"""Maximum likelihood: find the parameters under which the observed customers are most likely."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import OptimizeResult, minimize

CONVERGED = "converged"
AT_A_BOUND = "at a bound"
NOT_CONVERGED = "did not converge"

GRADIENT_TOLERANCE = 1e-4  # per observation, by the logarithm of a parameter
BOUND_TOLERANCE = 1e-6  # in logarithms
WALL = 1e10  # cost of parameters that cannot be evaluated, so that the search steps back
SEARCH = {"maxiter": 300, "ftol": 1e-14, "gtol": 1e-7}
ROUGH_HISTORIES = 20_000  # a sample of about this size is enough to compare the starts

Floats = np.ndarray
Objective = Callable[[Floats], tuple[float, Floats]]
"""Parameters -> log-likelihood per observation, and its gradient by each parameter."""


def dot(left: Floats, right: Floats) -> float:
    """Return the sum of products of two vectors, computed in one thread.

    `@` passes long arrays to a library whose threads wait in a busy loop. That takes ten times the
    processor time, and the order of summation then depends on the machine.
    """
    return np.einsum("i,i->", left, right)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The result of a search; it has no parameters if there was too little data to search."""

    status: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    log_likelihood: float | None = None
    observations: int = 0
    at_a_bound: frozenset[str] = frozenset()  # names of parameters

    @property
    def is_usable(self) -> bool:
        """Tell whether the parameters can be used for a forecast.

        At a bound a model turns into a simpler one, for example one in which all customers are
        alike. The hold-out shows how good its forecasts are.
        """
        return self.status in (CONVERGED, AT_A_BOUND)


def maximise(
    *,
    likelihood: Callable[..., Objective],
    histories: Floats,
    starts: Sequence[Sequence[float]],
    bounds: Mapping[str, tuple[float, float]],
    observations: int,
) -> Fit:
    """Search from each start for the positive parameters with the greatest likelihood.

    `likelihood` makes an objective of `histories`, an array with a column per history. The search
    (L-BFGS-B) runs on the logarithms of the parameters, within their bounds, which have the order
    of the starts. If there are many histories, it compares the starts on a sample and then refines
    the best result on all of them. It never raises an error: the status says how the search ended.
    """
    limits = np.log(np.array(list(bounds.values()), dtype=float))
    every = -(-histories.shape[1] // ROUGH_HISTORIES)
    rough = likelihood(histories=histories[:, ::every] if every > 1 else histories)
    best = searched(objective=rough, starts=np.log(starts), limits=limits)
    if every > 1:
        exact = likelihood(histories=histories)
        best = searched(objective=exact, starts=best.x[None], limits=limits)
    if best.fun >= WALL:
        return Fit(status=NOT_CONVERGED, observations=observations)
    at_low, at_high = np.abs(best.x[:, None] - limits).T < BOUND_TOLERANCE
    # at a bound, the slope may point out of the allowed range
    uphill = np.where((at_low & (best.jac > 0)) | (at_high & (best.jac < 0)), 0, best.jac)
    if np.abs(uphill).max() > GRADIENT_TOLERANCE:
        status = NOT_CONVERGED
    else:
        status = AT_A_BOUND if (at_low | at_high).any() else CONVERGED
    bounded = {
        name for name, is_bounded in zip(bounds, at_low | at_high, strict=True) if is_bounded
    }
    return Fit(
        status=status,
        parameters=dict(zip(bounds, np.exp(best.x).tolist(), strict=True)),
        log_likelihood=float(-best.fun * observations),
        observations=observations,
        at_a_bound=frozenset(bounded),
    )


def searched(*, objective: Objective, starts: Floats, limits: Floats) -> OptimizeResult:
    """Return the best of the searches from all starts; starts and limits are logarithms."""

    def cost_and_slope(logarithms: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logarithms)
        with np.errstate(all="ignore"):
            value, gradient = objective(parameters)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return WALL, np.zeros_like(logarithms)
        return -value, -gradient * parameters

    options = {"jac": True, "method": "L-BFGS-B", "bounds": limits, "options": SEARCH}
    ends = [minimize(cost_and_slope, start, **options) for start in starts]
    return min(ends, key=lambda end: end.fun)
