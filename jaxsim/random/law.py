"""What a law of variability is: a frozen dataclass, checked when it is made, whose parameters are leaves."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

import jax
import numpy as np

from jaxsim.errors import JaxsimError

Law = TypeVar("Law", bound=type)
NARROWEST = 1e-5  # spread of a law over the size of its values; draws are told apart by 6e-8 of it


def law(cls: Law) -> Law:
    """Make a frozen dataclass a pytree whose fields are leaves.

    JAX rebuilds pytrees with tracers and placeholders for leaves, so rebuilding does not validate.

    Examples
    --------
    >>> from jaxsim.random import Uniform
    >>> jax.tree.leaves(Uniform(1.0, 2.0))
    [1.0, 2.0]
    """
    names = tuple(field.name for field in fields(cls))

    def flatten_with_keys(made: Any) -> tuple[tuple[tuple[Any, Any], ...], None]:
        return tuple((jax.tree_util.GetAttrKey(name), getattr(made, name)) for name in names), None

    def flatten(made: Any) -> tuple[tuple[Any, ...], None]:
        return tuple(getattr(made, name) for name in names), None

    def unflatten(_: None, leaves: Iterable[Any]) -> Any:
        made: Any = object.__new__(cls)
        for name, leaf in zip(names, leaves, strict=True):
            object.__setattr__(made, name, leaf)
        return made

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
    return cls


def known(*values: Any) -> bool:
    """Tell whether all values are numbers now, rather than tracers.

    Examples
    --------
    >>> known(1.0, np.ones(3))
    True
    """
    return not any(isinstance(value, jax.core.Tracer) for value in values)


def require(
    owner: str,
    name: str,
    value: Any,
    *,
    above: float = -np.inf,
    least: float = -np.inf,
    most: float = np.inf,
) -> None:
    """Refuse a parameter that is known and is not a finite number between its limits.

    Raises
    ------
    JaxsimError
        If `value` is not numeric, not finite, not above `above`, below `least` or over `most`.

    Examples
    --------
    >>> require("Normal", "sd", 1.0, least=0.0)
    >>> require("Normal", "sd", -1.0, least=0.0)
    Traceback (most recent call last):
    jaxsim.errors.JaxsimError: sd -1.0 of Normal is not a finite number at least 0; correct it
    """
    if not known(value):
        return
    numbers = np.asarray(value)
    numeric = np.issubdtype(numbers.dtype, np.number)
    if numeric and np.all(np.isfinite(numbers) & (numbers > above) & (numbers >= least) & (numbers <= most)):
        return
    limits = {"above": above, "at least": least, "at most": most}
    said = " and ".join(f"{words} {limit:g}" for words, limit in limits.items() if np.isfinite(limit))
    raise JaxsimError(f"{name} {value!r} of {owner} is not a finite number{' ' + said if said else ''}; correct it")


def require_spread(owner: str, spread: Any, size: Any) -> None:
    """Refuse a law that is narrow beside its values: it is drawn in single precision, which tells 6e-8 of them apart.

    Raises
    ------
    JaxsimError
        If the spread is known, not zero, and less than 1e-5 of the size.

    Examples
    --------
    >>> require_spread("Normal", 1.0, 100.0)
    >>> require_spread("Normal", 1.0, 1e8)
    Traceback (most recent call last):
    jaxsim.errors.JaxsimError: a Normal that varies by 1e-08 of its values is narrower than the single precision ...
    """
    if not known(spread, size):
        return
    spreads, sizes = np.broadcast_arrays(np.abs(np.asarray(spread, float)), np.abs(np.asarray(size, float)))
    narrow = (spreads > 0.0) & (spreads < NARROWEST * sizes)
    if np.any(narrow):
        share = float(spreads[narrow].flat[0] / sizes[narrow].flat[0])
        raise JaxsimError(
            f"a {owner} that varies by {share:.2g} of its values is narrower than the single precision in which laws "
            f"are drawn; write the quantity as a constant plus a law of the difference"
        )
