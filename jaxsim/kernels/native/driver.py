"""Batches of trajectories through a kernel.

A batch is as many trajectories as the program has lanes. All begin at once, the kernel takes them from a queue and runs
each to its end, and when all have ended they are gathered, into the same memory for every batch of a call.
"""

import threading
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from jaxsim.kernels import loop
from jaxsim.kernels.loop import _nothing
from jaxsim.kernels.native.equations import NotCovered
from jaxsim.kernels.native.kernel import Kernel, Written, native_width
from jaxsim.kernels.native.law import LaneBatch, trace
from jaxsim.kernels.native.parts import KernelTables, Parts, compile_parts, memory_of
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Inputs
from jaxsim.kernels.turnover import Tally

_MOST = 256  # programs known, the newest
_WRITTEN: dict[Any, Any] = {}
_WRITING = threading.Lock()


@dataclass
class NativeRun:
    """What is carried from one slice to the next."""

    tally: Tally
    inputs: Inputs | None = None
    started: int = 0
    """Trajectories that have been begun."""
    batch: LaneBatch | None = None
    """Memory of the trajectories that are being run, and of those after them."""
    queue: np.ndarray | None = None
    """Trajectories of the batch by their place; those from `taken` on are still to run. None between batches."""
    taken: int = 0
    tables: KernelTables | None = None
    work: int = 0
    """Iterations of single lanes so far."""


@dataclass(eq=False)
class Native:
    """A program on the native backend."""

    program: Program
    kernel: Kernel
    parts: Parts
    empty: NativeRun

    def call(self, inputs: Inputs, begin: np.generic, run: NativeRun) -> tuple[NativeRun, Any]:
        """Go on with `inputs.size` trajectories for a slice of the work; return the run and whether all have ended.

        The inputs are taken when a run begins.
        """
        if begin:
            tables = self.parts.tables(inputs)
            run = NativeRun(self.empty.tally, inputs, batch=self.parts.memory(tables), tables=tables)
        assert run.inputs is not None
        inputs, size = run.inputs, int(run.inputs.size)
        until = run.work + max(loop.SLICE_LEAST, int(loop.SLICE / loop.step_cost(self.program)))
        while run.work < until:
            if run.queue is None:
                if run.started >= size:
                    break
                self._start(inputs, run)
            if self._go_on(run, until):
                self._finish(inputs, run)
        return run, np.bool_(run.queue is None and run.started >= size)

    def _start(self, inputs: Inputs, run: NativeRun) -> None:
        """Begin the next trajectories."""
        assert run.batch is not None and run.tables is not None
        goes = self.parts.begin(inputs, run.batch, run.tables, run.started)
        run.started = min(run.started + self.program.lanes, int(inputs.size))
        run.queue, run.taken = np.flatnonzero(goes).astype(np.int32), 0

    def _go_on(self, run: NativeRun, until: int) -> bool:
        """Run the kernel; return whether all trajectories of the batch have ended."""
        assert run.batch is not None and run.queue is not None and run.tables is not None
        if run.taken < len(run.queue):
            addresses = addresses_of(self.kernel, jax.tree.leaves(run.batch))
            width = self.kernel.width
            budget = max(1, (until - run.work) // width)
            tables = memory_of(run.tables.kernel)
            run.taken, done = self.kernel.run(addresses, tables, self.program.lanes, run.queue, run.taken, budget)
            run.work += done * width
        return run.taken == len(run.queue)

    def _finish(self, inputs: Inputs, run: NativeRun) -> None:
        """Gather the trajectories of a batch that has ended."""
        assert run.batch is not None and run.tables is not None
        run.tally = self.parts.end(inputs, run.batch, run.tables, run.tally)
        run.queue = None


def addresses_of(kernel: Kernel, leaves: list[Any]) -> list[int]:
    """Return where the arrays of a batch lie that the kernel takes; those it writes must be arrays of their own."""
    first = len(kernel.law.flat.inputs) - len(leaves)
    found = memory_of([leaves[slot.number - first] for slot in kernel.slots])
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
    shapes = jax.eval_shape(lambda: _nothing(program))
    tally = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    return Native(program, kernel, compile_parts(program, inputs, kernel), NativeRun(tally))


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
            while len(_WRITTEN) >= _MOST:
                _WRITTEN.pop(next(iter(_WRITTEN)))
            found = _write(program, inputs)
        _WRITTEN[key] = None if wanted and not isinstance(found, NotCovered) else found
        return found


def _write(program: Program, inputs: Inputs) -> Any:
    if program.stepper.native != program.stepper:
        return NotCovered(f"steps of '{program.stepper.method}' as {type(program.stepper).__name__} makes them")
    try:
        return Written(trace(program, inputs), native_width())
    except NotCovered as reason:
        return reason
