"""Every cell of a tumour a lane, all stepping with the organism: one coupled run.

A coupling step of length h has three parts. (1) A copy of the organism goes h/2 ahead, with the tumour and the release
going on as in the step before, and shows what it will do to cells in the middle of the step. (2) All cells advance by
h under that, exactly: each by its own events, with the drugs as they are on average over the step. (3) The organism
advances by h, with the tumour on a line from its old to its new size and the released IL-1alpha spread evenly over the
step. All three are of second order in h where the tumour is large.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.dosing import Schedule
from jaxsim.kernels.state import Status
from jaxsim.models.coupled.cell import CellLaw
from jaxsim.models.coupled.lanes import held, imbalance, released
from jaxsim.models.coupled.organism import (
    OUTSIDE,
    SUBSTEP,
    Surroundings,
    Tumour,
    advance_organism,
    counts_per_unit,
    effective_concentrations,
    feedback,
    on_substeps,
    second_daughter_lives,
    with_tumour,
)
from jaxsim.models.coupled.population import Population, founders, step_population
from jaxsim.network import Network
from jaxsim.runtime.double import double_precision


class Plan(NamedTuple):
    """What a run takes; made once for all replicates."""

    law: CellLaw
    organism: Network
    """Of :func:`jaxsim.models.coupled.organism.around_tumour`."""
    parameters: dict[str, Any]
    """Of the organism, float64."""
    edges: np.ndarray
    """Hours at which steps begin and end, [step + 1]."""
    substeps: int
    """Of the organism in a step; even."""
    inputs: dict[str, Any]
    """Drugs on the substeps, [step, 2 substeps + 1] each."""
    seen: dict[str, np.ndarray]
    """Drugs as cells see them, [step] each."""
    most: int
    """Cells beyond which a run stops."""


class Moment(NamedTuple):
    """Cells and organism between two steps."""

    organism: Surroundings
    population: Population
    tumour: Tumour
    slope: Tumour
    """By how much it changed per hour in the step before."""
    release: float
    """Counts of IL-1alpha per hour that entered the tumour in the step before."""
    inside: int
    """IL-1alpha in cells, in units of the cell model."""


class OnlineRun(NamedTuple):
    """The courses of one coupled run of up to K steps."""

    states: np.ndarray
    """Of the organism at the ends of steps, float64 [K + 1, species]."""
    ledgers: list[dict[str, Any]]
    """Of the cells, by step."""
    status: Status
    """Not OK where the run stopped early."""
    imbalance_outside: float
    """Of IL-1alpha in tumour and plasma at the end, relative to all that came."""
    lanes: int
    """Most that there were."""
    seconds: float


def plan_run(law: CellLaw, organism: Network, schedule: Schedule, hours: float, step: float, most: int) -> Plan:
    """Lay out the steps of a run and the drugs over them."""
    edges = np.linspace(0.0, hours, max(round(hours / step), 1) + 1)
    substeps = 2 * max(int(np.ceil(edges[1] / (2 * SUBSTEP) - 1e-9)), 1)
    seen = effective_concentrations(organism, schedule, law.network.parameters, edges)
    with double_precision():
        parameters = {name: jnp.float64(value) for name, value in organism.parameters.items()}
        inputs = on_substeps(organism, schedule, edges, substeps)
    return Plan(law, organism, parameters, edges, substeps, inputs, seen, most)


def run_online(
    plan: Plan, tumour: int, seed: int, replicate: int, workers: int, announce: Callable[[float], None] | None = None
) -> OnlineRun:
    """Run cells and organism together to the end.

    Parameters
    ----------
    tumour
        Founders.
    replicate
        Number of the run: the design point of its random streams.
    workers
        Threads.
    announce
        Told the hours reached.
    """
    began = time.perf_counter()
    with double_precision(), ThreadPoolExecutor(workers) as pool:
        now = _start(plan, tumour, seed, replicate)
        before, came, status, lanes = _outside(plan, now), 0.0, Status.OK, now.population.lanes
        states, ledgers = [np.asarray(now.organism.x)], []
        for k, length in enumerate(np.diff(plan.edges)):
            now, ledger = couple_step(plan, k, now, pool)
            lanes = max(lanes, now.population.lanes)
            if ledger["faults"] or now.population.cells > plan.most:
                status = Status.RATE_NOT_FINITE if ledger["faults"] else Status.OVERFLOW
                break
            came += now.release * float(length)
            states.append(np.asarray(now.organism.x))
            ledgers.append(ledger)
            if announce is not None:
                announce(float(plan.edges[k + 1]))
        gained, lost = float(now.organism.gained), float(now.organism.lost)
        missing = before + came + gained - lost - _outside(plan, now)
    seconds = time.perf_counter() - began
    return OnlineRun(np.stack(states), ledgers, status, abs(missing) / max(came + gained, 1e-300), lanes, seconds)


def couple_step(plan: Plan, k: int, now: Moment, pool: ThreadPoolExecutor) -> tuple[Moment, dict[str, Any]]:
    """Advance cells and organism by step k; return also the ledger of the step, with its imbalance."""
    given, lives = lent(plan, k, now)
    length = float(plan.edges[k + 1] - plan.edges[k])
    population, ledger = step_population(plan.law.network, given, lives, length, now.population, pool)
    ledger["imbalance"] = imbalance(now.inside, ledger)
    tumour = _tumour(ledger["living"], ledger["pored"], ledger["dead"])
    release = released(ledger) * counts_per_unit(plan.law.pool) / length
    organism = advance_organism(
        plan.organism.structure,
        plan.substeps,
        plan.parameters,
        {name: value[k] for name, value in plan.inputs.items()},
        jnp.float64(length),
        now.organism,
        (now.tumour, tumour),
        jnp.float64(release),
    )
    slope = Tumour(*((b - a) / length for a, b in zip(now.tumour, tumour, strict=True)))
    return Moment(organism, population, tumour, slope, release, ledger["held"] + ledger["held_dead"]), ledger


def lent(plan: Plan, k: int, now: Moment) -> tuple[dict[str, Any], float]:
    """Return what cells read during step k, and the probability that a second daughter lives."""
    half = plan.substeps // 2
    length = float(plan.edges[k + 1] - plan.edges[k])
    ahead = Tumour(*(jnp.maximum(a + 0.5 * length * b, 0.0) for a, b in zip(now.tumour, now.slope, strict=True)))
    middle = advance_organism(
        plan.organism.structure,
        half,
        plan.parameters,
        {name: value[k, : 2 * half + 1] for name, value in plan.inputs.items()},
        jnp.float64(0.5 * length),
        now.organism,
        (now.tumour, ahead),
        jnp.float64(now.release),
    )
    found = feedback(plan.organism.structure, plan.parameters, middle.x)
    organism = {
        "kill_hazard": float(found.kill_hazard),
        "clearance_hazard": float(plan.parameters["clearance_rate"]),
    }
    drugs = {name: value[k] for name, value in plan.seen.items()}
    lives = second_daughter_lives(plan.law.birth_rates, float(found.growth))
    return {**plan.law.network.parameters, **organism, **drugs}, lives


def _start(plan: Plan, number: int, seed: int, replicate: int) -> Moment:
    structure = plan.organism.structure
    population = founders(plan.law.network, number, seed, replicate)
    tumour = _tumour(number, 0, 0)
    x = jnp.asarray([float(value) for value in plan.organism.initial.values()], jnp.float64)
    zero = jnp.float64(0.0)
    inside = held(plan.law.network.structure, population.blocks)
    around = Surroundings(with_tumour(structure, x, tumour), zero, zero)
    return Moment(around, population, tumour, _tumour(0, 0, 0), 0.0, inside)


def _tumour(*numbers: int) -> Tumour:
    return Tumour(*(jnp.float64(number) for number in numbers))


def _outside(plan: Plan, now: Moment) -> float:
    species = plan.organism.structure.species
    return float(sum(now.organism.x[species.index(name)] for name in OUTSIDE))
