"""Free numbers: named numbers of a network and a schedule, or the argument of a function that makes both."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxsim.dosing import Schedule
from jaxsim.errors import SimulationError, closest
from jaxsim.network import Network

ENTRY = re.compile(r"(\w+)(?:\[(\d+)\])?\.(\w+)")


@dataclass(frozen=True)
class Leaves:
    """Put the components of theta in place of some leaves of (network, schedule)."""

    positions: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]

    def __call__(self, theta: Any, base: Any) -> tuple[Network, Schedule]:
        """Return the network and the schedule at theta."""
        leaves, shape = jax.tree.flatten(base)
        taken = 0
        for position, dimensions in zip(self.positions, self.shapes, strict=True):
            size = int(np.prod(dimensions, dtype=int))
            leaves[position] = theta[taken : taken + size].reshape(dimensions)
            taken += size
        return jax.tree.unflatten(shape, leaves)


@dataclass(frozen=True)
class _Function:
    """Call a user's function of a pytree of numbers."""

    function: Callable[[Any], Any]
    structure: Any
    shapes: tuple[tuple[int, ...], ...]

    def __call__(self, theta: Any, base: Any) -> tuple[Network, Schedule]:
        """Return the network and the schedule at theta."""
        leaves, taken = [], 0
        for dimensions in self.shapes:
            size = int(np.prod(dimensions, dtype=int))
            leaves.append(theta[taken : taken + size].reshape(dimensions)[()])
            taken += size
        made = self.function(jax.tree.unflatten(self.structure, leaves))
        network, schedule = made if isinstance(made, tuple) else (made, None)
        if not isinstance(network, Network):
            raise SimulationError(
                f"the function to differentiate returned a {type(network).__name__}; return a Network, "
                f"or a Network and a Schedule"
            )
        return network, Schedule() if schedule is None else schedule


class Free(NamedTuple):
    """The point at which a gradient is taken, and how numbers become a model there."""

    build: Any
    """(theta [P], base) -> (network, schedule); hashable, so that compiled programs are found again."""
    base: Any
    theta: np.ndarray
    """float64 [P]."""
    names: tuple[str, ...]
    """One for each group of components."""
    shapes: tuple[tuple[int, ...], ...]
    structure: Any
    """How the groups make the pytree that is returned."""
    labels: tuple[str, ...] | None = None
    """Names of the components, where indices of the groups would not say what they are."""

    @property
    def components(self) -> tuple[str, ...]:
        """A name for every component of theta."""
        if self.labels is not None:
            return self.labels
        result = []
        for name, shape in zip(self.names, self.shapes, strict=True):
            result += [name + "".join(f"[{i}]" for i in index) for index in np.ndindex(shape)]
        return tuple(result)

    def arranged(self, values: np.ndarray) -> Any:
        """Return the components of a [P] array as the pytree that was given."""
        leaves, taken = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape, dtype=int))
            part = values[taken : taken + size].reshape(shape)
            leaves.append(float(part) if part.ndim == 0 else part.copy())
            taken += size
        return jax.tree.unflatten(self.structure, leaves)

    def model(self, theta: np.ndarray | None = None) -> tuple[Network, Schedule]:
        """Return the network and schedule with concrete numbers, which are checked as usual."""
        return self.build(self.theta if theta is None else theta, self.base)


def free_numbers(
    model: Callable[..., Any] | Network,
    schedule: Schedule | None,
    free: Sequence[str] | None,
    at: dict[str, Any] | None,
) -> Free:
    """Find what is to be differentiated.

    Raises
    ------
    SimulationError
        Naming the first name that is not a number of the network or the schedule.
    """
    if isinstance(model, Network):
        if at is not None:
            raise SimulationError("at= belongs to a function; for a Network name what is free with free=[...]")
        return _of_network(model, Schedule() if schedule is None else schedule, free)
    if not callable(model):
        raise SimulationError(f"gradient takes a js.Network or a function, not a {type(model).__name__}")
    if at is None or free is not None or schedule is not None:
        raise SimulationError("a function that makes the model needs at= and takes neither free= nor schedule=")
    with_path, structure = jax.tree_util.tree_flatten_with_path(at)
    leaves = [np.asarray(leaf, np.float64) for _, leaf in with_path]
    shapes = tuple(leaf.shape for leaf in leaves)
    names = tuple(_readable(path) or "at" for path, _ in with_path)
    return Free(_Function(model, structure, shapes), None, _joined(leaves), names, shapes, structure)


def _readable(path: tuple[Any, ...]) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")


def _of_network(network: Network, schedule: Schedule, free: Sequence[str] | None) -> Free:
    if free is None or isinstance(free, str) or not len(free):
        raise SimulationError("nothing is free; name what to differentiate, such as free=['k', 'drug.at']")
    base = (network, schedule)
    known = _places(base)
    positions, leaves = [], []
    for name in free:
        position = _position(name, known, schedule, network.structure.species)
        positions.append(position)
        leaves.append(np.asarray(jax.tree.leaves(base)[position], np.float64))
    if len(set(positions)) < len(positions):
        raise SimulationError(f"free={list(free)} names the same number twice; name each once")
    shapes = tuple(leaf.shape for leaf in leaves)
    structure = jax.tree.structure(dict.fromkeys(free, 0))
    order = [list(free).index(name) for name in sorted(free)]
    positions, leaves = [positions[i] for i in order], [leaves[i] for i in order]
    shapes = tuple(shapes[i] for i in order)
    build = Leaves(tuple(positions), shapes)
    return Free(build, base, _joined(leaves), tuple(sorted(free)), shapes, structure)


def _joined(leaves: list[np.ndarray]) -> np.ndarray:
    theta = np.concatenate([leaf.reshape(-1) for leaf in leaves]) if leaves else np.zeros(0)
    if not theta.size or not np.all(np.isfinite(theta)):
        raise SimulationError("what is to be differentiated holds no finite numbers; give at least one")
    return theta


def _places(base: tuple[Any, ...]) -> dict[str, int]:
    """Return the position of every number among the leaves, by a readable name."""
    _, schedule = base
    places: dict[str, int] = {}
    for position, (path, _) in enumerate(jax.tree_util.tree_flatten_with_path(base)[0]):
        text = "".join(str(key) for key in path)
        if text.startswith("[0]"):
            found = re.fullmatch(r"\[0\]\.(parameters|inputs|initial)\['(\w+)'\](?:\.(\w+))?", text)
            if found and found[1] != "initial":
                places[found[2] + (f".{found[3]}" if found[3] else "")] = position
        else:
            found = re.fullmatch(r"\[1\]\.entries\[(\d+)\]\[(\d+)\]\.(\w+)", text)
            if found:
                agent = schedule.names[int(found[1])]
                places[f"{agent}[{found[2]}].{found[3]}"] = position
    return places


def _position(name: str, known: dict[str, int], schedule: Schedule, species: Sequence[str]) -> int:
    if name in known:
        return known[name]
    parts = ENTRY.fullmatch(name)
    if parts and parts[1] in schedule.names:
        several = [key for key in known if key.startswith(f"{parts[1]}[") and key.endswith(f".{parts[3]}")]
        if parts[2] is None and len(several) == 1:
            return known[several[0]]
        if parts[2] is None and several:
            raise SimulationError(f"'{parts[1]}' has several doses; say which with one of {several}")
    initial = name.partition(".")[0]
    if initial in species:
        raise SimulationError(
            f"'{name}' is of the initial count of '{initial}', whole molecules that have no derivative; free a rate, a "
            f"dose of an input or the law of a parameter instead"
        )
    shown = [key.replace("[0].", ".") for key in known]
    raise SimulationError(f"'{name}' is no number of the network or the schedule{closest(name, [*known, *shown])}")
