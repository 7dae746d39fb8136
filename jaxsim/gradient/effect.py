"""An effect moved wherever a rate reads it: as it is written, or in another form that is linear in it.

Whether ``0.4*block/(1 + block)`` or ``1/(1 + block)`` is linear in ``block/(1 + block)`` is settled by numbers, at many
points over many orders of magnitude: two functions that agree there to nine digits are taken for the same.
"""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from jaxsim.errors import SimulationError, SimulationWarning
from jaxsim.gradient.validity import refuse_for_gradient
from jaxsim.network import (
    Binary,
    Expression,
    Name,
    Network,
    Number,
    evaluate,
    hoist_all,
    is_distribution,
    names,
    names_of_time,
    parse,
    substitute,
    to_string,
)
from jaxsim.network.expression import fold
from jaxsim.runtime.double import double_precision

SHIFT = "shift_of_the_effect"
_POINTS, DECADES, _SAME = 97, 12.0, 1e-9  # of inputs, to both sides of 1; and what agrees to within rounding


class Moved(NamedTuple):
    """A network whose rates read an effect plus the parameter ``SHIFT``."""

    network: Network
    effect: str
    held: tuple[str, ...]
    """Functions of the effect's inputs in the rates that are not linear in it, and do not move."""


class _Part(NamedTuple):
    """What has become of a part of a rate."""

    moved: Expression
    held: frozenset[str]


def moved_effect(network: Network, of: str, by: float = 0.0) -> Moved:
    """Move an effect in all rates that read it.

    Raises
    ------
    SimulationError
        If no rate reads the effect, if it reads the state or is the same at all times.

    Examples
    --------
    >>> net = Network({"X": 1}, ["X -> @ X/(2 + 2*drug)"], inputs={"drug": 0.0})
    >>> to_string(moved_effect(net, "drug/(1 + drug)").network.structure.reactions[0].rate)
    'X*(1/(2 + 2*drug) + -0.5*shift_of_the_effect)'
    """
    refuse_for_gradient(network)
    structure = network.structure
    effect = substitute(parse(of), dict(structure.observables))
    known = {name: float(value) for name, value in network.parameters.items() if not is_distribution(value)}
    moving = _moving(network, of, effect)
    rates, leaves = hoist_all([r.rate for r in structure.reactions], frozenset(known) | moving, "part ")
    search = _Search(effect, moving, known)
    parts = {name: search(leaf) for name, leaf in leaves.items()}
    if not any(SHIFT in names(part.moved) for part in parts.values()):
        raise SimulationError(
            f"no rate reads '{of}' or what is linear in it; give an input of the network or part of a rate"
        )
    back = {name: part.moved for name, part in parts.items()}
    reactions = [replace(r, rate=substitute(rate, back)) for r, rate in zip(structure.reactions, rates, strict=True)]
    moved = Network(
        dict(network.initial),
        reactions,
        {**network.parameters, SHIFT: by},
        dict(structure.observables),
        dict(network.inputs),
        structure.events,
        network.name,
    )
    return Moved(moved, to_string(effect), tuple(sorted(frozenset().union(*(part.held for part in parts.values())))))


def warn_of_held(moved: Moved, of: str) -> None:
    """Say what reads the same inputs and does not move."""
    if moved.held:
        parts = ", ".join(f"'{part}'" for part in moved.held)
        warnings.warn(
            f"rates also read {parts}, which is not linear in the effect '{of}' and is held as it is; to move all that "
            f"an agent does, give its input instead",
            SimulationWarning,
            stacklevel=3,
        )


def _moving(network: Network, of: str, effect: Expression) -> frozenset[str]:
    """Return what changes the effect over time: inputs, and the time itself."""
    read, structure = names(effect), network.structure
    if read & set(structure.species):
        raise SimulationError(f"the effect '{of}' reads the state; give a function of inputs, parameters and time")
    moving = read & names_of_time(structure)
    varying = sorted(name for name in read & set(network.parameters) if is_distribution(network.parameters[name]))
    if varying or not moving:
        why = f"reads '{varying[0]}', which differs between trajectories" if varying else "is constant"
        raise SimulationError(
            f"the effect '{of}' {why}, so that it has no course over time that all share; give an input such as one of "
            f"{list(structure.inputs)}"
        )
    return moving


class _Search:
    """Looks for an effect in functions of its inputs and of parameters."""

    def __init__(self, effect: Expression, moving: frozenset[str], known: Mapping[str, float]) -> None:
        generator = np.random.default_rng(0)
        points = 10.0 ** np.linspace(-DECADES, DECADES, _POINTS)
        self.env: dict[str, Any] = {**known, **{name: generator.permutation(points) for name in sorted(moving)}}
        self.effect, self.moving = effect, moving
        self.values = self._values(effect)

    def __call__(self, leaf: Expression) -> _Part:
        """Return a function with the effect in it moved, wherever it is."""
        return fold(leaf, self._visit)

    def _visit(self, node: Expression, parts: list[_Part]) -> _Part:
        if not names(node) & self.moving:
            return _Part(node, frozenset())
        slope = 1.0 if node == self.effect else self._slope(node)
        if slope is not None:
            shift = Name(SHIFT) if slope == 1.0 else Binary("*", Number(slope), Name(SHIFT))
            return _Part(Binary("+", node, shift) if slope else node, frozenset())
        if not any(SHIFT in names(part.moved) for part in parts):
            return _Part(node, frozenset({to_string(node)}))
        return _Part(node.rebuild(tuple(part.moved for part in parts)), frozenset().union(*(p.held for p in parts)))

    def _slope(self, node: Expression) -> float | None:
        """Return b if the function is a + b times the effect, else None."""
        if names(node) & self.moving != self.moving:
            return None
        found, effect = self._values(node), self.values
        there = np.isfinite(found) & np.isfinite(effect)
        found, effect = found[there], effect[there]
        if effect.size < _POINTS // 4:
            return None
        low, high = int(np.argmin(effect)), int(np.argmax(effect))
        if effect[low] == effect[high]:
            return None
        slope = (found[high] - found[low]) / (effect[high] - effect[low])
        constant = found[low] - slope * effect[low]
        allowed = _SAME * (np.abs(found) + np.abs(constant) + np.abs(slope * effect))
        slope = float(f"{slope:.12g}")
        return slope if np.all(np.abs(found - constant - slope * effect) <= allowed) else None

    def _values(self, node: Expression) -> Float64[np.ndarray, " points"]:
        with double_precision():
            return np.broadcast_to(np.asarray(evaluate(node, self.env), np.float64), (_POINTS,))
