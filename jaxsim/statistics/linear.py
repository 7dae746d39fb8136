"""Recognise sums of many species, so that they are a product with a matrix instead of code."""

from jaxsim.network import Binary, Expression, Name, Number


def linear_weights(expression: Expression, species: frozenset[str]) -> dict[str, float] | None:
    """Return the weight of each species in a sum of species times numbers, or None for any other expression.

    Examples
    --------
    >>> from jaxsim.network import parse
    >>> linear_weights(parse("A + 3*B + A"), frozenset("AB"))
    {'A': 2.0, 'B': 3.0}
    >>> linear_weights(parse("A*B"), frozenset("AB")) is None
    True
    """
    weights: dict[str, float] = {}
    stack = [(expression, 1.0)]
    while stack:
        node, factor = stack.pop()
        match node:
            case Binary("+", left, right):
                stack += [(left, factor), (right, factor)]
            case Binary("-", left, right):
                stack += [(left, factor), (right, -factor)]
            case Binary("*", Number(value), other) | Binary("*", other, Number(value)):
                stack.append((other, factor * value))
            case Name(name) if name in species:
                weights[name] = weights.get(name, 0.0) + factor
            case _:
                return None
    return weights
