"""Compiled programs of levels, and the processor seconds that making them took."""

import time
from collections.abc import Callable
from typing import Any

from jaxsim.ensemble.compiler import compiler_options
from jaxsim.ensemble.double import double_precision
from jaxsim.ensemble.executables import executable


def compiled(run: Callable[[Any, Any], Any], program: Any, inputs: Any, device: Any) -> tuple[Any, float]:
    """Return `run` of a program, compiled for inputs of these shapes, and the processor seconds just spent on it."""
    began = time.process_time()
    call, seconds = executable(run, program, inputs, device, compiler_options(device))

    def precise(given: Any) -> Any:
        with double_precision():
            return call(given)

    return precise, time.process_time() - began if seconds else 0.0
