"""The draws of the event loop: one cipher call gives the two words of an event."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Float64, UInt32, UInt64

from jaxsim.kernels.program import Program
from jaxsim.kernels.rates import Rates, total
from jaxsim.kernels.state import where_any
from jaxsim.random import threefry2x32, uniform

HALF = np.uint64(32)
SHORT = 2.0**-12  # waits, in parts of their mean, below which the uniform near 1 is too coarse


def draw_bits(
    key0: UInt32[Array, " L"], key1: UInt32[Array, " L"], counter: UInt32[Array, " L"]
) -> UInt64[Array, " L"]:
    """Return both words of draw number `counter`, packed.

    One packed array is one fusion in XLA; two arrays would be two, each with the whole cipher.
    """
    first, second = threefry2x32(key0, key1, counter, jnp.zeros_like(counter))
    return (first.astype(jnp.uint64) << HALF) | second.astype(jnp.uint64)


def wait_and_choice(bits: UInt64[Array, " L"], real: type) -> tuple[Float[Array, " L"], Float64[Array, " L"]]:
    """Unpack the words into an exponential of mean 1, in the dtype of propensities, and a uniform of (0, 1).

    Both tails of the exponential are resolved: it lies between 2**-33 and 22.87. A wait is compared with the length of
    a cell of time, which may be a small part of the mean wait. Near 1 uniforms are known to 2**-24 in single precision,
    so that waits below 2**-12 are made from their complement c, by -log(1 - c) = c + c**2/2 + O(c**3).

    The uniform chooses among propensities, of which one may be a small part of the sum. It has 40 bits, the last 8 of
    which are the last of the first word: the wait shows them only beyond 5.5 times its mean, in its last digits.
    """
    return exponential_of(bits, real), choice_uniform(bits)


def exponential_of(bits: UInt64[Array, " L"], real: type) -> Float[Array, " L"]:
    """Return the exponential of mean 1 of :func:`wait_and_choice`."""
    word = (bits >> HALF).astype(jnp.uint32)
    if real == jnp.float64:
        return -jnp.log(word.astype(real) * np.float64(2.0**-32) + np.float64(2.0**-33))
    complement = uniform(~word)
    short = complement + np.float32(0.5) * complement * complement
    return jnp.where(complement < np.float32(SHORT), short, -jnp.log(uniform(word)))


def choice_uniform(bits: UInt64[Array, " L"]) -> Float64[Array, " L"]:
    """Return the uniform that chooses among propensities: 2**-41 to 1 - 2**-41 in steps of 2**-40."""
    high = bits.astype(jnp.uint32).astype(jnp.float64) * np.float64(2.0**-32)
    low = (bits >> HALF).astype(jnp.uint32) & np.uint32(0xFF)
    return high + (low.astype(jnp.float64) * np.float64(2.0**-40) + np.float64(2.0**-41))


def waiting_threshold(bits: UInt64[Array, " L"]) -> Float64[Array, " L"]:
    """Return an exponential of mean 1 from the first word, with both of its tails resolved.

    A leap asks whether a rare event falls into it, with a chance that may be far below the 2**-24 at which float32
    resolves uniforms near 1; their complements reach down to 2**-33.
    """
    first = (bits >> HALF).astype(jnp.uint32)
    short, long = -jnp.log1p(-uniform(~first)), -jnp.log(uniform(first))
    return jnp.where(first >= np.uint32(1 << 31), short, long).astype(jnp.float64)


# When the next reaction fires and which one: the two draws of the direct method.
#
# Source: Gillespie, J. Comput. Phys. 22 (1976) 403, eqs. 21a and 21b.

FINEST = 2.0**46  # events per unit time, times the time: a mean waiting time of 2**6 spacings of the doubles there
BELOW_ONE = 1 - 2.0**-52  # times any normal float64 is less than it


def waiting_time(exponential: Array, a0: Array) -> Any:
    """Return the exponential of mean 1 over a0, in float64: infinite where a0 is zero, NaN where it is not a number."""
    return (exponential / a0).astype(jnp.float64)


def running_sums(rates: list[Any]) -> list[Any]:
    """Return the running sums of propensities in float64, the last of which is the total.

    In single precision a propensity that is a small part of the sum before it would be rounded, to nothing below a
    share of 2**-25. The sums of numbers in single precision are exact to 2**-52 of the total.
    """
    assert rates, "a network without reactions has one propensity that is zero"
    sums = [rates[0].astype(jnp.float64)]
    for value in rates[1:]:
        sums.append(sums[-1] + value.astype(jnp.float64))
    return sums


def resolved(often: Array, t: Array) -> Any:
    """Return the lanes in which what happens `often` times per unit time can be told apart on the clock at t.

    Doubles near t are t*2**-52 apart at most. Rounding every waiting time to a spacing h makes a rate a appear larger
    by (a*h)**2/24 of itself, which at a*h = 2**-6 is 1e-5.
    """
    return ~(often * jnp.abs(t).astype(often.dtype) > often.dtype.type(FINEST))


def choose(threshold: Array, sums: list[Any]) -> Any:
    """Return the number of running sums that the threshold has passed: the chosen reaction.

    The threshold is below the last sum, so a reaction without propensity is never chosen.
    """
    chosen = jnp.zeros(threshold.shape, jnp.int32)
    for value in sums[:-1]:
        chosen = chosen + (threshold >= value).astype(jnp.int32)
    return chosen


def in_single_precision(
    program: Program,
    plan: Rates,
    bits: Array,
    upper: list[Any],
    lower: list[Any],
    asked: Array,
    exactly: Callable[[], Any],
) -> Any:
    """Return the reactions that are chosen and accepted as `exactly` has them in the lanes that ask.

    Native code looks at running sums in single precision first, which leave few lanes in doubt.
    """
    if not program.native or program.real != jnp.float32:
        return exactly()
    sums, floors, doubtful = total(upper), [], jnp.zeros(asked.shape, bool)
    for r, low in zip(plan.varying, lower, strict=True):
        floors.append(sums[r - 1] + low if r else low)
    word = bits.astype(jnp.uint32)
    chosen, clear = choose_roughly(word, sums, floors)
    threshold = word.astype(jnp.float32) * np.float32(2.0**-32) * sums[-1]
    for r, low, floor in zip(plan.varying, lower, floors, strict=True):
        settled = (low >= 0) & (low <= upper[r]) & ((threshold < floor) | (chosen != np.int32(r)))
        doubtful = doubtful | ~settled
    return where_any(program, asked & (doubtful | ~clear), exactly, chosen)


def choose_roughly(word: Array, sums: list[Any], floors: list[Any]) -> tuple[Any, Any]:
    """Return the chosen reaction from running sums in single precision, and where rounding had no say in that.

    `word` are the random bits of which :func:`jaxsim.kernels.draws.choice_uniform` makes the uniform, `floors`
    other thresholds that it must be told apart from. Sums of n numbers and the threshold err by less than 2n + 8 units
    of 2**-24 of the total together; what is nearer has to be asked in double precision.
    """
    real = np.float32
    threshold = word.astype(jnp.float32) * real(2.0**-32) * sums[-1]
    chosen = jnp.full(word.shape, len(sums) - 1, jnp.int32)
    nearest = jnp.full(word.shape, jnp.inf, jnp.float32)
    for value in [*sums[:-1], *floors]:
        nearest = _smaller(jnp.abs(threshold - value), nearest)
    for value in sums[:-1]:  # -1 where the threshold is below, from the sign
        chosen = chosen + (lax.bitcast_convert_type(threshold - value, jnp.int32) >> np.int32(31))
    margin = sums[-1] * real((2 * len(sums) + 16) * 2.0**-24) + np.finfo(real).tiny
    return chosen, nearest > margin


def _smaller(a: Array, b: Array) -> Any:
    return jnp.where(a < b, a, b)


def faultless(x: tuple[Any, ...], rates: list[Any], a0: Array, limit: Any, checked_counts: bool) -> Any:
    """Return the lanes whose counts are in range and whose rates are finite and not negative."""
    good = a0 <= limit
    if checked_counts:
        together = x[0]
        for value in x[1:]:
            together = together | value  # the sign bit of any is the sign bit of all
        good = good & (together >= np.int32(0))
    for rate in rates:
        good = good & (rate >= 0)
    return good


def falls_below(threshold: Array, sums: list[Any], r: int, rate: Array) -> Any:
    """Return whether a threshold among running sums of bounds lies within the rate of reaction r: it fires then.

    Source: Lewis & Shedler, Naval Res. Logist. 26 (1979) 403, theorem 1.
    """
    height = rate.astype(jnp.float64)
    return threshold < (sums[r - 1] + height if r else height)
