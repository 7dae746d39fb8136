"""Fingerprints of networks, by which a changed model is noticed: of everything, nothing shortened or rounded."""

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from numbers import Real
from typing import Any

import jax
import numpy as np

from jaxsim.network.expression import Expression, fold
from jaxsim.network.network import Network

SIZE = 16  # bytes
_EXACT = 2**53  # up to which every integer is a double


def fingerprint(*values: Any) -> str:
    """Return a digest of networks, and of numbers, texts and collections beside them.

    It differs whenever a rate, an effect, an event, an observable, a name or a value does. Of a network all is read:
    the structure, node by node, and every value to the last bit, distributions and dispositions field by field.

    Parameters
    ----------
    *values
        Networks, expressions, dataclasses, numbers, arrays, texts, None, and mappings and sequences of these.

    Raises
    ------
    TypeError
        If there is something of which no digest is known.

    Examples
    --------
    >>> net = Network({"X": 0}, ["-> X, k"], {"k": 1.0})
    >>> fingerprint(net) == fingerprint(net.with_parameters(k=1.0)) != fingerprint(net.with_parameters(k=2.0))
    True
    """
    return _digest(values).hex()


def _digest(value: Any) -> bytes:
    """Return the digest of a value from those of its parts, so that no two values are written alike."""
    if isinstance(value, Expression):
        return fold(value, _of_node)
    if isinstance(value, Network):
        parts = (value.structure, value.parameters, value.initial, value.inputs, value.variables)
        return _of("network", *map(_digest, parts))
    if is_dataclass(value) and not isinstance(value, type):
        named = [part for field in fields(value) for part in (field.name.encode(), _digest(getattr(value, field.name)))]
        return _of(type(value).__qualname__, *named)
    if isinstance(value, Mapping):
        return _of("mapping", *(part for key, item in value.items() for part in (_digest(key), _digest(item))))
    if isinstance(value, (tuple, list)):
        return _of("sequence", *map(_digest, value))
    if value is None or isinstance(value, (str, bytes)):
        return _of(type(value).__name__, value if isinstance(value, bytes) else str(value).encode())
    if isinstance(value, (int, np.integer)) and abs(int(value)) > _EXACT:
        return _of("number", str(int(value)).encode())
    if isinstance(value, Real):
        return _of("number", float(value).hex().encode())
    if isinstance(value, (np.ndarray, jax.Array)):
        array = np.asarray(value, np.float64)
        if array.ndim == 0:
            return _of("number", float(array).hex().encode())
        return _of("array", str(array.shape).encode(), array.tobytes())
    raise TypeError(f"there is no digest of a {type(value).__name__}; make it a dataclass")


def _of_node(node: Expression, below: list[bytes]) -> bytes:
    return _of(type(node).__name__, _digest(node.label), *below)


def _of(kind: str, *parts: bytes) -> bytes:
    found = hashlib.blake2b(kind.encode(), digest_size=SIZE)
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.digest()
