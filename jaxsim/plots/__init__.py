"""Figures: each takes a Dataset and returns a Figure; nothing is kept in pyplot."""

from jaxsim.plots.optimise import plot_landscape, plot_regimen_courses, plot_switching_function
from jaxsim.plots.result import plot

__all__ = [
    "plot",
    "plot_landscape",
    "plot_regimen_courses",
    "plot_switching_function",
]
