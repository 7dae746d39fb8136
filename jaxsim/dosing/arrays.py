"""Choose the array library: NumPy in float64 for concrete values, jax.numpy under a transformation."""

from collections.abc import Iterable
from types import ModuleType
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np


def traced(*trees: Any) -> bool:
    """Tell whether any leaf of `trees` is being traced by a JAX transformation.

    Examples
    --------
    >>> traced(1.0, {"a": np.ones(2)})
    False
    """
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(trees))


def namespace(*trees: Any) -> ModuleType:
    """Return jax.numpy when a leaf of `trees` is traced, otherwise NumPy.

    Schedules are small and their amplitudes are carried over weeks of model time, so concrete values are
    computed in float64 on the host whatever the precision of JAX.

    Examples
    --------
    >>> namespace(1.0).__name__
    'numpy'
    """
    return jnp if traced(*trees) else np


def floats(xp: ModuleType, value: Any) -> Any:
    """Return `value` as an array of floats: float64 with NumPy, JAX's default float with jax.numpy.

    Examples
    --------
    >>> floats(np, [1, 2]).dtype
    dtype('float64')
    """
    if xp is np:
        return np.asarray(value, dtype=np.float64)
    if isinstance(value, list | tuple):
        return jnp.stack([floats(jnp, item) for item in value]) if value else jnp.zeros(0)
    return jnp.asarray(value, dtype=jnp.result_type(float))


# Registration of frozen dataclasses as pytrees whose reconstruction runs no validation.

T = TypeVar("T")


def register(cls: type[T], leaves: tuple[str, ...], static: tuple[str, ...]) -> type[T]:
    """Register `cls` with `leaves` as children and `static` as hashable structure.

    JAX rebuilds pytrees with placeholders in place of numbers, so the constructor, which validates, is bypassed.

    Examples
    --------
    >>> import dataclasses
    >>> Pair = dataclasses.make_dataclass("Pair", ["value", "unit"])
    >>> jax.tree.leaves(register(Pair, ("value",), ("unit",))(1.5, "h"))
    [1.5]
    """

    def flatten_with_keys(self: Any) -> tuple[tuple[tuple[Any, Any], ...], tuple[Any, ...]]:
        children = tuple((jax.tree_util.GetAttrKey(name), getattr(self, name)) for name in leaves)
        return children, tuple(getattr(self, name) for name in static)

    def flatten(self: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return tuple(getattr(self, name) for name in leaves), tuple(getattr(self, name) for name in static)

    def unflatten(structure: tuple[Any, ...], children: Iterable[Any]) -> Any:
        made = object.__new__(cls)
        for name, value in (*zip(leaves, children, strict=True), *zip(static, structure, strict=True)):
            object.__setattr__(made, name, value)
        return made

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)
    return cls
