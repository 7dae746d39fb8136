"""When the next reaction fires and which one: the two draws of the direct method.

Source: Gillespie, J. Comput. Phys. 22 (1976) 403, eqs. 21a and 21b.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsim.kernels.program import Program
from jaxsim.kernels.rates import Rates, total
from jaxsim.kernels.seldom import where_any

FINEST = 2.0**46  # events per unit time, times the time: a mean waiting time of 2**6 spacings of the doubles there
BELOW_ONE = 1 - 2.0**-52  # times any normal float64 is less than it


def waiting_time(exponential: Any, a0: Any) -> Any:
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


def resolved(often: Any, t: Any) -> Any:
    """Return the lanes in which what happens `often` times per unit time can be told apart on the clock at t.

    Doubles near t are t*2**-52 apart at most. Rounding every waiting time to a spacing h makes a rate a appear larger
    by (a*h)**2/24 of itself, which at a*h = 2**-6 is 1e-5.
    """
    return ~(often * jnp.abs(t).astype(often.dtype) > often.dtype.type(FINEST))


def choose(threshold: Any, sums: list[Any]) -> Any:
    """Return the number of running sums that the threshold has passed: the chosen reaction.

    The threshold is below the last sum, so a reaction without propensity is never chosen.
    """
    chosen = jnp.zeros(threshold.shape, jnp.int32)
    for value in sums[:-1]:
        chosen = chosen + (threshold >= value).astype(jnp.int32)
    return chosen


def in_single_precision(
    program: Program, plan: Rates, bits: Any, upper: list[Any], lower: list[Any], asked: Any, exactly: Callable[[], Any]
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


def choose_roughly(word: Any, sums: list[Any], floors: list[Any]) -> tuple[Any, Any]:
    """Return the chosen reaction from running sums in single precision, and where rounding had no say in that.

    `word` are the random bits of which :func:`jaxsim.kernels.randomness.choice_uniform` makes the uniform, `floors`
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


def _smaller(a: Any, b: Any) -> Any:
    return jnp.where(a < b, a, b)


def faultless(x: tuple[Any, ...], rates: list[Any], a0: Any, limit: Any, checked_counts: bool) -> Any:
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
