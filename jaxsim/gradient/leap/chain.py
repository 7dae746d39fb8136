"""The leap chain: on a fixed grid every reaction fires a Poisson number of times with the rate at the step's start.

Its law is that of tau-leaping with fixed steps (Gillespie, J. Chem. Phys. 115 (2001) 1716): x' = max(x + nu K, 0).
The maximum is a fixed map of the numbers of firings K, so it leaves scores exact for the law of the chain; how often it
acted is counted. Every trajectory has a Threefry key of its own, every step a counter, every reaction one uniform, and
firings follow by inversion: chains at neighbouring parameters with the same keys are coupled (common random numbers).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxsim.gradient.objective import Looks, Term
from jaxsim.gradient.tables import Tables
from jaxsim.kernels.rates import leaves_before, plan_rates, propensities
from jaxsim.network import Structure, evaluate
from jaxsim.paths.leap import poisson_firings, step_words
from jaxsim.random import EVENTS, INITIAL, PARAMETERS, stream_of, uniform_at


@dataclass(frozen=True)
class LeapChain:
    """Everything that shapes the compiled code of a chain; no numbers of the model."""

    structure: Structure
    sampled_parameters: tuple[str, ...]
    sampled_species: tuple[str, ...]
    terms: tuple[Term, ...]
    """Of weight one: the weights of an objective may change from call to call."""
    lanes: int

    def __hash__(self) -> int:
        return hash((self.structure, self.sampled_parameters, self.sampled_species, self.terms, self.lanes))


class Drive(NamedTuple):
    """The numbers of one call: they change without recompiling."""

    tables: Tables
    width: Any
    """float32 [n]."""
    looks: Looks
    multiply: Any
    """float32 [n + 1, S]: given to species at the edges, with `add`."""
    add: Any
    whole: Any
    """int32 [n + 1, S]: the whole molecules of `add`, which single precision holds only up to 2**24."""
    initial: dict[str, Any]
    seed: Any
    """uint32 [2]."""
    first: Any
    """uint32 [2]: low and high word of the number of the first trajectory."""


class ChainLanes(NamedTuple):
    """What the trajectories side by side draw from."""

    key: tuple[Any, Any]
    parameters: dict[str, Any]
    """Scalars, or [L] where they are sampled; float32."""
    x: tuple[Any, ...]
    """Counts [L] of each species at the start, after the doses given then; int32."""


def begin_leaps(chain: LeapChain, drive: Drive) -> ChainLanes:
    """Return keys, parameters and initial counts of every lane."""
    lane = jnp.arange(chain.lanes, dtype=jnp.uint32)

    def stream(purpose: int) -> Any:
        return stream_of(drive.seed, np.uint32(0), (drive.first[0], drive.first[1]), lane, purpose)

    parameters = {}
    for name, value in drive.tables.parameters.items():
        if name in chain.sampled_parameters:
            value = value.sample(uniform_at(stream(PARAMETERS), chain.sampled_parameters.index(name)))
        parameters[name] = jnp.asarray(value).astype(jnp.float32)
    x = []
    for name in chain.structure.species:
        value = drive.initial[name]
        if name in chain.sampled_species:
            value = jnp.round(value.sample(uniform_at(stream(INITIAL), chain.sampled_species.index(name))))
        value = jnp.maximum(jnp.broadcast_to(jnp.asarray(value), lane.shape).astype(jnp.int32), np.int32(0))
        x.append(value)
    return ChainLanes(stream(EVENTS), parameters, dosed_at(drive, 0, tuple(x)))


def dosed_at(drive: Drive, edge: ArrayLike, x: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the counts after the doses of species at an edge."""
    scale, whole = drive.multiply[edge], drive.whole[edge]
    return tuple(dosed(scale[s], whole[s], row) for s, row in enumerate(x))


def dosed(scale: ArrayLike, whole: ArrayLike, row: Array) -> Any:
    """Return counts after a dose, which adds whole molecules, or sets the count where the scale is 0."""
    return jnp.where(scale == 0.0, whole, row + whole)


def chain_rates(
    chain: LeapChain, x: tuple[Any, ...], exposure: Array | list[Any], parameters: dict[str, Any]
) -> list[Any]:
    """Return the propensities, float32 [L] each, at counts given as real numbers."""
    plan = plan_rates(chain.structure, chain.sampled_parameters)
    env = leaves_before(plan, parameters, jnp.float32)
    env |= {name: exposure[d] for d, (name, _) in enumerate(plan.in_time)}
    env |= dict(zip(chain.structure.species, x, strict=True))
    return propensities(plan, env, tuple(range(len(plan.expressions))), x[0])


def mean_rates(chain: LeapChain, drive: Drive, parameters: dict[str, Any], x: Array, index: Array) -> Any:
    """Return the propensities [R] in a step at counts [S], those of the mean."""
    point = tuple(row[None] for row in x)
    return jnp.stack(chain_rates(chain, point, drive.tables.exposure[index], parameters))[:, 0]


def reals(x: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return counts as real numbers."""
    return tuple(row.astype(jnp.float32) for row in x)


def firings_at(chain: LeapChain, drive: Drive, lanes: ChainLanes, step: ArrayLike, x: tuple[Any, ...]) -> Any:
    """Return the numbers of firings in one step, int32 [R, L]; beyond the last step those of the last, for no use."""
    step = jnp.minimum(step, np.int32(drive.width.shape[0] - 1))
    a = chain_rates(chain, reals(x), drive.tables.exposure[step], lanes.parameters)
    return fired(a, drive.width[step], step_words(lanes.key, len(a), step.astype(jnp.uint32)))


def fired(a: list[Any], width: Array, words: Array) -> Any:
    """Return the numbers of firings, int32 [R, L]; -1 where a rate is negative or not finite."""
    mean = jnp.stack([jax.lax.stop_gradient(rate) * width for rate in a])
    return poisson_firings(words, mean)


def signals(chain: LeapChain, x: tuple[Any, ...], parameters: dict[str, Any]) -> Any:
    """Return the signal of each term, float32 [J, L]."""
    env = {**parameters, **dict(zip(chain.structure.species, x, strict=True))}
    values = [jnp.asarray(evaluate(term.signal, env)).astype(jnp.float32) for term in chain.terms]
    return jnp.stack([jnp.broadcast_to(value, x[0].shape) for value in values])


def noted(chain: LeapChain, drive: Drive, step: Array, so_far: Array, before: Array, after: Array) -> Any:
    """Return the number of each term so far [J, L], with a step from signals `before` to `after` [J, L]."""
    at, weight, within = drive.looks.at[step + 1], drive.looks.weight[step], drive.looks.within[step + 1]
    rows = [
        term.functional.step(so_far[j], before[j], after[j], at[j], weight[j], within[j])
        for j, term in enumerate(chain.terms)
    ]
    return jnp.stack(rows)


def first_note(chain: LeapChain, drive: Drive, now: Array) -> Any:
    """Return the number of each term at the start [J, L], from the signals then."""
    at, within = drive.looks.at[0], drive.looks.within[0]
    return jnp.stack([term.functional.first(now[j], at[j], within[j]) for j, term in enumerate(chain.terms)])
