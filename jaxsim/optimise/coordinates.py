"""Coordinates without bounds for numbers with them: each kind maps z to values and back, and knows its bounds.

All kinds have the same verbs: `size` of z, `degrees` of freedom, `values(z)`, `encode(values)`, `random(generator)`
uniform over what is allowed, `shares(z)`: for each component the part of its room that it takes, 0 at an active bound,
`opening(z)`: which way leads off that bound, and `labels()`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

# Forbidden windows: an axis of time without them, and back.

Windows = tuple[tuple[float, float], ...]


def merged_coordinates(windows: Windows, low: float, high: float) -> Windows:
    """Return the windows within [low, high], in order, those that touch made one.

    Examples
    --------
    >>> merged_coordinates(((5.0, 7.0), (1.0, 2.0), (6.0, 9.0)), 0.0, 8.0)
    ((1.0, 2.0), (5.0, 8.0))
    """
    found: list[tuple[float, float]] = []
    for left, right in sorted((max(a, low), min(b, high)) for a, b in windows):
        if right <= left:
            continue
        if found and left <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], right))
        else:
            found.append((left, right))
    return tuple(found)


def length(windows: Windows) -> float:
    """Return how long they are together."""
    return sum((b - a for a, b in windows), 0.0)


def opened(times: Any, windows: Windows) -> Any:
    """Return times on the whole axis, from those on the axis without the windows.

    Examples
    --------
    >>> opened(jnp.asarray([1.0, 3.0]), ((2.0, 5.0),)).tolist()
    [1.0, 6.0]
    """
    before = 0.0
    shifted = times
    for left, right in windows:
        shifted = shifted + jnp.where(times >= left - before, right - left, 0.0)
        before += right - left
    return shifted


def closed(times: np.ndarray, windows: Windows) -> np.ndarray:
    """Return times on the axis without the windows; what lies in one goes to its end.

    Examples
    --------
    >>> closed(np.array([1.0, 3.0, 6.0]), ((2.0, 5.0),)).tolist()
    [1.0, 2.0, 3.0]
    """
    return times - sum(np.clip(times - left, 0.0, right - left) for left, right in windows)


_LEAST = 1e-4  # share of the room at which a start at a bound begins, where a derivative still reaches it
_HALVINGS = 60


@dataclass(frozen=True)
class Box:
    """Numbers, each between two bounds: low + (high - low) sigmoid(z), time windows left out."""

    low: float
    high: float
    number: int
    windows: Windows = ()

    @property
    def size(self) -> int:
        """How many components."""
        return self.number

    @property
    def degrees(self) -> int:
        """How many directions change anything."""
        return self.number

    def values(self, z: Array) -> Any:
        """Return the numbers [n]."""
        return opened(self.low + self._room * jax.nn.sigmoid(z), self.windows)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return z [n]."""
        share = np.clip((closed(values, self.windows) - self.low) / max(self._room, 1e-300), _LEAST, 1 - _LEAST)
        return np.log(share / (1 - share))

    def random(self, generator: np.random.Generator) -> np.ndarray:
        """Return z of numbers drawn uniformly."""
        share = np.clip(generator.random(self.number), _LEAST, 1 - _LEAST)
        return np.log(share / (1 - share))

    def shares(self, z: np.ndarray) -> np.ndarray:
        """Return the distance to the nearer bound, in parts of the room."""
        return 1.0 / (1.0 + np.exp(np.abs(z)))

    def opening(self, z: np.ndarray) -> np.ndarray:
        """Return 1 where a larger component leads away from the nearer bound, else -1."""
        return np.where(z < 0.0, 1.0, -1.0)

    def labels(self) -> tuple[str, ...]:
        """Return what each component is."""
        return tuple(f"number {i + 1}" for i in range(self.number))

    @property
    def _room(self) -> float:
        return self.high - self.low - sum(b - a for a, b in self.windows)


@dataclass(frozen=True)
class OrderedTimes:
    """Times in order, at least so far apart: what is free of the span is shared out by a softmax over the gaps.

    ``t_i = low + least_i + room (p_0 + ... + p_i)``; the last of the n + 1 shares p is what is left at the end.
    """

    low: float
    high: float
    number: int
    spacing: float = 0.0
    in_a_row: int | None = None
    pause: float = 0.0
    windows: Windows = ()

    @property
    def size(self) -> int:
        """How many components."""
        return self.number + 1

    @property
    def least(self) -> np.ndarray:
        """The earliest the times may be after `low`, [n]."""
        index = np.arange(self.number)
        pauses = 0 if self.in_a_row is None else index // self.in_a_row
        return np.asarray(self.spacing * index + self.pause * pauses, np.float64)

    @property
    def room(self) -> float:
        """What the gaps share."""
        return float(self.high - self.low - sum(b - a for a, b in self.windows) - self.least[-1])

    @property
    def degrees(self) -> int:
        """How many directions change anything."""
        return self.number

    def values(self, z: Array) -> Any:
        """Return the times [n]."""
        gone = jnp.cumsum(jax.nn.softmax(z))[:-1]
        return opened(self.low + self.least + self.room * gone, self.windows)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return z [n + 1]; times nearer to each other than allowed are taken apart."""
        gone = (closed(values, self.windows) - self.low - self.least) / self.room
        share = np.diff(np.clip(np.maximum.accumulate(gone), 0.0, 1.0), prepend=0.0, append=1.0)
        return _centred(np.log(np.maximum(share, _LEAST)))

    def random(self, generator: np.random.Generator) -> np.ndarray:
        """Return z of times drawn uniformly."""
        return _centred(np.log(np.maximum(generator.dirichlet(np.ones(self.size)), _LEAST)))

    def shares(self, z: np.ndarray) -> np.ndarray:
        """Return the share of the room in each gap."""
        return np.asarray(_softmax(z))

    def opening(self, z: np.ndarray) -> np.ndarray:
        """Return 1: a larger component widens its gap."""
        return np.ones(self.size)

    def labels(self) -> tuple[str, ...]:
        """Return what each component is."""
        return (*(f"gap before time {i + 1}" for i in range(self.number)), "room after the last time")


@dataclass(frozen=True)
class Budget:
    """Amounts that share a total: low + (high - low) sigmoid(z + m), with m such that they add up; a capped softmax.

    Where not all has to be spent, one more component, without a cap, is what is left.
    """

    low: float
    high: float
    number: int
    total: float
    spend_all: bool

    @property
    def size(self) -> int:
        """How many components."""
        return self.number + (not self.spend_all)

    @property
    def degrees(self) -> int:
        """How many directions change anything."""
        return self.size - 1

    def values(self, z: Array) -> Any:
        """Return the amounts [n]."""

        def parts(shift: Array) -> Any:
            capped = (self.high - self.low) * jax.nn.sigmoid(z[: self.number] + shift)
            return capped if self.spend_all else jnp.append(capped, self._unit * jnp.exp(z[-1] + shift))

        wanted = self.total - self.number * self.low
        fixed = lax.stop_gradient(_solve(lambda shift: jnp.sum(lax.stop_gradient(parts(shift))) - wanted, z))
        # one Newton step is the solution to first order in z, which is all that a derivative sees
        slope = lax.stop_gradient(jax.grad(lambda shift: jnp.sum(parts(shift)))(fixed))
        shift = fixed - (jnp.sum(parts(fixed)) - wanted) / slope
        return self.low + parts(shift)[: self.number]

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return z."""
        share = np.clip((values - self.low) / (self.high - self.low), _LEAST, 1 - _LEAST)
        z = np.log(share / (1 - share))
        if self.spend_all:
            return z
        left = max(self.total - float(np.sum(values)), _LEAST * self.total)
        return np.append(z, np.log(left / self._unit))

    def random(self, generator: np.random.Generator) -> np.ndarray:
        """Return z of amounts drawn uniformly, but for the cap."""
        share = generator.dirichlet(np.ones(self.size)) * (self.total - self.number * self.low)
        room = self.high - self.low
        z = np.log(np.clip(share[: self.number] / room, _LEAST, 1 - _LEAST))
        z = z - np.log1p(-np.exp(z))
        return z if self.spend_all else np.append(z, np.log(max(share[-1] / self._unit, _LEAST)))

    def shares(self, z: np.ndarray) -> np.ndarray:
        """Return the distance of each amount to its nearer bound, in parts of its room."""
        with jax.enable_x64(True):
            values = np.asarray(self.values(jnp.asarray(z)))
        share = (values - self.low) / (self.high - self.low)
        near = np.minimum(share, 1 - share)
        return near if self.spend_all else np.append(near, 1.0 - values.sum() / self.total)

    def opening(self, z: np.ndarray) -> np.ndarray:
        """Return 1 where a larger component leads away from the nearer bound, else -1."""
        with jax.enable_x64(True):
            values = np.asarray(self.values(jnp.asarray(z)))
        away = np.where(values < 0.5 * (self.low + self.high), 1.0, -1.0)
        return away if self.spend_all else np.append(away, 1.0)

    def labels(self) -> tuple[str, ...]:
        """Return what each component is."""
        return (*(f"amount {i + 1}" for i in range(self.number)), *(() if self.spend_all else ("what is not spent",)))

    @property
    def _unit(self) -> float:
        return self.total / (self.number + 1)


@dataclass(frozen=True)
class Fixed:
    """A number that is given: it has no coordinates."""

    value: float
    number: int

    @property
    def size(self) -> int:
        """How many components."""
        return 0

    @property
    def degrees(self) -> int:
        """How many directions change anything."""
        return 0

    def values(self, z: Array) -> Any:
        """Return the number [n], whatever z."""
        return jnp.full((self.number,), self.value)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return z []."""
        return values[:0]

    def random(self, generator: np.random.Generator) -> np.ndarray:
        """Return z []."""
        return np.zeros(0)

    def shares(self, z: np.ndarray) -> np.ndarray:
        """Return nothing."""
        return z

    def opening(self, z: np.ndarray) -> np.ndarray:
        """Return nothing."""
        return z

    def labels(self) -> tuple[str, ...]:
        """Return nothing."""
        return ()


Coordinate = Box | OrderedTimes | Budget | Fixed


def _solve(excess: Callable[..., Any], z: Array) -> Any:
    """Return the root of a rising function by halving."""

    def halve(_: Array, ends: tuple[Any, ...]) -> Any:
        middle = 0.5 * (ends[0] + ends[1])
        above = excess(middle) > 0.0
        return jnp.where(above, ends[0], middle), jnp.where(above, middle, ends[1])

    reach = jnp.max(jnp.abs(lax.stop_gradient(z))) + 50.0
    left, right = lax.fori_loop(0, _HALVINGS, halve, (-reach, reach))
    return 0.5 * (left + right)


def _centred(z: np.ndarray) -> np.ndarray:
    return z - z.mean()


def _softmax(z: np.ndarray) -> np.ndarray:
    shifted = np.exp(z - z.max())
    return np.asarray(shifted / shifted.sum())
