"""The organism around a tumour of single cells: all of its reactions but those of tumour cells, as rate equations.

Tumour cells stand in the species S (living), Y (those with pores) and A (apoptotic), which the cells set and
no reaction changes. IL-1alpha that cells release enters IT. The rest of a mouse is 1e5 cells and more of each kind, so
its own noise (0.3 % and less) is left out: the rate equations are integrated by the classical Runge-Kutta method.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike
from jaxtyping import Array, Float64

from jaxsim.dosing import Disposition, Dose, Schedule, concentration
from jaxsim.errors import NetworkError, ScheduleError, closest
from jaxsim.kernels.continuous.rate_equations import drift
from jaxsim.kernels.continuous.real_rates import environment, real_propensities
from jaxsim.models.coupled.cell import CellLaw
from jaxsim.models.organism.reactions import GROWTH, KILL
from jaxsim.network import Network, Structure, evaluate, parse, stoichiometry

STAND_INS = ("S", "T", "D1", "D2", "Y", "A")
OUTSIDE = ("IT", "IP")  # IL-1alpha outside cells
_FEEDBACK = (parse(KILL), parse(GROWTH))
SUBSTEP = 0.05  # h; the fastest rate, of G-CSF, is 13 to 18 an hour


class Surroundings(NamedTuple):
    """The organism at one time."""

    x: Float64[Array, " species"]
    """Counts, real."""
    gained: Float64[Array, ""]
    """Counts of IL-1alpha that reactions of the organism have added so far (basal secretion)."""
    lost: Float64[Array, ""]
    """Counts of IL-1alpha degraded and eliminated so far."""


class Tumour(NamedTuple):
    """What the organism sees of the cells."""

    living: Any
    """Living cells, those with pores among them."""
    pored: Any
    dead: Any
    """Apoptotic cells, not yet cleared."""


class Feedback(NamedTuple):
    """What the cells see of the organism, beside drugs."""

    kill_hazard: Any
    """Of every living cell, per hour."""
    growth: Any
    """Of the untreated tumour without killing, per hour."""


def around_tumour(network: Network) -> Network:
    """Return the organism without the reactions of tumour cells.

    Examples
    --------
    >>> from jaxsim.models import organism
    >>> len(organism().structure.reactions), len(around_tumour(organism()).structure.reactions)
    (67, 50)
    """
    structure = network.structure
    kept = [r for r in structure.reactions if not any(r.changes.get(name, 0) for name in STAND_INS)]
    return Network(
        species={name: 0 if name in STAND_INS else value for name, value in network.initial.items()},
        reactions=kept,
        parameters=dict(network.parameters),
        observables=dict(structure.observables),
        inputs=dict(network.inputs),
        name=f"{network.name}, around a tumour",
    )


def counts_per_unit(pool: float) -> float:
    """Return how many counts of IT one unit of a cell's IL-1alpha is, for the mean pool of a cell in units.

    Examples
    --------
    >>> counts_per_unit(500.0)  # a cell holds one count
    0.002
    """
    return 1.0 / pool


def with_tumour(structure: Structure, x: Array, tumour: Tumour) -> Any:
    """Return the state with the tumour's cells in it."""
    zero = jnp.zeros_like(x[0])
    cells = {"S": tumour.living, "Y": tumour.pored, "A": tumour.dead}
    for name in STAND_INS:
        x = x.at[structure.species.index(name)].set(zero + cells.get(name, 0.0))
    return x


def feedback(structure: Structure, parameters: Mapping[str, Any], x: Array) -> Feedback:
    """Return what the organism in state x does to each tumour cell."""
    env = environment(structure, parameters, {}, x)
    kill, growth = (evaluate(value, env) for value in _FEEDBACK)
    return Feedback(jnp.asarray(kill).astype(jnp.float64), jnp.asarray(growth).astype(jnp.float64))


@partial(jax.jit, static_argnums=(0, 1))
def advance_organism(
    structure: Structure,
    substeps: int,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Any],
    length: ArrayLike,
    here: Surroundings,
    tumour: tuple[Tumour, Tumour],
    release: Array,
) -> Surroundings:
    """Integrate the organism over one coupling step.

    Parameters
    ----------
    inputs
        Each at the ends and middles of all substeps, [2 substeps + 1].
    tumour
        At the start and at the end of the step; linear between.
    release
        Counts of IL-1alpha per hour that enter IT.
    """
    step = length / substeps

    def slope(y: Surroundings, position: Array) -> Surroundings:
        share = position.astype(jnp.float64) / (2.0 * substeps)
        between = Tumour(*(a + share * (b - a) for a, b in zip(*tumour, strict=True)))
        timed = {name: value[position] for name, value in inputs.items()}
        return slopes(structure, parameters, timed, y, between, release)

    def substep(y: Surroundings, index: Array) -> tuple[Surroundings, None]:
        return runge_kutta(lambda z, half: slope(z, 2 * index + half), step, y), None

    here = lax.scan(substep, here, jnp.arange(substeps))[0]
    return here._replace(x=with_tumour(structure, here.x, tumour[1]))


def slopes(
    structure: Structure, parameters: Mapping[str, Any], timed: Mapping[str, Any], y: Surroundings, tumour: Tumour,
    release: Array,
) -> Surroundings:  # fmt: skip
    """Return the rates of change of the organism; those of the stand-ins are 0."""
    x = with_tumour(structure, y.x, tumour)
    found = drift(structure, parameters, timed, x).at[structure.species.index("IT")].add(release)
    a = real_propensities(structure, environment(structure, parameters, timed, x), x[0])
    change = sum(stoichiometry(structure)[structure.species.index(name)] for name in OUTSIDE)
    gains, losses = (np.maximum(sign * change, 0).astype(np.float64) for sign in (1, -1))
    return Surroundings(found, jnp.dot(gains, a), jnp.dot(losses, a))


def runge_kutta(slope: Callable[[Any, int], Any], step: Any, y: Any) -> Any:
    """Return y after one classical Runge-Kutta step; `slope(y, half)` is at half steps 0, 1 and 2."""

    def moved(by: Any, slopes: Any) -> Any:
        return jax.tree.map(lambda value, change: value + by * change, y, slopes)

    a = slope(y, 0)
    b = slope(moved(0.5 * step, a), 1)
    c = slope(moved(0.5 * step, b), 1)
    d = slope(moved(step, c), 2)
    return jax.tree.map(
        lambda value, *parts: value + step / 6.0 * (parts[0] + 2.0 * parts[1] + 2.0 * parts[2] + parts[3]),
        *(y, a, b, c, d),
    )


# What the organism lends to cells for a coupling step, and how its growth law becomes a fate at division.
#
# The cycle of a cell in the cell model takes 18 h, and a tumour of such cells doubles in 15 h; tumours of the organism
# double in days. The difference is cell loss (Steel, Growth Kinetics of Tumours, 1977, ch. 6): the second daughter of a
# division lives with a probability at which the untreated tumour grows as the organism lets it, by its size. The law of
# Gompertz has no upper limit where a tumour is small, and cells have: below some 600 cells every daughter lives, and
# the tumour grows as its cells divide. All that a cell does by itself stays as it is in the cell model.

TYPICAL = 1e7  # cells: the size at which the growth of the organism's tumour is compared with the division of cells


def second_daughter_lives(birth_rates: tuple[Any, Any], growth: float) -> Any:
    """Return the probability that the second daughter lives, for a growth rate per hour of the untreated tumour.

    With rates k1 of entering S phase and k2 of dividing, and second daughters that live with probability q, cells that
    cycle grow at g where (k1 + g)(k2 + g) = (1 + q) k1 k2; q is 1 where that would be more.

    Examples
    --------
    >>> round(float(second_daughter_lives((1 / 9, 1 / 9), 0.0105)), 3)
    0.198
    >>> [float(second_daughter_lives((1 / 9, 1 / 9), growth)) for growth in (0.0, 0.05)]
    [0.0, 1.0]
    """
    first, second = birth_rates
    wanted = growth * (first + second + growth) / (first * second)
    return wanted - (wanted > 1.0) * (wanted - 1.0)


def typical_growth(parameters: Mapping[str, Any]) -> float:
    """Return the growth per hour of the organism's untreated tumour at its typical size."""
    return float(parameters["growth_rate"]) * float(np.log(float(parameters["plateau"]) / TYPICAL))


def check_growth(law: CellLaw, organism: Network) -> None:
    """Refuse an organism whose tumour of typical size grows faster than its cells divide.

    Raises
    ------
    NetworkError
        Naming the largest growth rate that the cells allow.
    """
    first, second = law.birth_rates
    most = 0.5 * (np.sqrt((first + second) ** 2 + 4.0 * first * second) - first - second)
    growth = typical_growth(organism.parameters)
    if growth > most:
        largest = most / growth * float(organism.parameters["growth_rate"])
        raise NetworkError(
            f"a tumour of {TYPICAL:g} cells in the organism grows at {growth:.3g} /h, faster than its cells divide; "
            f"give growth_rate at most {largest:.3g}"
        )


# Drug concentrations for a coupled run: on the grid of the organism, and as what a cell sees over a coupling step.

SATURATING = {"gemcitabine": "uptake_constant", "caspase1_inhibitor": "inhibitor_constant"}
_POINTS = 20  # of the average over a coupling step; an injection peaks after half an hour


def check_cell_schedule(network: Network, schedule: Schedule, hours: float) -> None:
    """Refuse what a coupled run cannot be given.

    Raises
    ------
    ScheduleError
        Naming the agent.
    """
    for name, entries in schedule.items():
        if name not in network.inputs:
            raise ScheduleError(
                f"a coupled tumour cannot be given '{name}'{closest(name, network.inputs)}; "
                f"choose from {', '.join(network.inputs)}"
            )
        for entry in entries:
            amounts, starts = np.asarray(entry.amounts(np)), np.asarray(entry.starts(np))
            if name == "cisplatin" and np.any(amounts > 0):
                raise ScheduleError("the cell model knows no cisplatin; leave it out, or give 0 mg/kg")
            if np.any(starts >= hours) or np.any(starts < 0):
                raise ScheduleError(f"'{name}' is given outside of 0 to {hours:g} h; move the dose, or end later")


def concentrations(network: Network, schedule: Schedule, times: np.ndarray) -> dict[str, Any]:
    """Return every input of the organism at the given hours, [times] each; differentiable in the schedule."""
    found = {}
    for name, driven in network.inputs.items():
        doses = tuple(entry for entry in schedule[name] if isinstance(entry, Dose)) if name in schedule else ()
        if isinstance(driven, Disposition):
            found[name] = concentration(driven, doses, times) if doses else np.zeros(np.shape(times))
        else:
            found[name] = np.full(np.shape(times), float(driven))
    return found


def effective_concentrations(
    network: Network, schedule: Schedule, constants: Mapping[str, Any], edges: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the constant concentration that acts on cells as the course of each step does on average.

    Uptake and inhibition saturate, x/(K + x), so the average is taken of that; the error of a step is of second
    order in its length.

    Parameters
    ----------
    constants
        Parameters of the cell.
    edges
        Hours at which steps begin and end, [step + 1].

    Returns
    -------
    dict
        Name to [step].
    """
    shares = (np.arange(_POINTS) + 0.5) / _POINTS
    times = (edges[:-1, None] + np.diff(edges)[:, None] * shares[None, :]).ravel()
    courses = concentrations(network, schedule, times)
    found = {}
    for name, constant in SATURATING.items():
        half = float(constants[constant])
        course = np.asarray(courses[name]).reshape(-1, _POINTS)
        mean = np.mean(course / (half + course), axis=1)
        found[name] = half * mean / (1.0 - mean)
    return found


def on_substeps(network: Network, schedule: Schedule, edges: np.ndarray, substeps: int) -> dict[str, Any]:
    """Return every input at the ends and middles of the substeps of every step, [step, 2 substeps + 1]."""
    shares = np.arange(2 * substeps + 1) / (2 * substeps)
    times = edges[:-1, None] + np.diff(edges)[:, None] * shares[None, :]
    courses = concentrations(network, schedule, times.ravel())
    return {name: jnp.asarray(value).reshape(times.shape) for name, value in courses.items()}
