"""Methods whose state is real: rate equations, linear noise, Langevin."""

from jaxsim.kernels.continuous.lanes import LaneFlow, LaneFlowInputs, LaneFlowResult, run_lanes
from jaxsim.kernels.continuous.langevin import LangevinInputs, LangevinProgram, LangevinSums, run_langevin
from jaxsim.kernels.continuous.rate_equations import Controls, FlowInputs, FlowProgram, FlowResult, run_flow

__all__ = [
    "Controls",
    "FlowInputs",
    "FlowProgram",
    "FlowResult",
    "LaneFlow",
    "LaneFlowInputs",
    "LaneFlowResult",
    "LangevinInputs",
    "LangevinProgram",
    "LangevinSums",
    "run_flow",
    "run_lanes",
    "run_langevin",
]
