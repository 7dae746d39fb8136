"""The save grid, walked through in vectors of trajectories: what is summed over a batch at every save time.

Eight trajectories stand side by side on every processor, so that the order of the sums is the same. A row that was not
written takes the row before.
"""

from typing import Any

import numpy as np

from jaxsim.kernels.native.builder import Builder, is_float
from jaxsim.kernels.native.mapping import load, pointers
from jaxsim.kernels.saving import UNWRITTEN

WIDTH = 8
GIVEN = 5  # arrays that every walk is given
LONG, WORD = np.dtype(np.int64), np.dtype(np.int32)


def rows_of(b: Builder, count: int) -> tuple[str, str]:
    """Write where the states of the present lanes stand that hold at the save time; return that and who counts."""
    limits = load(b, 1, LONG)
    mask = b.compare("lt", LONG, "%ks", limits)
    cell = b.operate("add", LONG, "%cells", b.convert("%slot", WORD, LONG))
    place = b.operate("mul", LONG, cell, b.constant(LONG, count))
    written = b.compare("ne", WORD, gathered(b, place), b.constant(WORD, int(UNWRITTEN)))
    row = b.select(LONG, written, place, load(b, 2, LONG))
    pointer = b.new("getelementptr i64, ptr %array2, i64 %base")
    b.write(f"store {b.vector(LONG)} {row}, ptr {pointer}, align 8")
    return row, mask


def gathered(b: Builder, place: str) -> str:
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


def accumulate(b: Builder, dtype: np.dtype[Any], part: str, value: str) -> None:
    """Add a value of each trajectory to a sum over them."""
    kind = b.vector(dtype)
    before = b.new(f"load {kind}, ptr %{part}")
    b.write(f"store {kind} {b.operate('fadd' if is_float(dtype) else 'add', dtype, before, value)}, ptr %{part}")


def walk(b: Builder, arrays: int, tables: int, parts: list[str], dtype: np.dtype[Any]) -> str:
    """Return the function that does what has been written for all trajectories at every save time.

    It is given the grid, how many save times of each trajectory count, memory for where the last rows stand, the save
    times, an array for the sums [part, time, WIDTH], and `arrays` in all.
    """
    w, kind = b.width, b.vector(dtype)

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
        "  %k = phi i64 [ 0, %entry ], [ %knext, %stepend ]",
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
