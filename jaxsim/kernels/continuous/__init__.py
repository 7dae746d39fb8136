"""Methods whose state is real: rate equations, linear noise, Langevin."""

from jaxsim.kernels.continuous.langevin import LangevinInputs, LangevinProgram, LangevinSums, run_langevin
from jaxsim.kernels.continuous.program import Controls, FlowInputs, FlowProgram, FlowResult
from jaxsim.kernels.continuous.walk import run_flow

__all__ = [
    "Controls",
    "FlowInputs",
    "FlowProgram",
    "FlowResult",
    "LangevinInputs",
    "LangevinProgram",
    "LangevinSums",
    "run_flow",
    "run_langevin",
]
