"""The event loop and its methods."""

from jaxsim.kernels.loop import run_call
from jaxsim.kernels.program import Program, Saving
from jaxsim.kernels.rates import leaf_bounds, plan_rates
from jaxsim.kernels.service import Tally
from jaxsim.kernels.state import Inputs
from jaxsim.kernels.status import LABELS, Status

__all__ = ["LABELS", "Inputs", "Program", "Saving", "Status", "Tally", "leaf_bounds", "plan_rates", "run_call"]
