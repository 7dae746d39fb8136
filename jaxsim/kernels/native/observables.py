"""Sums of observables and of their squares over a batch, those of :class:`jaxsim.statistics.Observables`.

The expressions are evaluated in vectors while the save grid passes by, in which a row that was not written takes the
row before. Eight trajectories stand side by side on every processor, so that the order of the sums is the same.
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
from jaxsim.kernels.native.kernel import compile_text
from jaxsim.kernels.native.mapping import load, pointers
from jaxsim.kernels.native.primitives import Emitter
from jaxsim.kernels.program import Program
from jaxsim.kernels.saving import UNWRITTEN
from jaxsim.network import evaluate
from jaxsim.statistics import Observables
from jaxsim.statistics.observables import ObservableSums

WIDTH = 8
OURS = 5  # arrays that are given before those of parameters
DOUBLE, LONG, WORD = np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.int32)


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
    row, mask = _rows(b, count)
    for place, n in enumerate(reads, OURS):
        e.values[id(flat.inputs[n])] = np.full((1,), load(b, place, flat.inputs[n].kind.dtype), object)
    for species, variable in enumerate(flat.inputs[-1 - count : -1]):
        if id(variable) in needed:
            at = b.operate("add", LONG, row, b.constant(LONG, species))
            e.values[id(variable)] = np.full((1,), _gathered(b, at), object)
    e.values[id(flat.inputs[-1])] = np.full((1,), "%time", object)
    for equation in flat.lanewise:
        e.emit(equation)
    kind = b.vector(DOUBLE)
    for n, output in enumerate(flat.outputs):
        value = b.select(DOUBLE, mask, e.get(output).reshape(-1)[0], b.constant(DOUBLE, 0.0))
        for part, term in (("first", value), ("second", b.operate("fmul", DOUBLE, value, value))):
            before = b.new(f"load {kind}, ptr %{part}{n}")
            b.write(f"store {kind} {b.operate('fadd', DOUBLE, before, term)}, ptr %{part}{n}")
    return _function(b, OURS + len(reads), len(e.tables), len(flat.outputs)), e.tables


def _rows(b: Builder, count: int) -> tuple[str, str]:
    """Write where the states of the present lanes stand that hold at the save time; return that and who counts."""
    limits = load(b, 1, LONG)
    mask = b.compare("lt", LONG, "%ks", limits)
    place = b.operate("mul", LONG, b.operate("add", LONG, "%cells", b.convert("%slot", WORD, LONG)), _splat(b, count))
    written = b.compare("ne", WORD, _gathered(b, place), b.constant(WORD, int(UNWRITTEN)))
    row = b.select(LONG, written, place, load(b, 2, LONG))
    pointer = b.new("getelementptr i64, ptr %array2, i64 %base")
    b.write(f"store {b.vector(LONG)} {row}, ptr {pointer}, align 8")
    return row, mask


def _splat(b: Builder, value: int) -> str:
    return b.constant(LONG, value)


def _gathered(b: Builder, place: str) -> str:
    """Return entries of the grid."""
    w = b.width
    b.declarations.add(
        f"declare <{w} x i32> @llvm.masked.gather.v{w}i32.v{w}p0(<{w} x ptr>, i32, <{w} x i1>, <{w} x i32>)"
    )
    at = b.new(f"getelementptr i32, ptr %array0, {b.vector(LONG)} {place}")
    true = f"<{w} x i1> {b.constant(np.bool_, True)}"
    return b.new(
        f"call <{w} x i32> @llvm.masked.gather.v{w}i32.v{w}p0(<{w} x ptr> {at}, i32 4, {true}, <{w} x i32> poison)"
    )


def _function(b: Builder, arrays: int, tables: int, number: int) -> str:
    w, kind, parts = b.width, b.vector(DOUBLE), [f"{part}{n}" for part in ("first", "second") for n in range(number)]

    def spread(name: str, value: str, scalar: str) -> list[str]:
        vector = f"<{w} x {scalar}>"
        return [
            f"  %{name}i = insertelement {vector} poison, {scalar} {value}, i64 0",
            f"  %{name} = shufflevector {vector} %{name}i, {vector} poison, <{w} x i32> zeroinitializer",
        ]

    ends = []
    for n, part in enumerate(parts):
        ends.append(f"  %sum{n} = load {kind}, ptr %{part}")
        ends.append(f"  %at{n} = mul i64 {n}, %steps")
        ends.append(f"  %ak{n} = add i64 %at{n}, %k")
        ends.append(f"  %ap{n} = getelementptr {kind}, ptr %array4, i64 %ak{n}")
        ends.append(f"  store {kind} %sum{n}, ptr %ap{n}, align 8")
    lines = [
        *sorted(b.declarations),
        "define void @run(ptr noalias %arrays, ptr noalias %shared, i64 %steps, i64 %lanes) {",
        "entry:",
        *pointers("array", "arrays", arrays),
        *pointers("table", "shared", tables),
        *(f"  %{part} = alloca {kind}, align 64" for part in parts),
        *b.entry,
        "  br label %step",
        "step:",
        f"  %k = phi i64 [ 0, %entry ], [ %knext, %stepend ]",
        "  %timep = getelementptr double, ptr %array3, i64 %k",
        "  %time1 = load double, ptr %timep",
        *spread("time", "%time1", "double"),
        *spread("ks", "%k", "i64"),
        "  %cell = mul i64 %k, %lanes",
        *spread("cells", "%cell", "i64"),
        *(f"  store {kind} zeroinitializer, ptr %{part}" for part in parts),
        "  br label %loop",
        "loop:",
        f"  %base = phi i64 [ 0, %step ], [ %following, %{b.block} ]",
        "  %base32 = trunc i64 %base to i32",
        *spread("bases", "%base32", "i32"),
        f"  %slot = add <{w} x i32> %bases, <{', '.join(f'i32 {n}' for n in range(w))}>",
        *(line for part in b.body for line in (part if isinstance(part, list) else [part])),
        f"  %following = add i64 %base, {w}",
        "  %more = icmp slt i64 %following, %lanes",
        "  br i1 %more, label %loop, label %stepend",
        "stepend:",
        *ends,
        "  %knext = add i64 %k, 1",
        "  %kmore = icmp slt i64 %knext, %steps",
        "  br i1 %kmore, label %step, label %exit",
        "exit:",
        "  ret void",
        "}",
        "",
    ]
    return "\n".join(lines)
