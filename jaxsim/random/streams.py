"""Counter-based random numbers: every draw is a pure function of a key and a counter.

A trajectory owns a 64-bit key, made once from (seed, point, trajectory, purpose) by
`trajectory_key`, and counts its draws; there is no state to carry, split or save. The cipher
is Threefry-2x32 of Salmon, Moraes, Dror & Shaw (2011), "Parallel random numbers: as easy as
1, 2, 3", SC11, section 4.2. It is written in additions, exclusive-ors and rotations of uint32
alone, so one source serves XLA on every backend and hand-written kernels, and vectorises.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Float32, UInt32

from jaxsim.errors import JaxsimError

EVENTS, PARAMETERS, INITIAL, EFFECTS = range(4)
#: What a stream of draws is for; draws for different purposes never share a key.
PURPOSES = {"events": EVENTS, "parameters": PARAMETERS, "initial": INITIAL, "effects": EFFECTS}

PURPOSE_BITS, TRAJECTORY_HIGH_BITS, POINT_BITS = 3, 3, 26  # together the second counter word
TRAJECTORIES = 1 << (32 + TRAJECTORY_HIGH_BITS)  # trajectories a design point can number, 3.4e10
_POINTS = 1 << POINT_BITS  # design points a seed can number, 6.7e7

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)  # R_2x32 of Random123; they repeat every 8 rounds
KEY_PARITY = 0x1BD11BDA  # the Skein constant: no key gives an all-zero key schedule
ROUNDS_OF_DRAWS = 13
_ROUNDS_OF_KEYS = 20


def threefry2x32(
    key0: UInt32[ArrayLike, "..."],
    key1: UInt32[ArrayLike, "..."],
    counter0: UInt32[ArrayLike, "..."],
    counter1: UInt32[ArrayLike, "..."],
    rounds: int = ROUNDS_OF_DRAWS,
) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """Encipher a 64-bit counter under a 64-bit key, elementwise.

    For a fixed key this is a bijection of the 2**64 counters, so a stream never repeats. Salmon et al. (2011)
    choose round counts by TestU01: SmallCrush, Crush and BigCrush, with keys and counters in many interleavings.
    Their library, Random123, knows "no statistical flaws with 13 rounds or more for Threefry2x32" and takes 20 for
    a margin (its 64-bit sister did fail, at 13 rounds, a test longer than BigCrush that stepped key and counter
    together). Draws inside the event loop take 13, since there the cipher is most of the arithmetic. Keys
    are made by 20 (`trajectory_key`), so that they never step with the counter.

    Parameters
    ----------
    key0, key1 : uint32 arrays or scalars, all four of one shape (or scalars)
        Low and high word of the key.
    counter0, counter1 : uint32
        Low and high word of the counter.
    rounds : int
        Rounds of the cipher; a Python integer, because the rounds are unrolled.

    Returns
    -------
    tuple of two uint32 arrays
        Two independent words of 32 random bits.

    Examples
    --------
    The known answers of the Random123 distribution for an all-zero key and counter:

    >>> zero = np.uint32(0)
    >>> [hex(int(word)) for word in threefry2x32(zero, zero, zero, zero, rounds=20)]
    ['0x6b200159', '0x99ba4efe']
    """
    k0, k1, x0, x1 = (jnp.asarray(w, jnp.uint32) for w in (key0, key1, counter0, counter1))
    keys = (k0, k1, k0 ^ k1 ^ np.uint32(KEY_PARITY))
    x0, x1 = x0 + keys[0], x1 + keys[1]
    for i in range(rounds):
        distance = ROTATIONS[i % 8]
        x0 = x0 + x1
        x1 = ((x1 << np.uint32(distance)) | (x1 >> np.uint32(32 - distance))) ^ x0
        if i % 4 == 3:
            injection = i // 4 + 1
            x0 = x0 + keys[injection % 3]
            x1 = x1 + (keys[(injection + 1) % 3] + np.uint32(injection))
    return x0, x1


def seed_words(seed: Any) -> np.ndarray:
    """Split a seed into the two words that key every stream of a study.

    Parameters
    ----------
    seed : int
        From 0 to 2**64 - 1.

    Returns
    -------
    uint32 numpy array [2]
        Low word, high word; pass it in place of the seed to keep the seed out of a compiled
        program.

    Raises
    ------
    JaxsimError
        If the seed is not an integer in that range.

    Examples
    --------
    >>> seed_words(2**32 + 7)
    array([7, 1], dtype=uint32)
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 1 << 64:
        raise JaxsimError(f"seed {seed!r} is not an integer from 0 to 2**64 - 1; choose one")
    return np.array([int(seed) & 0xFFFFFFFF, int(seed) >> 32], np.uint32)


def trajectory_key(
    seed: int | UInt32[Array | np.ndarray, "2"],
    point: ArrayLike,
    trajectory_low: ArrayLike,
    trajectory_high: ArrayLike,
    purpose: int,
) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """Make the key of one trajectory's draws for one purpose.

    The seed is the key and (trajectory, point, purpose) the counter of a 20-round Threefry:
    word 0 is the low 32 bits of the trajectory's number; word 1 holds, from the lowest bit up,
    the purpose (3 bits), the trajectory's bits 32 to 34 (3 bits) and the point (26 bits). The
    cipher is a bijection, so under one seed no two of them ever share a key.

    Parameters
    ----------
    seed : int or uint32 [2]
        From 0 to 2**64 - 1, or its `seed_words`.
    point : integer array or scalar
        Number of the design point, below 2**26.
    trajectory_low, trajectory_high : integer arrays or scalars
        The trajectory's number modulo 2**32 and divided by 2**32, the latter below 8.
    purpose : int
        One of `PURPOSES`.

    Returns
    -------
    tuple of two uint32 arrays
        The key, low word first. Traced numbers are not checked against their ranges.

    Raises
    ------
    JaxsimError
        If a number known before tracing (a Python or numpy integer) is out of its range.

    Examples
    --------
    >>> key0, key1 = trajectory_key(1, 0, np.arange(3, dtype=np.uint32), 0, EVENTS)
    >>> key0.shape, len({(int(a), int(b)) for a, b in zip(*np.broadcast_arrays(key0, key1))})
    ((3,), 3)
    """
    words = seed_words(seed) if isinstance(seed, int | np.integer) else seed
    low = _word("trajectory_low", trajectory_low, 32)
    high = _word("trajectory_high", trajectory_high, TRAJECTORY_HIGH_BITS)
    point = _word("point", point, POINT_BITS)
    tag = _word("purpose", purpose, PURPOSE_BITS)
    packed = (point << np.uint32(PURPOSE_BITS + TRAJECTORY_HIGH_BITS)) | (high << np.uint32(PURPOSE_BITS)) | tag
    return _apart(words[0], words[1], low, packed)


def _apart(word0: ArrayLike, word1: ArrayLike, low: Array, packed: Array) -> tuple[Any, Any]:
    """Return the cipher of a key, in a program as arrays of their own and not as a part of what is drawn with it.

    LLVM, as of JAX 0.12, takes time exponential in the rounds of ciphers to vectorise the loop in which XLA joins a key
    and its draws, which is to say for ever; what a condition returns is not joined. The condition always holds.
    """

    def cipher(*words: Any) -> tuple[Any, Any]:
        return threefry2x32(words[0], words[1], words[2], words[3], _ROUNDS_OF_KEYS)

    if not any(isinstance(word, jax.core.Tracer) for word in (word0, word1, low, packed)):
        return cipher(word0, word1, low, packed)
    words = [jnp.asarray(word, jnp.uint32) for word in (word0, word1, low, packed)]
    nothing = (jnp.zeros(jnp.broadcast_shapes(*(word.shape for word in words)), jnp.uint32),) * 2
    holds = jnp.all((words[0] | np.uint32(1)) > np.uint32(0))
    found: tuple[Any, Any] = lax.cond(holds, cipher, lambda *_: nothing, *words)
    return found


def _word(name: str, number: ArrayLike, bits: int) -> UInt32[Array, "..."]:
    if isinstance(number, int | np.integer | np.ndarray) and np.size(number):
        smallest, largest = int(np.min(number)), int(np.max(number))
        if smallest < 0 or largest >= 1 << bits:
            outside = smallest if smallest < 0 else largest
            raise JaxsimError(f"{name} {outside} is not in 0 to 2**{bits} - 1; number it from zero")
        number = np.asarray(number, np.uint32)
    return jnp.asarray(number).astype(jnp.uint32)


def uniform(bits: UInt32[ArrayLike, "..."]) -> Float32[Array, "..."]:
    """Turn 32 random bits into a uniform number in the open interval (0, 1).

    The value is (bits + 1/2) / 2**32 to within a unit in the last place of float32. Near 0 the resolution is 2**-32, so
    -log(u) reaches 22.87 and the exponential's tail is not cut at 16.6 = -log(2**-24). Near 1 it
    is 2**-24, and what would round to 1 is 1 - 2**-24: every value lies strictly inside.

    Parameters
    ----------
    bits : uint32
        For the complement 1 - u without its rounding, pass `~bits`.

    Returns
    -------
    float32, of the shape of `bits`
        From 2**-33 to 1 - 2**-24; nondecreasing in `bits`.

    Examples
    --------
    >>> [float(uniform(np.uint32(b))) for b in (0, 2**31, 2**32 - 1)]
    [1.1641532182693481e-10, 0.5, 0.9999999403953552]
    """
    scaled = jnp.asarray(bits, jnp.uint32).astype(jnp.float32) * np.float32(2.0**-32)
    # Scaling by a power of two is exact: fused with the addition or not, the result is the same.
    return jnp.minimum(scaled + np.float32(2.0**-33), np.float32(1.0 - 2.0**-24))


def exponential(bits: UInt32[ArrayLike, "..."]) -> Float32[Array, "..."]:
    """Turn 32 random bits into an exponential variate of mean 1, by -log(`uniform`).

    Parameters
    ----------
    bits : uint32

    Returns
    -------
    float32, of the shape of `bits`
        From 5.96e-8 to 22.87, never 0; nonincreasing in `bits`.

    Examples
    --------
    >>> f"{float(exponential(np.uint32(0))):.2f} {float(exponential(np.uint32(2**31))):.4f}"
    '22.87 0.6931'
    """
    return -jnp.log(uniform(bits))
