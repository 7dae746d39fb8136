"""Replace names by expressions."""

from collections.abc import Mapping

from jaxsim.errors import ExpressionError
from jaxsim.network.expression import Expression, FallingFactorial, Name, fold


def substitute(expression: Expression, replacements: Mapping[str, Expression]) -> Expression:
    """Replace every occurrence of the given names, all at once.

    Raises
    ------
    ExpressionError
        If a species under a falling factorial is to be replaced by anything but another name.

    Examples
    --------
    >>> from jaxsim.network import parse, to_string
    >>> to_string(substitute(parse("beta*S*I/N"), {"N": parse("S + I + R")}))
    'beta*S*I/(S + I + R)'
    """

    def visit(node: Expression, children: list[Expression]) -> Expression:
        if isinstance(node, Name):
            return replacements.get(node.id, node)
        if isinstance(node, FallingFactorial) and node.name in replacements:
            other = replacements[node.name]
            if isinstance(other, Name):
                return FallingFactorial(other.id, node.order)
            raise ExpressionError(f"cannot replace species '{node.name}' of a mass-action rate")
        unchanged = all(new is old for new, old in zip(children, node.children, strict=True))
        return node if unchanged else node.rebuild(tuple(children))

    return fold(expression, visit)
