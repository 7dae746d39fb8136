"""Batches of trajectories through a kernel: begun and gathered by XLA, run in between by the kernel.

A batch is as many trajectories as the program has lanes. All begin at once, the kernel takes them from a queue and runs
each to its end, and when all have ended they are gathered. The arrays are those that XLA has made, and the kernel
writes into them.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.kernels import loop
from jaxsim.kernels.context import Context, context
from jaxsim.kernels.loop import _nothing, empty_run
from jaxsim.kernels.native.equations import Known, NotCovered, Variable
from jaxsim.kernels.native.kernel import Kernel, Written, native_width
from jaxsim.kernels.native.law import Law, trace
from jaxsim.kernels.program import Arrangement, Program, Saving
from jaxsim.kernels.refill import refill
from jaxsim.kernels.saving import save_before_event
from jaxsim.kernels.service import Run, Tally, _gather
from jaxsim.kernels.state import Inputs, Lanes, Owner
from jaxsim.kernels.thinning import finished

MOST = 256  # kernels kept, the newest
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
    """(inputs, owner, given, lanes, tally) -> tally."""


@dataclass(eq=False)
class Native:
    """A program on the native backend."""

    program: Program
    kernel: Kernel
    parts: Parts
    empty: NativeRun

    def call(self, inputs: Inputs, begin: Any, run: NativeRun) -> tuple[NativeRun, Any]:
        """Go on with `inputs.size` trajectories for a slice of the work; return the run and whether all have ended."""
        if begin:
            run = NativeRun(jax.tree.map(jnp.asarray, self.empty.tally))
        until = run.work + max(loop.SLICE_LEAST, int(loop.SLICE / loop.step_cost(self.program)))
        while run.work < until:
            if run.batch is None:
                if run.started >= int(inputs.size):
                    break
                self._start(inputs, run)
            if self._go_on(run, until):
                self._finish(inputs, run)
        return run, np.bool_(run.batch is None and run.started >= int(inputs.size))

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
        run.tally = self.parts.gather(inputs, owner, given, lanes, run.tally)
        run.batch = run.queue = None


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
    written = _written(program, inputs)
    if isinstance(written, NotCovered):
        raise written
    kernel = written.compiled()
    parts = _parts(program, inputs, written.law, kernel)
    shapes = jax.eval_shape(lambda: _nothing(program))
    tally = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    return Native(program, kernel, parts, NativeRun(tally))


def not_covered(program: Program, inputs: Inputs) -> str | None:
    """Return what a program needs that the backend does not have, or None if it has everything."""
    written = _written(program, inputs)
    return str(written) if isinstance(written, NotCovered) else None


def _written(program: Program, inputs: Inputs) -> Any:
    """Return the kernel of a program as text, or what it lacks; kept, for all numbers of lanes and statistics."""
    program = replace(program, lanes=1, kept=0, statistics=())
    shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(inputs))
    key = (program, shapes, jax.tree.structure(inputs))
    with _WRITING:
        if key not in _WRITTEN:
            while len(_WRITTEN) >= MOST:
                _WRITTEN.pop(next(iter(_WRITTEN)))
            _WRITTEN[key] = _write(program, inputs)
        return _WRITTEN[key]


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
    saves, start = program.saving is Saving.CROSSING, beginning(program)

    def settled(inputs: Inputs, lanes: Lanes) -> Lanes:
        """Save what came before the time of each lane, as the next iteration would."""
        return save_before_event(program, lanes, inputs.times) if saves else lanes

    def gather(inputs: Inputs, owner: Owner, given: Context, lanes: Lanes, tally: Tally) -> Tally:
        run = Run(owner, settled(inputs, lanes), jnp.zeros((), jnp.int32), tally)
        tally = _gather(program, inputs, given, run, owner.number >= 0)
        if lanes.general is None:  # every iteration before the end is an event
            tally = tally._replace(events=tally.events + jnp.sum(_events(program, inputs, owner, lanes)))
        return tally

    number = jax.ShapeDtypeStruct((), jnp.int32)
    batch, _, _ = jax.eval_shape(start, inputs, number)
    tally = jax.eval_shape(lambda: _nothing(program))
    return Parts(
        _compile(start, (inputs, number)),
        _compile(shared_arrays(law, kernel), (inputs, batch.given)),
        _compile(gather, (inputs, *batch, tally), (4,)),
    )


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
