"""The tumour as blocks of lanes: found it, step it, and give it more or fewer blocks as it grows or shrinks."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Int32, Int64

from jaxsim.kernels.draws import draw_bits
from jaxsim.kernels.state import NONE
from jaxsim.models.coupled.cell import DIVIDING, ENDS, FLOWS, SPLIT
from jaxsim.models.coupled.events import Walk, begin_cells, halted, run_events, running
from jaxsim.models.coupled.lanes import EMPTY, CellLanes, found
from jaxsim.network import Network, Structure, evaluate
from jaxsim.random import binomial, seed_words, threefry2x32, uniform
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.programs import compiler_options

# Division: both daughters of a cell that divides, the second in a free lane.
#
# Each unit of triphosphate and each lesion goes to either daughter with probability 1/2; both inherit the traits of the
# mother and a full set of everything else, as in the model of one line of cells. The second daughter lives with a
# probability that the organism lends (the rest is the cell loss by which a tumour grows slower than its cells divide).

WAITING = 16  # lanes of a block over the divisions served at once
LIVES, KEY, _PARTS = 1, 2, 3  # second words of the counters of a division's draws; events have 0
_ROUNDS_OF_KEYS = 20


def _divide(structure: Structure, second_lives: Array, walk: Walk) -> tuple[Walk, Any]:
    """Let cells divide that wait for it, as many as are served at once, and return how many found no lane.

    Parameters
    ----------
    second_lives
        Probability that the second daughter lives.
    """
    lanes = walk.t.shape[0]
    size = max(lanes // WAITING, 1)
    mothers = _first(halted(structure, walk) > 0, size)
    here = mothers < lanes
    mother: CellLanes = jax.tree.map(lambda leaf: leaf.at[mothers].get(mode="fill", fill_value=0), walk.cells)
    lives = here & (_uniform(mother, LIVES) < jnp.asarray(second_lives).astype(jnp.float32))
    free = _first(walk.cells.family < 0, size)
    order = jnp.cumsum(lives.astype(jnp.int32), dtype=jnp.int32) - np.int32(1)
    lane = jnp.where(lives, free[jnp.maximum(order, np.int32(0))], np.int32(lanes))
    served = here & (~lives | (lane < lanes))
    first, second = _daughters(structure, mother, lives)
    target = jnp.where(served, mothers, np.int32(lanes))
    cells = jax.tree.map(
        lambda leaf, a, b: leaf.at[target].set(a, mode="drop").at[lane].set(b, mode="drop"), walk.cells, first, second
    )
    began = walk.t.at[mothers].get(mode="fill", fill_value=0.0)
    fresh = Walk(
        cells,
        t=walk.t.at[lane].set(began, mode="drop"),
        pending=walk.pending.at[target].set(NONE, mode="drop").at[lane].set(NONE, mode="drop"),
        bits=walk.bits.at[lane].set(draw_bits(second.key0, second.key1, second.draws), mode="drop"),
        events=walk.events,
    )
    return fresh, jnp.sum((here & ~served).astype(jnp.int32), dtype=jnp.int32)


def _daughters(structure: Structure, mother: CellLanes, lives: Array) -> tuple[CellLanes, CellLanes]:
    """Return both daughters; the first keeps the mother's lane, stream and ledger."""
    first = dict(zip(structure.species, mother.x, strict=True)) | {DIVIDING: jnp.zeros_like(mother.family)}
    second = first | {name: jnp.zeros_like(mother.family) for name in FLOWS}
    whole = jnp.stack([first[name] for name in SPLIT])
    bits = jnp.stack([_bits(mother, _PARTS + part) for part in range(len(SPLIT))])
    kept = binomial(uniform(bits), whole, jnp.full(whole.shape, 0.5, jnp.float32), uniform(~bits))
    first |= dict(zip(SPLIT, kept, strict=True))
    second |= dict(zip(SPLIT, whole - kept, strict=True))
    second |= {"BO": jnp.ones_like(mother.family), "DU": first["IL"]}
    key0, key1 = threefry2x32(mother.key0, mother.key1, mother.draws, _word(mother, KEY), _ROUNDS_OF_KEYS)
    sister = mother._replace(key0=key0, key1=key1, draws=jnp.zeros_like(mother.draws))
    return mother._replace(x=tuple(first.values())), sister._replace(x=tuple(second.values()))


def _first(mask: Array, size: int) -> Any:
    """Return the first marked lanes, in order; the number of lanes where there are no more."""
    return jnp.nonzero(mask, size=size, fill_value=mask.shape[0])[0].astype(jnp.int32)


def _uniform(cells: CellLanes, word: int) -> Any:
    return uniform(_bits(cells, word))


def _bits(cells: CellLanes, word: int) -> Any:
    return threefry2x32(cells.key0, cells.key1, cells.draws, _word(cells, word))[0]


def _word(cells: CellLanes, word: int) -> Any:
    return jnp.full(cells.draws.shape, word, jnp.uint32)


# One coupling step of a block of lanes: events and divisions to the end of the step, then the ledger.

_STATES = ("living", "pored", "tolerant", "dead")  # observables that are counted at the end of a step


class _Ledger(NamedTuple):
    """Sums over the lanes of a block, of the step and at its end."""

    flows: dict[str, Int64[Array, ""]]
    """By species: what happened since the step began."""
    ends: dict[str, Int64[Array, ""]]
    """Cells that left their lanes, by flag."""
    states: dict[str, Int64[Array, ""]]
    """Cells at the end of the step."""
    held: Int64[Array, ""]
    """IL-1alpha in living cells at the end."""
    held_dead: Int64[Array, ""]
    """IL-1alpha in apoptotic cells at the end."""
    removed: Int64[Array, ""]
    """IL-1alpha in cells when they left their lanes."""
    free: Int32[Array, ""]
    """Free lanes at the end."""
    unplaced: Int32[Array, ""]
    """Second daughters for which there was no lane; the step then has to be repeated with more."""
    faults: Int32[Array, ""]
    """Lanes in which a rate was not finite, or negative, or a count was."""
    events: Int64[Array, ""]


def step_block(
    structure: Structure, given: Mapping[str, Any], second_lives: np.generic, length: np.generic, cells: CellLanes
) -> tuple[CellLanes, _Ledger]:
    """Advance a block by one coupling step.

    Parameters
    ----------
    given
        Parameters that cells share, what the organism lends among them.
    second_lives
        Probability that the second daughter of a division lives.
    length
        Hours.
    """
    return _program(jax.devices()[0])(structure, given, second_lives, length, cells)


@lru_cache(maxsize=2)
def _program(device: jax.Device) -> Any:
    return jax.jit(_step, static_argnums=0, compiler_options=compiler_options(device))


def _step(
    structure: Structure, given: Mapping[str, Any], second_lives: Array, length: Array, cells: CellLanes
) -> tuple[CellLanes, _Ledger]:
    length = jnp.asarray(length).astype(jnp.float32)
    walk = begin_cells(_cleared(structure, cells), length)

    def unfinished(carry: tuple[Any, Any]) -> Any:
        walk, unplaced = carry
        return (unplaced == 0) & jnp.any((halted(structure, walk) > 0) | running(structure, walk, length))

    def go_on(carry: tuple[Any, Any]) -> tuple[Any, Any]:
        walk = run_events(structure, given, length, carry[0])
        return _divide(structure, second_lives, walk)

    walk, unplaced = lax.while_loop(unfinished, go_on, (walk, jnp.zeros((), jnp.int32)))
    return _settle(structure, walk.cells, unplaced, jnp.isinf(walk.t), walk.events)


def _cleared(structure: Structure, cells: CellLanes) -> CellLanes:
    """Begin new counts of flows."""
    zero = jnp.zeros_like(cells.family)
    names = zip(structure.species, cells.x, strict=True)
    return cells._replace(x=tuple(zero if name in FLOWS else value for name, value in names))


def _settle(
    structure: Structure, cells: CellLanes, unplaced: Array, faulty: Array, events: Array
) -> tuple[CellLanes, _Ledger]:
    """Sum up the lanes, and free those of cells that have lysed or been cleared."""
    here = cells.family >= 0
    x = dict(zip(structure.species, cells.x, strict=True))
    leaves = here & (sum((x[name] for name in ENDS), jnp.zeros_like(cells.family)) > 0)
    stays = here & ~leaves
    env = {name: value.astype(jnp.float32) for name, value in x.items()}
    observed = {name: jnp.asarray(evaluate(value, env)) for name, value in structure.observables if name in _STATES}
    living, dead = observed["living"] > 0, observed["dead"] > 0
    ledger = _Ledger(
        flows={name: _sum(x[name], here) for name in FLOWS},
        ends={name: _sum(x[name], leaves) for name in ENDS},
        states={name: _sum((observed[name] > 0).astype(jnp.int32), stays) for name in _STATES},
        held=_sum(x["IL"], stays & living),
        held_dead=_sum(x["IL"], stays & dead),
        removed=_sum(x["IL"], leaves),
        free=jnp.sum((~stays).astype(jnp.int32), dtype=jnp.int32),
        unplaced=unplaced,
        faults=jnp.sum(faulty.astype(jnp.int32), dtype=jnp.int32),
        events=events,
    )
    return cells._replace(family=jnp.where(leaves, np.int32(EMPTY), cells.family)), ledger


def _sum(values: Array, where: Array) -> Any:
    return jnp.sum(jnp.where(where, values, np.int32(0)).astype(jnp.int64), dtype=jnp.int64)


FILLED = 0.7  # share of lanes with a cell, when blocks are made
TIGHT = 0.125  # share of free lanes from which a block gets help; some 5 % of cells divide in a step
SPARSE = 0.3  # share of lanes with a cell, below which blocks are put together
_SMALLEST, _LARGEST = 1024, 16384  # lanes of a block; iterations of a smaller one cost the same, of a larger no less


class Population(NamedTuple):
    """The cells of one tumour, or of many that do not meet."""

    blocks: tuple[CellLanes, ...]
    occupied: tuple[int, ...]
    """Lanes with a cell, by block."""

    @property
    def cells(self) -> int:
        """Cells that are living, or dead and not yet cleared."""
        return sum(self.occupied)

    @property
    def lanes(self) -> int:
        """All lanes."""
        return sum(block.family.shape[0] for block in self.blocks)


def founders(
    network: Network, number: int, seed: int, point: int = 0, lanes: int | None = None, first: int = 0,
    tumour: int | None = None,
) -> Population:  # fmt: skip
    """Return the founders of a population.

    Parameters
    ----------
    network
        From :func:`jaxsim.models.coupled.cell.cell_in_tumour`.
    number
        Of founders.
    seed, point
        Of the random streams; founder n draws what trajectory n of a design point of this number draws.
    lanes
        Of a block; no result depends on it.
    first
        Number of the first founder.
    tumour
        Founders in each tumour, if they are many.
    """
    lanes = lanes or block_size(number)
    share = max(int(lanes * FILLED), 1)
    begins = range(0, number, share)
    counts = [min(share, number - begin_cells) for begin_cells in begins]
    with double_precision():
        blocks = tuple(
            _founded(network, lanes)(
                np.uint32(first + begin_cells), np.uint32(count), seed_words(seed), np.uint32(point),
                np.uint32(tumour or 1 << 31),
            )
            for begin_cells, count in zip(begins, counts, strict=True)
        )  # fmt: skip
    return Population(blocks, tuple(counts))


def block_size(cells: int) -> int:
    """Return how many lanes blocks have for a number of founders: a power of 2.

    Examples
    --------
    >>> block_size(10), block_size(2500), block_size(100_000)
    (1024, 4096, 16384)
    """
    size = _SMALLEST
    while size < _LARGEST and FILLED * size < cells:
        size *= 2
    return size


@lru_cache(maxsize=8)
def _founded(network: Network, lanes: int) -> Any:
    return jax.jit(partial(found, network, lanes))


def step_population(
    network: Network,
    given: Mapping[str, Any],
    second_lives: float,
    length: float,
    population: Population,
    pool: ThreadPoolExecutor | None = None,
) -> tuple[Population, dict[str, Any]]:
    """Advance all blocks by one coupling step, and add up their ledgers.

    A step in which second daughters found no lane is repeated with more lanes: cells carry their streams, so that the
    outcome is the same.

    Parameters
    ----------
    given
        Parameters that cells share, of the network and lent by the organism.
    second_lives
        Probability that the second daughter of a division lives.
    length
        Hours.
    pool
        In which blocks are stepped at the same time.
    """
    shared = {name: np.float32(value) for name, value in given.items() if np.ndim(value) == 0 and _is_number(value)}
    whole = {name: shared.get(name, value) for name, value in given.items()}

    def one(block: CellLanes) -> tuple[CellLanes, _Ledger]:
        with double_precision():
            cells, ledger = step_block(network.structure, whole, np.float32(second_lives), np.float32(length), block)
            return cells, jax.tree.map(int, ledger)

    filled = 1.0
    while True:
        results = list(pool.map(one, population.blocks) if pool else map(one, population.blocks))
        if not any(ledger.unplaced for _, ledger in results):
            break
        filled *= 0.5
        population = repacked(population, FILLED * filled)
    blocks = tuple(cells for cells, _ in results)
    occupied: tuple[int, ...] = tuple(int(c.family.shape[0]) - int(ledger.free) for c, ledger in results)
    total = _added([ledger for _, ledger in results])
    return _fitted(Population(blocks, occupied)), total


def repacked(population: Population, filled: float = FILLED) -> Population:
    """Return the same cells in as many blocks as hold them with this share of lanes taken.

    Examples
    --------
    >>> from jaxsim.models.coupled.cell import cell_in_tumour
    >>> small = founders(cell_in_tumour().network, 10, seed=1, lanes=16)
    >>> small.occupied, repacked(small, 0.3).occupied
    ((10,), (4, 3, 3))
    """
    if not population.blocks:
        return population
    lanes = population.blocks[0].family.shape[0]
    family = np.concatenate([np.asarray(block.family) for block in population.blocks])
    chosen = np.flatnonzero(family >= 0)
    number = max(-(-chosen.size // max(int(lanes * filled), 1)), 1)
    whole = jax.tree.map(lambda *parts: np.concatenate([np.asarray(part) for part in parts]), *population.blocks)
    parts = [part for part in np.array_split(chosen, number) if part.size]

    def block(part: np.ndarray) -> CellLanes:
        def padded(leaf: np.ndarray) -> np.ndarray:
            return np.concatenate([leaf[part], np.zeros(lanes - part.size, leaf.dtype)])

        cells: CellLanes = jax.tree.map(padded, whole)
        cells.family[part.size :] = EMPTY
        with double_precision():
            return jax.tree.map(jax.numpy.asarray, cells)

    return Population(tuple(block(part) for part in parts), tuple(int(part.size) for part in parts))


def _fitted(population: Population) -> Population:
    """Make blocks when one gets tight, put them together when they get sparse, and drop them when none is taken."""
    if not population.cells:
        return Population((), ())
    free = [block.family.shape[0] - taken for block, taken in zip(population.blocks, population.occupied, strict=True)]
    tight = min(free) < TIGHT * population.lanes / len(population.blocks)
    sparse = len(population.blocks) > 1 and population.cells < SPARSE * population.lanes
    return repacked(population) if tight or sparse else population


def _added(ledgers: list[_Ledger]) -> dict[str, Any]:
    """Return the sums over blocks, by name of the ledger's parts."""
    if not ledgers:
        return {}
    total: _Ledger = jax.tree.map(lambda *values: sum(values), *ledgers)
    numbers = {name: getattr(total, name) for name in ("held", "held_dead", "removed", "faults", "events")}
    return {**total.flows, **total.ends, **total.states, **numbers}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | np.ndarray)
