"""Prepare a program: its stepper, lanes, save grid and accumulators, and the numbers of the model as it takes them."""

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxsim.errors import NetworkError, SimulationError, closest
from jaxsim.kernels import VARIANTS, Inputs, Program, Saving, Stepper, plan_rates
from jaxsim.kernels.exact.blocked import Blocked
from jaxsim.kernels.exact.direct import Direct
from jaxsim.kernels.exact.groups import group
from jaxsim.kernels.exact.partial_propensity import PartialPropensities
from jaxsim.kernels.exact.thinning import Thinning
from jaxsim.kernels.leaping.step import Leaping
from jaxsim.kernels.native import not_covered
from jaxsim.network import (
    Expression,
    Name,
    Network,
    Structure,
    evaluate,
    is_distribution,
    names,
    parse,
)
from jaxsim.random.distributions import Scaled
from jaxsim.runtime.double import double_precision
from jaxsim.statistics import Covariance, Histogram, Moments, Observables, Passage, Quantiles, Reduction

if TYPE_CHECKING:
    from jaxsim.ensemble.request import Request

# How wide to run and how to lay out the state: choices that change speed, never results.

ROWS_FROM = 48  # reactions; up to here, straight-line code is faster on every machine measured
GROUPS_WIDE = 128  # species from which fewer lanes stay near the core
GROUPS_FROM, GROUPS_SPECIES = 200, 1.5  # reactions, and reactions for each species, from which groups are faster
NATIVE_UP_TO = 128  # reactions that native code writes out one by one
NATIVE_BYTES = 4 << 20  # save grids of a batch: so many that what is done once for a batch costs little
_FEW = 64  # trajectories below which a narrow program is compiled
CPU_COUNTS = 10_240  # counts that stay near the core: lanes times species
GPU_BYTES = 4 << 30
GPU_WIDTHS = tuple(1 << bits for bits in range(14, 23, 2))  # lanes: few programs, each for a range of ensembles
EVERY_EVENT_SPECIES = 3  # species up to which writing at each event beats looking for crossings
_KEPT_BYTES = 64 << 20


def choose_stepper(structure: Structure, method: str, fixed: bool, cells: bool, plain: bool) -> Stepper:
    """Choose the stepper of a method that follows whole counts.

    Parameters
    ----------
    structure
        That of the network.
    method
        As the user has named it, or as "auto" has chosen.
    fixed
        Whether leaps have a given length.
    cells
        Whether time is cut into cells: rates vary, events trigger, doses come or effects are random.
    plain
        Whether all lanes share constants, none of them negative, in single precision.
    """
    if method in VARIANTS:
        return Leaping(method, fixed, VARIANTS[method].hybrid)
    if cells:
        return Thinning()
    effects = any(reaction.effects for reaction in structure.reactions)
    if effects or len(structure.reactions) <= ROWS_FROM:
        return Direct()
    many = len(structure.reactions) > GROUPS_FROM + GROUPS_SPECIES * len(structure.species)
    return PartialPropensities() if plain and many and group(structure) is not None else Blocked()


def lane_count(species: int, times: int, trajectories: int, backend: str, stepper: Stepper | None = None) -> int:
    """Return how many trajectories run side by side."""
    if trajectories <= _FEW:
        return _FEW
    if backend == "cpu":
        if isinstance(stepper, PartialPropensities):
            return 128 if species > GROUPS_WIDE else 256
        return max(256, min(1024, 1 << (CPU_COUNTS // species).bit_length() - 1))
    grid = 0 if times == 1 else times
    per_lane = 4 * species * (grid + 2) + 64
    # An iteration costs a GPU its launches, whatever the width, until memory is busy: one lane for each trajectory.
    wanted = next((width for width in GPU_WIDTHS if width >= trajectories), GPU_WIDTHS[-1])
    return max(1024, min(wanted, 1 << (GPU_BYTES // per_lane).bit_length() - 1))


def native_lanes(species: int, times: int, trajectories: int) -> int:
    """Return how many trajectories make a batch of the native backend."""
    if trajectories <= _FEW:
        return _FEW
    per_lane = 4 * species * (0 if times == 1 else times) + 256
    return max(256, min(2048, 1 << (NATIVE_BYTES // per_lane).bit_length() - 1))


def saving_for(times: int, species: int, stepper: Stepper) -> Saving:
    """Return how the save grid is written."""
    if times == 1:
        return Saving.FINAL
    few = species <= EVERY_EVENT_SPECIES and stepper.native == stepper
    return Saving.EVERY_EVENT if few else Saving.CROSSING


def call_size(request: "Request", times: int, species: int) -> int | None:
    """Return how many trajectories every call runs, or None where calls may be of any size."""
    if request.chunk is not None:
        return int(request.chunk)
    if request.keep == "trajectories":  # a fixed number, so that other ensembles reuse the program
        return max(1, min(4096, _KEPT_BYTES // (4 * times * species)))
    return None


def least_per_call(lanes: int, backend: str) -> int:
    """Return how many trajectories make the end of a call, when lanes idle, a small part of it."""
    return lanes * (8 if backend == "cpu" else 2)


# Which accumulators a request needs.


def chosen_statistics(structure: Structure, request: Any, times: int) -> tuple[Any, ...]:
    """Return the accumulators of a request; mean and variance always come first."""
    species = len(structure.species)
    chosen: list[Any] = [Moments(times, species)]
    if structure.observables or structure.variables:
        chosen.append(_observables(structure, times))
    if request.covariance:
        chosen.append(Covariance(times, species))
    for name, bins in request.histograms.items():
        chosen.append(_histogram(structure, name, bins, times))
    if len(request.quantiles):
        chosen.append(Quantiles(times, species, _probabilities(request.quantiles)))
    if request.passages:
        chosen.append(Passage(tuple(request.passages), times))
    for name, function in request.reductions.items():
        if not callable(function):
            raise SimulationError(f"reduction '{name}' is not a function; give one of states [time, species]")
        chosen.append(Reduction(name, function, times, species))
    return tuple(chosen)


def passage_conditions(structure: Structure, passages: Mapping[str, str]) -> tuple[tuple[str, Expression], ...]:
    """Read the conditions whose first time is wanted."""
    known = {*structure.species, *structure.parameters, *structure.variables}
    conditions = []
    for name, text in passages.items():
        condition = parse(text) if isinstance(text, str) else text
        unknown = sorted(names(condition) - known)
        if unknown:
            raise NetworkError(
                f"passage '{name}' reads '{unknown[0]}', which is no species or parameter{closest(unknown[0], known)}"
            )
        conditions.append((name, condition))
    return tuple(conditions)


def _observables(structure: Structure, times: int) -> Observables:
    for name, expression in structure.observables:
        driven = sorted(names(expression) & set(structure.inputs))
        if driven:
            raise SimulationError(
                f"observable '{name}' reads the input '{driven[0]}', which is not saved; "
                f"leave it out and use js.concentration for the input"
            )
    variables = tuple((name, Name(name)) for name in structure.variables)
    return Observables((*structure.observables, *variables), structure.species, times, structure.variables)


def _histogram(structure: Structure, name: str, bins: int | tuple[Any, ...], times: int) -> Histogram:
    if name not in structure.species:
        raise SimulationError(f"there is no species '{name}' for a histogram{closest(name, structure.species)}")
    low, high, width = (0, bins, 1) if isinstance(bins, (int, np.integer)) else (*bins, 1)[:3]
    if not (float(low).is_integer() and float(high).is_integer() and float(width).is_integer()):
        raise SimulationError(f"the histogram of '{name}' has bounds {bins!r}; give whole numbers (low, high, width)")
    if width < 1 or high <= low:
        raise SimulationError(f"the histogram of '{name}' has no bins in {bins!r}; give low < high and width >= 1")
    number = -(-(int(high) - int(low)) // int(width))
    return Histogram(name, structure.species.index(name), times, int(low), int(width), number)


def _probabilities(values: tuple[Any, ...]) -> tuple[float, ...]:
    for value in values:
        if not 0 < float(value) < 1:
            raise SimulationError(f"the quantile {value!r} is not between 0 and 1; give probabilities such as 0.05")
    return tuple(float(value) for value in values)


# The numbers of a model as a compiled program takes them, checked before anything long starts.

ORDINARY = (1e-20, 1e20)  # magnitudes of laws that are drawn in single precision with room for their tails


def split_batch(network: Network, parameters: Mapping[str, Any] | None) -> tuple[list[Network], dict[str, np.ndarray]]:
    """Return one network per design point, and the batched parameter values.

    A parameter given as a one-dimensional array makes a batch; all arrays have one length.
    """
    given = dict(parameters or {})
    for name in given:
        if name not in network.parameters:
            raise SimulationError(f"the network has no parameter '{name}'{closest(name, network.parameters)}")
    batched = {k: np.asarray(v, np.float64) for k, v in given.items() if not is_distribution(v) and np.ndim(v) == 1}
    deep = [k for k, v in given.items() if not is_distribution(v) and np.ndim(v) > 1]
    if deep:
        raise SimulationError(f"parameter '{deep[0]}' has more than one dimension; give one value per design point")
    lengths = {name: value.size for name, value in batched.items()}
    if len(set(lengths.values())) > 1:
        raise SimulationError(
            f"the batched parameters have different lengths {lengths}; give one value per design point"
        )
    if 0 in lengths.values():
        raise SimulationError(f"parameter '{next(iter(lengths))}' is an empty batch; give at least one value")
    single = {name: value for name, value in given.items() if name not in batched}
    base = network.with_parameters(**single) if single else network
    points = next(iter(lengths.values()), 0)
    if not points:
        return [base], {}
    rows = [{name: float(value[p]) for name, value in batched.items()} for p in range(points)]
    return [base.with_parameters(**row) for row in rows], batched


def parameter_leaves(network: Network) -> dict[str, Any]:
    """Return parameter values as float64 scalars, and distributions with float32 leaves, scaled if need be."""
    return {name: _leaf(value, f"parameter '{name}'", np.float64) for name, value in network.parameters.items()}


def initial_leaves(network: Network) -> dict[str, Any]:
    """Return initial counts as int32 scalars, and distributions with float32 leaves."""
    return {name: _leaf(value, f"species '{name}'", np.int32) for name, value in network.initial.items()}


def variable_leaves(network: Network) -> dict[str, Any]:
    """Return the values of variables at the start as float64 scalars."""
    return {name: _leaf(value, f"variable '{name}'", np.float64) for name, value in network.variables.items()}


def _leaf(value: Any, text: str, dtype: type[Any]) -> Any:
    if is_distribution(value):
        return within_single(value)
    if not math.isfinite(float(value)):
        raise SimulationError(f"{text} is {value}; give a finite number")
    if dtype is np.int32 and float(value) > 2**31 - 1:
        raise SimulationError(f"{text} starts at {value}, beyond 2**31 - 1; scale the species down")
    return np.asarray(value, dtype)


def within_single(value: object) -> Any:
    """Return a distribution with float32 leaves; one of numbers out of their range by a unit in float64."""
    law, unit = value, 0.0
    if hasattr(value, "in_units_of"):
        largest = max(abs(float(leaf)) for leaf in _locations(value))
        if largest > 0.0 and not ORDINARY[0] < largest < ORDINARY[1]:
            unit = 10.0 ** round(math.log10(largest))
            law = value.in_units_of(unit)
    single = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), law)
    return Scaled(single, np.asarray(unit, np.float64)) if unit else single


def _locations(value: Any) -> list[Any]:
    """Return the numbers of a law that have the unit of the quantity."""
    return [getattr(value, field.name) for field in fields(value) if field.name != "cv"]


def median(value: object) -> float:
    """Return the median of a distribution."""
    with double_precision():
        return float(_sampled(within_single(value), np.float32(0.5)))


def extent(value: Any) -> tuple[float, float]:
    """Return the smallest and largest value a parameter can take; a sampled one by its extreme uniforms."""
    if not is_distribution(value):
        return float(value), float(value)
    ends = np.array([2.0**-33, 1 - 2.0**-24], np.float32)
    with double_precision():
        low, high = (float(end) for end in np.asarray(_sampled(within_single(value), ends)))
    return low, high


@jax.jit
def _sampled(law: Any, u: Array) -> Any:
    """Return values of a law: one program for all of its kind."""
    return law.sample(u)


def shared_values(network: Network) -> dict[str, Any]:
    """Return the parameters that all trajectories share."""
    return {name: value for name, value in network.parameters.items() if not is_distribution(value)}


def sampled_names(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names whose values are distributions."""
    return tuple(name for name, value in values.items() if is_distribution(value))


def slope_of_time(network: Network, start: float, end: float, parts: int = 2048) -> np.ndarray | None:
    """Return how fast the rates that read the time itself change, for placing cells; None if there are none."""
    plan = plan_rates(network.structure, sampled_names(network.parameters))
    leaves = [value for _, value in plan.in_time if "t" in names(value)]
    if not leaves or end <= start:
        return None
    grid = jnp.linspace(start, end, parts + 1, dtype=jnp.float64)
    env = {**shared_values(network), "t": grid}
    env |= dict.fromkeys(network.structure.inputs, 1.0)
    slope = np.zeros(parts)
    for leaf in leaves:
        value = np.broadcast_to(np.asarray(evaluate(leaf, env), np.float64), (parts + 1,))
        change = np.nan_to_num(np.abs(np.diff(value)), nan=0.0, posinf=0.0)
        slope += change / max(float(np.sum(change)), 1e-300)
    return slope * parts / (end - start)


# Which backend runs the event loop: native code where it can, XLA everywhere else.


def running_devices(devices: tuple[Any, ...], backend: str | None) -> tuple[Any, ...]:
    """Return the devices that run trajectories: of several CPU devices the first, whose threads use all cores.

    So native code runs, and the bits are the same, whatever number of CPU devices a process has been given. XLA splits
    trajectories between CPU devices where it is asked for by name.
    """
    cpu = all(device.platform == "cpu" for device in devices)
    return devices[:1] if cpu and backend != "xla" else devices


def choose_backend(
    program: Program, inputs: Inputs, request: "Request", devices: tuple[Any, ...]
) -> tuple[Program, Inputs]:
    """Return the program and its inputs as the backend takes them that runs it, in double precision.

    Raises
    ------
    SimulationError
        If the request names the native backend and that cannot run the program.
    """
    reason = "asked for" if request.backend == "xla" else _obstacle(program, devices)
    if reason is None:
        made, given = _as_native(program, inputs, request)
        reason = not_covered(made, given)
        if reason is None:
            return made, given
    if request.backend == "native":
        raise SimulationError(f"backend='native' cannot run this: {reason}; leave backend= out, and XLA runs it")
    return replace(program, backend_reason=reason), inputs


def _obstacle(program: Program, devices: tuple[Any, ...]) -> str | None:
    """Return what keeps a program from the native backend, as far as can be told without tracing it."""
    if len(devices) > 1 or devices[0].platform != "cpu" or jax.default_backend() != "cpu":
        return "native code runs on a single CPU device"
    if program.stepper.native is None:
        return f"there is no native form of method '{program.stepper.method}' yet"
    if len(program.structure.reactions) > NATIVE_UP_TO:
        return f"the network has more than {NATIVE_UP_TO} reactions"
    if find_spec("llvmlite") is None:
        return "llvmlite is not installed; install it with: pip install llvmlite"
    return None


def _as_native(program: Program, inputs: Inputs, request: "Request") -> tuple[Program, Inputs]:
    """Return the program laid out for native code."""
    stepper = program.stepper.native or program.stepper
    saving = Saving.FINAL if program.times == 1 else Saving.CROSSING
    if program.structure.variables and saving is Saving.CROSSING:  # which writes rows of counts
        saving = Saving.EVERY_EVENT
    made = replace(
        program,
        native=True,
        stepper=stepper,
        saving=saving,
        lanes=native_lanes(len(program.structure.species), program.times, request.trajectories),
    )
    return made, inputs._replace(tables=None)
