"""The numbers of a model as a compiled program takes them, checked before anything long starts."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import jax
import numpy as np

from jaxsim.ensemble.double import double_precision
from jaxsim.errors import SimulationError, closest
from jaxsim.network import Network, is_distribution
from jaxsim.random.distributions import Scaled

ORDINARY = (1e-20, 1e20)  # magnitudes of laws that are drawn in single precision with room for their tails


def split_batch(network: Network, parameters: Mapping[str, Any] | None) -> tuple[list[Network], dict[str, np.ndarray]]:
    """Return one network per design point, and the batched parameter values.

    A parameter given as a one-dimensional array makes a batch; all arrays have one length.
    """
    given = dict(parameters or {})
    for name in given:
        if name not in network.parameters:
            raise SimulationError(f"the network has no parameter '{name}'{closest(name, network.parameters)}")
    batched = {k: np.asarray(v, np.float64) for k, v in given.items() if not is_distribution(v) and np.ndim(v) == 1}
    deep = [k for k, v in given.items() if not is_distribution(v) and np.ndim(v) > 1]
    if deep:
        raise SimulationError(f"parameter '{deep[0]}' has more than one dimension; give one value per design point")
    lengths = {name: value.size for name, value in batched.items()}
    if len(set(lengths.values())) > 1:
        raise SimulationError(
            f"the batched parameters have different lengths {lengths}; give one value per design point"
        )
    if 0 in lengths.values():
        raise SimulationError(f"parameter '{next(iter(lengths))}' is an empty batch; give at least one value")
    single = {name: value for name, value in given.items() if name not in batched}
    base = network.with_parameters(**single) if single else network
    points = next(iter(lengths.values()), 0)
    if not points:
        return [base], {}
    rows = [{name: float(value[p]) for name, value in batched.items()} for p in range(points)]
    return [base.with_parameters(**row) for row in rows], batched


def parameter_leaves(network: Network) -> dict[str, Any]:
    """Return parameter values as float64 scalars, and distributions with float32 leaves, scaled if need be."""
    return {name: _leaf(value, f"parameter '{name}'", np.float64) for name, value in network.parameters.items()}


def initial_leaves(network: Network) -> dict[str, Any]:
    """Return initial counts as int32 scalars, and distributions with float32 leaves."""
    return {name: _leaf(value, f"species '{name}'", np.int32) for name, value in network.initial.items()}


def variable_leaves(network: Network) -> dict[str, Any]:
    """Return the values of variables at the start as float64 scalars."""
    return {name: _leaf(value, f"variable '{name}'", np.float64) for name, value in network.variables.items()}


def _leaf(value: Any, text: str, dtype: Any) -> Any:
    if is_distribution(value):
        return within_single(value)
    if not math.isfinite(float(value)):
        raise SimulationError(f"{text} is {value}; give a finite number")
    if dtype is np.int32 and float(value) > 2**31 - 1:
        raise SimulationError(f"{text} starts at {value}, beyond 2**31 - 1; scale the species down")
    return np.asarray(value, dtype)


def within_single(value: Any) -> Any:
    """Return a distribution with float32 leaves; one of numbers out of their range by a unit in float64."""
    law, unit = value, 0.0
    if hasattr(value, "in_units_of"):
        largest = max(abs(float(leaf)) for leaf in _locations(value))
        if largest > 0.0 and not ORDINARY[0] < largest < ORDINARY[1]:
            unit = 10.0 ** round(math.log10(largest))
            law = value.in_units_of(unit)
    single = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), law)
    return Scaled(single, np.asarray(unit, np.float64)) if unit else single


def _locations(value: Any) -> list[Any]:
    """Return the numbers of a law that have the unit of the quantity."""
    return [getattr(value, field.name) for field in fields(value) if field.name != "cv"]


def median(value: Any) -> float:
    """Return the median of a distribution."""
    with double_precision():
        return float(_sampled(within_single(value), np.float32(0.5)))


def extent(value: Any) -> tuple[float, float]:
    """Return the smallest and largest value a parameter can take; a sampled one by its extreme uniforms."""
    if not is_distribution(value):
        return float(value), float(value)
    ends = np.array([2.0**-33, 1 - 2.0**-24], np.float32)
    with double_precision():
        low, high = (float(end) for end in np.asarray(_sampled(within_single(value), ends)))
    return low, high


@jax.jit
def _sampled(law: Any, u: Any) -> Any:
    """Return values of a law: one program for all of its kind."""
    return law.sample(u)
