"""Michaelis-Menten kinetics ``vmax*x/(km + x)``."""

from typing import Any

import jax.numpy as jnp

from jaxsim.network import arithmetic, interval
from jaxsim.network.function import Function, Interval


def _constant(x: float, vmax: float, km: float) -> float:
    return vmax * x / (km + x)


def _value(x: Any, vmax: Any, km: Any) -> Any:
    return arithmetic.divide(arithmetic.multiply(vmax, x), arithmetic.add(km, x))


def _bounds(x: Interval, vmax: Interval, km: Interval) -> Interval:
    """Take the corners: for x >= 0 and km > 0 the function is monotone in each argument."""
    regular = jnp.logical_and(jnp.greater_equal(x[0], 0.0), jnp.greater(km[0], 0.0))
    return interval.where(regular, interval.corners(_value, x, vmax, km), interval.EVERYTHING)


MICHAELIS_MENTEN = Function(3, _constant, _value, _bounds)
