"""replay: one trajectory of an ensemble, alone, with the list of its events."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax.typing import ArrayLike

from jaxsim.dosing import Schedule
from jaxsim.ensemble.prepare import choose_backend, running_devices, split_batch
from jaxsim.ensemble.request import Request, check_request, prepare
from jaxsim.errors import SimulationError, naming_closest_keyword
from jaxsim.kernels import Status
from jaxsim.kernels.event_log import Log, record_events
from jaxsim.kernels.native import record_natively
from jaxsim.network import Network
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.workers import with_parts

if TYPE_CHECKING:
    import xarray


@naming_closest_keyword
def replay(
    network: Network,
    *,
    times: ArrayLike,
    trajectory: int,
    seed: int = 0,
    schedule: Schedule | None = None,
    parameters: Mapping[str, Any] | None = None,
    start: float = 0.0,
    max_events: int = 1 << 20,
    precision: str = "auto",
    cells: int = 64,
    backend: str | None = None,
) -> "xarray.Dataset":
    """Simulate one trajectory of an ensemble again and return every event of it.

    The trajectory is the same, bit for bit, as in :func:`simulate` with the same network, end of
    `times`, schedule, seed, precision, cells and backend.

    Parameters
    ----------
    network, times, seed, schedule, parameters, start, precision, cells, backend
        As for :func:`simulate`.
    trajectory
        Its number.
    max_events
        Most events to record.

    Returns
    -------
    xarray.Dataset
        ``event_time`` float64 and ``reaction`` (event): the reactions in order, by name or text, doses and
        triggered events included; ``state`` int32 (event, species) after each of them; attribute
        ``status``.

    Raises
    ------
    SimulationError
        If there are more events than `max_events`.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": 3}, ["X -> , 1"])
    >>> js.replay(net, times=[50.0], trajectory=0)["state"].values.ravel().tolist()
    [2, 1, 0]
    """
    import xarray

    request = Request(
        times=times,
        trajectories=1,
        seed=seed,
        schedule=schedule,
        start=float(start),
        precision=precision,
        cells=cells,
        first=trajectory,
        backend=backend,
    )
    check_request(request)
    networks, batch = split_batch(network, parameters)
    if batch:
        raise SimulationError("replay takes one design point; give single parameter values")
    with double_precision():
        prepared = prepare(networks[0], request, jax.default_backend())
        program, inputs = choose_backend(*prepared, request, running_devices(tuple(jax.local_devices()), backend))
        run = record_natively if program.native else jax.jit(record_events, static_argnums=(0, 2))
        found = run(program, with_parts(inputs, [(trajectory, 1)]), max_events)
    log = Log(*(np.asarray(part)[0] if part.ndim == 1 else np.asarray(part)[:, 0] for part in found))
    if log.number > max_events:
        raise SimulationError(f"trajectory {trajectory} has more than {max_events} events; raise max_events")
    number = int(log.number)
    structure = program.structure
    labels = [reaction.name or str(reaction) for reaction in structure.reactions]
    labels += ["dose", *(event.name or str(event) for event in structure.events)]
    return xarray.Dataset(
        {
            "event_time": ("event", log.time[:number]),
            "reaction": ("event", [labels[code] for code in log.code[:number]]),
            "state": (("event", "species"), log.state[:number]),
        },
        {"species": list(structure.species)},
        {"trajectory": trajectory, "seed": seed, "status": Status(int(log.status)).label},
    )
