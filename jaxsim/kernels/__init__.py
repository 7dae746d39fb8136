"""The event loop and its methods."""

from jaxsim.kernels.leaping.hybrid import TREATMENTS
from jaxsim.kernels.leaping.variants import VARIANTS
from jaxsim.kernels.loop import empty_run, run_slice, step_cost
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.rates import leaf_bounds, plan_rates
from jaxsim.kernels.state import LABELS, Inputs, Status
from jaxsim.kernels.stepper import Stepper
from jaxsim.kernels.turnover import SHARES, Run, Tally

__all__ = [
    "LABELS",
    "SHARES",
    "TREATMENTS",
    "VARIANTS",
    "Inputs",
    "Program",
    "Run",
    "Saving",
    "Status",
    "Stepper",
    "Tally",
    "empty_run",
    "leaf_bounds",
    "plan_rates",
    "run_slice",
    "step_cost",
]  # fmt: skip
