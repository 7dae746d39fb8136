"""Regimens: schedules with free numbers, as functions of coordinates without bounds."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxsim.dosing import Schedule
from jaxsim.dosing.arrays import traced
from jaxsim.gradient.free import Free
from jaxsim.network import Network
from jaxsim.optimise.coordinates import Coordinate
from jaxsim.runtime.double import double_precision


@dataclass(frozen=True)
class Place:
    """Where an unknown stands among the leaves of the schedule, and how z becomes what stands there."""

    name: str
    """Such as ``drug.at``."""
    leaf: int
    first: int
    """Component of z at which it begins."""
    coordinate: Coordinate
    scalar: bool
    """Whether one number is shared by all doses."""
    after: float | None = None
    pattern: tuple[float, ...] | None = None
    over: int = -1
    """Index of the place of the durations by which rates are multiplied."""
    lasting: tuple[float, ...] | None = None
    """Those durations where they are fixed."""

    @property
    def components(self) -> slice:
        """Which components of z are its own."""
        return slice(self.first, self.first + self.coordinate.size)


@dataclass(frozen=True)
class Decoder:
    """Put the free numbers into the schedule; hashable, so that compiled programs are found again."""

    places: tuple[Place, ...]
    structure: Any
    """How the leaves make the schedule."""

    def __call__(self, z: ArrayLike, base: tuple[Any, ...]) -> tuple[Network, Schedule]:
        """Return the network and the schedule at z."""
        network, leaves = base
        filled = list(leaves)
        for place, value in zip(self.places, self.values(z), strict=True):
            filled[place.leaf] = value
        return network, jax.tree.unflatten(self.structure, filled)

    def values(self, z: ArrayLike) -> list[Any]:
        """Return what each place holds at z; float64 NumPy unless z is traced."""
        if traced(z):
            return _held(self.places, z)
        with double_precision():
            return [np.asarray(value) for value in _compiled(self.places, jnp.asarray(z, jnp.float64))]


def _held(places: tuple[Place, ...], z: Any) -> list[Any]:
    numbers = [place.coordinate.values(z[place.components]) for place in places]
    return [_meant(place, value, numbers) for place, value in zip(places, numbers, strict=True)]


_compiled = partial(jax.jit, static_argnums=0)(_held)


def _meant(place: Place, value: Array, numbers: list[Any]) -> Any:
    """Return the times, amounts or durations that the free numbers of a place mean."""
    if place.after is not None:
        return place.after + jnp.cumsum(value)
    if place.pattern is not None:
        return value[0] + jnp.asarray(place.pattern)
    if place.over >= 0 or place.lasting is not None:
        lasting = numbers[place.over] if place.over >= 0 else jnp.asarray(place.lasting)
        number = max(value.shape[0], lasting.shape[0])
        value = jnp.broadcast_to(value, (number,)) * jnp.broadcast_to(lasting, (number,))
        return value[0] if place.scalar and number == 1 else value
    return value[0] if place.scalar else value


class Regimen(NamedTuple):
    """A schedule with free numbers; made by :func:`jaxsim.optimise.unknown.read_regimen`."""

    decoder: Decoder
    base: Any
    """The network, and the leaves of the schedule with the starts in place of what is free."""
    start: np.ndarray
    """float64 [Z]: coordinates of the start."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Where what is free stands."""
        return self.decoder.places

    @property
    def degrees(self) -> int:
        """How many directions are free."""
        return sum(place.coordinate.degrees for place in self.places)

    def free(self, z: np.ndarray) -> Free:
        """Return what a gradient is taken of, at z."""
        names = tuple(place.name for place in self.places)
        shapes = tuple((place.coordinate.size,) for place in self.places)
        structure = jax.tree.structure(dict.fromkeys(names, 0))
        return Free(self.decoder, self.base, np.asarray(z, np.float64), names, shapes, structure, self.labels)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each coordinate is, [Z]."""
        return tuple(f"{label} of {place.name}" for place in self.places for label in place.coordinate.labels())

    def schedule(self, z: np.ndarray) -> Schedule:
        """Return the schedule at z."""
        return self.decoder(z, self.base)[1]

    def held(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """Return the times, amounts and durations at z, by name."""
        values = self.decoder.values(z)
        return {place.name: np.atleast_1d(value) for place, value in zip(self.places, values, strict=True)}

    def random(self, generator: np.random.Generator) -> np.ndarray:
        """Return coordinates of a regimen drawn at random from all that are allowed."""
        return np.concatenate([place.coordinate.random(generator) for place in self.places])

    def shares(self, z: np.ndarray) -> np.ndarray:
        """Return for each component how far it is from a bound, as a share of its room, [Z]."""
        return np.concatenate([place.coordinate.shares(z[place.components]) for place in self.places])
