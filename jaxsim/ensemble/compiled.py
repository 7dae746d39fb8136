"""Compiled programs, kept for the life of the process and counted."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from jaxsim.ensemble.compiler import compiler_options
from jaxsim.ensemble.double import double_precision
from jaxsim.kernels import Inputs, Program, Run, empty_run, run_slice
from jaxsim.kernels.native import native

MOST = 64  # programs kept, the newest: each takes some 230 memory maps, of which Linux allows a process 65,530
_PROGRAMS: dict[Any, "Compiled"] = {}
_TRACES = [0]


class Compiled(NamedTuple):
    """An executable and what making it cost."""

    call: Any
    """(inputs, whether to begin, run) -> (run, whether all trajectories have ended)."""
    empty: Any
    """Arrays of the shapes of a run, which the first call takes."""
    seconds: float
    """Tracing and compiling, wall time."""
    work: Callable[[Any], int]
    """run -> iterations of single lanes so far."""


def trace_count() -> int:
    """Return how many programs this process has traced; tests compare it before and after."""
    return _TRACES[0]


def compiled(program: Program, inputs: Inputs, devices: tuple[Any, ...]) -> tuple[Compiled, float]:
    """Return the executable of a program for inputs of these shapes, and the seconds it took just now."""
    shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(inputs))
    key = (program, shapes, jax.tree.structure(inputs), devices)
    if key in _PROGRAMS:
        return _PROGRAMS[key], 0.0
    began = time.perf_counter()
    with double_precision():
        made = _native(program, inputs) if program.native else _xla(program, inputs, devices)
    made = made._replace(seconds=time.perf_counter() - began)
    while len(_PROGRAMS) >= MOST:
        _PROGRAMS.pop(next(iter(_PROGRAMS)))
    _PROGRAMS[key] = made
    return made, made.seconds


def _native(program: Program, inputs: Inputs) -> Compiled:
    _TRACES[0] += 1
    found = native(program, inputs)
    return Compiled(found.call, found.empty, 0.0, lambda run: run.work)


def _xla(program: Program, inputs: Inputs, devices: tuple[Any, ...]) -> Compiled:
    empty = _empty(program, devices)
    call = _lower(program, inputs, empty, devices).compile(compiler_options(devices[0]))
    return Compiled(call, empty, 0.0, lambda run: program.lanes * int(np.asarray(run.lanes.iteration)))


def _empty(program: Program, devices: tuple[Any, ...]) -> Any:
    """Return zeros in the shapes of a run; with several devices, of one for each."""
    several = (len(devices),) if len(devices) > 1 else ()
    shapes = jax.eval_shape(lambda: empty_run(program))
    return jax.tree.map(lambda leaf: np.zeros((*several, *leaf.shape), leaf.dtype), shapes)


def _lower(program: Program, inputs: Inputs, empty: Any, devices: tuple[Any, ...]) -> Any:
    def one(given: Inputs, begin: Any, run: Run) -> tuple[Run, Any]:
        _TRACES[0] += 1
        return run_slice(
            program, given, jax.tree.map(lambda new, old: jnp.where(begin, new, old), empty_run(program), run)
        )

    if len(devices) == 1:
        with jax.default_device(devices[0]):
            return jax.jit(one, donate_argnums=2).lower(inputs, np.bool_(True), empty)

    def shard(given: Inputs, begin: Any, runs: Any) -> Any:
        own = jax.tree.map(lambda leaf: leaf[0], given)
        result = one(own, begin, jax.tree.map(lambda leaf: leaf[0], runs))
        return jax.tree.map(lambda leaf: leaf[None], result)

    split, same = PartitionSpec("device"), PartitionSpec()
    mesh = Mesh(np.array(devices), ("device",))
    # Each device loops on its own trajectories: no collective may enter the event loop.
    mapped = jax.shard_map(shard, mesh=mesh, in_specs=(split, same, split), out_specs=split, check_vma=False)
    return jax.jit(mapped, donate_argnums=2).lower(inputs, np.bool_(True), empty)
