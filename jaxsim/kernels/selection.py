"""When the next reaction fires and which one: the two draws of the direct method.

Source: Gillespie, J. Comput. Phys. 22 (1976) 403, eqs. 21a and 21b.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

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
