"""The operators on arrays and Python numbers, which stay weakly typed so that no dtype is widened."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

# Above this the rounding of repeated multiplication exceeds that of a library power.
LARGEST_MULTIPLIED_POWER = 32


def is_plain(*values: Any) -> bool:
    """Return whether every value is a Python number, known while the program is traced."""
    return all(isinstance(value, (int, float)) for value in values)


def as_number(value: Any) -> Any:
    """Return a truth value as 0 or 1 (weakly typed) and a number as it is."""
    if is_plain(value):
        return float(value)
    return jnp.where(value, 1.0, 0.0) if jnp.result_type(value) == jnp.bool_ else value


def as_truth(value: ArrayLike) -> Any:
    """Return a number as whether it is not zero, and a truth value as it is."""
    if is_plain(value):
        return jnp.asarray(bool(value))
    return value if jnp.result_type(value) == jnp.bool_ else jnp.not_equal(value, 0.0)


def add(a: ArrayLike, b: ArrayLike) -> Any:
    """Return ``a + b``."""
    return a + b if is_plain(a, b) else jnp.add(a, b)


def subtract(a: Any, b: Any) -> Any:
    """Return ``a - b``."""
    return a - b if is_plain(a, b) else jnp.subtract(a, b)


def multiply(a: ArrayLike, b: ArrayLike) -> Any:
    """Return ``a * b``."""
    return a * b if is_plain(a, b) else jnp.multiply(a, b)


def _of_numbers(plain: Callable[..., Any], traced: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that stays in Python where all values are Python numbers: JAX would compile a program."""

    def function(*values: Any) -> Any:
        if not is_plain(*values):
            return traced(*values)
        with np.errstate(all="ignore"):
            return plain(*map(float, values)).item()

    return function


divide = _of_numbers(np.divide, jnp.divide)
"""Return ``a / b``; a zero denominator gives inf or nan, never a Python exception."""
minimum = _of_numbers(np.minimum, jnp.minimum)
"""Return the smaller; nan if either is."""
maximum = _of_numbers(np.maximum, jnp.maximum)
"""Return the larger; nan if either is."""
absolute = _of_numbers(np.abs, jnp.abs)
"""Return the absolute value."""
equal = _of_numbers(np.equal, jnp.equal)
"""Return whether ``a == b``."""
less = _of_numbers(np.less, jnp.less)
"""Return whether ``a < b``."""
less_equal = _of_numbers(np.less_equal, jnp.less_equal)
"""Return whether ``a <= b``."""
greater = _of_numbers(np.greater, jnp.greater)
"""Return whether ``a > b``."""
greater_equal = _of_numbers(np.greater_equal, jnp.greater_equal)
"""Return whether ``a >= b``."""
both = _of_numbers(np.logical_and, jnp.logical_and)
"""Return whether both hold."""
either = _of_numbers(np.logical_or, jnp.logical_or)
"""Return whether either holds."""
is_nan = _of_numbers(np.isnan, jnp.isnan)
"""Return whether a value is not a number."""


def where(condition: ArrayLike, chosen: ArrayLike, other: ArrayLike) -> Any:
    """Choose between two values; a condition that is known chooses while the program is traced."""
    if is_plain(condition):
        return chosen if condition else other
    return jnp.where(condition, chosen, other)


def negate(a: Any) -> Any:
    """Return ``-a``."""
    return -a if is_plain(a) else jnp.negative(a)


def whole(exponent: Any) -> bool:
    """Return whether a power with this exponent is done by multiplication."""
    return is_plain(exponent) and float(exponent).is_integer() and abs(exponent) <= LARGEST_MULTIPLIED_POWER


def power(base: Any, exponent: Any) -> Any:
    """Return ``base ^ exponent``; whole constant exponents multiply, others are safe at a zero base.

    Notes
    -----
    At a zero base the derivative in the base is taken as 0 where the exponent is below 1 (there it is
    infinite or undefined), so that ``0^n`` has neither a nan value nor a nan gradient for n > 0.
    """
    if not whole(exponent):
        return _general_power(base, exponent)
    result = _multiplied_power(base, abs(int(exponent)))
    return divide(1.0, result) if exponent < 0 else result


def _multiplied_power(base: ArrayLike, exponent: int) -> Any:
    result, square = None, base
    while exponent:
        if exponent & 1:
            result = square if result is None else multiply(result, square)
        exponent >>= 1
        square = multiply(square, square) if exponent else square
    return 1.0 if result is None else result


def _general_power(base: ArrayLike, exponent: ArrayLike) -> Any:
    corner = jnp.logical_and(jnp.equal(base, 0.0), jnp.less(exponent, 1.0))
    at_zero = jnp.where(jnp.greater(exponent, 0.0), 0.0, jnp.where(jnp.equal(exponent, 0.0), 1.0, jnp.inf))
    return jnp.where(corner, at_zero, jnp.power(jnp.where(corner, 1.0, base), exponent))


def falling_factorial(x: ArrayLike, order: int) -> Any:
    """Return ``x*(x-1)*...*(x-order+1)`` in the dtype of `x`."""
    result = x
    for step in range(1, order):
        result = multiply(result, subtract(x, float(step)))
    return result
