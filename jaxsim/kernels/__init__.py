"""The event loop and its methods."""

from jaxsim.kernels.groups import group
from jaxsim.kernels.hybrid import TREATMENTS
from jaxsim.kernels.leap_variants import VARIANTS
from jaxsim.kernels.loop import empty_run, run_slice, step_cost
from jaxsim.kernels.program import Arrangement, Leaping, Program, Saving
from jaxsim.kernels.rates import leaf_bounds, plan_rates
from jaxsim.kernels.service import SHARES, Run, Tally
from jaxsim.kernels.state import Inputs
from jaxsim.kernels.status import LABELS, Status

__all__ = [
    "LABELS", "SHARES", "TREATMENTS", "VARIANTS", "Arrangement", "Inputs", "Leaping", "Program", "Run", "Saving",
    "Status", "Tally", "empty_run", "group", "leaf_bounds", "plan_rates", "run_slice", "step_cost",
]  # fmt: skip
