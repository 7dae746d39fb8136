"""Registration of frozen dataclasses as pytrees whose reconstruction runs no validation."""

from collections.abc import Iterable
from typing import Any, TypeVar

import jax

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
