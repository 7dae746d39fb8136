"""The leap chain of multilevel estimates: its description, numbers, start and steps, for all levels.

A leap chain on a mesh of time lets every reaction fire a Poisson number of times in each step, with the rate at the
step's start (Gillespie, J. Chem. Phys. 115 (2001) 1716), and holds counts at zero from below: x' = max(x + nu K, 0).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from jaxsim.kernels.change import to_count
from jaxsim.kernels.leaping.leap import apply_firings, computed_once
from jaxsim.kernels.rates import Rates, leaves_before, plan_rates, propensities, rounded, state_values
from jaxsim.network import Expression, Structure, evaluate
from jaxsim.network.cancellation import NARROW, Ranges
from jaxsim.paths.leap import hold, poisson_firings, step_words
from jaxsim.random import EVENTS, INITIAL, PARAMETERS, stream_of, uniform, word_at

_LARGEST = np.int32(1 << 30)  # a count above it may not survive one more step


@dataclass(frozen=True)
class MeshChain:
    """Everything that shapes the compiled code of a level; no numbers of the model."""

    structure: Structure
    sampled_parameters: tuple[str, ...]
    sampled_species: tuple[str, ...]
    dosed: tuple[int, ...]
    """Species that are given doses."""
    quantity: Expression
    lanes: int
    pointed: int = 0
    """How many of the random words of a trajectory come from a point set; the others from its stream."""
    ranges: Ranges = NARROW
    """Which numbers are so large that single precision does not hold their differences."""

    @cached_property
    def plan(self) -> Rates:
        """The plan of all propensities."""
        return plan_rates(self.structure, self.sampled_parameters, self.ranges)

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.__dataclass_fields__))

    def __hash__(self) -> int:
        return self._hash


class MeshTables(NamedTuple):
    """A mesh of time with what holds over each of its steps, padded to a fixed length N."""

    steps: Any
    """int32: how many there are."""
    width: Any
    """float32 [N]."""
    exposure: Any
    """float32 [N, D]: the leaves in time of the rates, averaged over the step."""
    slope: Any
    """float32 [N, R]: by how much one firing in the step changes the quantity at the end, along the mean."""
    multiply: Any
    """float64 [N + 1, S], or [0, S] without doses: what species are given at the edges, with `add`."""
    add: Any


class Numbers(NamedTuple):
    """The numbers of a call that concern all levels: they change without recompiling."""

    seed: Any
    """uint32 [2]."""
    stream: Any
    """uint32: number of the level, so that no two levels share a random word."""
    first: Any
    """uint32 [2]: low and high word of the number of the first trajectory."""
    parameters: dict[str, Any]
    initial: dict[str, Any]
    points: Any
    """uint32 [pointed, L]: random words from a point set."""


class Start(NamedTuple):
    """What the trajectories side by side begin with."""

    key: tuple[Any, Any]
    env: dict[str, Any]
    """Parameters and constants of the rates, scalars or [L]; float32."""
    precise: dict[str, Any]
    """The same in float64."""
    x: tuple[Any, ...]
    """int32 [L] for each species."""


class LevelValues(NamedTuple):
    """What a program returns of each of its trajectories, or pairs of them."""

    value: Any
    """float64 [L]: the quantity, of a pair the finer one's less the coarser one's."""
    control: Any
    """float64 [L]: a number of mean zero that goes along with it."""
    finer: Any
    """float64 [L]: the quantity of the finer trajectory."""
    events: Any
    """uint32 [L]: events, where they are simulated one by one."""
    held: Any
    """bool [L]: whether a count was held at zero."""
    fault: Any
    """bool [L]: whether a rate was negative or not finite, or a count went out of range."""


def begin_chain(chain: MeshChain, numbers: Numbers, tables: MeshTables) -> Start:
    """Return keys, parameters and counts of every lane after the doses at the start."""
    lane = jnp.arange(chain.lanes, dtype=jnp.uint32)
    position = 0

    def stream(purpose: int) -> Any:
        return stream_of(numbers.seed, numbers.stream, (numbers.first[0], numbers.first[1]), lane, purpose)

    def words(purpose: int, index: int) -> Any:
        nonlocal position
        position += 1
        if chain.pointed:
            return numbers.points[position - 1]
        return word_at(stream(purpose), index)

    precise: dict[str, Any] = {}
    for name, value in numbers.parameters.items():
        if name in chain.sampled_parameters:
            value = value.sample(uniform(words(PARAMETERS, chain.sampled_parameters.index(name))))
        precise[name] = jnp.asarray(value).astype(jnp.float64)
    x = []
    for name in chain.structure.species:
        value = numbers.initial[name]
        if name in chain.sampled_species:
            drawn = value.sample(uniform(words(INITIAL, chain.sampled_species.index(name))))
            value = jnp.maximum(jnp.round(drawn.astype(jnp.float64)), 0.0)
        x.append(jnp.broadcast_to(jnp.asarray(value).astype(jnp.int32), lane.shape))
    precise = leaves_before(chain.plan, precise, jnp.float64)
    env = rounded(precise, jnp.float32)
    return Start(stream(EVENTS), env, precise, dosed_on_mesh(chain, tables, np.int32(0), tuple(x)))


def dosed_on_mesh(chain: MeshChain, tables: MeshTables, edge: ArrayLike, x: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the counts after the doses at an edge of the mesh."""
    result = list(x)
    for s in chain.dosed:
        changed = tables.multiply[edge, s] * x[s].astype(jnp.float64) + tables.add[edge, s]
        result[s] = to_count(changed, x[s])
    return tuple(result)


def chain_state(chain: MeshChain, start: Start, x: tuple[Any, ...]) -> dict[str, Any]:
    """Return all that rates read at whole counts, by name, but for leaves in time."""
    counts = zip(chain.structure.species, x, strict=True)
    state: dict[str, Any] = state_values(chain.plan, start.env, start.precise, counts, jnp.float32)
    return state


def mesh_rates(chain: MeshChain, start: Start, x: tuple[Any, ...], exposure: Array) -> Any:
    """Return the propensities, float32 [R, L], with the leaves in time at the given row [D]."""
    plan = chain.plan
    state = chain_state(chain, start, x) | {name: exposure[d] for d, (name, _) in enumerate(plan.in_time)}
    like = jnp.zeros(x[0].shape, jnp.float32)
    return jnp.stack(propensities(plan, state, tuple(range(len(plan.expressions))), like))


def floored(x: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any, Any]:
    """Return the counts held at zero from below, in which lanes one was, and in which lanes one is too large."""
    large = jax.tree.reduce(jnp.logical_or, [jnp.abs(row) > _LARGEST for row in x], jnp.zeros(x[0].shape, bool))
    return *hold(x), large


def worth(chain: MeshChain, start: Start, x: tuple[Any, ...]) -> Any:
    """Return the quantity of every lane, float64 [L]."""
    env = {**start.precise, **{n: row.astype(jnp.float64) for n, row in zip(chain.structure.species, x, strict=True)}}
    value = jnp.asarray(evaluate(chain.quantity, env)).astype(jnp.float64)
    return jnp.broadcast_to(value, x[0].shape)


# The lowest level: leap chains on one mesh.


class PathInputs(NamedTuple):
    """What the program reads."""

    numbers: Numbers
    tables: MeshTables


class _Carry(NamedTuple):
    x: tuple[Any, ...]
    control: Any
    held: Any
    fault: Any


def leap_path(chain: MeshChain, inputs: PathInputs) -> LevelValues:
    """Run every lane from the start to the end."""
    numbers, tables = inputs
    start = begin_chain(chain, numbers, tables)
    go = tables.steps > 0

    def step(i: Array, here: _Carry) -> _Carry:
        a = computed_once(go, lambda x, row: mesh_rates(chain, start, x, row), here.x, tables.exposure[i])
        means = a * tables.width[i]
        words = computed_once(go, lambda i: path_words(chain, numbers, start, i), i)
        firings = computed_once(go, poisson_firings, words, means)
        gain = tables.slope[i][:, None] * (firings.astype(jnp.float32) - means)
        x, held, large = floored(apply_firings(chain.structure, here.x, firings))
        return _Carry(
            dosed_on_mesh(chain, tables, i + np.int32(1), x),
            here.control + jnp.sum(gain, axis=0).astype(jnp.float64),
            here.held | held,
            here.fault | large | jnp.any(firings < 0, axis=0),
        )

    none = jnp.zeros((chain.lanes,), bool)
    first = _Carry(start.x, jnp.zeros((chain.lanes,), jnp.float64), none, none)
    last = lax.fori_loop(np.int32(0), tables.steps, step, first)
    value = worth(chain, start, last.x)
    return LevelValues(value, last.control, value, jnp.zeros((chain.lanes,), jnp.uint32), last.held, last.fault)


def path_words(chain: MeshChain, numbers: Numbers, start: Start, step: Array) -> Any:
    """Return the random words of a step, [R, L]; of a point set while it has any left."""
    number = len(chain.structure.reactions)
    own = step_words(start.key, number, step.astype(jnp.uint32))
    before = len(chain.sampled_parameters) + len(chain.sampled_species)
    if chain.pointed < before + number:
        return own
    place = before + step * number
    from_points = lax.dynamic_slice_in_dim(numbers.points, jnp.minimum(place, chain.pointed - number), number)
    return jnp.where(place + number <= chain.pointed, from_points, own)
