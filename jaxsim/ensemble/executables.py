"""Compiled programs of the continuous methods and of estimates, kept for the life of the process and counted."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import jax

from jaxsim.ensemble.compiled import MOST
from jaxsim.ensemble.double import double_precision

_EXECUTABLES: dict[Any, Any] = {}
_TRACES = [0]


def continuous_trace_count() -> int:
    """Return how many programs of continuous methods this process has traced; tests compare it before and after."""
    return _TRACES[0]


def executable(
    run: Callable[[Any, Any], Any],
    program: Any,
    inputs: Any,
    device: Any,
    options: Mapping[str, Any] | None = None,
) -> tuple[Any, float]:
    """Return the executable of `run` for a program and inputs of these shapes, and the seconds it took just now.

    `options` are those of the compiler.
    """
    shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(inputs))
    key = (run, program, shapes, jax.tree.structure(inputs), device)
    if key in _EXECUTABLES:
        return _EXECUTABLES[key], 0.0
    began = time.perf_counter()
    while len(_EXECUTABLES) >= MOST:
        _EXECUTABLES.pop(next(iter(_EXECUTABLES)))

    def traced(given: Any) -> Any:
        _TRACES[0] += 1
        return run(program, given)

    with double_precision(), jax.default_device(device):
        _EXECUTABLES[key] = jax.jit(traced).lower(inputs).compile(dict(options or {}))
    return _EXECUTABLES[key], time.perf_counter() - began
