"""The linear-noise approximation of the leap chain: a value of the objective without sampling error.

Mean m and covariance C of the counts follow each leap, m' = m + nu a tau and C' = B C B^T + nu diag(a tau) nu^T with
B = 1 + tau nu da/dx (the leap's own recursion: van Kampen, Stochastic Processes in Physics and Chemistry (2007), ch. X,
in discrete time). A condition becomes a normal probability, half a molecule beyond its line; that nothing is left is
the probability of no molecule in the binomial, Poisson or negative binomial law of this mean and variance. That is
exact for mean and variance where rates are linear, and close to a probability where counts are not few. So it tells
what depends on the mesh and on the steps of differences: the errors of discretisation that no trajectory shows.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.scipy.stats import norm

from jaxsim.gradient.leap.chain import Drive, LeapChain, mean_rates
from jaxsim.gradient.leap.mean import start_of, typical_parameters
from jaxsim.gradient.objective import Objective, Term
from jaxsim.gradient.summaries import LEAST_VARIANCE, MEAN
from jaxsim.gradient.tables import Tables
from jaxsim.network import Compare, Expression, Logic, Name, Number, Unary, evaluate, stoichiometry
from jaxsim.network.expression import Call, fold

_HALF = 0.5  # of a molecule: between the counts that a condition holds for and those that it does not
_EMPTY = (("==", Number(0)), ("<=", Number(0)), ("<", Number(1)))
ANY = (("!=", Number(0)), (">", Number(0)), (">=", Number(1)))
_NEAR = 1e-3  # of one, in the variance over the mean, where the law is Poisson's to the first order


def reads_spread(objective: Objective) -> bool:
    """Return whether the objective depends on more than the mean."""
    return any(term.discontinuous or term.summary != MEAN for term in objective.terms)


@partial(jax.jit, static_argnums=(0, 1))
def value_and_slope(chain: LeapChain, noisy: bool, drive: Drive, weights: Array) -> tuple[Any, Any]:
    """Return the value of the objective of these weights [J] and its derivative with respect to the tables."""

    def value(tables: Tables) -> Any:
        return _value(chain, noisy, drive._replace(tables=tables), weights)

    return jax.value_and_grad(value)(drive.tables)


def _value(chain: LeapChain, noisy: bool, drive: Drive, weights: Array) -> Any:
    means, spreads = _course(chain, noisy, drive)
    parameters = typical_parameters(chain, drive)
    total = jnp.float32(0.0)
    for j, term in enumerate(chain.terms):
        total = total + weights[j] * _number(chain, drive, j, term, means, spreads, parameters)
    return total


def _course(chain: LeapChain, noisy: bool, drive: Drive) -> Any:
    """Return mean [n + 1, S] and covariance [n + 1, S, S] at every edge; zeros for the latter unless `noisy`."""
    parameters = typical_parameters(chain, drive)
    change = jnp.asarray(stoichiometry(chain.structure).astype(np.float32))
    species = len(chain.structure.species)

    def at(x: Array, index: Array) -> Any:
        return mean_rates(chain, drive, parameters, x, index)

    def step(here: tuple[Any, ...], index: Array) -> tuple[Any, Any]:
        x, spread = here
        a, width = at(x, index), drive.width[index]
        scale, shift = drive.multiply[index + 1], drive.add[index + 1]
        if noisy:
            move = jnp.eye(species, dtype=x.dtype) + width * (change @ jax.jacfwd(at)(x, index))
            spread = move @ spread @ move.T + (change * (a * width)[None, :]) @ change.T
            spread = scale[:, None] * spread * scale[None, :]
        x = x + change @ (a * width)
        x = scale * jnp.where(x < 0.0, 0.0, x) + shift  # a maximum would halve the derivative at 0
        return (x, spread), (x, spread)

    x = jnp.stack([start_of(chain, drive, name) for name in chain.structure.species])
    first = (drive.multiply[0] * x + drive.add[0], jnp.zeros((species, species), jnp.float32))
    _, (means, spreads) = lax.scan(step, first, jnp.arange(drive.width.shape[0], dtype=jnp.int32))
    return tuple(jnp.concatenate([one[None], rest]) for one, rest in zip(first, (means, spreads), strict=True))


def _number(
    chain: LeapChain, drive: Drive, j: int, term: Term, means: Array, spreads: Array, parameters: dict[str, Any]
) -> Any:
    """Return the summary of a term over trajectories."""
    signal = _smooth(chain, term.signal, parameters)
    expected = jax.vmap(signal)(means, spreads)
    if term.summary != MEAN:
        expected = _summarised(term, expected, jax.vmap(partial(_variance, signal))(means, spreads))
    return term.functional.course(expected, drive.looks, j)


def _summarised(term: Term, expected: Array, variance: Array) -> Any:
    """Return the summary of a normal variable; of an integral, whose spread is not known, what its mean says."""
    if term.functional.additive:
        return term.summary.of_integral(expected)
    if term.discontinuous:  # 0 or 1
        variance = expected * (1.0 - expected)
    return term.summary.of_normal(expected, variance)


def _variance(signal: Callable[[Any, Any], Any], x: Array, spread: Array) -> Any:
    slope = jax.grad(signal)(x, spread)
    return slope @ spread @ slope


def _smooth(chain: LeapChain, expression: Expression, parameters: dict[str, Any]) -> Callable[[Any, Any], Any]:
    """Return the expected signal as a function of mean [S] and covariance [S, S]: conditions are probabilities."""
    species = chain.structure.species

    def visit(node: Expression, parts: list[Any]) -> Callable[[Any, Any], Any]:
        if isinstance(node, Compare) and (node.op, node.right) in _EMPTY:
            return partial(_empty, parts[0])
        if isinstance(node, Compare) and (node.op, node.right) in ANY:
            return lambda x, spread: 1.0 - _empty(parts[0], x, spread)
        if isinstance(node, Compare):
            return partial(_condition, node.op, *parts)
        if isinstance(node, Logic):
            return partial(_joined, node.op, parts)
        if isinstance(node, Unary) and node.op == "not":
            return lambda x, spread: 1.0 - parts[0](x, spread)
        if isinstance(node, Call) and node.function == "if":
            return partial(_branched, *parts)
        if isinstance(node, Call) and node.function in ("floor", "ceil"):
            return parts[0]
        marks = tuple(f"part {i}" for i in range(len(parts)))
        shape = node.rebuild(tuple(Name(mark) for mark in marks)) if parts else node

        def value(x: Array, spread: Array) -> Any:
            env = {**parameters, **{name: x[s] for s, name in enumerate(species)}}
            env |= {mark: part(x, spread) for mark, part in zip(marks, parts, strict=True)}
            return jnp.asarray(evaluate(shape, env)).astype(jnp.float32)

        return value

    return fold(expression, visit)


def _condition(op: str, left: Callable[..., Any], right: Callable[..., Any], x: Array, spread: Array) -> Any:
    """Return the probability that left and right compare so, their difference being normal and whole."""

    def apart(x: Array) -> Any:
        return left(x, spread) - right(x, spread)

    gap, slope = jax.value_and_grad(apart)(x)
    deviation = jnp.sqrt(jnp.maximum(slope @ spread @ slope, LEAST_VARIANCE))

    def below(line: float) -> Any:
        return norm.cdf((line - gap) / deviation)

    if op in ("==", "!="):
        same = below(_HALF) - below(-_HALF)
        return same if op == "==" else 1.0 - same
    under = below(_HALF if op in ("<=", ">") else -_HALF)
    return under if op in ("<", "<=") else 1.0 - under


def _empty(count: Callable[..., Any], x: Array, spread: Array) -> Any:
    """Return the probability of 0 in the law of Panjer's class with this mean and variance: exp(-m log(u) / (u - 1)),
    u the variance over the mean."""
    mean, slope = jax.value_and_grad(count)(x, spread)
    mean = jnp.maximum(mean, LEAST_VARIANCE)
    ratio = jnp.maximum(slope @ spread @ slope / mean, LEAST_VARIANCE)
    apart = ratio - 1.0
    near = jnp.abs(apart) < _NEAR
    rest = jnp.log(ratio) / jnp.where(near, 1.0, apart)
    return jnp.exp(-mean * jnp.where(near, 1.0 - 0.5 * apart, rest))


def _joined(op: str, parts: list[Any], x: Any, spread: Any) -> Any:
    """Return the probability that all or any hold, as if they were independent."""
    found = [part(x, spread) if op == "and" else 1.0 - part(x, spread) for part in parts]
    product = found[0]
    for other in found[1:]:
        product = product * other
    return product if op == "and" else 1.0 - product


def _branched(condition: Any, yes: Any, no: Any, x: Any, spread: Any) -> Any:
    chance = condition(x, spread)
    return chance * yes(x, spread) + (1.0 - chance) * no(x, spread)
