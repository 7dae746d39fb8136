"""Leaps of the hybrid method: trapezoidal, and implicit where they pass over fast reactions in balance."""

import jax.numpy as jnp
from jaxtyping import Array, Int32

from jaxsim.kernels.balance import reversible_pairs
from jaxsim.kernels.context import Context
from jaxsim.kernels.implicit_leap import implicit_firings
from jaxsim.kernels.leap import Leap
from jaxsim.kernels.program import Program
from jaxsim.kernels.state import Inputs, Owner
from jaxsim.kernels.trapezoidal_leap import trapezoidal_firings


def hybrid_firings(program: Program, inputs: Inputs, owner: Owner, given: Context, leap: Leap) -> Int32[Array, "R L"]:
    """Draw the firings of the leaping reactions, by the rule that each lane needs.

    Both rules read the same random words, and each lane takes one of them.
    """
    if not reversible_pairs(program.structure):
        return trapezoidal_firings(program, inputs, owner, given, leap)
    leaps = leap.size > 0
    explicit = leap._replace(any=jnp.any(leaps & ~leap.stiff))
    implicit = leap._replace(any=jnp.any(leaps & leap.stiff))
    firings = trapezoidal_firings(program, inputs, owner, given, explicit)
    corrected = implicit_firings(program, inputs, owner, given, implicit)
    return jnp.where(leap.stiff[None, :], corrected, firings)
