"""Rare work: what only few events need leaves the straight line of the kernel.

The steppers compute everything for every lane and choose afterwards, as XLA has it. Where a value is read only by one
`where(code == constant, value, usual)`, the equations that make it are put behind the question whether any lane has
that code. What a lane gets is the same.
"""

from typing import Any

from jaxsim.kernels.native.equations import Equation, EquationBlock, Known, Variable

_LEAST = 12.0  # weight of the work that a branch is worth
WEIGHT = {"gather": 24.0, "exp": 20.0, "log": 20.0, "pow": 60.0, "div": 5.0, "floor": 2.0}
_FREE = ("broadcast_in_dim", "squeeze", "reshape")
_FIXED = ("scatter", "cond", "guard")  # what stays where it is


def put_apart(equations: list[Equation], outputs: list[Any], least: float = _LEAST) -> list[Equation]:
    """Return the equations with rare work in guarded branches; `outputs` are what must be known after all of them."""
    handed_on = {id(value) for value in outputs}
    readers: dict[int, list[Equation]] = {}
    for equation in equations:
        for variable in equation.reads():
            readers.setdefault(id(variable), []).append(equation)
    makers = {id(out): equation for equation in equations for out in equation.outputs}
    taken: set[int] = set()
    guards: dict[int, list[Equation]] = {}
    for position in range(len(equations) - 1, -1, -1):
        choice = equations[position]
        if id(choice) in taken or not _is_rare(choice, makers):
            continue
        inner = _exclusive(choice, equations[:position], readers, taken | handed_on)
        if sum(_weight(equation) for equation in inner) >= least:
            taken.update(id(equation) for equation in inner)
            guards[id(choice)] = inner
    result: list[Equation] = []
    for equation in equations:
        if id(equation) in guards:
            result += _guarded(equation, guards[id(equation)])
        elif id(equation) not in taken:
            result.append(equation)
    return result


def _is_rare(choice: Equation, makers: dict[int, Equation]) -> bool:
    """Whether an equation chooses by a code."""
    if choice.name != "select_n" or len(choice.inputs) != 3:
        return False
    if not (isinstance(choice.inputs[0], Variable) and isinstance(choice.inputs[2], Variable)):
        return False
    test = makers.get(id(choice.inputs[0]))
    return test is not None and test.name == "eq" and isinstance(test.inputs[1], Known)


def _exclusive(
    choice: Equation, before: list[Equation], readers: dict[int, list[Equation]], held: set[int]
) -> list[Equation]:
    """Return the equations whose values are read for the rare case of a choice only.

    `held` are ids of equations, and of their values, that stay where they are.
    """
    allowed, found = {id(choice)}, []
    kept = {id(choice.inputs[0]), id(choice.inputs[1])}
    for equation in reversed(before):
        users = [reader for out in equation.outputs for reader in readers.get(id(out), [])]
        free = bool(users) and all(id(reader) in allowed for reader in users)
        free = free and equation.name not in _FIXED and id(equation) not in held
        if free and not any(id(out) in kept | held for out in equation.outputs):
            allowed.add(id(equation))
            found.append(equation)
    return found[::-1]


def _weight(equation: Equation) -> float:
    return 0.0 if equation.name in _FREE else WEIGHT.get(equation.name, 1.0)


def _guarded(choice: Equation, inner: list[Equation]) -> list[Equation]:
    """Return the branch and the choice after it."""
    test, usual, rare = choice.inputs
    value = Variable(rare.kind)
    guard = Equation("guard", [test], [value], {}, None, (EquationBlock([], [usual]), EquationBlock(inner, [rare])))
    return [guard, Equation("select_n", [test, usual, value], choice.outputs, choice.params, choice.primitive)]
