"""The leap chain without noise: real counts that follow the mean of every leap; for choices, critics and ripple."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.gradient.leap.chain import Drive, LeapChain, first_note, mean_rates, noted, signals
from jaxsim.network import stoichiometry

MEDIAN = np.float32(0.5)


def typical_parameters(chain: LeapChain, drive: Drive) -> dict[str, Any]:
    """Return the parameters, those that vary at their medians; float32 scalars."""
    values = {}
    for name, value in drive.tables.parameters.items():
        value = value.sample(MEDIAN) if name in chain.sampled_parameters else value
        values[name] = jnp.asarray(value).astype(jnp.float32)
    return values


def mean_path(chain: LeapChain, drive: Drive, nudges: Array, midpoint: bool = False) -> tuple[Any, Any]:
    """Return the counts before every step [n, S] and F of each term [J].

    `nudges` [n, S] are added to the counts after each step: derivatives with respect to them are the adjoint.
    With `midpoint` each step reads rates halfway, which makes the path that of the rate equations to second order.
    """
    parameters = typical_parameters(chain, drive)
    change = jnp.asarray(stoichiometry(chain.structure).astype(np.float32))
    x = jnp.stack([start_of(chain, drive, name) for name in chain.structure.species])
    x = drive.multiply[0] * x + drive.add[0]

    def look(x: Array) -> Any:
        return signals(chain, tuple(row[None] for row in x), parameters)

    def at(x: Array, index: Array) -> Any:
        return mean_rates(chain, drive, parameters, x, index)

    def step(here: tuple[Any, ...], index: Array) -> Any:
        x, numbers, before = here
        half = 0.5 * drive.width[index]
        read = jnp.maximum(x + change @ (at(x, index) * half), 0.0) if midpoint else x
        y = jnp.maximum(x + change @ (at(read, index) * drive.width[index]), 0.0)
        y = drive.multiply[index + 1] * y + drive.add[index + 1] + nudges[index]
        after = look(y)
        return (y, noted(chain, drive, index, numbers, before, after), after), x

    now = look(x)
    first = (x, first_note(chain, drive, now), now)
    (_, numbers, _), path = lax.scan(step, first, jnp.arange(drive.width.shape[0], dtype=jnp.int32))
    return path, numbers[:, 0]


def no_nudges(chain: LeapChain, drive: Drive) -> Any:
    """Return zeros [n, S]."""
    return jnp.zeros((drive.width.shape[0], len(chain.structure.species)), jnp.float32)


def start_of(chain: LeapChain, drive: Drive, name: str) -> Any:
    """Return the initial count of a species, at its median where it varies; float32 scalar."""
    value = drive.initial[name]
    value = value.sample(MEDIAN) if name in chain.sampled_species else value
    return jnp.asarray(value).astype(jnp.float32)


def typical_counts(chain: LeapChain, drive: Drive) -> np.ndarray:
    """Return the count of each species along the mean, averaged over time, [S]."""
    path = typical_path(chain, drive)
    return np.asarray(jnp.sum(path * drive.width[:, None], axis=0) / jnp.sum(drive.width))


@partial(jax.jit, static_argnums=0)
def typical_path(chain: LeapChain, drive: Drive) -> Any:
    """Return the counts along the mean before every step, [n, S]."""
    return mean_path(chain, drive, no_nudges(chain, drive))[0]
