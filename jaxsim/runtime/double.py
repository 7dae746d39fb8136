"""64-bit types for our own programs, whatever the user's global setting."""

import functools
from typing import Any

import jax

from jaxsim._process import is_forked
from jaxsim.errors import SimulationError
from jaxsim.runtime.program_cache import keep_compiled_programs

_keep_compiled_programs = functools.cache(keep_compiled_programs)  # once a process


def double_precision() -> Any:
    """Return a context in which 64-bit types exist; the clock and the exact sums need them.

    Everything that is computed passes here, so a process in which JAX would wait for ever is refused here, and the
    cache of compiled programs is turned on here.

    Raises
    ------
    SimulationError
        If this process was forked from one in which JAX had started.
    """
    if is_forked():
        raise SimulationError(
            "this process was forked from one in which JAX had started, whose threads it does not have, and would wait "
            "for them for ever; use spawn instead: multiprocessing.get_context('spawn')"
        )
    _keep_compiled_programs()
    return jax.enable_x64(True)
