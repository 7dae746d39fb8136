"""Random expressions over the names x, y (any sign), k, m (positive) and n (a count)."""

import pytest

from jaxsim.network import Binary, Call, Compare, FallingFactorial, Logic, Name, Number, Unary

UNARY_FUNCTIONS = [
    *("exp", "log", "log10", "sqrt", "sin", "cos", "tan", "abs", "floor", "ceil"),
    *("asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
]


def leaf(random):
    kind = random.randrange(4)
    if kind == 0:
        return Number(random.choice([0.0, 1.0, -2.0, 0.5, 3.0]))
    if kind == 1:
        return FallingFactorial("n", random.randint(2, 3))
    return Name(random.choice(["x", "y", "k", "m", "n"]))


def condition(random, depth):
    if random.random() < 0.3:
        return Unary("not", condition(random, depth))
    if random.random() < 0.3:
        return Logic(random.choice(["and", "or"]), condition(random, depth), condition(random, depth))
    op = random.choice(["<", "<=", ">", ">=", "==", "!="])
    return Compare(op, grow(random, depth - 1), grow(random, depth - 1))


def grow(random, depth):
    if depth <= 0 or random.random() < 0.1:
        return leaf(random)

    def below():
        return grow(random, depth - 1)

    kind = random.randrange(10)
    if kind < 5:
        return Binary(random.choice("++--***//"), below(), below())
    if kind == 5:
        exponent = random.choice([Number(2), Number(3), Number(-1), Number(0.5), Number(4), Name("k")])
        return Binary("^", below(), exponent)
    if kind == 6:
        return Unary("-", below())
    if kind == 7:
        return Call(random.choice(UNARY_FUNCTIONS), (below(),))
    if kind == 8:
        function = random.choice(["min", "max", "hill", "michaelis_menten"])
        return Call(function, tuple(below() for _ in range(2 if function in ("min", "max") else 3)))
    return Call("if", (condition(random, depth - 1), below(), below()))


@pytest.fixture
def random_expression():
    return grow
