"""Emit each primitive of JAX as LLVM: one function a kind, and a table.

The value of a variable is an array of names, in the shape of the variable with the axis of lanes of extent 1: axes
other than that of lanes are written out.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxsim.kernels.native.builder import Builder, is_float
from jaxsim.kernels.native.equations import Equation, Known, NotCovered, Variable
from jaxsim.kernels.native.functions import cosine, exp, log, log1p, power_of, sine

SEVERAL = 3  # tables of one index from which their entries are kept
MOST_WRITTEN_OUT = 128  # values of an array that all lanes share
Names = Any
"""An object array of names."""


class Emitter:
    """Turns equations into text: holds what every variable has become."""

    def __init__(self, builder: Builder, lane: int, varying: set[int]) -> None:
        self.builder, self.lane, self.varying = builder, lane, varying
        self.values: dict[int, Names] = {}
        self.scalars: dict[int, str] = {}
        """Truths that are one for all lanes, asked for by conditions."""
        self.tables: list[Variable] = []
        """Shared arrays that the kernel reads, in the order in which it is given them."""
        self.grids: dict[int, str] = {}
        """Pointers of the arrays over lanes that are written row by row."""
        self.unchanged: dict[str, str] = {}
        """Where a value lies in memory during a step, by its name."""
        self.spread: dict[tuple[int, int], str] = {}
        self.remembered: dict[str, Any] = {}
        self.lookups: Counter[int] = Counter()
        """How many tables have one index, by its id."""
        self.depth = 0
        """Branches around what is being written."""

    def shape(self, variable: Known | Variable) -> tuple[int, ...]:
        """Return the shape of the names of a variable."""
        return tuple(1 if extent == self.lane else extent for extent in variable.kind.shape)

    def get(self, value: Known | Variable) -> Names:
        """Return the names of a variable or a constant."""
        if isinstance(value, Known):
            return np.full(self.shape(value), self.builder.constant(value.kind.dtype, value.value), object)
        if id(value) in self.values:
            return self.values[id(value)]
        if id(value) in self.varying:
            raise NotCovered("a value of another branch")
        if int(np.prod(value.kind.shape)) > MOST_WRITTEN_OUT:
            raise NotCovered(f"an array of shape {value.kind.shape} that lanes read whole")
        names = np.empty(value.kind.shape, object)
        for number, index in enumerate(np.ndindex(*value.kind.shape)):
            names[index] = self._spread(value, number)
        return names

    def put(self, equation: Equation, names: Names) -> None:
        """Note what the only output of an equation has become."""
        (out,) = equation.outputs
        self.values[id(out)] = np.broadcast_to(names, self.shape(out))

    def table(self, value: Variable) -> int:
        """Return the number of a shared array among those that the kernel is given."""
        for number, known in enumerate(self.tables):
            if known is value:
                return number
        self.tables.append(value)
        return len(self.tables) - 1

    def _spread(self, value: Variable, index: int) -> str:
        """Return a shared number in every lane, read before the loop."""
        key = (id(value), index)
        if key not in self.spread:
            b, dtype = self.builder, value.kind.dtype
            kind, memory, vector = b.scalar(dtype), b.memory(dtype), b.vector(dtype)
            n, table = b.fresh(), self.table(value)
            lines = [
                f"%up{n} = getelementptr {memory}, ptr %table{table}, i64 {index}",
                f"%um{n} = load {memory}, ptr %up{n}",
            ]
            name = f"%um{n}"
            if kind != memory:
                lines.append(f"%us{n} = trunc {memory} {name} to {kind}")
                name = f"%us{n}"
            lines.append(f"%ui{n} = insertelement {vector} poison, {kind} {name}, i64 0")
            zero = f"<{b.width} x i32> zeroinitializer"
            lines.append(f"%u{n} = shufflevector {vector} %ui{n}, {vector} poison, {zero}")
            b.entry += [f"  {line}" for line in lines]
            self.spread[key] = f"%u{n}"
        return self.spread[key]

    def emit(self, equation: Equation) -> None:
        """Write one equation."""
        rule = RULES.get(equation.name)
        if rule is None:
            raise NotCovered(f"the primitive {equation.name}")
        rule(self, equation)


Rule = Callable[[Emitter, Equation], None]


def each(function: Callable[..., str], *arrays: Names) -> Names:
    """Apply a function to names, element by element."""
    arrays = np.broadcast_arrays(*arrays)
    result = np.empty(arrays[0].shape, object)
    for index in np.ndindex(*result.shape):
        result[index] = function(*(array[index] for array in arrays))
    return result


def elementwise(function: Callable[..., str]) -> Rule:
    """Return the rule of a function of (builder, dtype of the first operand, operands)."""

    def rule(e: Emitter, equation: Equation) -> None:
        dtype = equation.inputs[0].kind.dtype
        e.put(equation, each(lambda *names: function(e.builder, dtype, *names), *map(e.get, equation.inputs)))

    return rule


def operation(of_floats: str | None, of_integers: str | None) -> Rule:
    """Return the rule of an operation that LLVM has."""

    def function(b: Builder, dtype: np.dtype[Any], *names: str) -> str:
        name = of_floats if is_float(dtype) else of_integers
        if name is None:
            raise NotCovered(f"an operation of {dtype}")
        return b.operate(name, dtype, *names)

    return elementwise(function)


def comparison(relation: str) -> Rule:
    """Return the rule of a comparison."""
    return elementwise(lambda b, dtype, x, y: b.compare(relation, dtype, x, y))


def total_order(relation: str) -> Rule:
    """Return the rule of a comparison in which every float has a place: by their bits, as integers."""

    def function(b: Builder, dtype: np.dtype[Any], x: str, y: str) -> str:
        if not is_float(dtype):
            return b.compare(relation, dtype, x, y)
        word = np.dtype(np.int32 if dtype.itemsize == 4 else np.int64)
        last = b.constant(word, 8 * dtype.itemsize - 1)
        largest = b.constant(word, (1 << (8 * dtype.itemsize - 1)) - 1)

        def place(name: str) -> str:
            bits = b.reinterpret(name, dtype, word)
            return b.operate("xor", word, bits, b.operate("and", word, b.operate("ashr", word, bits, last), largest))

        return b.compare(relation, word, place(x), place(y))

    return elementwise(function)


def float_intrinsic(name: str) -> Rule:
    """Return the rule of a function of floats that LLVM has by name."""

    def function(b: Builder, dtype: np.dtype[Any], *names: str) -> str:
        if not is_float(dtype):
            raise NotCovered(f"{name} of {dtype}")
        return b.intrinsic(name, dtype, *names)

    return elementwise(function)


def _round(e: Emitter, equation: Equation) -> None:
    """Round to the nearest whole number; halves to the even one, or away from zero."""
    b, dtype = e.builder, equation.outputs[0].kind.dtype
    even = int(equation.params["rounding_method"]) == 1
    name = "roundeven" if even else "round"
    e.put(equation, each(lambda x: b.intrinsic(name, dtype, x), e.get(equation.inputs[0])))


def _not(b: Builder, dtype: np.dtype[Any], x: str) -> str:
    return b.operate("xor", dtype, x, b.constant(dtype, True if dtype == np.bool_ else -1))


def _negative(b: Builder, dtype: np.dtype[Any], x: str) -> str:
    return b.operate("fneg", dtype, x) if is_float(dtype) else b.operate("sub", dtype, b.constant(dtype, 0), x)


def _absolute(b: Builder, dtype: np.dtype[Any], x: str) -> str:
    if is_float(dtype):
        return b.intrinsic("fabs", dtype, x)
    return b.select(dtype, b.compare("lt", dtype, x, b.constant(dtype, 0)), _negative(b, dtype, x), x)


def _sign(b: Builder, dtype: np.dtype[Any], x: str) -> str:
    zero = b.constant(dtype, 0)
    below = b.select(dtype, b.compare("lt", dtype, x, zero), b.constant(dtype, -1), x)
    return b.select(dtype, b.compare("gt", dtype, x, zero), b.constant(dtype, 1), below)


def _finite(b: Builder, dtype: np.dtype[Any], x: str) -> str:
    return b.compare("lt", dtype, b.intrinsic("fabs", dtype, x), b.constant(dtype, np.inf))


def _shift(name: str) -> Rule:
    """Return the rule of a shift; one by as many bits as there are or more leaves none."""

    def function(b: Builder, dtype: np.dtype[Any], x: str, by: str) -> str:
        if by.startswith("splat"):
            return b.operate(name, dtype, x, by)
        bits = 8 * dtype.itemsize
        word = np.dtype(f"uint{bits}")
        inside = b.compare("lt", word, by, b.constant(word, bits))
        last = b.constant(dtype, bits - 1)
        if name == "ashr":
            return b.operate(name, dtype, x, b.select(dtype, inside, by, last))
        shifted = b.operate(name, dtype, x, b.select(dtype, inside, by, b.constant(dtype, 0)))
        return b.select(dtype, inside, shifted, b.constant(dtype, 0))

    return elementwise(function)


def _count_bits(b: Builder, dtype: np.dtype[Any], x: str) -> str:
    return b.intrinsic("ctpop", dtype, x)


def _clamp(e: Emitter, equation: Equation) -> None:
    b, dtype = e.builder, equation.outputs[0].kind.dtype
    low, value, high = map(e.get, equation.inputs)
    e.put(equation, each(lambda low, x, high: b.minimum(dtype, b.maximum(dtype, x, low), high), low, value, high))


def _integer_power(e: Emitter, equation: Equation) -> None:
    b, dtype, y = e.builder, equation.outputs[0].kind.dtype, equation.params["y"]
    name = "fmul" if is_float(dtype) else "mul"

    def function(x: str) -> str:
        result, left = None, abs(y)
        while left:
            if left & 1:
                result = x if result is None else b.operate(name, dtype, result, x)
            left >>= 1
            if left:
                x = b.operate(name, dtype, x, x)
        result = result or b.constant(dtype, 1)
        return b.operate("fdiv", dtype, b.constant(dtype, 1), result) if y < 0 else result

    e.put(equation, each(function, e.get(equation.inputs[0])))


def _select(e: Emitter, equation: Equation) -> None:
    b, dtype = e.builder, equation.outputs[0].kind.dtype
    which, cases = equation.inputs[0], [e.get(value) for value in equation.inputs[1:]]
    test, names = which.kind.dtype, e.get(which)
    if test == np.bool_:
        e.put(equation, each(lambda c, no, yes: b.select(dtype, c, yes, no), names, *cases))
        return
    result = cases[0]
    for number, case in enumerate(cases[1:], 1):
        hit = each(lambda w, n=number: b.compare("ge", test, w, b.constant(test, n)), names)
        result = each(lambda c, yes, no: b.select(dtype, c, yes, no), hit, case, result)
    e.put(equation, result)


def _convert(e: Emitter, equation: Equation) -> None:
    (value,), (out,) = equation.inputs, equation.outputs
    if id(value) in e.scalars:
        e.scalars[id(out)] = e.scalars[id(value)]
        return
    e.put(equation, each(lambda x: e.builder.convert(x, value.kind.dtype, out.kind.dtype), e.get(value)))


def _bitcast(e: Emitter, equation: Equation) -> None:
    (value,), (out,) = equation.inputs, equation.outputs
    if value.kind.shape != out.kind.shape:
        raise NotCovered("a bitcast between sizes")
    e.put(equation, each(lambda x: e.builder.reinterpret(x, value.kind.dtype, out.kind.dtype), e.get(value)))


def _same(e: Emitter, equation: Equation) -> None:
    e.put(equation, e.get(equation.inputs[0]))


def _broadcast(e: Emitter, equation: Equation) -> None:
    names = e.get(equation.inputs[0])
    shape = [1] * len(equation.outputs[0].kind.shape)
    for axis, extent in zip(equation.params["broadcast_dimensions"], names.shape, strict=True):
        shape[axis] = extent
    e.put(equation, names.reshape(shape))


def _reshape(e: Emitter, equation: Equation) -> None:
    e.put(equation, e.get(equation.inputs[0]).reshape(e.shape(equation.outputs[0])))


def _transpose(e: Emitter, equation: Equation) -> None:
    e.put(equation, np.transpose(e.get(equation.inputs[0]), equation.params["permutation"]))


def _concatenate(e: Emitter, equation: Equation) -> None:
    e.put(equation, np.concatenate([e.get(value) for value in equation.inputs], equation.params["dimension"]))


def _stack(e: Emitter, equation: Equation) -> None:
    e.put(equation, np.stack([e.get(value) for value in equation.inputs], equation.params["axis"]))


def _row(e: Emitter, equation: Equation) -> None:
    e.put(equation, e.get(equation.inputs[0])[equation.params["index"]])


def _slice(e: Emitter, equation: Equation) -> None:
    p = equation.params
    steps = p["strides"] or [1] * len(p["start_indices"])
    cut = []
    for extent, *at in zip(equation.inputs[0].kind.shape, p["start_indices"], p["limit_indices"], steps, strict=True):
        cut.append(slice(None) if extent == e.lane else slice(*at))
    e.put(equation, e.get(equation.inputs[0])[tuple(cut)])


def _iota(e: Emitter, equation: Equation) -> None:
    (out,), axis = equation.outputs, equation.params["dimension"]
    if out.kind.shape[axis] == e.lane:  # a lane is known by the place at which its trajectory is kept
        e.put(equation, np.full(e.shape(out), "%slot", object))
        return
    shape = [1] * len(out.kind.shape)
    shape[axis] = -1
    numbers = [e.builder.constant(out.kind.dtype, k) for k in range(out.kind.shape[axis])]
    e.put(equation, np.array(numbers, object).reshape(shape))


def _reduce(join: Callable[[Builder, Any, str, str], str], over_lanes: str | None = None) -> Rule:
    """Return the rule of a reduction over axes other than that of lanes; over lanes, of a condition's question."""

    def rule(e: Emitter, equation: Equation) -> None:
        (value,), (out,), axes = equation.inputs, equation.outputs, equation.params["axes"]
        dtype, names = value.kind.dtype, e.get(value)
        over = [value.kind.shape[axis] for axis in axes]
        moved = np.moveaxis(names, axes, range(len(axes))).reshape((-1, *e.shape(out)))
        result = moved[0]
        for row in moved[1:]:
            result = each(lambda x, y: join(e.builder, dtype, x, y), result, row)
        if e.lane not in over:
            e.put(equation, result)
            return
        if over_lanes is None or out.kind.shape:
            raise NotCovered(f"{equation.name} over lanes")
        e.scalars[id(out)] = getattr(e.builder, over_lanes)(np.asarray(result, object).reshape(-1)[0])

    return rule


def _gather(e: Emitter, equation: Equation) -> None:
    """Look numbers up in a shared table, by one index for each lane."""
    table, index = equation.inputs
    plain = isinstance(table, Variable) and id(table) not in e.varying and len(table.kind.shape) == 1
    if not plain or equation.params["slice_sizes"] != (1,) or e.get(index).size != 1:
        raise NotCovered("a gather from other than a table")
    from jaxsim.kernels.native.memory import look_up

    mode = str(equation.params["mode"])
    several = e.lookups[id(index)] >= SEVERAL
    found = look_up(e, table, e.get(index).reshape(-1)[0], index.kind.dtype, "FILL" in mode, several)
    e.put(equation, np.array(found, object))


def _scatter(e: Emitter, equation: Equation) -> None:
    from jaxsim.kernels.native.memory import write_row

    write_row(e, equation)


def _branch(e: Emitter, equation: Equation) -> None:
    """Write the branches of a condition that is one for all lanes."""
    b, choice = e.builder, equation.inputs[0]
    if len(equation.branches) != 2:
        raise NotCovered("a choice among several branches")
    condition = e.scalars.get(id(choice))
    if condition is None:
        dtype = choice.kind.dtype
        condition = b.any(b.convert(e.get(choice).reshape(-1)[0], dtype, np.dtype(np.bool_)))
    n, found, ends = b.fresh(), [], []
    b.write(f"br i1 {condition}, label %yes{n}, label %no{n}")
    for label, block in zip(("no", "yes"), equation.branches, strict=True):
        b.start(f"{label}{n}")
        e.depth += 1
        for inner in block.equations:
            e.emit(inner)
        pairs = zip(block.outputs, equation.outputs, strict=True)
        found.append([np.broadcast_to(e.get(value), e.shape(out)) for value, out in pairs])
        e.depth -= 1
        ends.append(b.block)
        b.write(f"br label %join{n}")
    b.start(f"join{n}")
    for out, value, usual, rare in zip(equation.outputs, equation.branches[0].outputs, *found, strict=True):
        dtype = out.kind.dtype
        if id(value) in e.grids:  # written in place, in whichever branch
            e.grids[id(out)], e.values[id(out)] = e.grids[id(value)], usual
            continue
        e.values[id(out)] = each(lambda x, y, d=dtype: b.phi(d, (x, ends[0]), (y, ends[1])), usual, rare)


RULES: dict[str, Rule] = {
    "add": operation("fadd", "add"),
    "add_any": operation("fadd", "add"),
    "sub": operation("fsub", "sub"),
    "mul": operation("fmul", "mul"),
    "div": operation("fdiv", None),
    "and": operation(None, "and"),
    "or": operation(None, "or"),
    "xor": operation(None, "xor"),
    "not": elementwise(_not),
    "neg": elementwise(_negative),
    "abs": elementwise(_absolute),
    "sign": elementwise(_sign),
    "shift_left": _shift("shl"),
    "shift_right_logical": _shift("lshr"),
    "shift_right_arithmetic": _shift("ashr"),
    "population_count": elementwise(_count_bits),
    **{name: comparison(name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "lt_to": total_order("lt"),
    "le_to": total_order("le"),
    "max": elementwise(Builder.maximum),
    "min": elementwise(Builder.minimum),
    "floor": float_intrinsic("floor"),
    "ceil": float_intrinsic("ceil"),
    "round": _round,
    "sqrt": float_intrinsic("sqrt"),
    "is_finite": elementwise(_finite),
    "square": elementwise(lambda b, dtype, x: b.operate("fmul" if is_float(dtype) else "mul", dtype, x, x)),
    "exp": elementwise(exp),
    "log": elementwise(log),
    "log1p": elementwise(log1p),
    "sin": elementwise(sine),
    "cos": elementwise(cosine),
    "tan": elementwise(lambda b, dtype, x: b.operate("fdiv", dtype, sine(b, dtype, x), cosine(b, dtype, x))),
    "pow": elementwise(power_of),
    "integer_pow": _integer_power,
    "clamp": _clamp,
    "select_n": _select,
    "convert_element_type": _convert,
    "bitcast_convert_type": _bitcast,
    "copy": _same,
    "stop_gradient": _same,
    "optimization_barrier": _same,
    "broadcast_in_dim": _broadcast,
    "reshape": _reshape,
    "squeeze": _reshape,
    "expand_dims": _reshape,
    "transpose": _transpose,
    "concatenate": _concatenate,
    "stack": _stack,
    "row": _row,
    "slice": _slice,
    "iota": _iota,
    "reduce_sum": _reduce(lambda b, d, x, y: b.operate("fadd" if is_float(d) else "add", d, x, y)),
    "reduce_max": _reduce(Builder.maximum),
    "reduce_min": _reduce(Builder.minimum),
    "reduce_or": _reduce(lambda b, d, x, y: b.operate("or", d, x, y), "any"),
    "reduce_and": _reduce(lambda b, d, x, y: b.operate("and", d, x, y), "all"),
    "gather": _gather,
    "scatter": _scatter,
    "cond": _branch,
    "guard": _branch,
}
"""How each primitive is written; what is not here runs on XLA."""
