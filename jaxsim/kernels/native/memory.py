"""Tables that lanes look numbers up in, and arrays over lanes that they write row by row."""

from typing import Any

import numpy as np

from jaxsim.kernels.native.builder import Builder, is_float, size_of
from jaxsim.kernels.native.equations import Equation, NotCovered, Variable
from jaxsim.kernels.native.primitives import Emitter

INDEX = np.dtype(np.int32)
FEW_COLUMNS = 3  # of a row that all lanes write side by side; a longer one is written lane by lane


def look_up(e: Emitter, table: Variable, index: str, dtype: np.dtype[Any], fill: bool, several: bool) -> str:
    """Return entries of a shared table, one for each lane; an index outside gives the nearest entry.

    Indices change rarely (cells of time, save times): outside of branches, where several tables have one index, their
    entries are kept, and looked up again only for lanes whose index has changed.
    """
    if fill:
        raise NotCovered("a gather that fills in")
    if index in e.remembered or (e.depth == 0 and several):
        return _remembered(e, table, index, dtype)
    b = e.builder
    at = _clipped(e, index, dtype, table.kind.shape[0])
    kind, memory = b.vector(table.kind.dtype), b.memory(table.kind.dtype)
    if memory != b.scalar(table.kind.dtype):
        raise NotCovered("a table of truths")
    w, bits = b.width, size_of(table.kind.dtype)
    pointers = b.new(f"getelementptr {memory}, ptr %table{e.table(table)}, {b.vector(INDEX)} {at}")
    name = f"@llvm.masked.gather.v{w}{'f' if is_float(table.kind.dtype) else 'i'}{bits}.v{w}p0"
    b.declarations.add(f"declare {kind} {name}(<{w} x ptr>, i32, <{w} x i1>, {kind})")
    mask = f"<{w} x i1> {b.constant(np.bool_, True)}"
    return b.new(f"call {kind} {name}(<{w} x ptr> {pointers}, i32 {bits // 8}, {mask}, {kind} poison)")


def _clipped(e: Emitter, index: str, dtype: np.dtype[Any], extent: int) -> str:
    """Return an index into an axis, int32."""
    b = e.builder
    if np.dtype(dtype).itemsize != 4:
        raise NotCovered(f"an index of {dtype}")
    inside = b.maximum(INDEX, index, b.constant(INDEX, 0))
    return b.minimum(INDEX, inside, b.constant(INDEX, extent - 1))


def _remembered(e: Emitter, table: Variable, index: str, dtype: np.dtype[Any]) -> str:
    """Return kept entries; those of the lanes whose index has changed are renewed one by one.

    The block that renews grows with every table that the index is used for.
    """
    b, (extent,) = e.builder, table.kind.shape
    if np.dtype(dtype).itemsize != 4:
        raise NotCovered(f"an index of {dtype}")
    if index not in e.remembered:
        e.remembered[index] = _renewal(e, index)
    renew, lane, place, places, known = e.remembered[index]
    memory, kind = b.memory(table.kind.dtype), b.vector(table.kind.dtype)
    if memory != b.scalar(table.kind.dtype):
        raise NotCovered("a table of truths")
    number = e.table(table)
    if number not in known:
        kept = f"%kept{b.fresh()}_t"
        b.entry.append(f"  {kept} = alloca {kind}, align 64")
        body, b.body = b.body, renew
        if extent not in places:
            b.declarations |= {"declare i32 @llvm.smax.i32(i32, i32)", "declare i32 @llvm.smin.i32(i32, i32)"}
            inside = b.new(f"call i32 @llvm.smax.i32(i32 {place}, i32 0)")
            places[extent] = b.new(f"call i32 @llvm.smin.i32(i32 {inside}, i32 {extent - 1})")
        pointer = b.new(f"getelementptr {memory}, ptr %table{number}, i32 {places[extent]}")
        target = b.new(f"getelementptr {memory}, ptr {kept}, i64 {lane}")
        b.write(f"store {memory} {b.new(f'load {memory}, ptr {pointer}')}, ptr {target}")
        b.body = body
        known[number] = kept
    return b.new(f"load {kind}, ptr {known[number]}")


def _renewal(e: Emitter, index: str) -> tuple[Any, ...]:
    """Write the loop over the lanes whose index is another one than before; its middle is filled in later."""
    b = e.builder
    n, kind, renew = b.fresh(), b.vector(INDEX), list[Any]()
    b.entry.append(f"  %seen{n} = alloca {kind}, align 64")
    b.entry.append(f"  store {kind} {b.constant(INDEX, -(1 << 31))}, ptr %seen{n}")
    before = b.new(f"load {kind}, ptr %seen{n}")
    differs = b.operate("icmp ne", INDEX, before, index)
    lanes = b.new(f"bitcast <{b.width} x i1> {differs} to i{b.width}")
    some = b.new(f"icmp ne i{b.width} {lanes}, 0")
    b.write(f"br i1 {some}, label %renew{n}, label %kept{n}")
    b.start(f"renew{n}")
    b.write(f"store {kind} {index}, ptr %seen{n}")
    lane = begin_lanes(b, f"renewlane{n}", f"renew{n}", lanes, n)
    place = b.new(f"load i32, ptr {b.new(f'getelementptr i32, ptr %seen{n}, i64 {lane}')}")
    b.body.append(renew)
    end_lanes(b, f"renewlane{n}", f"kept{n}", n)
    b.start(f"kept{n}")
    return renew, lane, place, dict[int, str](), dict[int, str]()


def begin_lanes(b: Builder, label: str, before: str, lanes: str, n: int) -> str:
    """Begin a loop over the lanes of a mask and return the number of the lane, a 64-bit integer."""
    w = f"i{b.width}"
    b.declarations.add(f"declare {w} @llvm.cttz.{w}({w}, i1)")
    b.write(f"br label %{label}")
    b.start(label)
    b.write(f"%left{n} = phi {w} [ {lanes}, %{before} ], [ %rest{n}, %{label} ]")
    return b.new(f"zext {w} {b.new(f'call {w} @llvm.cttz.{w}({w} %left{n}, i1 true)')} to i64")


def end_lanes(b: Builder, label: str, after: str, n: int) -> None:
    """End the loop: go to the next lane, or on."""
    w = f"i{b.width}"
    b.write(f"%less{n} = sub {w} %left{n}, 1")
    b.write(f"%rest{n} = and {w} %left{n}, %less{n}")
    b.write(f"%go{n} = icmp ne {w} %rest{n}, 0")
    b.write(f"br i1 %go{n}, label %{label}, label %{after}")


def write_row(e: Emitter, equation: Equation) -> None:
    """Write the values of lanes into one row each of an array [row, lane] or [row, lane, column], in place.

    An index outside writes nothing, and most lanes have one: the writing stands behind the question whether any
    writes. In the array a lane is the place at which its trajectory is kept.
    """
    grid, index, value = equation.inputs
    numbers = equation.params["dimension_numbers"]
    b, pointer = e.builder, e.grids.get(id(grid))
    plain = numbers.scatter_dims_to_operand_dims == (0, 1) and numbers.inserted_window_dims == (0, 1)
    if pointer is None or not plain:
        raise NotCovered("a scatter into other than a row of every lane")
    rows, dtype = grid.kind.shape[0], grid.kind.dtype
    row = e.get(index).reshape(-1)[0]
    names = list(e.get(value).reshape(-1))
    unsigned = np.dtype(np.uint32)
    mask = b.compare("lt", unsigned, row, b.constant(unsigned, rows))
    mask = b.operate("and", np.bool_, mask, b.compare("ge", INDEX, "%slot", b.constant(INDEX, 0)))
    e.grids[id(equation.outputs[0])] = pointer
    e.values[id(equation.outputs[0])] = np.full(e.shape(grid), "in place", object)
    if len(names) <= FEW_COLUMNS and b.memory(dtype) == b.scalar(dtype):
        return _scatter_columns(e, pointer, row, names, dtype, mask)
    n = b.fresh()
    lanes = b.new(f"bitcast <{b.width} x i1> {mask} to i{b.width}")
    b.write(f"br i1 {b.new(f'icmp ne i{b.width} {lanes}, 0')}, label %write{n}, label %written{n}")
    b.start(f"write{n}")
    sources = [_in_memory(e, name, dtype) for name in names]
    at = _in_memory(e, row, INDEX)
    lane = begin_lanes(b, f"lane{n}", f"write{n}", lanes, n)
    place = _element(b, at, lane, "i32")
    slot = _element(b, "%slots", lane, "i32")
    cell = b.new(f"add i64 {b.new(f'mul i64 {place}, %size')}, {slot}")
    first = b.new(f"mul i64 {cell}, {len(names)}")
    memory = b.memory(dtype)
    for column, source in enumerate(sources):
        found = b.new(f"load {memory}, ptr {b.new(f'getelementptr {memory}, ptr {source}, i64 {lane}')}")
        target = b.new(f"getelementptr {memory}, ptr {pointer}, i64 {b.new(f'add i64 {first}, {column}')}")
        b.write(f"store {memory} {found}, ptr {target}")
    end_lanes(b, f"lane{n}", f"written{n}", n)
    b.start(f"written{n}")


def _scatter_columns(e: Emitter, pointer: str, row: str, names: list[str], dtype: np.dtype[Any], mask: str) -> None:
    """Write the lanes of the mask side by side, column by column."""
    b, w, long = e.builder, e.builder.width, np.dtype(np.int64)
    size = b.new(f"insertelement {b.vector(long)} poison, i64 %size, i64 0")
    size = b.new(f"shufflevector {b.vector(long)} {size}, {b.vector(long)} poison, <{w} x i32> zeroinitializer")
    place = b.operate("mul", long, b.convert(row, INDEX, long), size)
    place = b.operate("add", long, place, b.convert("%slot", INDEX, long))
    place = b.operate("mul", long, place, b.constant(long, len(names)))
    kind, memory, bits = b.vector(dtype), b.memory(dtype), size_of(dtype)
    name = f"@llvm.masked.scatter.v{w}{'f' if is_float(dtype) else 'i'}{bits}.v{w}p0"
    b.declarations.add(f"declare void {name}({kind}, <{w} x ptr>, i32, <{w} x i1>)")
    for column, value in enumerate(names):
        at = b.operate("add", long, place, b.constant(long, column))
        pointers = b.new(f"getelementptr {memory}, ptr {pointer}, {b.vector(long)} {at}")
        b.write(f"call void {name}({kind} {value}, <{w} x ptr> {pointers}, i32 {bits // 8}, <{w} x i1> {mask})")


def _in_memory(e: Emitter, name: str, dtype: np.dtype[Any]) -> str:
    """Return where a value of every lane lies, and put it there if it does not lie anywhere."""
    if name in e.unchanged:
        return e.unchanged[name]
    b = e.builder
    n = b.fresh()
    b.entry.append(f"  %aside{n} = alloca {b.vector(dtype)}, align 64")
    b.write(f"store {b.vector(dtype)} {name}, ptr %aside{n}")
    return f"%aside{n}"


def _element(b: Builder, pointer: str, lane: str, kind: str) -> str:
    """Return one element of a vector in memory, as a 64-bit integer."""
    value = b.new(f"load {kind}, ptr {b.new(f'getelementptr {kind}, ptr {pointer}, i64 {lane}')}")
    return b.new(f"sext {kind} {value} to i64")
