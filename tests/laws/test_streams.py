"""Streams: known answers of the cipher, keys that never collide, uniforms and exponentials with their whole tails.

Significance: every random test uses fixed seeds and rejects at 1e-4 (two-sided where it has a side), corrected for the
number of comparisons it makes; each has a negative control that the same test must reject.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsim.errors import JaxsimError
from jaxsim.random import (
    EFFECTS,
    EVENTS,
    PURPOSES,
    exponential,
    seed_words,
    threefry2x32,
    trajectory_key,
    uniform,
)

LEVEL = 1e-4
ONES = 0xFFFFFFFF
PI = ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3))  # key and counter: digits of pi
KNOWN = [  # kat_vectors of Random123
    (20, (0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    (20, (ONES, ONES), (ONES, ONES), (0x1CB996FC, 0xBB002BE7)),
    (20, *PI, (0xC4923A9C, 0x483DF7A0)),
    (13, (0, 0), (0, 0), (0x9D1C5EC6, 0x8BD50731)),
    (13, (ONES, ONES), (ONES, ONES), (0xFD36D048, 0x2D17272C)),
    (13, *PI, (0xBA3E4725, 0xF27D669E)),
]


def threefish_in_integers(key, counter, rounds, rotations=(13, 15, 26, 6, 17, 29, 16, 24)):
    """Threefry-2x32 from its description in Salmon et al. (2011), section 4.2, in unbounded integers."""
    schedule = [*key, 0x1BD11BDA ^ key[0] ^ key[1]]
    x, y = [(c + k) % 2**32 for c, k in zip(counter, key, strict=True)]
    for d in range(rounds):
        x = (x + y) % 2**32
        r = rotations[d % 8]
        y = (y * 2**r % 2**32 + y // 2 ** (32 - r)) ^ x
        if d % 4 == 3:
            s = d // 4 + 1
            x = (x + schedule[s % 3]) % 2**32
            y = (y + schedule[(s + 1) % 3] + s) % 2**32
    return x, y


def words(pair):
    return tuple(int(word) for word in pair)


@pytest.mark.parametrize(("rounds", "key", "counter", "answer"), KNOWN)
def test_known_answers(rounds, key, counter, answer):
    assert words(threefry2x32(*map(np.uint32, (*key, *counter)), rounds=rounds)) == answer
    assert threefish_in_integers(key, counter, rounds) == answer
    assert threefish_in_integers(key, counter, rounds, (13, 15, 26, 6, 17, 29, 16, 25)) != answer


@pytest.mark.parametrize("rounds", [0, 1, 4, 7, 13, 20])
def test_cipher_of_arrays_is_the_cipher_of_integers(rounds):
    inputs = np.random.default_rng(1).integers(0, 2**32, (4, 50), dtype=np.uint32)
    found = np.stack(jax.jit(threefry2x32, static_argnames="rounds")(*inputs, rounds=rounds))
    expected = [threefish_in_integers(i[:2], i[2:], rounds) for i in inputs.T.tolist()]
    np.testing.assert_array_equal(found.T, expected)


def test_streams_are_the_same_with_64_bit_numbers():
    def draw():
        key = trajectory_key(2**40 + 3, 5, np.arange(100), 0, EFFECTS)
        bits = threefry2x32(*key, jnp.arange(100, dtype=jnp.uint32), jnp.zeros(100, jnp.uint32))
        return [np.asarray(array) for array in (*key, *bits, uniform(bits[0]), exponential(bits[1]))]

    narrow = draw()
    with jax.enable_x64(True):
        wide = draw()
    for a, b in zip(narrow, wide, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_key_is_the_cipher_of_the_packed_numbers():
    point, low, high = 2**26 - 1, 0x89ABCDEF, 6
    packed = EFFECTS | high << 3 | point << 6
    expected = threefish_in_integers((7, 1), (low, packed), 20)
    assert words(trajectory_key(2**32 + 7, point, low, high, EFFECTS)) == expected
    traced = jax.jit(trajectory_key, static_argnums=4)(seed_words(2**32 + 7), point, jnp.uint32(low), high, EFFECTS)
    assert words(traced) == expected


def test_no_two_streams_share_a_key():
    points = np.r_[np.arange(20), 2 ** np.arange(5, 26), 2**26 - 1]
    lows = np.r_[np.arange(64), 2 ** np.arange(6, 32), 2**32 - 1]
    grid = np.meshgrid(points, lows, [0, 1, 7], list(PURPOSES.values()), indexing="ij")
    point, low, high, purpose = (g.ravel() for g in grid)
    keys = [trajectory_key(9, point[purpose == p], low[purpose == p], high[purpose == p], p) for p in range(4)]
    packed = np.concatenate([np.asarray(a).astype(np.uint64) << np.uint64(32) | np.asarray(b) for a, b in keys])
    assert len(np.unique(packed)) == len(packed) == point.size


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "one", True, None])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(JaxsimError, match=r"seed .* is not an integer from 0"):
        seed_words(seed)


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ((2**26, 0, 0, EVENTS), "point 67108864"),
        ((0, -1, 0, EVENTS), "trajectory_low -1"),
        ((0, np.array([0, 2**32]), 0, EVENTS), "trajectory_low 4294967296"),
        ((0, 0, 8, EVENTS), "trajectory_high 8"),
        ((0, 0, 0, 8), "purpose 8"),
    ],
)
def test_numbers_that_would_share_a_key_are_refused(numbers, named):
    with pytest.raises(JaxsimError, match=named):
        trajectory_key(0, *numbers)


def test_uniform_is_open_and_as_fine_as_its_bits():
    bits = np.unique(np.r_[0, 1, 2, 2**24, 2**31, 2**32 - 1, np.geomspace(1, 2**32 - 1, 10**5)].astype(np.uint32))
    u = np.asarray(uniform(bits)).astype(np.float64)
    assert u[0] == 2.0**-33
    assert u[1] == 3 * 2.0**-33
    assert u[-1] == 1 - 2.0**-24
    assert np.all(np.diff(u) >= 0)
    np.testing.assert_allclose(u, (bits + 0.5) / 2**32, rtol=2.0**-23)
    complement = np.asarray(uniform(~bits)).astype(np.float64)
    np.testing.assert_allclose(u + complement, 1, atol=2.0**-24)
    np.testing.assert_allclose(complement[-100:], (2.0**32 - bits[-100:] - 0.5) / 2**32, rtol=2.0**-23)


def exceedances(variate, level):
    """How many of the 2**32 words give a variate above `level`, for one that is nonincreasing in the word."""
    low, high = 0, 2**32
    while low < high:
        middle = (low + high) // 2
        if float(variate(np.uint32(middle))) > level:
            low = middle + 1
        else:
            high = middle
    return low


DEEP = [1e-6, 1e-3, 0.5, 1.0, 5.0, 12.0, 16.5, 17.0, 18.0, 20.0, 22.0]


def exponential_tail_is_whole(variate):
    """Whether the number of words beyond each level is the closed form, to a word and float32's rounding of log."""
    expected = 2.0**32 * np.exp(-np.array(DEEP))
    found = np.array([exceedances(variate, level) for level in DEEP])
    return bool(np.all(np.abs(found - expected) <= 1 + 3e-7 * (1 + np.array(DEEP)) * expected))


def test_exponential_tail_is_not_cut():
    assert exponential_tail_is_whole(jax.jit(exponential))
    assert float(exponential(np.uint32(0))) == pytest.approx(33 * np.log(2), rel=1e-6)
    assert float(exponential(np.uint32(ONES))) == pytest.approx(2.0**-24, rel=1e-6)


def test_exponential_with_a_cut_tail_is_seen():
    cut = jax.jit(lambda bits: -jnp.log((bits >> np.uint32(8)).astype(jnp.float32) * 2.0**-24 + 2.0**-25))
    assert not exponential_tail_is_whole(cut)


def test_exponential_resolves_its_tail():
    tail = np.asarray(exponential(np.arange(200, dtype=np.uint32)))
    assert len(np.unique(tail)) == 200  # one atom per word beyond 17.6
    assert tail[-1] > -np.log(2.0**-24)
