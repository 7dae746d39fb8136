"""The branching critic: the chance that few cells die out, with everything around them at its mean.

For the probability that a species X is 0 at a time, W = q^x with q the chance that one cell and its offspring have died
out by then, from the backward equation of a branching process (Kendall, Ann. Math. Stat. 19 (1948) 1) whose rates per
cell are those along the mean. As environment differs between trajectories, its effect on q is a critic too, to first
order: x q^x, alone and times the relative deviation of every other species. Each gives a martingale, of mean zero
whatever W is, as in `critics`; weights by blocks of time are fitted on trajectories of their own.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.gradient.functionals import AT
from jaxsim.gradient.leap.chain import Drive, LeapChain, chain_rates
from jaxsim.gradient.leap.mean import mean_path, no_nudges, typical_parameters
from jaxsim.gradient.objective import Objective, Term
from jaxsim.network import Compare, Name, Number, Structure, stoichiometry

_LEAST = 0.02  # q within a leap or two of the end, where it vanishes and its inverse does not exist
_NOTHING = 1e-6  # q at the end, where the derivative of its powers has to exist
BLOCKS = 4  # of time, each with weights of its own
SCARCE = 1e-3  # mean count below which a species' deviation says nothing


class Branching(NamedTuple):
    """Tables of the critic: n leaps, R reactions, S species."""

    log_q: Any
    """float32 [n]: at the start of each leap."""
    ratio: Any
    """float32 [n, R]: q^nu - 1 at its end, nu the change of the species by each reaction."""
    growth: Any
    """float32 [n, R]: nu q^nu."""
    inverse: Any
    """float32 [n, S]: one over the mean count of every other species; 0 where that is scarce."""
    weight: Any
    """float32 [n, 2 + S]: of the critics; 1 to begin with."""


def dying_species(objective: Objective, structure: Structure) -> tuple[str, int] | None:
    """Return the species, and the number of the term, where the objective has the probability that a species is 0."""
    return next(iter(dying_terms(objective.terms, structure)), None)


def dying_terms(terms: tuple[Term, ...], structure: Structure) -> tuple[tuple[str, int], ...]:
    """Return the species, and the number of the term, of every probability that a species is 0."""
    found = []
    for j, term in enumerate(terms):
        match term.signal:
            case Compare("==", Name(name), Number(0.0)) if term.functional == AT and name in structure.species:
                found.append((name, j))
    return tuple(found)


def branching_tables(chain: LeapChain, drive: Drive, species: int, term: int) -> Branching:
    """Return the tables along the mean, numpy; nothing is left to die out of after the term is known."""
    last = int(np.argmax(drive.looks.at[:, term]))
    found: Branching = jax.tree.map(np.asarray, _tables(chain, species, drive))
    before = np.arange(drive.width.size) < last
    return found._replace(ratio=found.ratio * before[:, None], growth=found.growth * before[:, None])


@partial(jax.jit, static_argnums=(0, 1))
def _tables(chain: LeapChain, species: int, drive: Drive) -> Branching:
    path, _ = mean_path(chain, drive, no_nudges(chain, drive))
    per_cell, change = per_cell_rates(chain, drive, path, species)

    def back(q: Array, leap: tuple[Any, ...]) -> tuple[Any, Any]:
        rate, width = leap
        before = q + width * jnp.sum(rate * (q ** (1.0 + change) - q))
        before = jnp.clip(before, np.float32(_LEAST), np.float32(1.0))
        return before, (before, q**change - 1.0, change * q**change)

    q, ratio, growth = lax.scan(back, jnp.float32(_LEAST), (per_cell, drive.width), reverse=True)[1]
    others = np.arange(len(chain.structure.species)) != species
    inverse = jnp.where(others[None, :] & (path > SCARCE), 1.0 / jnp.maximum(path, np.float32(SCARCE)), 0.0)
    return Branching(jnp.log(q), ratio, growth, inverse, jnp.ones((path.shape[0], 2 + path.shape[1]), jnp.float32))


def per_cell_rates(chain: LeapChain, drive: Drive, path: Array, species: int) -> tuple[Any, np.ndarray]:
    """Return the rates along the mean per cell of a species [n, R], 0 where they do not change it, and its changes."""
    parameters = typical_parameters(chain, drive)

    def at(x: Array, exposure: Array) -> Any:
        return jnp.stack(chain_rates(chain, tuple(row[None] for row in x), exposure, parameters))[:, 0]

    own = jnp.maximum(path[:, species], np.float32(SCARCE))
    change = stoichiometry(chain.structure)[species].astype(np.float32)
    counts = (change != 0.0).astype(np.float32)[None, :]
    return jax.vmap(at)(path, drive.tables.exposure) / own[:, None] * counts, change


def extinction(chain: LeapChain, drive: Drive, path: Array, species: int, term: int) -> Any:
    """Return the probability that a species is 0 when a term looks, in the branching mean field; a float32 scalar.

    Cells divide and die independently, at their rates along the mean `path` [n, S]: one has died out with probability
    q, all of them with q to the power of their number (Kendall, Ann. Math. Stat. 19 (1948) 1). Differentiable in the
    tables of `drive`, which a probability estimated from counts is not.
    """
    per_cell, change = per_cell_rates(chain, drive, path, species)
    before = jnp.arange(drive.width.shape[0]) < jnp.argmax(drive.looks.at[:, term])
    width = jnp.where(before, drive.width, 0.0)

    def back(q: Array, leap: tuple[Any, ...]) -> tuple[Any, None]:
        rate, width = leap
        earlier = q + width * jnp.sum(rate * (q ** (1.0 + change) - q))
        return jnp.clip(earlier, np.float32(_NOTHING), np.float32(1.0)), None

    q = lax.scan(back, jnp.float32(_NOTHING), (per_cell, width), reverse=True)[0]
    return jnp.exp(path[0, species] * jnp.log(q))


def seen(leap: Branching, species: int, x: tuple[Any, ...], parts: list[Any]) -> list[Any]:
    """Return, for each critic, the sum over reactions of D W times `parts`, [L] each.

    `leap` holds the tables of one leap, `x` the counts at its start as real numbers, `parts` a number [L] of each
    reaction, None for those that are left out.
    """
    own = x[species]
    w = jnp.exp(own * leap.log_q)
    ratios = [leap.ratio[r] * part for r, part in enumerate(parts) if part is not None]
    growths = [leap.growth[r] * part for r, part in enumerate(parts) if part is not None]
    first, second = sum(ratios[1:], ratios[0]), sum(growths[1:], growths[0])
    plain, shifted = w * first, w * (own * first + second)
    around = [jnp.where(leap.inverse[s] > 0.0, row * leap.inverse[s] - 1.0, 0.0) * shifted for s, row in enumerate(x)]
    return [plain, shifted, *around]
