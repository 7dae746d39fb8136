"""A tumour as blocks of lanes: found it, step it, and give it more or fewer blocks as it grows or shrinks."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxsim.ensemble.double import double_precision
from jaxsim.models.coupling_lanes import EMPTY, Cells, found
from jaxsim.models.coupling_step import Ledger, step_block
from jaxsim.network import Network
from jaxsim.random import seed_words

FILLED = 0.7  # share of lanes with a cell, when blocks are made
TIGHT = 0.125  # share of free lanes from which a block gets help; some 5 % of cells divide in a step
SPARSE = 0.3  # share of lanes with a cell, below which blocks are put together
SMALLEST, LARGEST = 1024, 16384  # lanes of a block; iterations of a smaller one cost the same, of a larger no less


class Population(NamedTuple):
    """The cells of one tumour, or of many that do not meet."""

    blocks: tuple[Cells, ...]
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
        From :func:`jaxsim.models.coupling_cell.cell_in_tumour`.
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
    counts = [min(share, number - begin) for begin in begins]
    with double_precision():
        blocks = tuple(
            _founded(network, lanes)(
                np.uint32(first + begin), np.uint32(count), seed_words(seed), np.uint32(point),
                np.uint32(tumour or 1 << 31),
            )
            for begin, count in zip(begins, counts, strict=True)
        )  # fmt: skip
    return Population(blocks, tuple(counts))


def block_size(cells: int) -> int:
    """Return how many lanes blocks have for a number of founders: a power of 2.

    Examples
    --------
    >>> block_size(10), block_size(2500), block_size(100_000)
    (1024, 4096, 16384)
    """
    size = SMALLEST
    while size < LARGEST and FILLED * size < cells:
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

    def one(block: Cells) -> tuple[Cells, Ledger]:
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
    >>> from jaxsim.models.coupling_cell import cell_in_tumour
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

    def block(part: np.ndarray) -> Cells:
        def padded(leaf: np.ndarray) -> np.ndarray:
            return np.concatenate([leaf[part], np.zeros(lanes - part.size, leaf.dtype)])

        cells: Cells = jax.tree.map(padded, whole)
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


def _added(ledgers: list[Ledger]) -> dict[str, Any]:
    """Return the sums over blocks, by name of the ledger's parts."""
    if not ledgers:
        return {}
    total: Ledger = jax.tree.map(lambda *values: sum(values), *ledgers)
    numbers = {name: getattr(total, name) for name in ("held", "held_dead", "removed", "faults", "events")}
    return {**total.flows, **total.ends, **total.states, **numbers}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | np.ndarray)
