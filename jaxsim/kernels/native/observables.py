"""Sums of observables and of their squares over a batch, those of :class:`jaxsim.statistics.Observables`.

The expressions are evaluated in vectors while the save grid passes by.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.context import Context
from jaxsim.kernels.native.builder import Builder
from jaxsim.kernels.native.equations import Flat, Variable, flatten, live
from jaxsim.kernels.native.grid_walk import GIVEN, LONG, WIDTH, accumulate, gathered, rows_of, walk
from jaxsim.kernels.native.kernel import compile_text
from jaxsim.kernels.native.mapping import load
from jaxsim.kernels.native.primitives import Emitter
from jaxsim.kernels.program import Program
from jaxsim.network import evaluate
from jaxsim.statistics import Observables
from jaxsim.statistics.observables import ObservableSums

_DOUBLE = np.dtype(np.float64)


@dataclass(eq=False)
class Summing:
    """Compiled sums of observables."""

    number: int
    flat: Flat
    reads: list[int]
    """The numbers of the inputs, sampled parameters, that differ from lane to lane."""
    tables: list[Variable]
    """Shared arrays that it is given."""
    function: Any
    engine: Any

    def add(
        self,
        sums: ObservableSums,
        grid: np.ndarray,
        limits: np.ndarray,
        times: np.ndarray,
        given: list[Any],
        tables: list[int],
    ) -> ObservableSums:
        """Return the sums with the trajectories of a batch added, of which `limits` save times each count.

        `given` are the inputs, arrays by their number; `tables` are addresses.
        """
        steps, lanes, _ = grid.shape
        rows, added = np.zeros((lanes,), np.int64), np.zeros((2, self.number, steps, WIDTH))
        arrays = [grid, limits, rows, times, added, *(given[n] for n in self.reads)]
        addresses = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
        self.function(addresses, (ctypes.c_void_p * max(1, len(tables)))(*tables), steps, lanes)
        counted = np.sum(limits[None, :] > np.arange(steps)[:, None], axis=1)
        first, second = np.sum(added, axis=3)
        return ObservableSums(sums.count + counted, sums.first + first, sums.second + second)


def summing(program: Program, statistic: Observables, given: Context, lane: int) -> Summing:
    """Compile the sums of observables; `given` has the shapes of what the steps read, over `lane` lanes.

    Raises
    ------
    NotCovered
        If an observable needs something that the backend does not have.
    """
    count = len(program.structure.species)
    x = tuple(jax.ShapeDtypeStruct((lane,), jnp.int32) for _ in range(count))
    closed = jax.make_jaxpr(_values(program, statistic))(given, x, jax.ShapeDtypeStruct((lane,), jnp.float64))
    flat = flatten(closed, lane)
    flat.lanewise = live(flat.lanewise, flat.outputs)
    needed = {id(v) for e in flat.lanewise for v in e.reads()} | {id(v) for v in flat.outputs}
    first = len(flat.inputs) - count - 1
    reads = [n for n in range(first) if id(flat.inputs[n]) in flat.varying and id(flat.inputs[n]) in needed]
    text, tables = _text(flat, lane, reads, count, needed)
    engine, address = compile_text(text)
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    return Summing(len(flat.outputs), flat, reads, tables, kind(address), engine)


def _values(program: Program, statistic: Observables) -> Callable[..., Any]:
    """Return the function (given, counts, time) -> values of the observables, float64 [L] each."""

    def values(given: Context, x: tuple[Any, ...], t: Any) -> tuple[Any, ...]:
        env = {name: given.precise[name] for name in program.structure.parameters}
        env = {name: jnp.broadcast_to(jnp.asarray(value).astype(jnp.float64), t.shape) for name, value in env.items()}
        env |= {"t": t, **{s: n.astype(jnp.float64) for s, n in zip(statistic.species, x, strict=True)}}
        found = [jnp.asarray(evaluate(expression, env)).astype(jnp.float64) for _, expression in statistic.observables]
        return tuple(jnp.broadcast_to(value, t.shape) for value in found)

    return values


def _text(flat: Flat, lane: int, reads: list[int], count: int, needed: set[int]) -> tuple[str, list[Variable]]:
    b = Builder(WIDTH)
    e = Emitter(b, lane, flat.varying)
    row, mask = rows_of(b, count)
    for place, n in enumerate(reads, GIVEN):
        e.values[id(flat.inputs[n])] = np.full((1,), load(b, place, flat.inputs[n].kind.dtype), object)
    for species, variable in enumerate(flat.inputs[-1 - count : -1]):
        if id(variable) in needed:
            at = b.operate("add", LONG, row, b.constant(LONG, species))
            e.values[id(variable)] = np.full((1,), gathered(b, at), object)
    e.values[id(flat.inputs[-1])] = np.full((1,), "%time", object)
    for equation in flat.lanewise:
        e.emit(equation)
    for n, output in enumerate(flat.outputs):
        value = b.select(_DOUBLE, mask, e.get(output).reshape(-1)[0], b.constant(_DOUBLE, 0.0))
        accumulate(b, _DOUBLE, f"first{n}", value)
        accumulate(b, _DOUBLE, f"second{n}", b.operate("fmul", _DOUBLE, value, value))
    parts = [f"{part}{n}" for part in ("first", "second") for n in range(len(flat.outputs))]
    return walk(b, GIVEN + len(reads), len(e.tables), parts, _DOUBLE), e.tables
