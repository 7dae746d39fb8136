"""Choose the backend of the event loop: native code where it can, XLA everywhere else."""

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import jax

from jaxsim.ensemble.prepare import NATIVE_UP_TO, native_lanes
from jaxsim.ensemble.request import Request
from jaxsim.errors import SimulationError
from jaxsim.kernels import Inputs, Program, Saving
from jaxsim.kernels.native import not_covered


def running_devices(devices: tuple[Any, ...], backend: str | None) -> tuple[Any, ...]:
    """Return the devices that run trajectories: of several CPU devices the first, whose threads use all cores.

    So native code runs, and the bits are the same, whatever number of CPU devices a process has been given. XLA splits
    trajectories between CPU devices where it is asked for by name.
    """
    cpu = all(device.platform == "cpu" for device in devices)
    return devices[:1] if cpu and backend != "xla" else devices


def choose_backend(
    program: Program, inputs: Inputs, request: Request, devices: tuple[Any, ...]
) -> tuple[Program, Inputs]:
    """Return the program and its inputs as the backend takes them that runs it, in double precision.

    Raises
    ------
    SimulationError
        If the request names the native backend and that cannot run the program.
    """
    reason = "asked for" if request.backend == "xla" else _obstacle(program, devices)
    if reason is None:
        made, given = _as_native(program, inputs, request)
        reason = not_covered(made, given)
        if reason is None:
            return made, given
    if request.backend == "native":
        raise SimulationError(f"backend='native' cannot run this: {reason}; leave backend= out, and XLA runs it")
    return replace(program, backend_reason=reason), inputs


def _obstacle(program: Program, devices: tuple[Any, ...]) -> str | None:
    """Return what keeps a program from the native backend, as far as can be told without tracing it."""
    if len(devices) > 1 or devices[0].platform != "cpu" or jax.default_backend() != "cpu":
        return "native code runs on a single CPU device"
    if program.stepper.native is None:
        return f"there is no native form of method '{program.stepper.method}' yet"
    if len(program.structure.reactions) > NATIVE_UP_TO:
        return f"the network has more than {NATIVE_UP_TO} reactions"
    if find_spec("llvmlite") is None:
        return "llvmlite is not installed; install it with: pip install llvmlite"
    return None


def _as_native(program: Program, inputs: Inputs, request: Request) -> tuple[Program, Inputs]:
    """Return the program laid out for native code."""
    stepper = program.stepper.native or program.stepper
    saving = Saving.FINAL if program.times == 1 else Saving.CROSSING
    if program.structure.variables and saving is Saving.CROSSING:  # which writes rows of counts
        saving = Saving.EVERY_EVENT
    made = replace(
        program,
        native=True,
        stepper=stepper,
        saving=saving,
        lanes=native_lanes(len(program.structure.species), program.times, request.trajectories),
    )
    return made, inputs._replace(tables=None)
