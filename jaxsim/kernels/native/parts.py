"""Begin a batch before the kernel runs, and gather its statistics after.

Both are native where what they need is covered: laws of parameters and of initial counts, means and variances of
species and observables, first passages. XLA does the rest: other laws, statistics of other kinds, kept trajectories.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.context import Context, context
from jaxsim.kernels.loop import _nothing, empty_run
from jaxsim.kernels.native.equations import Flat, Known, NotCovered, Variable
from jaxsim.kernels.native.kernel import Kernel, native_width
from jaxsim.kernels.native.law import LaneBatch, begun, shapes_of, trace_start, trace_status, without_grids
from jaxsim.kernels.native.mapping import Mapping, mapping
from jaxsim.kernels.native.observables import Summing, summing
from jaxsim.kernels.native.sums import add_moments, add_passages
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.saving import UNWRITTEN, save_before_event
from jaxsim.kernels.state import Inputs, Lanes, Owner, Status
from jaxsim.kernels.turnover import Run, Tally, _gather
from jaxsim.statistics import Moments, Observables, Passage

FINE = np.array([status.fine for status in Status])
"""By the number of the status."""


class KernelTables(NamedTuple):
    """What all lanes share, computed once for a call."""

    given: list[Any]
    """Leaves of what the steps read; those that differ between lanes hold nothing."""
    kernel: list[Any]
    start: list[Any]
    status: list[Any]
    observables: list[list[Any]]
    """The arrays that each native function reads."""


@dataclass(eq=False, kw_only=True)
class Parts:
    """What is done of a program outside of the kernel, compiled."""

    program: Program
    shapes: LaneBatch
    sharing: Any
    """inputs -> what all lanes share."""
    start: Mapping | None
    """None where XLA begins the lanes."""
    start_by_xla: Any
    status: Mapping | None
    """None where XLA gathers the lanes."""
    observables: list[Summing]
    gather: Any
    """(inputs, owner, given, lanes, tally) -> tally, by XLA."""

    def tables(self, inputs: Inputs) -> KernelTables:
        """Return what all lanes share."""
        return jax.tree.map(lambda array: np.asarray(array, order="C"), self.sharing(inputs))

    def memory(self, tables: KernelTables) -> LaneBatch:
        """Return arrays for a batch."""
        owner, given, lanes = self.shapes
        leaves, structure = jax.tree.flatten(given)
        pairs = zip(leaves, tables.given, strict=True)
        shared = [np.empty(leaf.shape, leaf.dtype) if value is None else value for leaf, value in pairs]
        empty = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), (owner, lanes))
        return LaneBatch(empty[0], jax.tree.unflatten(structure, shared), empty[1])

    def begin(self, inputs: Inputs, batch: LaneBatch, tables: KernelTables, started: int) -> np.ndarray:
        """Begin the trajectories from number `started` on; return which are to run."""
        number = np.arange(started, started + self.program.lanes, dtype=np.int32)
        goes, bare = np.empty(number.shape, bool), LaneBatch(batch.owner, batch.given, without_grids(batch.lanes))
        results = [*jax.tree.leaves(bare), goes]
        if self.start is None:
            found = jax.tree.leaves(self.start_by_xla(inputs, np.int32(started)))
            for target, value in zip(results, found, strict=True):
                if target.flags.writeable:  # what lanes share is there already
                    np.copyto(target, np.asarray(value))
        else:
            given = [None] * (len(self.start.flat.inputs) - 1)
            self.start.run([*given, number], results, memory_of(tables.start), len(number))
        self._clear(batch.lanes)
        return goes

    def _clear(self, lanes: Lanes) -> None:
        """Empty the save grid and write the initial states into its first row.

        Where sums are native they look at the first species of a row, to see whether it was written.
        """
        if lanes.row is not None:
            lanes.row[:] = 0
            (grid,) = lanes.saved
            grid[1:, :, : 1 if self.status is not None else None] = UNWRITTEN
            np.stack(lanes.x, axis=1, out=grid[0])
        else:
            for grid, value in zip(lanes.saved, lanes.x, strict=False):  # no grid, if only the end is saved
                grid[0], grid[1:] = value, UNWRITTEN
        if lanes.carry is not None:
            for grid, value in zip(lanes.carry.saved_variables, lanes.carry.variables, strict=False):
                grid[0], grid[1:] = value, np.nan

    def end(self, inputs: Inputs, batch: LaneBatch, tables: KernelTables, tally: Tally) -> Tally:
        """Gather a batch that has ended."""
        if self.status is None:  # XLA may read the memory of the batch until it is ready
            return jax.block_until_ready(self.gather(inputs, *batch, tally))
        owner, given, lanes = batch
        bare = jax.tree.leaves(LaneBatch(owner, given, without_grids(lanes)))
        status = np.empty(owner.number.shape, np.int32)
        inner = [None] * (len(self.status.flat.inputs) - len(bare))
        self.status.run([*inner, *bare], [status], memory_of(tables.status), len(status))
        live = np.asarray(owner.number) >= 0
        sound = live & FINE[status]
        counted = np.bincount(status[live], minlength=len(Status)).astype(np.int64)
        tally = tally._replace(
            status=tally.status + counted,
            events=tally.events + np.int64(_fired(owner, lanes, live)),
            statistics=self._sums(inputs, batch, tables, tally.statistics, live, sound),
        )
        if lanes.carry is None:
            return tally
        rejected = np.sum(lanes.carry.rejected[live], dtype=np.int64)
        return tally._replace(rejected=tally.rejected + rejected)

    def _sums(
        self,
        inputs: Inputs,
        batch: LaneBatch,
        tables: KernelTables,
        sums: tuple[Any, ...],
        live: np.ndarray,
        sound: np.ndarray,
    ) -> tuple[Any, ...]:
        """Return the sums of the statistics with a batch added."""
        _, given, lanes = batch
        times = np.ascontiguousarray(inputs.times)
        x = np.stack(lanes.x, axis=1)
        if lanes.row is None:
            grid, limits = x[None], sound.astype(np.int64)
        else:
            grid, limits = closed_grid(lanes.saved[0], x, np.asarray(lanes.row), live, sound)
        leaves, result = jax.tree.leaves(given), list[Any]()
        observables = zip(self.observables, tables.observables, strict=True)
        for statistic, before in zip(self.program.statistics, sums, strict=True):
            if isinstance(statistic, Moments):
                result.append(add_moments(before, grid, limits))
            elif isinstance(statistic, Observables):
                adding, shared = next(observables)
                result.append(adding.add(before, grid, limits, times, leaves, memory_of(shared)))
            else:
                result.append(add_passages(before, np.stack(lanes.passages), sound, times))
        return tuple(result)


def memory_of(arrays: Sequence[Any]) -> list[int]:
    """Return where the memory of arrays lies."""
    return [a.ctypes.data if isinstance(a, np.ndarray) else a.unsafe_buffer_pointer() for a in arrays]


def _fired(owner: Owner, lanes: Lanes, live: np.ndarray) -> Any:
    """Return how many reactions have fired, as the loop of XLA counts them."""
    if lanes.carry is not None:
        return np.sum(lanes.carry.fired[live], dtype=np.int64)
    steps = (lanes.iteration - owner.first)[live].astype(np.int64)
    return np.sum(np.maximum(steps - 1, 0))


def closed_grid(
    grid: np.ndarray, x: np.ndarray, rows: np.ndarray, live: np.ndarray, sound: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the save grid with the last state of each lane written in, and how many save times of each count.

    What came after the last crossing has not been written yet. A lane that stopped early counts up to its last change,
    since what it would have been after that is not known.
    """
    filled, last = grid, np.minimum(rows, len(grid) - 1)
    ends = np.flatnonzero(sound)
    filled[last[ends], ends] = x[ends]
    limits = np.where(live, np.where(sound, len(grid), last), 0).astype(np.int64)
    return filled, limits


def compile_parts(program: Program, inputs: Inputs, kernel: Kernel) -> Parts:
    """Compile what is done of a program outside of the kernel."""
    shapes = shapes_of(program, inputs)
    start, start_by_xla = _start(program, inputs)
    status, observables = _ends(program, inputs, kernel.law.lane)
    gather = None
    if status is None:
        tally = jax.eval_shape(lambda: _nothing(program))
        gather = compiled_by_xla(_gathering(program), (inputs, *shapes, tally), (4,))
    sharing = compiled_by_xla(_sharing(program, inputs, kernel, start, status, observables), (inputs,))
    return Parts(
        program=program,
        shapes=shapes,
        sharing=sharing,
        start=start,
        start_by_xla=start_by_xla,
        status=status,
        observables=observables,
        gather=gather,
    )


def _start(program: Program, inputs: Inputs) -> tuple[Mapping | None, Any]:
    started = jax.ShapeDtypeStruct((), jnp.int32)
    try:
        return mapping(*trace_start(program, inputs), native_width()), None
    except NotCovered:
        return None, compiled_by_xla(beginning(replace(program, saving=Saving.FINAL)), (inputs, started))


def beginning(program: Program) -> Callable[..., Any]:
    """Return the function (inputs, started) -> the next batch, whether each is to run."""

    def start(inputs: Inputs, started: Any) -> Any:
        number = started + jnp.cumsum(jnp.ones((program.lanes,), jnp.int32), dtype=jnp.int32) - np.int32(1)
        return begun(program, inputs, number)

    return start


def _ends(program: Program, inputs: Inputs, lane: int) -> tuple[Mapping | None, list[Summing]]:
    """Return what gathers natively, if that covers all that is asked for."""
    if not sums_alone(program):
        return None, []
    try:
        owner = jax.eval_shape(lambda: empty_run(replace(program, lanes=lane)).owner)
        given = jax.eval_shape(lambda i, o: context(program, i, o), inputs, owner)
        found = [summing(program, s, given, lane) for s in program.statistics if isinstance(s, Observables)]
        return mapping(*trace_status(program, inputs), native_width()), found
    except NotCovered:
        return None, []


def sums_alone(program: Program) -> bool:
    """Whether all that is asked for is summed natively: means and variances, and first passages."""
    plain = all(isinstance(statistic, (Moments, Observables, Passage)) for statistic in program.statistics)
    return plain and not (program.kept or program.structure.variables or program.saving is Saving.EVERY_EVENT)


def _gathering(program: Program) -> Callable[..., Any]:
    """Return the function by which XLA gathers a batch."""

    def gather(inputs: Inputs, owner: Owner, given: Context, lanes: Lanes, tally: Tally) -> Tally:
        if program.saving is Saving.CROSSING:  # as the next iteration would, also of a lane that stopped
            lanes = save_before_event(program, lanes, inputs.times)
        run = Run(owner, lanes, jnp.zeros((), jnp.int32), tally)
        tally = _gather(program, inputs, given, run, owner.number >= 0)
        if lanes.carry is None:  # every iteration before the end is an event
            tally = tally._replace(events=tally.events + jnp.sum(_events(owner, lanes)))
        return tally

    return gather


def _events(owner: Owner, lanes: Lanes) -> Any:
    """Return how many reactions have fired in each lane, int64, as the loop of XLA counts them."""
    steps = (lanes.iteration - owner.first).astype(jnp.int64)
    return jnp.where(owner.number >= 0, jnp.maximum(steps - 1, 0), jnp.int64(0))


def _sharing(
    program: Program,
    inputs: Inputs,
    kernel: Kernel,
    start: Mapping | None,
    status: Mapping | None,
    observables: list[Summing],
) -> Callable[..., Any]:
    """Return the function inputs -> what all lanes share."""
    lane = kernel.law.lane
    wide, single = (jax.eval_shape(lambda n=n: empty_run(replace(program, lanes=n)).owner) for n in (lane, 1))
    owner = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), single)
    kinds = jax.tree.leaves(jax.eval_shape(partial(context, program), inputs, wide))
    differs = [lane in kind.shape for kind in kinds]

    def share(inputs: Inputs) -> KernelTables:
        leaves, found = jax.tree.leaves(context(program, inputs, owner)), jax.tree.leaves(inputs)
        both = [*found, *([None] * len(jax.tree.leaves(owner))), *leaves]
        return KernelTables(
            [None if own else leaf for own, leaf in zip(differs, leaves, strict=True)],
            shared_arrays(kernel.law.flat, both, kernel.tables),
            shared_arrays(start.flat, found, start.tables) if start else [],
            shared_arrays(status.flat, both, status.tables) if status else [],
            [shared_arrays(one.flat, leaves, one.tables) for one in observables],
        )

    return share


def shared_arrays(flat: Flat, values: list[Any], wanted: list[Variable]) -> list[Any]:
    """Return arrays that all lanes share, from the values of the first inputs; those of lanes are not looked at."""
    known = {id(v): value for v, value in zip(flat.inputs, values, strict=False)}
    known |= {id(v): jnp.asarray(value) for v, value in flat.arrays}

    def read(value: Known | Variable) -> Any:
        if isinstance(value, Known):
            return jnp.full(value.kind.shape, value.value, value.kind.dtype)
        return known[id(value)]

    for equation in flat.shared:
        found = equation.primitive.bind(*map(read, equation.inputs), **equation.params)
        found = found if equation.primitive.multiple_results else [found]
        known |= {id(v): value for v, value in zip(equation.outputs, found, strict=True)}
    arrays = [jnp.asarray(read(v)) for v in wanted]
    return [a.astype(jnp.uint8) if a.dtype == jnp.bool_ else a for a in arrays]


def compiled_by_xla(function: Callable[..., Any], shapes: tuple[Any, ...], donated: tuple[int, ...] = ()) -> Any:
    """Compile a function for arguments of these shapes."""
    return jax.jit(function, donate_argnums=donated).lower(*shapes).compile()
