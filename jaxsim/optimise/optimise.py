"""js.optimise: the best times, amounts and durations of a schedule, with the evidence that they are."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxsim.dosing import Schedule, build_timeline
from jaxsim.errors import SimulationError
from jaxsim.gradient import Objective
from jaxsim.gradient.estimators import estimator_named
from jaxsim.gradient.estimators.surrogate import scored_reactions
from jaxsim.gradient.gradient import chosen, known_species, posed
from jaxsim.gradient.objective import Limit
from jaxsim.gradient.pace import refuse_unstable
from jaxsim.gradient.problem import Problem
from jaxsim.network import Network
from jaxsim.optimise.criterion import Criterion, criterion
from jaxsim.optimise.descent import Descent, descend
from jaxsim.optimise.final_trial import final_trial
from jaxsim.optimise.optimum import Optimum, Ranking, certify, checked
from jaxsim.optimise.search import CHOICE_SHARE, FRESH, Search
from jaxsim.optimise.trial import Trial, trial_lanes
from jaxsim.optimise.unknown import read_regimen
from jaxsim.paths.exposure import SHIFTS

BUDGET = 200_000
_COMMON = 1 << 42  # number of the first trajectory on which agents are compared


def optimise(
    network: Network,
    schedule: Any,
    *,
    minimise: Objective | None = None,
    maximise: Objective | None = None,
    subject_to: Limit | Sequence[Limit] = (),
    compare: Mapping[str, Any] | None = None,
    trajectories: int = 20_000,
    seed: int = 0,
    start: float = 0.0,
    end: float | None = None,
    step: float | None = None,
    method: str = "auto",
    scored: Sequence[str] | None = None,
    starts: int = 32,
    batch: tuple[int, int] = (512, 4096),
    steps: int = 60,
    budget: int = BUDGET,
    check: int = 4096,
    shifts: int = SHIFTS,
    announce: Callable[[str], None] | None = None,
) -> Optimum | Ranking:
    """Choose the free numbers of a schedule so that an objective over random trajectories is best.

    In two stages. Scouts: the rate equations from many starts, then the Langevin equation with common random numbers,
    both with the objective's jumps rounded off. Polish: the true objective and limits, by stochastic gradients that are
    unbiased for it, with batches that grow until the gradient is lost in its error. Then the optimum, every start that
    was carried on, the user's schedule and those to compare with are simulated on fresh trajectories, in pairs.

    Parameters
    ----------
    network : Network
    schedule : Schedule, or mapping of str to Schedule
        With :func:`jaxsim.free` in place of what is to be chosen. Given several, such as one for each agent, the best
        of each is sought, and all are compared.
    minimise, maximise : Objective
        One of them, such as ``js.probability("tumour == 0", at=504)``.
    subject_to : Limit or sequence of Limit
        Objectives compared with numbers. A limit counts as kept where its upper 95 % bound keeps it.
    compare : mapping of str to Schedule
        What else the optimum is compared with, such as the standard of care.
    trajectories : int
        Of each schedule in the final trial.
    seed : int
    start, end, step, method, scored, shifts
        As in :func:`jaxsim.gradient`.
    starts : int
        Of the first scout; the user's is among them.
    batch : (int, int)
        Trajectories of the smallest and the largest batch of the polish.
    steps : int
        The most that the polish takes.
    budget : float
        The most trajectories that the search simulates, gradients counted by their cost in forward ones. A small one
        lowers how many choose between ends.
    check : int
        Trajectories of each check of the gradient and of the certificate; 0 for neither.
    announce : function of str, optional
        Is told what happens.

    Returns
    -------
    Optimum or Ranking
        Print it.

    Raises
    ------
    JaxsimError
        In one sentence, before anything is simulated: nothing free, a time that may leave the horizon, bounds or limits
        that cannot be kept, an objective that no schedule changes.

    Notes
    -----
    Value, gains and limits are those of the exact process, from coupled pairs of exact paths; where these have too many
    events, those of the leap chain with these steps, and what leaps add is estimated and counts in the errors. Trials
    within the search walk on leaps.

    Examples
    --------
    >>> import jaxsim as js
    >>> drug = js.OneCompartment(0.7, 1.0)
    >>> net = js.Network({"X": 60}, ["-> X @ 30/(1 + drug)", "X -> , 0.5"], inputs={"drug": drug})
    >>> plan = js.Schedule(drug=js.Dose(5.0, at=js.free(0.0, 9.0, start=1.0)))
    >>> best = js.optimise(net, plan, minimise=js.mean("X", at=10.0), starts=4, steps=10, check=0, step=0.1, seed=1)
    >>> bool(6.5 < best.held["drug.at"][0] < 9.0), best.gains[0].interval[1] < 0
    (True, True)
    """
    _refuse_settings(trajectories, starts, batch, steps, check)
    sought = criterion(network, minimise, maximise, subject_to, float(start), end)
    schedules = schedule if isinstance(schedule, Mapping) else {"": schedule}
    if not schedules:
        raise SimulationError("there is no schedule to optimise; give at least one")
    posed = {
        name: posed_search(
            network, one, sought, start=float(start), step=step, method=method, scored=scored, shifts=shifts, seed=seed,
            trajectories=trajectories, budget=budget, announce=announce,
        )
        for name, one in schedules.items()
    }  # fmt: skip
    _refuse_budget(budget, posed)
    others = {name: _comparators(search, dict(compare or {})) for name, search in posed.items()}
    optima = {}
    for name, search in posed.items():
        if name:
            search.announce(f"schedule '{name}'")
        began = time.perf_counter()
        found = descend(search, starts, batch, steps)
        optima[name] = _reported(search, found, others[name], int(trajectories), int(check), began)
    if not isinstance(schedule, Mapping):
        return optima[""]
    return Ranking(optima, _common_trial(optima, dict(compare or {}), int(trajectories)))


def _common_trial(optima: dict[str, Optimum], compare: dict[str, Schedule], trajectories: int) -> Trial:
    """Simulate all optima and what they are compared with on the same fresh trajectories."""
    search = next(iter(optima.values())).search
    schedules = {name: best.schedule for name, best in optima.items()} | compare
    seed = (search.seed + FRESH) % (1 << 64)
    return final_trial(search.problem, search.criterion, schedules, trajectories, seed, _COMMON)


def posed_search(
    network: Network,
    schedule: Schedule,
    sought: Criterion,
    *,
    start: float = 0.0,
    step: float | None = None,
    method: str = "auto",
    scored: Sequence[str] | None = None,
    shifts: int = SHIFTS,
    seed: int = 0,
    trajectories: int = 20_000,
    budget: int = BUDGET,
    announce: Callable[[str], None] | None = None,
) -> Search:
    """Check everything and choose the estimator."""
    if method != "auto":
        estimator_named(method)
    regimen = read_regimen(network, schedule, start, sought.end)
    problem = posed(regimen.free(regimen.start), sought.terms, 2, seed, (start, sought.end), step, None, shifts, 0)
    assert problem.pace is not None
    refuse_unstable(problem.grid, problem.pace.relaxation, problem.asked, "the trials of a search")
    lanes = trial_lanes(int(max(2, min(int(trajectories), 2.0 * CHOICE_SHARE * float(budget)))))
    problem = problem._replace(scored=known_species(problem, scored), lanes=lanes)
    if method == "auto":
        method, reason = chosen(problem._replace(trajectories=int(trajectories)))
    else:
        reason = "asked for"
    estimator_named(method).refuse(problem)
    problem = problem._replace(reason=reason)
    if method == "surrogate":  # chosen once: the counts change with the schedule, and the program would too
        problem = problem._replace(scored=_scored_species(problem))
    return Search(
        criterion=sought,
        regimen=regimen,
        problem=problem,
        method=method,
        seed=seed,
        final=trajectories,
        announce=announce or (lambda _: None),
        budget=float(budget),
    )


def _scored_species(problem: Problem) -> tuple[str, ...]:
    """Return the species whose reactions are scored at the start, so that they stay the same."""
    from jaxsim.network import changed_species

    scored, _ = scored_reactions(problem)
    reactions = problem.network.structure.reactions
    along = frozenset[str]().union(*(changed_species(r) for r, s in zip(reactions, scored, strict=True) if not s))
    return tuple(name for name in problem.network.structure.species if name not in along)


def _comparators(search: Search, compare: dict[str, Schedule]) -> dict[str, Schedule]:
    span = search.problem.grid.edges[0], search.problem.grid.edges[-1]
    for name, schedule in compare.items():
        if name in ("optimum", "start"):
            raise SimulationError(f"a schedule to compare with cannot be called '{name}'; give it another name")
        if not isinstance(schedule, Schedule):
            raise SimulationError(f"compare= gives '{name}' a {type(schedule).__name__}; give a js.Schedule")
        build_timeline(search.problem.network, schedule, *span)
    return compare


def _refuse_settings(trajectories: int, starts: int, batch: tuple[Any, ...], steps: int, check: int) -> None:
    known = {"trajectories": (trajectories, 2), "starts": (starts, 1), "steps": (steps, 0), "check": (check, 0)}
    for name, (value, least) in (known | {"batch[0]": (batch[0], 2), "batch[1]": (batch[1], batch[0])}).items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise SimulationError(f"{name} is {value!r}; give a whole number from {least} on")


def _refuse_budget(budget: int, posed: Mapping[str, Search]) -> None:
    """Refuse a budget that cannot pay for the choice between the ends."""
    lanes = max(search.problem.lanes or 0 for search in posed.values())
    least = lanes / CHOICE_SHARE
    if isinstance(budget, bool) or not isinstance(budget, int | float | np.number) or not budget >= least:
        raise SimulationError(
            f"budget is {budget!r}, too little to choose between the ends of the scouts by; give at least {least:.6g}"
        )


def _reported(
    search: Search, found: Descent, others: dict[str, Schedule], trajectories: int, check: int, began: float
) -> Optimum:
    """Gather the evidence on trajectories that the search never used."""
    spent = time.perf_counter() - began
    optimum, start = search.regimen.schedule(found.z), search.regimen.schedule(search.regimen.start)
    schedules = {"optimum": optimum, "start": start, **others}
    schedules |= {f"scouted {i + 1}": search.regimen.schedule(z) for i, z in enumerate(found.scouted)}
    search.announce(f"final trial: {len(schedules)} schedules, {trajectories} fresh trajectories each")
    trial = final_trial(search.problem, search.criterion, schedules, trajectories, (search.seed + FRESH) % (1 << 64), 0)
    certificate, checks = None, {}
    if check:
        search.announce("gradient at the start and at the optimum against coupled pairs")
        certificate = certify(search, found.z, found.reached, 4 * check)
        checks = {
            name: checked(search, z, certificate.weights, check)
            for name, z in (("start", search.regimen.start), ("optimum", found.z))
        }
    held = [search.regimen.held(z) for z in found.path]
    return Optimum(
        schedule=optimum,
        start=start,
        trial=trial,
        certificate=certificate,
        checks=checks,
        path={name: np.stack([h[name] for h in held]) for name in held[0]},
        batches=found.batches,
        held=search.regimen.held(found.z),
        cost={
            "search": search.forward_equivalents, "search_seconds": spent, "final": trial.trajectories * len(schedules),
            "seconds": time.perf_counter() - began,
        },
        method=f"{search.method}: {search.problem.reason}",
        ended=found.ended,
        notes=tuple(search.notes),
        coordinates=found.path,
        search=search,
    )  # fmt: skip
