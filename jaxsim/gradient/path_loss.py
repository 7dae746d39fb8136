"""From differentiable numbers and log-likelihoods of trajectories to one scalar whose derivative is the estimator.

For each term: the derivative along the path of its influence, plus the influence, centred by leaving one out, times
the derivative of the log-likelihood of the firings that are treated by score (a stochastic computation graph; Schulman,
Heess, Weber & Abbeel, NeurIPS 2015, theorem 1). Where a critic follows the scored firings, its martingale is taken off
the influence, and what it sees of the rates' moves is added (see `critics`).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient

from jaxsim.gradient.credit import SHARES
from jaxsim.gradient.objective import Term


class Ends(NamedTuple):
    """What differentiable trajectories end with."""

    numbers: Any
    """float32 [J, L]: F of each term."""
    likelihoods: Any
    """float32 [J, L]: log-likelihood of the scored firings up to where the term is known."""
    credit: Any
    """float32 [J, L]: for mean integrals, the sum over time of the centred rate times the log-likelihood so far."""
    held: Any
    faulty: Any
    whole: Any = None
    """float32 [L]: log-likelihood of all scored firings, where a critic follows them."""
    martingale: Any = None
    """float32 [L]: what the critic, weighted, was surprised by."""
    bracket: Any = None
    """float32 [L]: whose derivative is what the critic sees of the rates' moves."""


class Levels(NamedTuple):
    """The weights of the terms, and what quantiles and tail means hold fixed, from other trajectories; [J] each."""

    weight: Any
    quantile: Any
    low: Any
    high: Any
    band: Any
    """Probability between low and high."""
    nodes: Any
    """[J, K]: the quantiles above which tails lie, by their shares; see `credit.Anchor`."""


def loss(terms: tuple[Term, ...], levels: Levels, ends: Ends) -> Any:
    """Return the scalar; its value is of no use."""
    total = jnp.zeros((), jnp.float32)
    for j, term in enumerate(terms):
        numbers = ends.numbers[j]
        path = jnp.zeros((), jnp.float32) if term.discontinuous else jnp.mean(_path(term, levels, j, numbers))
        if term.kind == "integral" and term.summary == "mean":
            score = jnp.mean(ends.credit[j])
        else:
            many = np.float32(numbers.shape[0] / (numbers.shape[0] - 1))
            phi = stop_gradient(_influence(term, levels, j, numbers))
            score = many * jnp.mean((phi - jnp.mean(phi)) * ends.likelihoods[j])
        total = total + levels.weight[j] * (path + score)
    if ends.martingale is None:
        return total
    surprise = stop_gradient(ends.martingale)
    many = np.float32(surprise.shape[0] / (surprise.shape[0] - 1))
    return total + jnp.mean(ends.bracket) - many * jnp.mean((surprise - jnp.mean(surprise)) * ends.whole)


def _path(term: Term, levels: Levels, j: int, numbers: Any) -> Any:
    """Return values [L] whose mean's derivative is that of the summary along the paths."""
    if term.summary == "quantile":
        inside = (numbers >= levels.low[j]) & (numbers <= levels.high[j])
        return jnp.where(inside, numbers, 0.0) / levels.band[j]
    if term.summary == "variance":
        count = numbers.shape[0]
        return (numbers - jnp.mean(numbers)) ** 2 * np.float32(count / (count - 1))
    return _influence(term, levels, j, numbers)


def _influence(term: Term, levels: Levels, j: int, numbers: Any) -> Any:
    if term.summary == "mean":
        return numbers
    if term.summary == "variance":
        count = numbers.shape[0]
        return (numbers - jnp.mean(numbers)) ** 2 * np.float32(count / (count - 2))
    if term.summary == "quantile":
        density = levels.band[j] / (levels.high[j] - levels.low[j])
        return -(numbers <= levels.quantile[j]).astype(jnp.float32) / density
    side = np.float32(1.0 if term.upper else -1.0)
    total = jnp.zeros_like(numbers)
    for k, share in enumerate(SHARES):
        total = total + np.float32(share) * side * jnp.maximum(side * (numbers - levels.nodes[j, k]), 0.0)
    return total / np.float32(1.0 - term.level)
