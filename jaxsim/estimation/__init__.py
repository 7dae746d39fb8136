"""Estimation: what an output depends on."""

from jaxsim.estimation.sobol import sobol_design, sobol_indices

__all__ = ["sobol_design", "sobol_indices"]
