"""Compiled programs, kept for the life of the process and counted."""

import time
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from jaxsim.ensemble.double import double_precision
from jaxsim.kernels import Inputs, Program, Tally, run_call

_PROGRAMS: dict[Any, "Compiled"] = {}
_TRACES = [0]


class Compiled(NamedTuple):
    """An executable and what making it cost."""

    call: Any
    seconds: float
    """Tracing and compiling, wall time."""


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
        call = _lower(program, inputs, devices).compile()
    seconds = time.perf_counter() - began
    _PROGRAMS[key] = Compiled(call, seconds)
    return _PROGRAMS[key], seconds


def _lower(program: Program, inputs: Inputs, devices: tuple[Any, ...]) -> Any:
    def one(given: Inputs) -> Tally:
        _TRACES[0] += 1
        return run_call(program, given)

    if len(devices) == 1:
        with jax.default_device(devices[0]):
            return jax.jit(one).lower(inputs)

    def shard(given: Inputs) -> Tally:
        own = given._replace(size=given.size[0], first_low=given.first_low[0], first_high=given.first_high[0])
        return jax.tree.map(lambda leaf: leaf[None], one(own))

    split, same = PartitionSpec("device"), PartitionSpec()
    specs = jax.tree.map(lambda _: same, inputs)._replace(size=split, first_low=split, first_high=split)
    mesh = Mesh(np.array(devices), ("device",))
    # Each device loops on its own trajectories: no collective may enter the event loop.
    mapped = jax.shard_map(shard, mesh=mesh, in_specs=(specs,), out_specs=split, check_vma=False)
    return jax.jit(mapped).lower(inputs)
