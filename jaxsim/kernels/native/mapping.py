"""Functions of single lanes without a loop: how trajectories begin, and how they have ended."""

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxsim.kernels.native.builder import Builder
from jaxsim.kernels.native.equations import Flat, NotCovered, Variable
from jaxsim.kernels.native.kernel import compile_text
from jaxsim.kernels.native.primitives import Emitter


@dataclass(eq=False)
class Mapping:
    """A compiled function from arrays over lanes to others."""

    flat: Flat
    reads: list[int]
    """The numbers of the inputs that it takes lane by lane."""
    writes: list[int]
    """The numbers of the outputs that differ from lane to lane."""
    tables: list[Variable]
    """Shared arrays that it is given."""
    function: Any
    engine: Any
    """Holds the machine code."""

    def run(self, given: list[Any], results: list[Any], tables: list[int], size: int) -> None:
        """Fill `results`, arrays by the number of the output, from `given`, arrays by the number of the input.

        `size` is a multiple of the width; `tables` are addresses.
        """
        arrays = [*(given[n] for n in self.reads), *(results[n] for n in self.writes)]
        pointers = (ctypes.c_void_p * max(1, len(arrays)))(*(array.ctypes.data for array in arrays))
        self.function(pointers, (ctypes.c_void_p * max(1, len(tables)))(*tables), size)


def mapping(flat: Flat, lane: int, width: int) -> Mapping:
    """Compile a function of lanes; what it gives is contiguous over lanes.

    Raises
    ------
    NotCovered
        If it needs something that the backend does not have.
    """
    needed = {id(v) for equation in flat.lanewise for v in equation.reads()} | {id(v) for v in flat.outputs}
    reads = [n for n, v in enumerate(flat.inputs) if id(v) in flat.varying and id(v) in needed]
    writes = [n for n, v in enumerate(flat.outputs) if lane in v.kind.shape]
    if any(flat.outputs[n].kind.shape != (lane,) for n in writes):
        raise NotCovered("several numbers of each lane in one array")
    builder = Builder(width)
    emitter = Emitter(builder, lane, flat.varying)
    for place, n in enumerate(reads):
        emitter.values[id(flat.inputs[n])] = np.full((1,), load(builder, place, flat.inputs[n].kind.dtype), object)
    for equation in flat.lanewise:
        emitter.emit(equation)
    for place, n in enumerate(writes, len(reads)):
        name = emitter.get(flat.outputs[n]).reshape(-1)[0]
        store(builder, place, flat.outputs[n].kind.dtype, name)
    engine, address = compile_text(_function(builder, len(reads) + len(writes), len(emitter.tables)))
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    return Mapping(flat, reads, writes, emitter.tables, kind(address), engine)


def load(b: Builder, place: int, dtype: np.dtype[Any]) -> str:
    """Read the present lanes of an array."""
    memory = b.memory(dtype)
    pointer = b.new(f"getelementptr {memory}, ptr %array{place}, i64 %base")
    name = b.new(f"load <{b.width} x {memory}>, ptr {pointer}, align {max(1, np.dtype(dtype).itemsize)}")
    if memory != b.scalar(dtype):
        name = b.new(f"trunc <{b.width} x {memory}> {name} to {b.vector(dtype)}")
    return name


def store(b: Builder, place: int, dtype: np.dtype[Any], name: str) -> None:
    """Write the present lanes of an array."""
    memory = b.memory(dtype)
    if memory != b.scalar(dtype):
        name = b.new(f"zext {b.vector(dtype)} {name} to <{b.width} x {memory}>")
    pointer = b.new(f"getelementptr {memory}, ptr %array{place}, i64 %base")
    b.write(f"store <{b.width} x {memory}> {name}, ptr {pointer}, align {max(1, np.dtype(dtype).itemsize)}")


def pointers(kind: str, source: str, number: int) -> list[str]:
    """Return the lines that read addresses from an array of them."""
    lines = []
    for n in range(number):
        lines.append(f"  %{kind}p{n} = getelementptr ptr, ptr %{source}, i64 {n}")
        lines.append(f"  %{kind}{n} = load ptr, ptr %{kind}p{n}")
    return lines


def _function(b: Builder, arrays: int, tables: int) -> str:
    body = [line for part in b.body for line in (part if isinstance(part, list) else [part])]
    steps = ", ".join(f"i32 {n}" for n in range(b.width))
    return "\n".join(
        [
            *sorted(b.declarations),
            "define void @run(ptr noalias %arrays, ptr noalias %shared, i64 %size) {",
            "entry:",
            *pointers("array", "arrays", arrays),
            *pointers("table", "shared", tables),
            *b.entry,
            "  br label %loop",
            "loop:",
            f"  %base = phi i64 [ 0, %entry ], [ %following, %{b.block} ]",
            "  %base32 = trunc i64 %base to i32",
            f"  %basei = insertelement <{b.width} x i32> poison, i32 %base32, i64 0",
            f"  %bases = shufflevector <{b.width} x i32> %basei, <{b.width} x i32> poison,"
            f" <{b.width} x i32> zeroinitializer",
            f"  %slot = add <{b.width} x i32> %bases, <{steps}>",
            *body,
            f"  %following = add i64 %base, {b.width}",
            "  %more = icmp slt i64 %following, %size",
            "  br i1 %more, label %loop, label %exit",
            "exit:",
            "  ret void",
            "}",
            "",
        ]
    )
