"""The channels through which free numbers reach the rates: leaves in time, and parameters."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxsim.gradient.leap.chain import Drive, LeapChain, begin_leaps, chain_rates
from jaxsim.gradient.tables import Slopes
from jaxsim.kernels.rates import plan_rates
from jaxsim.network import changed_species, names


class Channel(NamedTuple):
    """One number that rates read and that moves with what is free."""

    in_time: bool
    column: int
    """Column of the exposure, or -1."""
    name: str
    reactions: tuple[int, ...]
    """Whose rates read it."""


def find_channels(chain: LeapChain, slopes: Slopes) -> tuple[Channel, ...]:
    """Return the channels whose slope is not zero."""
    plan = plan_rates(chain.structure, chain.sampled_parameters)
    read = [_reads(rate, dict(plan.before)) for rate in plan.expressions]
    found = []
    for d, (name, _) in enumerate(plan.in_time):
        if np.any(slopes.tables.exposure[:, d] != 0.0):
            found.append(Channel(True, d, name, tuple(r for r, seen in enumerate(read) if name in seen)))
    for name, slope in slopes.tables.parameters.items():
        reactions = tuple(r for r, seen in enumerate(read) if name in seen)
        if reactions and any(np.any(leaf != 0.0) for leaf in jax.tree.leaves(slope)):
            found.append(Channel(False, -1, name, reactions))
    return tuple(found)


def moved_by(channel: Channel, slopes: Slopes) -> np.ndarray:
    """Return for each free number whether it moves a channel, bool [P]."""
    if channel.in_time:
        return np.any(slopes.tables.exposure[:, channel.column] != 0.0, axis=0)
    leaves = jax.tree.leaves(slopes.tables.parameters[channel.name])
    return np.any(np.stack([leaf != 0.0 for leaf in leaves]), axis=0)


def reaching(chain: LeapChain, channels: tuple[Channel, ...], slopes: Slopes) -> np.ndarray:
    """Return for each free number whether it reaches what the terms read, through any chain of reactions; bool [P]."""
    structure = chain.structure
    plan = plan_rates(structure, chain.sampled_parameters)
    read = [_reads(rate, dict(plan.before)) for rate in plan.expressions]
    looked = frozenset[str]().union(*(names(term.signal) for term in chain.terms))
    leading, before = frozenset[int](), None
    while leading != before:  # reactions that change what is read, or what reactions that do so read
        before = leading
        wanted = looked.union(*(read[r] for r in leading))
        leading = frozenset(r for r, one in enumerate(structure.reactions) if changed_species(one) & wanted)
    found = np.zeros(slopes.fixed.shape[1], bool)
    for channel in channels:
        if set(channel.reactions) & leading:
            found |= moved_by(channel, slopes)
    return found


def _reads(rate: Any, before: dict[str, Any]) -> frozenset[str]:
    """Return the names that a rate reads, also through what is computed before the loop."""
    found, new = frozenset[str](), names(rate)
    while new:
        found = found | new
        new = frozenset().union(*(names(before[name]) for name in new if name in before)) - found
    return found


def channel_slopes(
    chain: LeapChain, channels: tuple[Channel, ...], x: tuple[Any, ...], exposure: Array, parameters: dict[str, Any]
) -> tuple[list[Any], list[dict[int, Any]]]:
    """Return the rates, and for each channel the derivatives of the rates that read it, [L] each."""
    a = chain_rates(chain, x, exposure, parameters)
    found = []
    for channel in channels:

        def at(value: Array, channel: Channel = channel) -> list[Any]:
            if channel.in_time:
                row = [value if d == channel.column else exposure[d] for d in range(exposure.shape[0])]
                return chain_rates(chain, x, row, parameters)
            return chain_rates(chain, x, exposure, {**parameters, channel.name: value})

        value = exposure[channel.column] if channel.in_time else parameters[channel.name]
        slope = jax.jvp(at, (value,), (jnp.ones_like(value),))[1]
        found.append({r: slope[r] for r in channel.reactions})
    return a, found


def parameter_slopes(chain: LeapChain, channels: tuple[Channel, ...], drive: Drive, spread: Any) -> dict[str, Any]:
    """Return the derivative of each parameter channel in the free numbers: [P, 1], or [P, L] where it is sampled."""
    slopes = {}
    for channel in channels:
        if channel.in_time:
            continue
        given = spread.parameters[channel.name]
        if channel.name not in chain.sampled_parameters:
            slopes[channel.name] = given[:, None]
            continue
        value = drive.tables.parameters[channel.name]
        one = partial(_sampled, chain, drive, channel.name)
        slopes[channel.name] = jax.vmap(lambda tangent, one=one, value=value: jax.jvp(one, (value,), (tangent,))[1])(
            given
        )
    return slopes


def _sampled(chain: LeapChain, drive: Drive, name: str, law: Any) -> Any:
    """Return a sampled parameter [L], as a function of its law."""
    tables = drive.tables._replace(parameters={**drive.tables.parameters, name: law})
    return begin_leaps(chain, drive._replace(tables=tables)).parameters[name]
