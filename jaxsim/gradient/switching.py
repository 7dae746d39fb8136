"""js.switching_function: the derivative of an objective with respect to the whole course of an effect.

Where it is positive, more of the effect at that time raises the objective. It is the gradient with respect to the
exposure table, which one reverse pass gives whole: the stochastic counterpart of Pontryagin's switching function,
with a band. Any parametrisation of doses follows from it by the chain rule.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from jaxsim.dosing import Schedule
from jaxsim.errors import SimulationError
from jaxsim.gradient.effect import SHIFT, Moved, moved_effect, warn_of_held
from jaxsim.gradient.estimators import estimator_named
from jaxsim.gradient.estimators.surrogate import prepared_surrogate
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import known_species, posed
from jaxsim.gradient.objective import Objective
from jaxsim.gradient.problem import Average, Problem, batches, refuse_faults
from jaxsim.gradient.unseen import refuse_unseen_bins
from jaxsim.network import Network
from jaxsim.paths.exposure import SHIFTS
from jaxsim.runtime.workers import run_batches


@dataclass(frozen=True, kw_only=True)
class SwitchingFunction:
    """Hold dJ/d effect(t) over bins of time with its band; made by :func:`jaxsim.switching_function`.

    Attributes
    ----------
    edges : float64 array [B + 1]
        Of the bins, in the time unit of the rates.
    value, error : float64 arrays [B]
        Mean over each bin of the derivative, per unit of the effect and of time, and its standard error.
    lower, upper : float64 arrays [B]
        The 95 % band, bin by bin.
    effect
        What is moved, in words.
    total, total_error
        The derivative in a shift of the effect at all times: the integral of the function.
    bias, trajectories
        Of the estimator.
    held
        Functions of the effect's inputs that rates read too and that are not linear in it: they do not move.
    minimised
        Whether the objective is better lower, as far as that is known: figures say by it what helps and what harms.

    Examples
    --------
    >>> SwitchingFunction.__name__
    'SwitchingFunction'
    """

    edges: np.ndarray
    value: np.ndarray
    error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    effect: str
    total: float
    total_error: float
    bias: str
    trajectories: int
    held: tuple[str, ...] = ()
    minimised: bool = False

    def __str__(self) -> str:
        rows = [
            f"  {left:8.3g} to {right:8.3g}  {value: .4g} +- {error:.1g}"
            for left, right, value, error in zip(self.edges, self.edges[1:], self.value, self.error, strict=False)
        ]
        held = [f"  held as it is: {part}" for part in self.held]
        return "\n".join([f"derivative of the objective in {self.effect}, per unit of it and of time", *rows, *held])


def switching_function(
    network: Network,
    objective: Objective,
    *,
    of: str,
    schedule: Schedule | None = None,
    bins: int = 64,
    trajectories: int = 20_000,
    seed: int = 0,
    start: float = 0.0,
    end: float | None = None,
    step: float | None = None,
    scored: Any = None,
    shifts: int = SHIFTS,
    first: int = 0,
    floor: Any = 0.0,
) -> SwitchingFunction:
    """Differentiate an objective in the course of an effect over time, before any dose form is chosen.

    Parameters that are not named here are those of :func:`jaxsim.gradient`.

    Parameters
    ----------
    of : str
        An input of the network (``"drug"``: the derivative is then in its concentration), an observable, or any
        expression of inputs, parameters and time that rates read, such as ``"drug/(half + drug)"``. It moves in all
        of them, also where it is written in another way that is linear in it (``half/(half + drug)``); what is not,
        such as another effect of the same drug, is held as it is, with a warning.
    bins : int
        Into which the span is cut; each bin's mean has its own error.
    floor : float
        Added to the effect at all times. A score cannot see what an effect would do to a rate that is zero without it,
        such as a kill rate before the first dose; with a small floor it can, there where the effect is that much more.

    Returns
    -------
    SwitchingFunction
        By the surrogate, at the cost of one gradient.

    Raises
    ------
    JaxsimError
        If no rate reads the effect, or if a score cannot see what it moves.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": 80}, ["-> X @ k*(1 - block)", "X -> , 1"], {"k": 80.0}, inputs={"block": 0.0})
    >>> found = js.switching_function(net, js.mean("X", at=4.0), of="block", bins=4, trajectories=2048, step=0.05)
    >>> (found.value / -80.0).round(1).tolist()  # exp(-3) - exp(-4), ..., 1 - exp(-1)
    [0.0, 0.1, 0.2, 0.6]
    """
    moved = moved_effect(network, of, float(floor))
    warn_of_held(moved, of)
    free = free_numbers(moved.network, schedule, [SHIFT], None)
    problem = posed(free, objective, trajectories, seed, (start, end), step, None, shifts, first)
    problem = problem._replace(scored=known_species(problem, scored))
    estimator_named("surrogate").refuse(problem)
    edges, share = _bins(problem, int(bins))
    run = prepared_surrogate(problem)
    refuse_unseen_bins(problem, run.program.scored, of, share)
    lanes = run.program.chain.lanes
    given = batches(problem.first, problem.trajectories, lanes)
    average = Average(edges.size)
    for cotangent, ends in run_batches(run.batch, given):
        refuse_faults(ends.faulty, "leap")
        course = np.sum(cotangent.exposure.astype(np.float64) * problem.slopes.tables.exposure[:, :, 0], axis=1)
        average.add(np.append(share @ course / np.diff(edges), course.sum())[:, None])
    return _put(edges, average, moved, run.bias, lanes * len(given))


def _put(edges: np.ndarray, average: Average, moved: Moved, bias: str, trajectories: int) -> SwitchingFunction:
    value, error = average.mean, np.sqrt(np.diag(average.covariance))
    reach = float(stats.t.ppf(0.975, average.count - 1)) * error
    return SwitchingFunction(
        edges=edges,
        value=value[:-1],
        error=error[:-1],
        lower=(value - reach)[:-1],
        upper=(value + reach)[:-1],
        effect=moved.effect,
        total=float(value[-1]),
        total_error=float(error[-1]),
        bias=bias,
        trajectories=trajectories,
        held=moved.held,
    )


def _bins(problem: Problem, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges of the bins, and the share of each leap that lies in each, [B, n]."""
    grid = problem.grid.edges
    if not 1 <= bins <= problem.grid.steps:
        raise SimulationError(f"bins is {bins}; give from 1 to {problem.grid.steps}, the number of leaps")
    edges = np.linspace(grid[0], grid[-1], bins + 1)
    inside = np.minimum(edges[1:, None], grid[None, 1:]) - np.maximum(edges[:-1, None], grid[None, :-1])
    return edges, np.maximum(inside, 0.0) / problem.grid.widths[None, :]
