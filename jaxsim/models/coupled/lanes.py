"""The lanes of a tumour: one living or dying cell each, in blocks of a fixed number of lanes L."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Int32, UInt32

from jaxsim.network import Network, Structure, is_distribution
from jaxsim.random import EVENTS, INITIAL, PARAMETERS, stream_of, uniform_at

EMPTY = -1  # the family of a free lane


class CellLanes(NamedTuple):
    """A block of lanes. A cell carries its own stream, so that no result depends on the lane that it is in."""

    x: tuple[Int32[Array, " L"], ...]
    """Counts of every species."""
    traits: dict[str, Float32[Array, " L"]]
    """Sampled parameters, which daughters inherit."""
    key0: UInt32[Array, " L"]
    key1: UInt32[Array, " L"]
    draws: UInt32[Array, " L"]
    """Draws that the cell has made of its stream."""
    family: Int32[Array, " L"]
    """The tumour of which the cell is; negative in a free lane."""


def sampled_parameters(network: Network) -> tuple[str, ...]:
    """Return the parameters in which cells differ."""
    return tuple(name for name, value in network.parameters.items() if is_distribution(value))


def found(
    network: Network, lanes: int, first: Array, number: Array, seed: Array, point: Array, tumour: Array
) -> CellLanes:
    """Return a block with `number` founders, of which each draws its traits as a trajectory of its number does.

    Parameters
    ----------
    network
        Of :func:`jaxsim.models.coupled.cell.cell_in_tumour`.
    lanes
        In the block, static.
    first
        Number of the first founder; below 2**32.
    number
        Of founders, at most `lanes`.
    seed
        Two words, see :func:`jaxsim.random.seed_words`.
    point
        Of the stream: one for each replicate.
    tumour
        Founders in each tumour: founder n is of tumour n // tumour.
    """
    lane = jnp.arange(lanes, dtype=jnp.uint32)
    cell = jnp.asarray(first).astype(jnp.uint32) + lane
    here = lane < jnp.asarray(number).astype(jnp.uint32)
    zero = jnp.zeros_like(lane)
    traits, counts = {}, []
    key = stream_of(seed, point, (zero, zero), cell, PARAMETERS)
    for position, name in enumerate(sampled_parameters(network)):
        traits[name] = network.parameters[name].sample(uniform_at(key, position)).astype(jnp.float32)
    key = stream_of(seed, point, (zero, zero), cell, INITIAL)
    drawn = [name for name, value in network.initial.items() if is_distribution(value)]
    for name, value in network.initial.items():
        if name in drawn:
            sample = value.sample(uniform_at(key, drawn.index(name))).astype(jnp.float32)
            count = jnp.maximum(jnp.round(sample), np.float32(0.0)).astype(jnp.int32)
        else:
            count = jnp.full((lanes,), int(value), jnp.int32)
        counts.append(jnp.where(here, count, np.int32(0)))
    key0, key1 = stream_of(seed, point, (zero, zero), cell, EVENTS)
    family = (cell // jnp.asarray(tumour).astype(jnp.uint32)).astype(jnp.int32)
    return CellLanes(tuple(counts), traits, key0, key1, zero, jnp.where(here, family, np.int32(EMPTY)))


# The balance of IL-1alpha inside the cells of a tumour, in whole units.


def imbalance(before: int, ledger: Mapping[str, int]) -> int:
    """Return what a step has made or lost without account: 0, whatever happened.

    What cells held, made and were born with is what they hold, and what was degraded, set free or left with its cell.

    Parameters
    ----------
    before
        IL-1alpha in all cells at the start of the step.
    ledger
        Of the step, from :func:`jaxsim.models.coupled.population.step_population`.

    Examples
    --------
    >>> imbalance(7, {"MA": 2, "DU": 1, "held": 4, "held_dead": 1, "LO": 1, "LK": 1, "LY": 2, "SN": 0, "removed": 1})
    0
    """
    came = before + ledger["MA"] + ledger["DU"]
    left = ledger["LO"] + released(ledger) + ledger["removed"]
    return came - left - ledger["held"] - ledger["held_dead"]


def released(ledger: Mapping[str, int]) -> int:
    """Return the units that left cells for the tumour, by leak, lysis and secondary necrosis."""
    return ledger["LK"] + ledger["LY"] + ledger["SN"]


def held(structure: Structure, blocks: tuple[CellLanes, ...]) -> int:
    """Return the units inside the cells of some blocks."""
    position = structure.species.index("IL")
    total = 0
    for block in blocks:
        here = np.asarray(block.family) >= 0
        total += int(np.asarray(block.x[position]).astype(np.int64)[here].sum())
    return total
