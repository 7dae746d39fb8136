"""Tables that lanes look numbers up in, and arrays over lanes that they write row by row."""

from typing import Any

import numpy as np

from jaxsim.kernels.native.equations import Equation, NotCovered, Variable

INDEX = np.dtype(np.int32)


def look_up(e: Any, table: Variable, index: str, dtype: Any, fill: bool) -> str:
    """Return entries of a shared table, one for each lane; an index outside gives the nearest entry.

    With `fill` it gives what is not a number. Indices change rarely (cells of time, save times): outside of branches
    the entries are kept, and looked up again only when the index of some lane has changed.
    """
    if fill:
        raise NotCovered("a gather that fills in")
    if e.depth == 0 or index in e.remembered:
        return _remembered(e, table, index, dtype)
    b = e.builder
    at = _clipped(e, index, dtype, table.kind.shape[0])
    kind, memory = b.vector(table.kind.dtype), b.memory(table.kind.dtype)
    if memory != b.scalar(table.kind.dtype):
        raise NotCovered("a table of truths")
    result = "poison"
    for lane in range(b.width):
        place = b.new(f"extractelement {b.vector(INDEX)} {at}, i64 {lane}")
        pointer = b.new(f"getelementptr {memory}, ptr %table{e.table(table)}, i32 {place}")
        value = b.new(f"load {memory}, ptr {pointer}")
        result = b.new(f"insertelement {kind} {result}, {memory} {value}, i64 {lane}")
    return result


def _clipped(e: Any, index: str, dtype: Any, extent: int) -> str:
    """Return an index into an axis, int32."""
    b = e.builder
    if np.dtype(dtype).itemsize != 4:
        raise NotCovered(f"an index of {dtype}")
    inside = b.maximum(INDEX, index, b.constant(INDEX, 0))
    return b.minimum(INDEX, inside, b.constant(INDEX, extent - 1))


def _remembered(e: Any, table: Variable, index: str, dtype: Any) -> str:
    """Return kept entries; the block that renews those of one index grows with every table that it is used for."""
    b, (extent,) = e.builder, table.kind.shape
    if index not in e.remembered:
        n, kind, renew = b.fresh(), b.vector(INDEX), []
        b.entry += [f"  %seen{n} = alloca {kind}, align 64", f"  store {kind} {b.constant(INDEX, -(1 << 31))}, ptr %seen{n}"]
        before = b.new(f"load {kind}, ptr %seen{n}")
        changed = b.any(b.operate("icmp ne", INDEX, before, index))
        b.write(f"br i1 {changed}, label %renew{n}, label %kept{n}")
        b.start(f"renew{n}")
        b.write(f"store {kind} {index}, ptr %seen{n}")
        places: dict[int, list[str]] = {}
        b.body.append(renew)
        b.write(f"br label %kept{n}")
        b.start(f"kept{n}")
        e.remembered[index] = (renew, places, {})
    renew, places, known = e.remembered[index]
    dtype_of = table.kind.dtype
    memory, kind = b.memory(dtype_of), b.vector(dtype_of)
    if memory != b.scalar(dtype_of):
        raise NotCovered("a table of truths")
    number = e.table(table)
    if number not in known:
        n = b.fresh()
        b.entry.append(f"  %kept{n}_t = alloca {kind}, align 64")
        body, b.body = b.body, renew
        if extent not in places:
            at = _clipped(e, index, dtype, extent)
            places[extent] = [b.new(f"extractelement {b.vector(INDEX)} {at}, i64 {lane}") for lane in range(b.width)]
        for lane, place in enumerate(places[extent]):
            pointer = b.new(f"getelementptr {memory}, ptr %table{number}, i32 {place}")
            value = b.new(f"load {memory}, ptr {pointer}")
            target = b.new(f"getelementptr {memory}, ptr %kept{n}_t, i64 {lane}")
            b.write(f"store {memory} {value}, ptr {target}")
        b.body = body
        known[number] = f"%kept{n}_t"
    return b.new(f"load {kind}, ptr {known[number]}")


def write_row(e: Any, equation: Equation) -> None:
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
    n = b.fresh()
    lanes = b.new(f"bitcast <{b.width} x i1> {mask} to i{b.width}")
    b.write(f"br i1 {b.new(f'icmp ne i{b.width} {lanes}, 0')}, label %write{n}, label %written{n}")
    b.start(f"write{n}")
    sources = [_in_memory(e, name, dtype) for name in names]
    at = _in_memory(e, row, INDEX)
    b.write(f"br label %lane{n}")
    b.start(f"lane{n}")
    left = b.new(f"phi i{b.width} [ {lanes}, %write{n} ], [ %rest{n}, %lane{n} ]")
    b.declarations.add(f"declare i{b.width} @llvm.cttz.i{b.width}(i{b.width}, i1)")
    lane = b.new(f"zext i{b.width} {b.new(f'call i{b.width} @llvm.cttz.i{b.width}(i{b.width} {left}, i1 true)')} to i64")
    place = _element(b, at, lane, "i32")
    slot = _element(b, "%slots", lane, "i32")
    cell = b.new(f"add i64 {b.new(f'mul i64 {place}, %size')}, {slot}")
    first = b.new(f"mul i64 {cell}, {len(names)}")
    memory = b.memory(dtype)
    for column, source in enumerate(sources):
        found = b.new(f"load {memory}, ptr {b.new(f'getelementptr {memory}, ptr {source}, i64 {lane}')}")
        target = b.new(f"getelementptr {memory}, ptr {pointer}, i64 {b.new(f'add i64 {first}, {column}')}")
        b.write(f"store {memory} {found}, ptr {target}")
    b.write(f"%less{n} = sub i{b.width} {left}, 1")
    b.write(f"%rest{n} = and i{b.width} {left}, %less{n}")
    b.write(f"%go{n} = icmp ne i{b.width} %rest{n}, 0")
    b.write(f"br i1 %go{n}, label %lane{n}, label %written{n}")
    b.start(f"written{n}")
    e.grids[id(equation.outputs[0])] = pointer
    e.values[id(equation.outputs[0])] = np.full(e.shape(grid), "in place", object)


def _in_memory(e: Any, name: str, dtype: Any) -> str:
    """Return where a value of every lane lies, and put it there if it does not lie anywhere."""
    if name in e.unchanged:
        return e.unchanged[name]
    b = e.builder
    n = b.fresh()
    b.entry.append(f"  %aside{n} = alloca {b.vector(dtype)}, align 64")
    b.write(f"store {b.vector(dtype)} {name}, ptr %aside{n}")
    return f"%aside{n}"


def _element(b: Any, pointer: str, lane: str, kind: str) -> str:
    """Return one element of a vector in memory, as a 64-bit integer."""
    value = b.new(f"load {kind}, ptr {b.new(f'getelementptr {kind}, ptr {pointer}, i64 {lane}')}")
    return b.new(f"sext {kind} {value} to i64")
