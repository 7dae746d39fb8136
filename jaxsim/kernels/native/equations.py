"""Equations: a jaxpr flattened, without repetition, and divided in what all lanes share and what is lane by lane.

A traced function becomes one list. Calls are inlined, scans of known length written out, equal equations made once, and
what is known of some values beforehand (that a lane inside the loop has not finished, say) is put in their place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jax.extend.core import Literal

LONGEST_SCAN = 64  # steps that are written out
CALLS = ("jaxpr", "call_jaxpr", "fun_jaxpr")  # the parameters in which primitives keep what they call


class NotCovered(Exception):
    """A program needs something that the native backend does not have; the message says what."""


@dataclass(frozen=True)
class _Kind:
    """Shape and dtype of a value."""

    shape: tuple[int, ...]
    dtype: Any


class Variable:
    """A value of the program."""

    __slots__ = ("kind",)

    def __init__(self, kind: Any) -> None:
        self.kind = _Kind(tuple(kind.shape), np.dtype(kind.dtype))


@dataclass(eq=False)
class Known:
    """A constant: one number, wherever it stands in its shape."""

    value: Any
    kind: _Kind


@dataclass(eq=False)
class Equation:
    """One primitive, applied."""

    name: str
    inputs: list[Any]
    """Variables and constants."""
    outputs: list[Variable]
    params: dict[str, Any]
    primitive: Any = None
    """None where the equation is one of ours."""
    branches: "tuple[EquationBlock, ...]" = ()
    """Of a condition: what is done for each value of the first input."""

    def reads(self) -> list[Variable]:
        """Return the variables it reads, those of its branches included."""
        found = [value for value in self.inputs if isinstance(value, Variable)]
        for block in self.branches:
            made = {id(out) for equation in block.equations for out in equation.outputs}
            inner = [value for equation in block.equations for value in equation.reads()]
            inner += [value for value in block.outputs if isinstance(value, Variable)]
            found += [value for value in inner if id(value) not in made]
        return found


@dataclass(eq=False)
class EquationBlock:
    """Equations in order, and the values that they hand on."""

    equations: list[Equation]
    outputs: list[Any]


@dataclass(eq=False)
class Flat:
    """A function of lanes as two lists of equations."""

    inputs: list[Variable]
    shared: list[Equation]
    """What no lane enters: evaluated once for a call."""
    lanewise: list[Equation]
    outputs: list[Any]
    varying: set[int]
    """The ids of the variables that may differ between lanes."""
    arrays: list[tuple[Variable, np.ndarray]] = field(default_factory=list)
    """Constant arrays."""


def flatten(closed: Any, lane: int) -> Flat:
    """Return a traced function as equations; an axis of extent `lane` is the axis of lanes."""
    flattener = _Flattener(lane)
    inputs = [Variable(v.aval) for v in closed.jaxpr.invars]
    flattener.varying.update(id(v) for v in inputs if lane in v.kind.shape)
    lanewise: list[Equation] = []
    outputs = flattener.inline(closed.jaxpr, closed.consts, inputs, lanewise, {})
    return Flat(inputs, flattener.shared, lanewise, outputs, flattener.varying, flattener.arrays)


class _Flattener:
    """Inlines a jaxpr; equal equations are kept once."""

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self.varying: set[int] = set()
        self.shared: list[Equation] = []
        self.arrays: list[tuple[Variable, np.ndarray]] = []
        self.alive: list[Any] = []  # what an id stands for must live as long as the id is used

    def inline(
        self, jaxpr: Any, consts: Sequence[Any], args: Sequence[Any], out: list[Equation], seen: dict[Any, Any]
    ) -> list[Any]:
        """Add the equations of a jaxpr and return its outputs."""
        env: dict[Any, Any] = dict(zip(jaxpr.invars, args, strict=True))
        env |= {v: self._constant(value) for v, value in zip(jaxpr.constvars, consts, strict=True)}

        def atom(value: Any) -> Any:
            if isinstance(value, Literal):
                kind: Any = value.aval
                return Known(np.asarray(value.val)[()], _Kind(tuple(kind.shape), np.dtype(kind.dtype)))
            return env[value]

        for equation in jaxpr.eqns:
            outputs = self._apply(equation, [atom(value) for value in equation.invars], out, seen)
            env.update(zip(equation.outvars, outputs, strict=True))
        return [atom(value) for value in jaxpr.outvars]

    def _constant(self, value: np.ndarray) -> Any:
        if isinstance(value, (Known, Variable)):
            return value
        array = np.asarray(value)
        if not array.ndim:
            return Known(array[()], _Kind((), array.dtype))
        variable = Variable(array)
        self.arrays.append((variable, array))
        return variable

    def _apply(self, equation: Any, inputs: list[Any], out: list[Equation], seen: dict[Any, Any]) -> list[Any]:
        name, params = equation.primitive.name, equation.params
        varies = any(id(value) in self.varying for value in inputs)
        varies = varies or any(self.lane in v.aval.shape for v in equation.outvars)
        if varies and name == "scan":
            return self._unroll(params, inputs, out, seen)
        if varies and name == "cond":
            return self._branch(equation, inputs, out, seen)
        if varies and name == "while":
            raise NotCovered("a loop inside a step")
        inner = next((params[key] for key in CALLS if key in params), None)
        if inner is not None and name not in ("scan", "while"):
            consts = inner.consts if hasattr(inner, "consts") else ()
            return self.inline(inner.jaxpr if hasattr(inner, "consts") else inner, consts, inputs, out, seen)
        key = _number(name, params, inputs)
        if key is not None and key in seen:
            return seen[key]
        outputs = [Variable(v.aval) for v in equation.outvars]
        if varies:
            self.varying.update(id(v) for v in outputs)
        made = Equation(name, inputs, outputs, params, equation.primitive)
        (out if varies else self.shared).append(made)
        self.alive.append(made)
        if key is not None:
            seen[key] = outputs
        return outputs

    def _unroll(
        self, params: dict[str, Any], inputs: list[Any], out: list[Equation], seen: dict[Any, Any]
    ) -> list[Any]:
        length, closed, consts = params["length"], params["jaxpr"], params["num_consts"]
        if length > LONGEST_SCAN:
            raise NotCovered(f"a scan of {length} steps inside a step")
        rows = consts + params["num_carry"]
        carry = inputs[consts:rows]
        columns: list[list[Any]] = []
        steps = range(length)
        for step in reversed(steps) if params["reverse"] else steps:
            taken = [self._ours("row", [row], row.kind.shape[1:], {"index": step}, out) for row in inputs[rows:]]
            result = self.inline(closed.jaxpr, closed.consts, [*inputs[:consts], *carry, *taken], out, seen)
            carry = result[: len(carry)]
            columns.append(result[len(carry) :])
        if params["reverse"]:
            columns.reverse()
        stacked = [list(column) for column in zip(*columns, strict=True)]
        shapes = [(length, *column[0].kind.shape) for column in stacked]
        return [*carry, *(self._ours("stack", c, s, {"axis": 0}, out) for c, s in zip(stacked, shapes, strict=True))]

    def _ours(
        self, name: str, inputs: list[Any], shape: tuple[Any, ...], params: dict[str, Any], out: list[Equation]
    ) -> Variable:
        made = Variable(_Kind(tuple(shape), inputs[0].kind.dtype))
        self.varying.add(id(made))  # emitted lane by lane, also where all lanes have the same
        out.append(Equation(name, inputs, [made], params))
        self.alive.append(out[-1])
        return made

    def _branch(self, equation: Any, inputs: list[Any], out: list[Equation], seen: dict[Any, Any]) -> list[Any]:
        blocks = []
        for branch in equation.params["branches"]:
            inner: list[Equation] = []
            found = self.inline(branch.jaxpr, branch.consts, inputs[1:], inner, dict(seen))
            blocks.append(EquationBlock(inner, found))
        outputs = [Variable(v.aval) for v in equation.outvars]
        self.varying.update(id(v) for v in outputs)
        out.append(Equation("cond", inputs[:1], outputs, {}, None, tuple(blocks)))
        self.alive.append(out[-1])
        return list(outputs)


def _number(name: str, params: dict[str, Any], inputs: list[Any]) -> Any:
    """Return what two equations have in common if they give the same values, or None if that is not known."""
    known: list[Any] = []
    for value in inputs:
        if isinstance(value, Known):
            known.append((np.asarray(value.value).tobytes(), value.kind))
        else:
            known.append((id(value), value.kind))
    key = (name, tuple(sorted((k, v) for k, v in params.items() if k != "sharding")), tuple(known))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def deduce(equations: list[Equation], truths: Iterable[tuple[Any, bool]]) -> dict[int, Known]:
    """Return what follows from truths, pairs of a variable and its value, by the id of the variable."""
    makers = {id(out): equation for equation in equations for out in equation.outputs}
    facts: dict[int, Known] = {}
    left = [(variable, value) for variable, value in truths if isinstance(variable, Variable)]
    while left:
        variable, value = left.pop()
        facts[id(variable)] = Known(np.bool_(value), variable.kind)
        maker = makers.get(id(variable))
        if maker is None:
            continue
        if maker.name == "not":
            left.append((maker.inputs[0], not value))
        elif (maker.name, value) in (("or", False), ("and", True)):
            left += [(v, value) for v in maker.inputs if isinstance(v, Variable)]
    return facts


def with_known(equations: list[Equation], facts: dict[int, Known]) -> list[Equation]:
    """Return the equations with known values put in."""

    def known(values: list[Any]) -> list[Any]:
        return [facts.get(id(value), value) for value in values]

    result = []
    for equation in equations:
        blocks = tuple(EquationBlock(with_known(b.equations, facts), known(b.outputs)) for b in equation.branches)
        made = Equation(
            equation.name, known(equation.inputs), equation.outputs, equation.params, equation.primitive, blocks
        )
        result.append(made)
    return result


def live(equations: list[Equation], outputs: Iterable[Any]) -> list[Equation]:
    """Return the equations on which the outputs depend."""
    needed = {id(value) for value in outputs}
    kept = []
    for equation in reversed(equations):
        if any(id(out) in needed for out in equation.outputs):
            kept.append(equation)
            needed.update(id(value) for value in equation.reads())
    return kept[::-1]
