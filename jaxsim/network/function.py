"""What the parser, the evaluation and the bounds need to know about one function."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jax.typing import ArrayLike
from jaxtyping import Shaped

# An array of any shape (lanes) or a scalar; truth values are boolean arrays.
Value = Shaped[ArrayLike, "..."]
Interval = tuple[Any, Any]


class Function(NamedTuple):
    """One deterministic function that an expression may call.

    Attributes
    ----------
    arity
        Number of arguments; ``None`` means two or more.
    constant
        The function of Python floats, used when all arguments are constants.
    value
        The function of arrays of one floating dtype (or Python floats), in ``jax.numpy``.
    bounds
        From one interval per argument to an interval that holds every value.

    Examples
    --------
    >>> from jaxsim.network.functions import FUNCTIONS
    >>> FUNCTIONS["hill"].arity
    3
    """

    arity: int | None
    constant: Callable[..., float]
    value: Callable[..., Any]
    bounds: Callable[..., Interval]
