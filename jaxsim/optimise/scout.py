"""First scout: rate equations on the leap grid, smooth objective, many starts side by side in one program.

Every start descends by Adam on the noiseless leap chain. Nothing random is simulated; the ends that differ are handed
on. The optimum of the mean is not that of a probability, but it is in the right valley. The probability that a species
is 0 is that of the branching mean field, whose cells divide and die by chance in the mean of all else.
"""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.gradient.leap.branching import dying_terms, extinction
from jaxsim.gradient.leap.chain import Drive, LeapChain
from jaxsim.gradient.leap.mean import mean_path, no_nudges
from jaxsim.gradient.objective import looks
from jaxsim.gradient.problem import chain_of, drive_of
from jaxsim.gradient.summaries import MEAN, VARIANCE
from jaxsim.gradient.tables import Tables, tables_of
from jaxsim.network import Structure
from jaxsim.optimise.criterion import smoothed
from jaxsim.optimise.limits import FIRM, Penalty, new_penalty
from jaxsim.optimise.polish import adam
from jaxsim.optimise.search import Search
from jaxsim.runtime.double import double_precision

_RATE, _LAST_RATE = 0.25, 0.02
DISTINCT = 0.05  # of the room: starts that end nearer than this in every number are one


class Scouted(NamedTuple):
    """Where the starts ended."""

    z: np.ndarray
    """float64 [starts, Z], best first."""
    merit: np.ndarray
    """[starts]: smooth objective of the mean with its penalties, to be minimised."""
    paths: np.ndarray
    """float64 [starts, steps, Z]."""
    penalty: Penalty


class _Given(NamedTuple):
    """Numbers of a call."""

    base: Any
    edges: Any
    drive: Drive
    term_weights: Any
    """[1 + limits, terms]."""
    scale: Any
    most: Any
    sign: Any


class _Posed(NamedTuple):
    """What is compiled; hashable."""

    decoder: Any
    structure: Structure
    chain: LeapChain
    shifts: int
    dying: tuple[tuple[int, int], ...]
    """Position of the species and number of the term of each probability that a species is 0."""


def scout(search: Search, starts: int, steps: int) -> Scouted:
    """Descend from the user's start and from random ones; return distinct ends, best first."""
    generator = np.random.default_rng(search.seed)
    z = np.stack([search.regimen.start, *(search.regimen.random(generator) for _ in range(starts - 1))])
    given, posed = _given(search)
    with double_precision():
        first = np.asarray(_functionals(posed, given, z))
        penalty = new_penalty(first, search.criterion.most, search.criterion.sign)
        given = given._replace(scale=penalty.scale, most=penalty.most)
        ends, merits, paths = jax.tree.map(np.asarray, _descend(posed, steps, given, z))
    finite = np.flatnonzero(np.isfinite(merits) & np.all(np.isfinite(ends), axis=1))
    order = finite[np.argsort(merits[finite])]
    if not order.size:
        search.notes.append("the rate equations have no finite slope from any start, so the scout found nothing")
        return Scouted(z[:1], np.zeros(1), z[:1, None], penalty)
    kept = _distinct(search, z, ends, order)
    return Scouted(ends[kept], merits[kept], np.moveaxis(paths[:, kept], 1, 0), penalty)


def _given(search: Search) -> tuple[_Given, _Posed]:
    """Return the smooth problem of the mean."""
    terms = tuple(replace(term, summary=MEAN) for term in smoothed(search.criterion.terms, heavy=True).terms)
    steady = [term.summary != VARIANCE for term in search.criterion.terms.terms]  # the mean has none
    chain = replace(chain_of(search.problem, 1), terms=tuple(replace(term, weight=1.0) for term in terms))
    drive = drive_of(search.problem)._replace(looks=looks(terms, search.problem.grid))
    weights = np.zeros((len(search.criterion.counts), len(terms)))
    for index in range(len(search.criterion.counts)):
        part, objective = search.criterion.functional(index)
        weights[index, part] = [term.weight for term in objective.terms] * np.array(steady[part])
    base = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), search.regimen.base)
    zero = np.zeros(0)
    structure = search.problem.network.structure
    dying = tuple(
        (structure.species.index(name), j) for name, j in dying_terms(search.criterion.terms.terms, structure)
    )
    posed = _Posed(search.regimen.decoder, structure, chain, search.problem.shifts, dying)
    return _Given(base, search.problem.grid.edges, drive, weights, zero, zero, search.criterion.sign), posed


def _values(posed: _Posed, given: _Given, z: Array) -> Any:
    """Return the functionals of the mean at z, [1 + limits]."""
    network, schedule = posed.decoder(z, given.base)
    tables = tables_of(posed.structure, network, schedule, given.edges, posed.shifts)
    single: Tables = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), tables)
    drive = given.drive._replace(tables=single)
    path, numbers = mean_path(posed.chain, drive, no_nudges(posed.chain, drive))
    for species, term in posed.dying:
        numbers = numbers.at[term].set(extinction(posed.chain, drive, path, species, term))
    return given.term_weights @ numbers.astype(jnp.float64)


@partial(jax.jit, static_argnums=0)
def _functionals(posed: _Posed, given: _Given, z: Array) -> Any:
    return jax.vmap(lambda one: _values(posed, given, one))(z)


@partial(jax.jit, static_argnums=(0, 1))
def _descend(posed: _Posed, steps: int, given: _Given, z: Array) -> tuple[Any, Any, Any]:
    """Return where all starts end, their merits there, and their paths [steps, starts, Z]."""

    def merit(one: Array) -> Any:
        found = _values(posed, given, one)
        excess = jnp.maximum((found[1:] - given.most) / given.scale[1:], 0.0)
        return given.sign * found[0] / given.scale[0] + 0.5 * FIRM * jnp.sum(excess**2)

    rule = adam(_RATE, _LAST_RATE, steps)

    def step(here: tuple[Any, ...], _: Any) -> Any:
        z, state = here
        slope = jax.vmap(jax.grad(merit))(z)
        moves, state = rule.update(jnp.where(jnp.isfinite(slope), slope, 0.0), state, z)
        return (z + moves, state), z

    (ends, _), paths = lax.scan(step, (z, rule.init(z)), None, length=steps)
    return ends, jax.vmap(merit)(ends), paths


def _distinct(search: Search, starts: np.ndarray, ends: np.ndarray, order: np.ndarray) -> list[int]:
    """Return the ends that differ from all better ones, measured by how far the starts lie apart."""
    kept: list[int] = []
    held = {int(i): search.regimen.held(ends[i]) for i in order}
    begun = [search.regimen.held(one) for one in starts]
    reach = {name: max(float(np.ptp([h[name] for h in begun])), 1e-12) for name in begun[0]}
    for index in map(int, order):
        apart = [max(float(np.max(np.abs(held[index][n] - held[k][n]))) / reach[n] for n in reach) for k in kept]
        if all(distance > DISTINCT for distance in apart):
            kept.append(index)
    return kept
