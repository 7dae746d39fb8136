"""Neighbouring trajectories, points, purposes and counters draw as if from unrelated streams.

Significance: 1e-4 for each family of comparisons, Bonferroni within the family, fixed seeds. Negative controls: the
same tests reject the cipher cut to six rounds or, for the laws of single draws, a draw with a stuck bit.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxsim.random import EVENTS, PARAMETERS, exponential, seed_words, threefry2x32, trajectory_key, uniform

LEVEL = 1e-4
TRAJECTORIES, COUNTERS = 1024, 1024


@partial(jax.jit, static_argnames="purpose")
def key_of(seed, point, trajectory, *, purpose):
    return trajectory_key(seed, point, trajectory, 0, purpose)


def block(seed=1, point=0, first=0, purpose=EVENTS, rounds=13, keys=None):
    """Both words of each trajectory and counter, [2, trajectory, counter]."""
    numbers = np.arange(first, first + TRAJECTORIES, dtype=np.uint32)
    k0, k1 = key_of(seed_words(seed), point, numbers, purpose=purpose) if keys is None else keys(numbers)
    counter = jnp.broadcast_to(jnp.arange(COUNTERS, dtype=jnp.uint32), (TRAJECTORIES, COUNTERS))
    k0, k1 = (jnp.broadcast_to(jnp.asarray(k)[:, None], counter.shape) for k in (k0, k1))
    return np.stack(jax.jit(threefry2x32, static_argnames="rounds")(k0, k1, counter, 0 * counter, rounds=rounds))


def raw(numbers):
    """Keys that are the trajectory's number itself, so that neighbours differ in one bit."""
    return jnp.asarray(numbers), jnp.zeros_like(jnp.asarray(numbers))


def neighbours(words):
    """Pairs of arrays that must be unrelated."""
    return {
        "words": (words[0], words[1]),
        "counters": (words[0][:, :-1], words[0][:, 1:]),
        "counters of the second word": (words[1][:, :-1], words[1][:, 1:]),
        "trajectories": (words[0][:-1], words[0][1:]),
        "trajectories 2 apart": (words[0][:-2], words[0][2:]),
        "trajectories 64 apart": (words[0][:-64], words[0][64:]),
        "trajectories of the second word": (words[1][:-1], words[1][1:]),
    }


def unrelated(pairs):
    """p-value of the worst of: correlation, joint bins, and each bit agreeing half of the time."""
    least = []
    for a, b in pairs.values():
        a, b = a.ravel(), b.ravel()
        correlation = np.corrcoef(a.astype(float), b.astype(float))[0, 1]
        least.append(2 * stats.norm.sf(abs(correlation) * np.sqrt(a.size)))
        bins = np.bincount((a >> 26).astype(np.int64) * 64 + (b >> 26), minlength=4096)
        least.append(stats.chisquare(bins).pvalue)
        agreements = bit_counts(~(a ^ b))
        bits = 2 * stats.norm.sf(np.abs(2 * agreements - a.size) / np.sqrt(a.size)).min()
        least.append(min(1.0, 32 * bits))
    return min(least) * len(least)


def bit_counts(words):
    return np.array([np.count_nonzero(words & np.uint32(1 << bit)) for bit in range(32)])


def test_neighbours_are_unrelated():
    assert unrelated(neighbours(block())) > LEVEL


def test_points_purposes_and_seeds_are_unrelated():
    base = block()[0]
    others = {
        "point": block(point=1)[0],
        "purpose": block(purpose=PARAMETERS)[0],
        "seed": block(seed=2)[0],
        "high word of the seed": block(seed=1 + 2**32)[0],
    }
    assert unrelated({name: (base, other) for name, other in others.items()}) > LEVEL


def test_raw_keys_are_unrelated_too():
    assert unrelated(neighbours(block(keys=raw))) > LEVEL


@pytest.mark.parametrize("rounds", [2, 6])
def test_a_cipher_with_few_rounds_is_seen(rounds):
    assert unrelated(neighbours(block(keys=raw, rounds=rounds))) < LEVEL


def balanced(words):
    """p-value of: each bit set half of the time, and the uniform and exponential laws (Kolmogorov and Smirnov)."""
    flat = words.ravel()
    bits = 2 * stats.norm.sf(np.abs(2 * bit_counts(flat) - flat.size) / np.sqrt(flat.size)).min()
    u = np.asarray(uniform(flat)).astype(np.float64)
    e = np.asarray(exponential(flat)).astype(np.float64)
    return 3 * min(32 * bits, stats.kstest(u, "uniform").pvalue, stats.kstest(e, "expon").pvalue)


def test_single_draws_have_their_laws():
    assert balanced(block(seed=3)) > LEVEL


@pytest.mark.parametrize("bit", [4, 20, 31])
def test_a_stuck_bit_is_seen(bit):
    assert balanced(block(seed=3) | np.uint32(1 << bit)) < LEVEL
