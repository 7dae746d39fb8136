"""js.gradient: the derivative of an objective over random trajectories, with its evidence."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxsim.dosing import Schedule, build_timeline
from jaxsim.ensemble.precision import refuse_for_single
from jaxsim.errors import SimulationError, closest
from jaxsim.gradient.discretisation import discretisation
from jaxsim.gradient.estimators import ESTIMATORS, estimator_named
from jaxsim.gradient.estimators.score import refuse_nonlinear
from jaxsim.gradient.estimators.surrogate import FEW, scored_reactions
from jaxsim.gradient.exact.drive import PIECES
from jaxsim.gradient.free import Free, free_numbers
from jaxsim.gradient.leap.channels import find_channels, moved_by
from jaxsim.gradient.leap.mean import typical_counts
from jaxsim.gradient.no_event import with_bounds
from jaxsim.gradient.objective import LeapGrid, Objective, leap_grid, settled
from jaxsim.gradient.pace import pace, refined
from jaxsim.gradient.problem import GradientEstimate, Problem, chain_of, drive_of
from jaxsim.gradient.result import Gradient
from jaxsim.gradient.tables import Slopes, build_tables, distributed_names
from jaxsim.gradient.unseen import refuse_unseen, unseen
from jaxsim.gradient.validity import (
    largest_known_count,
    moving_parameters,
    refuse_for_gradient,
    refuse_moving_jumps,
    refuse_moving_objective,
)
from jaxsim.network import Network
from jaxsim.paths.exposure import SHIFTS
from jaxsim.runtime.double import double_precision

# Which estimator to take, and why: exact paths where they are affordable, else by objective, counts and numbers.

FEW_NUMBERS = 2  # up to which a pilot tells whether coupled pairs for each, or scores, have the smaller error
PILOT, PILOT_FROM = 1024, 5 << 29  # trajectories of it, and the number of the first
# Nanoseconds of one core, for this choice alone: an event of an exact path at all and for each reaction, and a reaction
# in a leap; measured with gradients of immigration-death.
EVENT, EVENT_REACTION, LEAP_REACTION = 20.0, 8.0, 34.0
DEARER = 4.0  # times as much as leaps, up to which paths without their bias are taken


def chosen(problem: Problem) -> tuple[str, str]:
    """Return the name of the estimator for a problem and the reason in words."""
    jumps = problem.objective.discontinuous
    assert problem.pace is not None
    if exact_affordable(problem):
        exactly = f"exact paths of about {problem.pace.events:.2g} events are affordable, and have no bias of leaping"
        score = _exact_score(problem)
        if jumps and problem.size <= FEW_NUMBERS:
            return _piloted(problem, score, f"a jumping objective; {exactly}")
        if score is not None:
            return score, exactly
    return _on_leaps(problem, jumps)


def exact_affordable(problem: Problem) -> bool:
    """Return whether exact paths cost at most a few times as much as leaps on this grid."""
    assert problem.pace is not None
    reactions = len(problem.network.structure.reactions)
    exact = problem.pace.events * (EVENT + EVENT_REACTION * reactions)
    return bool(exact <= DEARER * LEAP_REACTION * reactions * problem.grid.steps)


def _exact_score(problem: Problem) -> str | None:
    """Return the exact score that is valid for a problem; none where rates mix state and time, or where it is blind."""
    try:
        refuse_nonlinear(problem)
    except SimulationError:
        return None
    if unseen(problem, "score"):
        return None
    assert problem.pace is not None
    piece = (problem.grid.edges[-1] - problem.grid.edges[0]) / PIECES
    return "controlled_exact_score" if problem.pace.fastest * piece < 1.0 else "score"  # whose adjoint would run away


def _piloted(problem: Problem, score: str | None, why: str) -> tuple[str, str]:
    """Return scores or coupled pairs, whichever has the smaller error for its cost in a pilot."""
    if score is None:
        return "split_difference", f"{why}; scores would not be valid"
    pilot = problem._replace(trajectories=PILOT, first=problem.first + PILOT_FROM)
    costs = np.array([ESTIMATORS[name].cost_of(problem.size) for name in ("split_difference", score)])
    pairs, scores = (ESTIMATORS[name].estimate(pilot) for name in ("split_difference", score))
    spread = np.array([np.diag(found.covariance) * found.trajectories for found in (pairs, scores)])
    truncation = discretisation(problem, ESTIMATORS["split_difference"]).gradient
    if not (np.all(spread > 0.0) and np.all(np.isfinite(truncation))):
        return score, f"{why}; coupled pairs did not part in a pilot"
    error = spread * costs[:, None] / problem.trajectories + np.stack([truncation**2, 0.0 * truncation])
    ratio = float(np.exp(np.mean(np.log(error[0] / error[1]))))
    name = "split_difference" if ratio < 1.0 else score
    return name, f"{why}; in a pilot coupled pairs had {ratio:.2g} times the squared error of scores at equal cost"


def _on_leaps(problem: Problem, jumps: bool) -> tuple[str, str]:
    scored, _ = scored_reactions(problem)
    counts = typical_counts(chain_of(problem, 1), drive_of(problem))
    names = problem.network.structure.species
    few = [name for name, count in zip(names, counts, strict=True) if count < FEW]
    if not any(scored):
        return "surrogate", f"smooth objective and all {len(names)} species above {FEW:g} copies: paths alone"
    if not all(scored):
        why = "a jumping objective" if jumps else f"few copies of {', '.join(few)}"
        return (
            "surrogate",
            f"{why}: {int(np.sum(scored))} of {len(scored)} reactions by score, the others along the path",
        )
    if jumps and problem.size <= FEW_NUMBERS:
        return (
            "difference",
            f"a jumping objective that every reaction decides, {problem.size} free numbers or fewer, and exact paths "
            f"of too many events",
        )
    why = "a jumping objective that every reaction decides" if jumps else f"few copies of {', '.join(few)}"
    return "controlled_score", f"{why}, and {problem.size} free numbers"


_ROUNDING = 1e-6  # relative, of sums over hundreds of steps in float32


def gradient(
    model: Network | Callable[..., Any],
    objective: Objective,
    *,
    free: Sequence[str] | None = None,
    at: Any = None,
    schedule: Schedule | None = None,
    trajectories: int = 10_000,
    seed: int = 0,
    method: str = "auto",
    start: float = 0.0,
    end: float | None = None,
    step: float | None = None,
    widths: Mapping[str, Any] | None = None,
    scored: Sequence[str] | None = None,
    shifts: int = SHIFTS,
    first: int = 0,
) -> Gradient:
    """Differentiate an objective over random trajectories with respect to rates, doses and the times of doses.

    Parameters
    ----------
    model : Network or function
        A network, with `free` and `schedule`; or a function of a pytree of numbers that returns a network, or a
        network and a schedule, with `at`. Give the same function again rather than a new one: it is compiled once.
    objective : Objective
        Such as ``js.mean("tumour", at=504)`` or ``js.probability("tumour == 0", at=504)``; sums are objectives too.
    free : sequence of str, optional
        For a network: names of parameters (``"k"``), of the doses of an input (``"drug.at"``, ``"drug.amount"``,
        ``"drug.duration"``; ``"drug[1].at"`` for the second entry of a list), of its disposition (``"drug.volume"``)
        or of the law of a parameter that varies (``"k.median"``).
    at : pytree of floats, optional
        For a function: where to differentiate.
    schedule : Schedule, optional
        Doses. Those of inputs may move; those of species may not, because whole molecules have no derivative.
    trajectories : int
        At least; batches are full.
    seed : int
        From 0 to 2**64 - 1.
    method : str
        ``"auto"`` or a name in ``jaxsim.gradient.METHODS``.
    start, end : float
        Span of the simulation; its end is the last time in the objective if not given.
    step : float, optional
        Longest leap; if not given 1/512 of the span, and less where something relaxes faster: a leap then takes a
        fifth of the shortest relaxation time. Up to two of these may be asked for; longer leaps are refused.
    widths : mapping, optional
        Step to each side of a difference, for components of what is free; if not given one that changes exposure or
        the parameter by a tenth. Where one side is no model, such as a dose before the start, the other serves alone.
    scored : sequence of str, optional
        Species whose reactions ``"surrogate"`` treats by score: those with less than 50 copies on average, and those
        which a discontinuous objective reads, if not given.
    shifts : int
        Of each leap over which exposure is averaged ("double averaging"); 1 for the plain mean over the leap.
    first : int
        Number of the first trajectory.

    Returns
    -------
    Gradient
        Value, gradient, standard errors, covariance, and in words the method, why it was chosen, and its bias. What
        leaps and steps of differences add is estimated, and counts in the standard errors.

    Raises
    ------
    JaxsimError
        In one sentence, before anything is run, where no valid derivative exists. Never a gradient of zero instead.

    References
    ----------
    Glynn, Commun. ACM 33 (1990) 75; Plyasunov & Arkin, J. Comput. Phys. 221 (2007) 724; Schulman et al., NeurIPS 2015.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": 50}, ["-> X @ k*(1 - drug/(1 + drug))", "X -> , 0.5"], {"k": 25.0},
    ...                  inputs={"drug": js.OneCompartment(0.4, 1.0, absorption_rate=2.0)})
    >>> plan = js.Schedule(drug=js.Dose(6.0, at=2.0))
    >>> found = js.gradient(net, js.mean("X", at=8.0), free=["drug.at"], schedule=plan, trajectories=2000, seed=1)
    >>> found.gradient["drug.at"].shape
    (1,)
    """
    began = time.perf_counter()
    problem = posed(free_numbers(model, schedule, free, at), objective, trajectories, seed, (start, end), step,
                    widths, shifts, first)  # fmt: skip
    problem = problem._replace(scored=known_species(problem, scored))
    name, reason = chosen(problem) if method == "auto" else (method, "asked for")
    estimator_named(name).refuse(problem)
    refuse_unseen(problem, name)
    return assembled(problem._replace(reason=reason), name, began)


def assembled(problem: Problem, name: str, began: float) -> Gradient:
    """Run one estimator and put its evidence together."""
    method = estimator_named(name)
    found = with_bounds(problem, name, with_rounding(method.estimate(problem)))
    arranged, moved = problem.free.arranged, discretisation(problem, method)
    return Gradient(
        value=found.value,
        value_error=float(np.hypot(found.value_error, moved.value)),
        gradient=arranged(found.gradient),
        standard_error=arranged(np.sqrt(np.maximum(np.diag(found.covariance), 0.0) + moved.gradient**2)),
        vector=found.gradient,
        covariance=found.covariance,
        discretisation=moved.gradient,
        components=problem.free.components,
        method=name,
        reason=f"{method.says}; {problem.reason}",
        bias="; ".join([found.bias, *([moved.words] if moved.words else []), *problem.slopes.notes]),
        trajectories=found.trajectories,
        seconds=time.perf_counter() - began,
        step=float(problem.grid.widths.max()),
        held=found.held,
        bound=found.bound,
    )


def with_rounding(found: GradientEstimate) -> GradientEstimate:
    """Return the estimate with the rounding of single precision in its covariance, where noise does not hide it."""
    return found._replace(covariance=found.covariance + np.diag((_ROUNDING * found.gradient) ** 2))


def posed(
    free: Free,
    objective: Objective,
    trajectories: int,
    seed: int,
    span: tuple[Any, Any],
    step: float | None,
    widths: Mapping[str, Any] | None,
    shifts: int,
    first: int,
    grid: LeapGrid | None = None,
) -> Problem:
    """Check what is asked for and lay out everything that is not random, on a grid of its own unless one is given."""
    network, schedule = free.model()
    refuse_for_gradient(network)
    if isinstance(trajectories, bool) or not isinstance(trajectories, int | np.integer) or trajectories < 2:
        raise SimulationError(f"trajectories is {trajectories!r}; give a whole number from 2 on")
    objective, end = settled(objective, network, float(span[0]), span[1])
    timeline = build_timeline(network, schedule, float(span[0]), end)
    chosen_grid, asked = grid is None, grid is None and step is not None
    if grid is None:
        grid = leap_grid(objective, schedule, network.structure.species, (float(span[0]), end), step)
    tables, slopes = build_tables(free, network, grid.edges, shifts, grid.pinned)
    moving = moving_parameters(slopes)
    refuse_moving_objective(objective, moving)
    refuse_moving_jumps(network, distributed_names(network.parameters), slopes)
    signals = tuple(term.signal for term in objective.terms)
    with double_precision():
        refuse_for_single(network, timeline, signals, largest_known_count(network, schedule))
    problem = Problem(
        *(free, network, schedule, objective, grid, tables, slopes),
        *(int(trajectories), seed, int(first), int(shifts), _given_widths(free, widths)),
    )
    problem = paced(problem._replace(asked=asked), chosen_grid and not asked)
    return problem._replace(slopes=_with_still(problem, span[0], end))


def _with_still(problem: Problem, start: float, end: float) -> Slopes:
    """Return the slopes with a note of what nothing depends on; refuse where that is all that is free."""
    slopes, free = problem.slopes, problem.free
    channels = find_channels(chain_of(problem, 1), slopes)
    if not channels:
        raise SimulationError(
            f"no rate depends on {', '.join(free.names)} between {start:g} and {end:g}; free something that rates "
            f"read within that time"
        )
    moving = np.any([moved_by(channel, slopes) for channel in channels], axis=0)
    still = [name for name, moves in zip(free.components, moving, strict=True) if not moves]
    if not still:
        return slopes
    note = f"nothing that rates read between {start:g} and {end:g} depends on {', '.join(still)}: its derivative is 0"
    return slopes._replace(notes=(*slopes.notes, note))


def paced(problem: Problem, may_refine: bool) -> Problem:
    """Return the problem with its pace, on a grid that follows the fastest relaxation if it may be refined."""
    found = pace(chain_of(problem, 1), drive_of(problem))
    grid = refined(problem.grid, found.relaxation) if may_refine else problem.grid
    if grid is problem.grid:
        return problem._replace(pace=found)
    tables, slopes = build_tables(problem.free, problem.network, grid.edges, problem.shifts, grid.pinned)
    problem = problem._replace(grid=grid, tables=tables, slopes=slopes)
    return problem._replace(pace=pace(chain_of(problem, 1), drive_of(problem)))


def known_species(problem: Problem, scored: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the species named, checked."""
    if scored is None:
        return None
    species = problem.network.structure.species
    for name in scored:
        if name not in species:
            raise SimulationError(f"scored= names '{name}', which is no species{closest(name, species)}")
    return tuple(scored)


def _given_widths(free: Free, widths: Mapping[str, Any] | None) -> np.ndarray | None:
    if widths is None:
        return None
    found = []
    for component in free.components:
        name = component if component in widths else component.partition("[")[0]
        if name not in widths:
            raise SimulationError(f"widths names no step for '{component}'; give one for every component")
        found.append(float(widths[name]))
    return np.array(found)
