"""The save grid: every lane passes its own save times inside the one loop."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float64, Int32

from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.state import Lanes, where_any
from jaxsim.network import evaluate

UNWRITTEN = np.int32(-(2**30))  # no count of a sound state, nor the -1 of a reaction that fired without its reactant
DENSE = 16  # below this many save times comparing with all beats a search


def rows_before(t: Float64[Array, " L"], times: Float64[Array, " K"], uniform: bool, exact: bool) -> Int32[Array, " L"]:
    """Return how many save times lie strictly before t.

    On a uniform grid this is arithmetic, whose rounding matters only for times that coincide with a
    save time: these have probability zero unless doses are given at fixed times (`exact`).
    """
    number = times.shape[0]
    if number <= DENSE:
        return jnp.sum((t[None, :] > times[:, None]).astype(jnp.int32), axis=0, dtype=jnp.int32)
    if not uniform:
        return jnp.searchsorted(times, t, side="left", method="scan_unrolled").astype(jnp.int32)
    per_row = (number - 1) / (times[-1] - times[0])
    guess = jnp.ceil((t - times[0]) * per_row)
    row = jnp.clip(guess, 0.0, float(number)).astype(jnp.int32)
    if exact:
        before = jnp.maximum(row - np.int32(1), np.int32(0))
        row = row - ((row > 0) & (t <= times[before])).astype(jnp.int32)
        row = row + ((row < number) & (t > times[jnp.minimum(row, np.int32(number - 1))])).astype(jnp.int32)
    return row


def save_after_event(program: Program, lanes: Lanes, times: Float64[Array, " K"]) -> Lanes:
    """Write the state after the event at the next save time; a later event there overwrites it."""
    row = rows_before(lanes.t, times, program.uniform_times, program.stepper.cells)
    index = jnp.arange(program.lanes, dtype=jnp.int32)
    saved = tuple(
        grid.at[row, index].set(x, mode="drop", unique_indices=True)
        for grid, x in zip(lanes.saved, lanes.x, strict=True)
    )
    lanes = lanes._replace(saved=saved)
    if not program.structure.variables:
        return lanes
    carry = lanes.carried
    pairs = zip(carry.saved_variables, carry.variables, strict=True)
    grids = tuple(grid.at[row, index].set(value, mode="drop", unique_indices=True) for grid, value in pairs)
    return lanes._replace(carry=carry._replace(saved_variables=grids))


def save_before_event(program: Program, lanes: Lanes, times: Float64[Array, " K"]) -> Lanes:
    """Write the state before the pending event if the event passes a save time; most do not.

    Whatever applies a pending event calls this first; to call it twice changes nothing.
    """
    assert lanes.row is not None
    if program.native:  # which does nothing unless a lane of the few that run in lockstep passes one
        passes = (lanes.row < np.int32(program.times)) & (lanes.t > times[jnp.minimum(lanes.row, program.times - 1)])
        return lax.cond(jnp.any(passes), lambda: _save_row(program, lanes, times, passes), lambda: lanes)
    return _save_row(program, lanes, times, None)


def _save_row(program: Program, lanes: Lanes, times: Float64[Array, " K"], passes: Array | None) -> Lanes:
    """Write the state in lanes that pass a save time; `passes` are these, where that is known."""
    assert lanes.row is not None

    def counted() -> Any:
        return rows_before(lanes.t, times, program.uniform_times, program.stepper.cells)

    if passes is None:
        reached = counted()
    else:  # most pass a single one
        reached = lanes.row + passes.astype(jnp.int32)
        last = jnp.minimum(reached, np.int32(program.times - 1))
        reached = where_any(program, passes & (lanes.t > times[last]), counted, reached)
    row = jnp.where(reached > lanes.row, lanes.row, np.int32(program.times))
    index = jnp.arange(program.lanes, dtype=jnp.int32)
    # One scatter of whole rows: the lanes that do not write cost a comparison, not one per species.
    (grid,) = lanes.saved
    grid = grid.at[row, index].set(program.stepper.by_lane(program, lanes.x), mode="drop", unique_indices=True)
    return lanes._replace(saved=(grid,), row=jnp.where(jnp.isfinite(lanes.t), reached, lanes.row))


def states_on_grid(program: Program, lanes: Lanes, sound: Array) -> tuple[Any, Any]:
    """Return the states [species, K, L], and which of them were reached [K, L].

    A sound lane has reached every save time. Any other has reached those before its last change, since what
    it would have been after that is not known.
    """
    if program.saving is Saving.FINAL:
        return program.stepper.stacked(program, lanes.x)[:, None, :], sound[None, :]
    rows = jnp.arange(program.times, dtype=jnp.int32)[:, None]
    if lanes.row is None:
        grid = jnp.stack(lanes.saved, axis=2)
        passed = jnp.max(jnp.where(grid[:, :, 0] != UNWRITTEN, rows, np.int32(0)), axis=0)
    else:  # what came after the last crossing has not been written yet
        passed = jnp.minimum(lanes.row, np.int32(program.times - 1))
        at_last = (rows == passed[None, :]) & sound[None, :]
        grid = jnp.where(at_last[:, :, None], program.stepper.by_lane(program, lanes.x)[None], lanes.saved[0])
    reached = sound[None, :] | (rows < passed[None, :])
    return jnp.transpose(fill_forward(grid), (2, 0, 1)), reached


def variables_on_grid(program: Program, lanes: Lanes) -> tuple[Float64[Array, "K L"], ...]:
    """Return each variable at every save time."""
    if program.saving is Saving.FINAL:
        return tuple(value[None, :] for value in lanes.carried.variables)
    return tuple(fill_forward(grid) for grid in lanes.carried.saved_variables)


def fill_forward(grid: Array) -> Any:
    """Replace unwritten entries (-1, or NaN among floats) by the entry of the row before, along the first axis."""

    def step(before: Array, row: Array) -> tuple[Any, Any]:
        unwritten = jnp.isnan(row) if jnp.issubdtype(row.dtype, jnp.floating) else row == UNWRITTEN
        filled = jnp.where(unwritten, before, row)
        return filled, filled

    return lax.scan(step, grid[0], grid)[1]


def clear(program: Program, lanes: Lanes, fresh: Array) -> Lanes:
    """Empty the grid of fresh lanes and write their initial state into its first row."""
    if program.saving is Saving.FINAL:
        return lanes
    rows = jnp.arange(program.times, dtype=jnp.int32)[:, None]

    def emptied(grid: Array, value: Array, nothing: Any = UNWRITTEN) -> Any:
        """Return the grid [K, L] or [K, L, species] with an empty column for each fresh lane."""
        shape = (1,) * (grid.ndim - 2)
        first = jnp.where((rows == 0).reshape(-1, 1, *shape), value[None], nothing)
        return jnp.where(fresh.reshape(1, -1, *shape), first, grid)

    if lanes.carry is not None and lanes.carry.variables:
        pairs = zip(lanes.carry.saved_variables, lanes.carry.variables, strict=True)
        grids = tuple(emptied(grid, value, jnp.nan) for grid, value in pairs)
        lanes = lanes._replace(carry=lanes.carry._replace(saved_variables=grids))
    if lanes.row is None:
        return lanes._replace(saved=tuple(emptied(grid, x) for grid, x in zip(lanes.saved, lanes.x, strict=True)))
    row = jnp.where(fresh, np.int32(0), lanes.row)
    return lanes._replace(saved=(emptied(lanes.saved[0], program.stepper.by_lane(program, lanes.x)),), row=row)


# First passages: the time at which a condition on the state first holds.


def watch(program: Program, lanes: Lanes, precise: dict[str, Any]) -> Lanes:
    """Note the time in lanes where a condition holds for the first time.

    Conditions are evaluated in float64, which holds every count; `precise` are the parameters.
    """
    if not program.passages:
        return lanes
    state = dict(precise)
    for name, value in zip(program.structure.species, program.stepper.by_species(program, lanes.x), strict=True):
        state[name] = value.astype(jnp.float64)
    if lanes.carry is not None:
        for name, value in zip(program.structure.variables, lanes.carry.variables, strict=True):
            state[name] = value.astype(jnp.float64)
    found = []
    for (_, condition), first in zip(program.passages, lanes.passages, strict=True):
        holds = jnp.broadcast_to(jnp.asarray(evaluate(condition, state)).astype(bool), lanes.t.shape)
        found.append(jnp.where(holds & (lanes.t < first), lanes.t, first))
    return lanes._replace(passages=tuple(found))
