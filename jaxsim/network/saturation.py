"""Recognise saturating fractions ``n*a/(a + b)``, whose plain interval bound is loose."""

from jaxsim.network.expression import Binary, Call, Expression, Number, fold


def with_saturation(expression: Expression) -> Expression:
    """Write each ``n*a/(a + b)`` as ``n*hill(a, b, 1)``, in which `a` occurs once.

    The value is the same; the interval bound is tight for a, b >= 0. Returns the expression itself if
    there is no such fraction.

    Examples
    --------
    >>> from jaxsim.network import parse, to_string
    >>> to_string(with_saturation(parse("v*c/(K + c)")))
    'v*hill(c, K, 1)'
    """

    def visit(node: Expression, children: list[Expression]) -> Expression:
        changed = any(new is not old for new, old in zip(children, node.children, strict=True))
        return _rewrite(node.rebuild(tuple(children)) if changed else node)

    return fold(expression, visit)


def _rewrite(node: Expression) -> Expression:
    match node:
        case Binary("/", above, Binary("+", _, _) as below):
            factors, terms = _operands("*", above), _operands("+", below)
        case _:
            return node
    for factor in factors:
        if factor in terms:
            factors.remove(factor)
            terms.remove(factor)
            return _join("*", [*factors, Call("hill", (factor, _join("+", terms), Number(1.0)))])
    return node


def _operands(op: str, expression: Expression) -> list[Expression]:
    """Return the operands of a chain that groups to the left."""
    reversed_operands = []
    while isinstance(expression, Binary) and expression.op == op:
        reversed_operands.append(expression.right)
        expression = expression.left
    return [expression, *reversed(reversed_operands)]


def _join(op: str, operands: list[Expression]) -> Expression:
    result = operands[0]
    for operand in operands[1:]:
        result = Binary(op, result, operand)
    return result
