"""simulate: an ensemble of trajectories of a network, and what is known of it."""

import secrets
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax.typing import ArrayLike

from jaxsim.dosing import Schedule
from jaxsim.dosing.arrays import traced
from jaxsim.ensemble.automatic import choose_method, for_choice
from jaxsim.ensemble.continuous import simulate_continuous
from jaxsim.ensemble.dataset import Gathered, build_dataset, join_points
from jaxsim.ensemble.methods import METHODS
from jaxsim.ensemble.prepare import call_size, choose_backend, least_per_call, running_devices, split_batch
from jaxsim.ensemble.request import Request, check_request, checked_times, prepare, warn_of_no_effect, whole_number
from jaxsim.errors import SimulationError, SimulationWarning, naming_closest_keyword
from jaxsim.kernels import Status
from jaxsim.network import Network
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.programs import compiled
from jaxsim.runtime.progress import announce, progress_bar
from jaxsim.runtime.workers import parts, run_all, with_parts, worker_count

if TYPE_CHECKING:
    import xarray


@naming_closest_keyword
def simulate(
    network: Network,
    *,
    times: ArrayLike | Sequence[float],
    trajectories: int = 1000,
    seed: int = 0,
    schedule: Schedule | None = None,
    parameters: Mapping[str, Any] | None = None,
    method: str = "direct",
    keep: str | None = None,
    chunk: int | None = None,
    start: float = 0.0,
    covariance: bool = False,
    histograms: Mapping[str, Any] | None = None,
    quantiles: float | Sequence[float] = (),
    passages: Mapping[str, str] | None = None,
    reductions: Mapping[str, Any] | None = None,
    max_events: int | None = None,
    precision: str = "auto",
    cells: int = 64,
    first: int = 0,
    progress: bool | None = None,
    devices: Sequence[Any] | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    tolerance: float | None = None,
    step: float | None = None,
    backend: str | None = None,
) -> "xarray.Dataset":
    """Simulate trajectories of a network, exactly unless another `method` is named, and return their statistics.

    Trajectory n is a pure function of (seed, design point, n): chunks, lanes, cores, devices and the
    number of trajectories do not change it. Memory does not grow with the number of trajectories,
    except with ``keep="trajectories"``.

    Parameters
    ----------
    network : Network
        The reaction network.
    times
        Save times, increasing, in the time unit of the rates; the last one ends the simulation.
    trajectories : int
        How many; 1e6 is taken as a million.
    seed : int or None
        From 0 to 2**64 - 1. None draws one, which the attribute ``seed`` of the result records.
    schedule : Schedule, optional
        Doses: of a species (molecules are added) or of an input (its concentration is driven).
    parameters
        Values that replace the network's own: numbers, distributions over trajectories, or
        one-dimensional arrays, which make a batch with the dimension ``point``.
    method
        ``"direct"``: Gillespie's direct method, by exact thinning where rates vary in time.
        ``"auto"``: one of direct, trapezoidal_tau_leap and hybrid, the same for all trajectories and design points:
        leaping where it costs at most half of what all events would along the rate equations, hybrid where
        some population then is below 100 for a tenth of the time. The attributes ``method`` and
        ``method_reason`` say which and why. State-triggered events are always exact.
        ``"tau_leap"``: adaptive leaps over many events at once, and exact events wherever leaping does not
        pay, decided for each trajectory at each step; a critical reaction, which few firings would starve,
        keeps its exact clock. ``"midpoint_tau_leap"`` takes the rates expected halfway, and
        ``"trapezoidal_tau_leap"``, the most accurate for its cost, leaps in two stages about the rate equations.
        ``"implicit_tau_leap"`` is for stiff networks: it leaps over fast reactions that balance, and damps
        their variance.
        ``"hybrid"``: reactions that change a population below 100 (below 50 once they leap), or of which leaps
        hold few firings, are exact jumps, at the times at which their propensity integrated along the leaps
        says; all others are leaped over in two stages, and implicitly where they are fast and balance. The
        result has ``partition`` (reaction, treatment), the share of the time each was treated how.
        All these have whole counts, never negative, which obey every conservation law. Passages and triggers
        are looked at between leaps.
        ``"langevin"``: trajectories of the chemical Langevin equation, real counts for large populations. Its
        steps end at save times, so that trajectories depend on the save grid, other than those above.
        ``"mean_field"``: one solution of the rate equations; ``"linear_noise"``: with variances. Neither has
        trajectories: that number, seed and chunk say nothing to them, variances of ``"mean_field"`` are NaN.
        These three compute in float64. :func:`jaxsim.mean_field` is differentiable.
    keep
        ``"trajectories"`` returns the counts of every trajectory at every save time.
    chunk
        Trajectories per call of the compiled program; chosen for speed if not given.
    start
        Time at which trajectories begin.
    covariance
        Return the covariance of the species at every save time.
    histograms
        ``{species: bins}`` or ``{species: (low, high)}`` or ``{species: (low, high, width)}``, integers.
    quantiles
        Probabilities, or one; quantiles are exact for counts below 256 and within 0.8 % above.
    passages
        ``{name: condition on the state}``; survival curves and times of the first moment it holds,
        for example ``{"extinct": "X == 0"}``.
    reductions
        ``{name: function(states)}`` with states int32 [time, species] of one trajectory; the mean and
        variance of what it returns.
    max_events
        Draws after which a trajectory is stopped with the status ``step limit``; 2**32 - 2 if not given.
    precision
        Of propensities and waiting times. ``"auto"``: single where it serves, double where a rate may leave its
        range, at constants or at any count, or differences of counts beyond 2^24 cannot be taken apart; the
        attributes ``precision`` and ``precision_reason`` say which and why. ``"float32"`` is refused where it does
        not serve; ``"float64"``. Counts are integers, the clock is float64, and what depends on parameters alone is
        computed in float64, either way.
    cells
        Cells of time for thinning, beside those that doses make; more give tighter bounds.
    first
        Number of the first trajectory.
    progress
        Draw a progress bar; by default on a terminal only.
    devices
        JAX devices to use; by default all local ones of the default backend. Several CPU devices count as one, on all
        cores, unless `backend` is ``"xla"``.
    rtol, atol
        Relative and absolute tolerance (molecules) of a step of the solver of ``"mean_field"`` and
        ``"linear_noise"``; 1e-8 and 1e-6 if not given.
    tolerance
        Relative change of a rate that a leap allows, in expectation and in standard deviation; 0.03 if not
        given. Half of it bounds the error of a standard deviation that relaxes. For ``"trapezoidal_tau_leap"`` and
        ``"hybrid"`` it bounds the errors of means and standard deviations, in standard deviations, and rates may
        change by about its fourth root. The weak error is about proportional to it.
    step
        Length of leaps, instead of a tolerance: they end early only at save times, doses and critical reactions.
        Longest step of ``"langevin"``, in the time unit of the rates; a twentieth of the shortest relaxation time
        along the rate equations if not given.
    backend
        What runs the event loop: ``"native"``, vector code that is compiled from the method's own steps for this
        processor, or ``"xla"``. By default native wherever it can: the exact method on one CPU, of networks up to
        128 reactions. The attributes ``backend`` and ``backend_reason`` say which and why. The law is the same, the
        last digit of a rate is not, so that in a rare case a trajectory is another one.

    Returns
    -------
    xarray.Dataset
        ``mean``, ``variance`` and ``standard_error`` (of the mean) over (time, species), float64;
        ``status``, the number of trajectories by how they ended; ``reached``, the number that reached
        each save time; and what was asked for. Where not all trajectories reached a save time,
        its statistics are NaN. Attributes give seed, versions, device, events, wall and compile time.

    Raises
    ------
    JaxsimError
        In one sentence, before anything is run, if the request cannot be simulated exactly.

    Warns
    -----
    SimulationWarning
        If a trajectory did not end well, with counts by status.
    NoEffectWarning
        If a parameter, an input without doses or a dose after the end changes nothing.

    References
    ----------
    Gillespie, J. Comput. Phys. 22 (1976) 403; Lewis & Shedler, Naval Res. Logist. 26 (1979) 403;
    Cao, Gillespie & Petzold, J. Chem. Phys. 124 (2006) 044109; Gillespie, J. Chem. Phys. 115 (2001) 1716;
    Rathinam, Petzold, Cao & Gillespie, J. Chem. Phys. 119 (2003) 12784;
    Haseltine & Rawlings, J. Chem. Phys. 117 (2002) 6959; Salis & Kaznessis, J. Chem. Phys. 122 (2005) 054103;
    Anderson & Koyama, Multiscale Model. Simul. 10 (2012) 1493.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": 0}, ["-> X, k", "X -> , d"], parameters={"k": 10.0, "d": 1.0})
    >>> out = js.simulate(net, times=[1.0, 10.0], trajectories=4000, seed=1)
    >>> bool(abs(out["mean"].sel(species="X", time=10.0) - 10.0) < 0.3)
    True
    """
    request = Request(
        times=times,
        trajectories=whole_number(trajectories),
        seed=secrets.randbits(64) if seed is None else seed,
        schedule=schedule,
        method=method,
        keep=keep,
        chunk=chunk,
        start=float(start),
        max_events=max_events,
        precision=precision,
        cells=cells,
        first=first,
        covariance=covariance,
        histograms=dict(histograms or {}),
        quantiles=tuple(np.ravel(quantiles)),
        passages=dict(passages or {}),
        reductions=dict(reductions or {}),
        rtol=rtol,
        atol=atol,
        tolerance=tolerance,
        step=step,
        backend=backend,
    )
    if not isinstance(network, Network):
        raise SimulationError(f"simulate takes a js.Network, not a {type(network).__name__}")
    _refuse_traced(network, schedule, parameters)
    check_request(request)
    networks, batch = split_batch(network, parameters)
    warn_of_no_effect(network, request)
    return _simulated(networks, batch, request, _devices(devices), progress)


def _simulated(
    networks: list[Network],
    batch: dict[str, np.ndarray],
    request: Request,
    used: tuple[Any, ...],
    progress: bool | None,
) -> "xarray.Dataset":
    """Run every design point by the method of the request, or by the one that "auto" chooses, and join the results."""
    reason: dict[str, str] = {}
    if request.method == "auto":
        chosen = choose_method(networks, request, used[0].platform)
        announce(f"method {chosen.method}: {chosen.reason}", progress)
        request, reason = for_choice(request, chosen), {"method_reason": chosen.reason}
    elif METHODS[request.method].continuous:
        return simulate_continuous(networks, batch, request, used, progress)
    used = running_devices(used, request.backend)
    whole = request.trajectories * len(networks)
    with progress_bar(whole, progress) as count:
        results = [_one_point(point, n, request, used, count) for point, n in enumerate(networks)]
    _warn(np.sum([result.status for result in results], axis=0), whole)
    datasets = [build_dataset(n, request, result, used) for n, result in zip(networks, results, strict=True)]
    data = join_points(datasets, batch) if batch else datasets[0]
    return data.assign_attrs(reason)


def _refuse_traced(*given: Any) -> None:
    """Refuse values under a JAX transformation: an ensemble is run by the host, call by call."""
    if traced(*given):
        raise SimulationError(
            "js.simulate runs many compiled calls and cannot stand inside jax.jit, jax.vmap or jax.grad; call it with "
            "numbers (batches go into parameters=), differentiate with js.gradient, or use js.mean_field inside"
        )


def _devices(given: Any) -> tuple[Any, ...]:
    """Return the devices to use: those given, or all local ones."""
    if given is None:
        return tuple(jax.local_devices())
    if not isinstance(given, Sequence) or not given or not all(hasattr(device, "platform") for device in given):
        raise SimulationError(f"devices is {given!r:.60}; give a list of JAX devices, such as jax.local_devices()[:2]")
    return tuple(given)


def _one_point(
    point: int, network: Network, request: Request, devices: tuple[Any, ...], count: Callable[..., Any]
) -> Gathered:
    """Run all trajectories of one design point."""
    grid_size, species = checked_times(request.times, request.start).size, len(network.structure.species)
    platform = devices[0].platform
    workers = worker_count(devices) if len(devices) == 1 else len(devices)
    with double_precision():
        program, inputs = choose_backend(*prepare(network, request, platform), request, devices)
    inputs = inputs._replace(point=np.uint32(point))
    example = with_parts(inputs, [(0, 0)] * len(devices))
    executable, seconds = compiled(program, example, devices)
    gathered = Gathered(program=program, compile_seconds=seconds)
    began = time.perf_counter()
    size, least = call_size(request, grid_size, species), least_per_call(program.lanes, platform)
    given = parts(request.first, request.trajectories, size, workers, least)
    for part, tally in run_all(executable, inputs, given, devices, count):
        gathered.add(part, tally)
    gathered.wall_seconds = time.perf_counter() - began
    return gathered


def _warn(status: np.ndarray, trajectories: int) -> None:
    bad = [(Status(code), int(number)) for code, number in enumerate(status) if number and not Status(code).fine]
    if bad:
        text = "; ".join(f"{number} of {trajectories} trajectories {code.sentence}" for code, number in bad)
        warnings.warn(f"{text}. Statistics at times that not all reached are NaN.", SimulationWarning, stacklevel=5)
