"""First passages: the time at which a condition on the state first holds."""

from typing import Any

import jax.numpy as jnp

from jaxsim.kernels.program import Program
from jaxsim.kernels.saving import species_rows
from jaxsim.kernels.state import Lanes
from jaxsim.network import evaluate


def watch(program: Program, lanes: Lanes, precise: dict[str, Any]) -> Lanes:
    """Note the time in lanes where a condition holds for the first time.

    Conditions are evaluated in float64, which holds every count; `precise` are the parameters.
    """
    if not program.passages:
        return lanes
    state = dict(precise)
    for name, value in zip(program.structure.species, species_rows(program, lanes.x), strict=True):
        state[name] = value.astype(jnp.float64)
    if lanes.general is not None:
        for name, value in zip(program.structure.variables, lanes.general.variables, strict=True):
            state[name] = value.astype(jnp.float64)
    found = []
    for (_, condition), first in zip(program.passages, lanes.passages, strict=True):
        holds = jnp.broadcast_to(jnp.asarray(evaluate(condition, state)).astype(bool), lanes.t.shape)
        found.append(jnp.where(holds & (lanes.t < first), lanes.t, first))
    return lanes._replace(passages=tuple(found))
