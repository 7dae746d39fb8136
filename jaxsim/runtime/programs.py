"""Compile programs, keep them for the life of the process, and count how many were traced."""

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, PartitionSpec

from jaxsim.kernels import Inputs, Program, Run, empty_run, run_slice
from jaxsim.kernels.native import native
from jaxsim.runtime.double import double_precision

# What XLA is asked for when the event loop is compiled: choices that change speed, never results.

GRAPH_SWITCH = "JAXSIM_GPU_GRAPH"  # "off" runs the loops of a GPU from the host, as XLA does by default
CAPTURED = "FUSION,CUSTOM_CALL,WHILE,CONDITIONAL"  # the kinds of command that are put into a CUDA graph


def compiler_options(device: Any) -> dict[str, Any]:
    """Return the options for a device.

    On processors with AVX-512, XLA vectorises for half of it unless told otherwise. The event loop is integer
    arithmetic on independent lanes: the full width makes it 1.27 (birth-death) and 1.35 times (Schlogl) as fast
    on a Zen 4 core. On processors with narrower registers the option does nothing.

    On several cores, XLA cuts the larger fusions of every iteration in one part a core, and waits for all of
    them each time. Here every core runs a loop of its own, so that the parts only get in each other's way: without
    them two cores are 1.7 times as fast as one instead of 1.35 (birth-death, Schlogl).

    On an NVIDIA GPU, XLA runs a loop from the host: for every event a condition, a copy of its outcome to the host and
    launches. The loops are asked to be captured in one CUDA graph instead, unless ``JAXSIM_GPU_GRAPH=off``.
    """
    if device.platform in ("gpu", "cuda"):
        return {} if os.environ.get(GRAPH_SWITCH, "").lower() == "off" else {"xla_gpu_enable_command_buffer": CAPTURED}
    if device.platform != "cpu":
        return {}
    return {"xla_cpu_prefer_vector_width": 512, "xla_disable_hlo_passes": "cpu-parallel-task-assigner"}


_MOST = 64  # programs kept, the newest: each takes some 230 memory maps, of which Linux allows a process 65,530
_PROGRAMS: dict[Any, Any] = {}
_TRACES = [0]


class Compiled(NamedTuple):
    """An executable and what making it cost."""

    call: Any
    """(inputs, whether to begin, run) -> (run, whether all trajectories have ended)."""
    empty: Any
    """Arrays of the shapes of a run, which the first call takes."""
    work: Callable[[Any], int]
    """run -> iterations of single lanes so far."""


def trace_count() -> int:
    """Return how many programs this process has traced; tests compare it before and after."""
    return _TRACES[0]


def _shapes_of(inputs: object) -> Any:
    """Return what of the inputs a program depends on: their structure, shapes and dtypes."""
    leaves, structure = jax.tree.flatten(inputs)
    return tuple((leaf.shape, str(leaf.dtype)) for leaf in leaves), structure


def kept(key: object, make: Callable[[], Any]) -> tuple[Any, float]:
    """Return the program of a key, made if need be in double precision, and the seconds that took just now."""
    if key in _PROGRAMS:
        return _PROGRAMS[key], 0.0
    began = time.perf_counter()
    with double_precision():
        made = make()
    while len(_PROGRAMS) >= _MOST:
        _PROGRAMS.pop(next(iter(_PROGRAMS)))
    _PROGRAMS[key] = made
    return made, time.perf_counter() - began


def compiled(program: Program, inputs: Inputs, devices: tuple[Any, ...]) -> tuple[Compiled, float]:
    """Return the executable of an event loop for inputs of these shapes, and the seconds it took just now."""
    make = partial(_native, program, inputs) if program.native else partial(_xla, program, inputs, devices)
    return kept((program, _shapes_of(inputs), devices), make)


def _native(program: Program, inputs: Inputs) -> Compiled:
    _TRACES[0] += 1
    found = native(program, inputs)
    return Compiled(found.call, found.empty, lambda run: run.work)


def _xla(program: Program, inputs: Inputs, devices: tuple[Any, ...]) -> Compiled:
    empty = _empty(program, devices)
    call = _lower(program, inputs, empty, devices).compile(compiler_options(devices[0]))
    return Compiled(call, empty, lambda run: program.lanes * int(np.asarray(run.lanes.iteration)))


def _empty(program: Program, devices: tuple[Any, ...]) -> Any:
    """Return zeros in the shapes of a run; with several devices, of one for each."""
    several = (len(devices),) if len(devices) > 1 else ()
    shapes = jax.eval_shape(lambda: empty_run(program))
    return jax.tree.map(lambda leaf: np.zeros((*several, *leaf.shape), leaf.dtype), shapes)


def _lower(program: Program, inputs: Inputs, empty: Run, devices: tuple[Any, ...]) -> Any:
    def one(given: Inputs, begin: Array, run: Run) -> tuple[Run, Any]:
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


def executable(
    run: Callable[[Any, Any], Any],
    program: object,
    inputs: object,
    device: jax.Device,
    options: Mapping[str, Any] | None = None,
) -> tuple[Any, float]:
    """Return the executable of `run` for a program and inputs of these shapes, and the seconds it took just now.

    `options` are those of the compiler.
    """

    def traced(given: object) -> Any:
        _TRACES[0] += 1
        return run(program, given)

    def make() -> Any:
        with jax.default_device(device):
            return jax.jit(traced).lower(inputs).compile(dict(options or {}))

    return kept((run, program, _shapes_of(inputs), device), make)


def timed_executable(
    run: Callable[[Any, Any], Any], program: object, inputs: object, device: jax.Device
) -> tuple[Any, float]:
    """Return `run` of a program, compiled for inputs of these shapes, and the processor seconds just spent on it."""
    began = time.process_time()
    call, seconds = executable(run, program, inputs, device, compiler_options(device))

    def precise(given: object) -> Any:
        with double_precision():
            return call(given)

    return precise, time.process_time() - began if seconds else 0.0
