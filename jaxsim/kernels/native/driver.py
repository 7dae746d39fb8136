"""Batches of trajectories through a kernel: begun and gathered by XLA, run in between by the kernel.

A batch is as many trajectories as the program has lanes. All begin at once, the kernel takes them from a queue and runs
each to its end, and when all have ended they are gathered. The arrays are those that XLA has made, and the kernel
writes into them.
"""

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.kernels import loop
from jaxsim.kernels.context import Context, context
from jaxsim.kernels.diagnosis import diagnose
from jaxsim.kernels.loop import _nothing, empty_run
from jaxsim.kernels.native.equations import Known, NotCovered
from jaxsim.kernels.native.kernel import Kernel, Written, native_width
from jaxsim.kernels.native.law import Law, trace
from jaxsim.kernels.native.sums import add_moments, add_passages
from jaxsim.kernels.program import Arrangement, Program, Saving
from jaxsim.kernels.refill import refill
from jaxsim.kernels.saving import save_before_event
from jaxsim.kernels.service import Run, Tally, _gather
from jaxsim.kernels.state import Inputs, Lanes, Owner
from jaxsim.kernels.status import Status
from jaxsim.kernels.thinning import finished
from jaxsim.statistics import Passage

FINE = [int(status) for status in Status if status.fine]
MOST = 256  # programs known, the newest
_WRITTEN: dict[Any, Any] = {}
_WRITING = threading.Lock()


class Batch(NamedTuple):
    """The trajectories that are being run."""

    owner: Owner
    given: Context
    lanes: Lanes


@dataclass
class NativeRun:
    """What is carried from one slice to the next."""

    tally: Tally
    inputs: Inputs | None = None
    """On the device."""
    started: int = 0
    """Trajectories that have been begun."""
    batch: Batch | None = None
    queue: np.ndarray | None = None
    """Trajectories of the batch by their place; those from `taken` on are still to run."""
    taken: int = 0
    tables: tuple[np.ndarray, ...] = ()
    work: int = 0
    """Iterations of single lanes so far."""


@dataclass(eq=False)
class Parts:
    """What XLA does of a program, compiled."""

    start: Any
    """(inputs, started) -> batch, whether each is to run, started."""
    tables: Any
    """(inputs, given) -> the shared arrays that the kernel reads."""
    gather: Any
    """(inputs, owner, given, lanes, tally) -> tally, and where `moments` is true how each trajectory ended."""
    moments: bool
    """Whether means and variances are summed natively, and XLA is not given the save grid."""


@dataclass(eq=False)
class Native:
    """A program on the native backend."""

    program: Program
    kernel: Kernel
    parts: Parts
    empty: NativeRun

    def call(self, inputs: Inputs, begin: Any, run: NativeRun) -> tuple[NativeRun, Any]:
        """Go on with `inputs.size` trajectories for a slice of the work; return the run and whether all have ended.

        The inputs are taken when a run begins.
        """
        if begin:
            run = NativeRun(self.empty.tally, jax.device_put(inputs))  # once: there are a hundred arrays
        assert run.inputs is not None
        inputs, size = run.inputs, int(run.inputs.size)
        until = run.work + max(loop.SLICE_LEAST, int(loop.SLICE / loop.step_cost(self.program)))
        while run.work < until:
            if run.batch is None:
                if run.started >= size:
                    break
                self._start(inputs, run)
            if self._go_on(run, until):
                self._finish(inputs, run)
        return run, np.bool_(run.batch is None and run.started >= size)

    def _start(self, inputs: Inputs, run: NativeRun) -> None:
        """Begin the next trajectories."""
        run.batch, goes, started = self.parts.start(inputs, np.int32(run.started))
        run.started = int(started)
        if not run.tables:
            found = self.parts.tables(inputs, run.batch.given)
            run.tables = tuple(np.ascontiguousarray(np.asarray(a)) for a in found)
        run.queue, run.taken = np.flatnonzero(np.asarray(goes)).astype(np.int32), 0

    def _go_on(self, run: NativeRun, until: int) -> bool:
        """Run the kernel; return whether all trajectories of the batch have ended."""
        assert run.batch is not None and run.queue is not None
        if run.taken < len(run.queue):
            addresses = addresses_of(self.kernel, jax.tree.leaves(run.batch))
            tables = [array.ctypes.data for array in run.tables]
            width = self.kernel.width
            budget = max(1, (until - run.work) // width)
            run.taken, done = self.kernel.run(addresses, tables, self.program.lanes, run.queue, run.taken, budget)
            run.work += done * width
        return run.taken == len(run.queue)

    def _finish(self, inputs: Inputs, run: NativeRun) -> None:
        """Gather the trajectories of a batch that has ended."""
        assert run.batch is not None
        owner, given, lanes = run.batch
        if self.parts.moments:
            run.tally = self._sum(inputs, run.batch, run.tally)
        else:
            run.tally = self.parts.gather(inputs, owner, given, lanes, run.tally)
        run.batch = run.queue = None

    def _sum(self, inputs: Inputs, batch: Batch, tally: Tally) -> Tally:
        """Gather a batch whose save grid only means and variances read."""
        owner, given, lanes = batch
        moments, *passages = tally.statistics
        grid, rows = lanes.saved, lanes.row
        bare = lanes._replace(saved=(), row=None)
        rest, status = self.parts.gather(inputs, owner, given, bare, tally._replace(statistics=()))
        live = np.asarray(owner.number) >= 0
        sound = live & np.isin(np.asarray(status), FINE)
        x = np.stack([np.asarray(count) for count in lanes.x], axis=1)
        if rows is None:
            moments = add_moments(moments, x[None], sound.astype(np.int64))
        else:
            filled, limits = closed_grid(_writable(grid[0]), x, np.asarray(rows), live, sound)
            moments = add_moments(moments, filled, limits)
        first, times = [np.asarray(found) for found in lanes.passages], np.asarray(inputs.times)
        passages = [add_passages(sums, np.stack(first), sound, times) for sums in passages]
        return rest._replace(statistics=(moments, *passages))


def _writable(array: Any) -> np.ndarray:
    """Return the memory of an int32 array of ours, which nobody else holds, to be written."""
    memory = (ctypes.c_int32 * array.size).from_address(array.unsafe_buffer_pointer())
    return np.frombuffer(memory, np.int32).reshape(array.shape)


def addresses_of(kernel: Kernel, leaves: list[Any]) -> list[int]:
    """Return where the arrays of a batch lie that the kernel takes; those it writes must be arrays of their own."""
    first = len(kernel.law.flat.inputs) - len(leaves)
    found = [leaves[slot.number - first].unsafe_buffer_pointer() for slot in kernel.slots]
    written = [address for slot, address in zip(kernel.slots, found, strict=True) if slot.role != "constant"]
    assert len(set(written)) == len(written), "arrays that the kernel writes are one"
    return found


def native(program: Program, inputs: Inputs) -> Native:
    """Return a program as compiled for the native backend, in double precision.

    Raises
    ------
    NotCovered
        If the program needs something that the backend does not have.
    """
    written = _written(program, inputs, True)
    if isinstance(written, NotCovered):
        raise written
    kernel = written.compiled()
    parts = _parts(program, inputs, written.law, kernel)
    shapes = jax.eval_shape(lambda: _nothing(program))
    tally = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    return Native(program, kernel, parts, NativeRun(tally))


def not_covered(program: Program, inputs: Inputs) -> str | None:
    """Return what a program needs that the backend does not have, or None if it has everything."""
    written = _written(program, inputs, False)
    return str(written) if isinstance(written, NotCovered) else None


def _written(program: Program, inputs: Inputs, wanted: bool) -> Any:
    """Return the kernel of a program as text, or what it lacks; None if it is known to lack nothing and is not wanted.

    What a program lacks is asked for every design point, for all numbers of lanes and statistics. The text waits for
    the one that compiles it, who keeps the program.
    """
    program = replace(program, lanes=1, kept=0, statistics=())
    shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(inputs))
    key = (program, shapes, jax.tree.structure(inputs))
    with _WRITING:
        found = _WRITTEN.get(key)
        if key not in _WRITTEN or (wanted and found is None):
            while len(_WRITTEN) >= MOST:
                _WRITTEN.pop(next(iter(_WRITTEN)))
            found = _write(program, inputs)
        _WRITTEN[key] = None if wanted and not isinstance(found, NotCovered) else found
        return found


def _write(program: Program, inputs: Inputs) -> Any:
    if program.leap is not None:
        return NotCovered("leaps")
    if program.arrangement is not Arrangement.SEPARATE:
        return NotCovered("reactions in rows of arrays")
    try:
        return Written(trace(program, inputs), native_width())
    except NotCovered as reason:
        return reason


def beginning(program: Program) -> Callable[..., Any]:
    """Return the function (inputs, started) -> the next batch, whether each is to run, and started afterwards."""

    def start(inputs: Inputs, started: Any) -> Any:
        run = empty_run(program)
        free = jnp.ones((program.lanes,), bool)
        owner, lanes, started = refill(program, inputs, run.owner, run.lanes, free, started)
        lanes = lanes._replace(iteration=jnp.zeros((program.lanes,), jnp.uint32))
        goes = ~finished(program, inputs, lanes)
        return Batch(owner, context(program, inputs, owner), lanes), goes, started

    return start


def _parts(program: Program, inputs: Inputs, law: Law, kernel: Kernel) -> Parts:
    """Compile what XLA does."""
    start = beginning(program)
    number = jax.ShapeDtypeStruct((), jnp.int32)
    batch, _, _ = jax.eval_shape(start, inputs, number)
    moments = sums_alone(program)
    if moments:
        bare = replace(program, saving=Saving.FINAL, statistics=())
        lanes = batch.lanes._replace(saved=(), row=None)
        tally = jax.eval_shape(lambda: _nothing(bare))
        gathering = _compile(_judging(bare), (inputs, batch.owner, batch.given, lanes, tally), (4,))
    else:
        tally = jax.eval_shape(lambda: _nothing(program))
        gathering = _compile(_gathering(program), (inputs, *batch, tally), (4,))
    return Parts(
        _compile(start, (inputs, number)),
        _compile(shared_arrays(law, kernel), (inputs, batch.given)),
        gathering,
        moments,
    )


def sums_alone(program: Program) -> bool:
    """Whether nothing but means and variances reads the save grid."""
    plain = all(isinstance(statistic, Passage) for statistic in program.statistics[1:])
    return plain and not program.kept and program.saving is not Saving.EVERY_EVENT


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


def _gathering(program: Program) -> Callable[..., Any]:
    """Return the function that gathers a batch."""

    def gather(inputs: Inputs, owner: Owner, given: Context, lanes: Lanes, tally: Tally) -> Tally:
        if program.saving is Saving.CROSSING:  # as the next iteration would, also of a lane that stopped
            lanes = save_before_event(program, lanes, inputs.times)
        run = Run(owner, lanes, jnp.zeros((), jnp.int32), tally)
        tally = _gather(program, inputs, given, run, owner.number >= 0)
        if lanes.general is None:  # every iteration before the end is an event
            tally = tally._replace(events=tally.events + jnp.sum(_events(program, inputs, owner, lanes)))
        return tally

    return gather


def _judging(program: Program) -> Callable[..., Any]:
    """Return the function that gathers all but the save grid, and how each trajectory ended."""
    gather = _gathering(program)

    def judge(inputs: Inputs, owner: Owner, given: Context, lanes: Lanes, tally: Tally) -> Any:
        return gather(inputs, owner, given, lanes, tally), diagnose(program, inputs, owner, given, lanes)

    return judge


def _events(program: Program, inputs: Inputs, owner: Owner, lanes: Lanes) -> Any:
    """Return how many reactions have fired in each lane, int64, as the loop of XLA counts them."""
    steps = (lanes.iteration - owner.first).astype(jnp.int64)
    return jnp.where(owner.number >= 0, jnp.maximum(steps - 1, 0), jnp.int64(0))


def shared_arrays(law: Law, kernel: Kernel) -> Callable[..., Any]:
    """Return the function (inputs, given) -> the arrays that all lanes share and the kernel reads."""

    def tables(inputs: Inputs, given: Context) -> Any:
        found, shared = jax.tree.leaves(inputs), jax.tree.leaves(given)
        own = law.first_lane - len(found) - len(shared)  # those of the owner differ from lane to lane
        leaves = [*found, *([None] * own), *shared, *([None] * (len(law.flat.inputs) - law.first_lane))]
        known = {id(v): value for v, value in zip(law.flat.inputs, leaves, strict=True)}
        known |= {id(v): jnp.asarray(value) for v, value in law.flat.arrays}

        def read(value: Any) -> Any:
            if isinstance(value, Known):
                return jnp.full(value.kind.shape, value.value, value.kind.dtype)
            return known[id(value)]

        for equation in law.flat.shared:
            found = equation.primitive.bind(*map(read, equation.inputs), **equation.params)
            found = found if equation.primitive.multiple_results else [found]
            known |= {id(v): value for v, value in zip(equation.outputs, found, strict=True)}
        arrays = [read(v) for v in kernel.tables]
        return [a.astype(jnp.uint8) if a.dtype == jnp.bool_ else a for a in arrays]

    return tables


def _compile(function: Callable[..., Any], shapes: tuple[Any, ...], donated: tuple[int, ...] = ()) -> Any:
    return jax.jit(function, donate_argnums=donated).lower(*shapes).compile()
