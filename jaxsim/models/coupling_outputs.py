"""What coupled runs show: courses and outcomes as those of organisms, and what only cells can tell."""

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxsim.dosing import Schedule
from jaxsim.ensemble.provenance import provenance
from jaxsim.ensemble.workers import worker_count
from jaxsim.errors import SimulationWarning
from jaxsim.kernels.status import Status
from jaxsim.models.coupling_balance import released
from jaxsim.models.coupling_cell import CellLaw
from jaxsim.models.coupling_inputs import concentrations
from jaxsim.models.coupling_online import Run, plan_run, run_online
from jaxsim.models.coupling_tabulated import run_tables
from jaxsim.models.organism_outputs import arm_dataset, courses
from jaxsim.network import Network

if TYPE_CHECKING:
    import xarray

STANDING = {
    "pored": "living tumour cells with pores",
    "tolerant": "tolerant tumour cells",
    "dead": "apoptotic tumour cells, not cleared",
}
SUMMED = {
    "divisions": ("N", "divisions since the start"),
    "apoptoses": ("NA", "cells that became apoptotic since the start"),
    "lyses": ("PY", "cells that lysed since the start"),
    "kills": ("NK", "cells killed by effectors since the start"),
}


def online_dataset(
    law: CellLaw, around: Network, schedule: Schedule, tumour: int, animals: int, hours: float, step: float,
    between: int, seed: int, capacity: int,
) -> "xarray.Dataset":  # fmt: skip
    """Run one arm cell by cell, and return its courses at every `between` steps."""
    plan = plan_run(law, around, schedule, hours, step, capacity)
    devices = tuple(jax.devices()[:1])
    runs = [run_online(plan, tumour, seed, animal, worker_count(devices)) for animal in range(animals)]
    _warn(runs, capacity)
    times = plan.edges[::between]
    states = np.stack([_padded(run.states, plan.edges.size)[::between] for run in runs])
    shown = courses(around, states, {}, concentrations(around, schedule, times)["anti_il1a"])
    data = arm_dataset(_with_tolerant(shown, runs, plan.edges.size, between), times)
    fields: dict[str, Any] = {}
    for name, text in STANDING.items():
        fields[name] = _course(runs, plan.edges.size, between, name, text, summed=False)
    for name, (entry, text) in SUMMED.items():
        fields[name] = _course(runs, plan.edges.size, between, entry, text, summed=True)
    fields["released"] = _released(runs, plan.edges.size, between)
    numbers = {
        "imbalance": [max((abs(ledger["imbalance"]) for ledger in run.ledgers), default=0) for run in runs],
        "imbalance_outside": [run.imbalance_outside for run in runs],
        "status": [run.status.label for run in runs],
        "events": [sum(ledger["events"] for ledger in run.ledgers) for run in runs],
        "lanes": [run.lanes for run in runs],
        "run_seconds": [run.seconds for run in runs],
    }
    fields |= {name: (("animal",), np.array(value)) for name, value in numbers.items()}
    return data.assign(fields).assign_attrs(step=step, **provenance(devices))


def tables_dataset(
    law: CellLaw, around: Network, schedule: Schedule, tumour: int, hours: float, every: float,
    table: "xarray.Dataset | None", settings: Mapping[str, Any], cell_settings: Mapping[str, Any],
    announce: Callable[[str], None] | None,
) -> "xarray.Dataset":  # fmt: skip
    """Run one arm by tables, and return its courses and their standard errors."""
    found = run_tables(law, around, schedule, tumour, hours, every, table, settings, cell_settings, announce)
    antibody = concentrations(around, schedule, found.times)["anti_il1a"]
    whole = courses(around, found.states[:1], {}, antibody)
    whole["tolerant_share"] = found.tolerant[:1]
    data = arm_dataset(whole, found.times)
    batches = courses(around, found.states[1:], {}, antibody)
    fields = {}
    for name in ("tumour", "il1a_plasma"):
        left = batches[name]
        spread = np.sqrt((len(left) - 1) / len(left) * np.sum((left - left.mean(axis=0)) ** 2, axis=0))
        fields[f"{name}_standard_error"] = (("animal", "time"), spread[None], {"long_name": "from the table's batches"})
    return data.assign(fields).assign_attrs(provenance(tuple(jax.devices()[:1])))


def _warn(runs: list[Run], capacity: int) -> None:
    """Say which runs stopped before the end, and why."""
    for status in sorted({run.status for run in runs if not run.status.fine}):
        number = sum(run.status is status for run in runs)
        reason = (
            f"had more than {capacity} cells; raise the capacity"
            if status is Status.OVERFLOW
            else "had a rate of the cell model that is not finite or negative; check cell_settings"
        )
        text = (
            f"{number} of {len(runs)} runs ended early with status '{status.label}': they {reason}. From then on NaN."
        )
        warnings.warn(text, SimulationWarning, stacklevel=4)


def _with_tolerant(found: dict[str, np.ndarray], runs: list[Run], rows: int, between: int) -> dict[str, np.ndarray]:
    """Put the share of tolerant cells where the organism alone would have that of its own tolerant cells."""
    tolerant = np.stack([_row(run, rows, "tolerant", summed=False)[::between] for run in runs])
    return {**found, "tolerant_share": tolerant / np.maximum(found["tumour"], 1.0)}


def _course(runs: list[Run], rows: int, between: int, entry: str, text: str, *, summed: bool) -> Any:
    values = np.stack([_row(run, rows, entry, summed=summed)[::between] for run in runs])
    return (("animal", "time"), values, {"long_name": text, "units": "cells"})


def _released(runs: list[Run], rows: int, between: int) -> Any:
    values = [
        _padded(np.concatenate([[0.0], np.cumsum([released(ledger) for ledger in run.ledgers])])[:, None], rows)[:, 0]
        for run in runs
    ]
    text = {"long_name": "IL-1alpha set free since the start", "units": "units of the cell model"}
    return (("animal", "time"), np.stack(values)[:, ::between], text)


def _row(run: Run, rows: int, entry: str, *, summed: bool) -> np.ndarray:
    """Return an entry of the ledgers at the ends of steps; at the start there is nothing, and NaN from a stop on."""
    values = np.array([0.0, *(ledger[entry] for ledger in run.ledgers)])
    return _padded((np.cumsum(values) if summed else values)[:, None], rows)[:, 0]


def _padded(values: np.ndarray, rows: int) -> np.ndarray:
    return np.concatenate([values, np.full((rows - len(values), values.shape[1]), np.nan)])
