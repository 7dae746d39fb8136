"""Drug concentrations for a coupled run: on the grid of the organism, and as what a cell sees over a coupling step."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsim.dosing import Disposition, Dose, Schedule, concentration
from jaxsim.errors import ScheduleError, closest
from jaxsim.network import Network

SATURATING = {"gemcitabine": "uptake_constant", "caspase1_inhibitor": "inhibitor_constant"}
POINTS = 20  # of the average over a coupling step; an injection peaks after half an hour


def check_schedule(network: Network, schedule: Schedule, hours: float) -> None:
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


def concentrations(network: Network, schedule: Schedule, times: Any) -> dict[str, Any]:
    """Return every input of the organism at the given hours, [times] each; differentiable in the schedule."""
    found = {}
    for name, driven in network.inputs.items():
        doses = tuple(entry for entry in schedule[name] if isinstance(entry, Dose)) if name in schedule else ()
        if isinstance(driven, Disposition):
            found[name] = concentration(driven, doses, times) if doses else np.zeros(np.shape(times))
        else:
            found[name] = np.full(np.shape(times), float(driven))
    return found


def effective(network: Network, schedule: Schedule, constants: Mapping[str, Any], edges: Any) -> dict[str, np.ndarray]:
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
    shares = (np.arange(POINTS) + 0.5) / POINTS
    times = (edges[:-1, None] + np.diff(edges)[:, None] * shares[None, :]).ravel()
    courses = concentrations(network, schedule, times)
    found = {}
    for name, constant in SATURATING.items():
        half = float(constants[constant])
        course = np.asarray(courses[name]).reshape(-1, POINTS)
        mean = np.mean(course / (half + course), axis=1)
        found[name] = half * mean / (1.0 - mean)
    return found


def on_substeps(network: Network, schedule: Schedule, edges: np.ndarray, substeps: int) -> dict[str, Any]:
    """Return every input at the ends and middles of the substeps of every step, [step, 2 substeps + 1]."""
    shares = np.arange(2 * substeps + 1) / (2 * substeps)
    times = edges[:-1, None] + np.diff(edges)[:, None] * shares[None, :]
    courses = concentrations(network, schedule, times.ravel())
    return {name: jnp.asarray(value).reshape(times.shape) for name, value in courses.items()}
