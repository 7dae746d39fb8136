"""Estimation: accuracy on request, and what an output depends on."""

from jaxsim.estimation.estimate import estimate
from jaxsim.estimation.result import Estimate
from jaxsim.estimation.sobol import sobol_design, sobol_indices

__all__ = ["Estimate", "estimate", "sobol_design", "sobol_indices"]
