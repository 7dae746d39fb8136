"""The rows of the acceptance table by name: the number of each, and the function that yields its lines."""

from benchmarks.gradients.gradient_cost import chain_costs, exact_paths
from benchmarks.gradients.gradient_grid import sampler, smooth, steep
from benchmarks.gradients.gradient_large import agreement, functional, hybrid
from benchmarks.gradients.gradient_laws import biases, law_of, linear
from benchmarks.gradients.gradient_modes import check, modes
from benchmarks.gradients.gradient_scaling import horizon, size

ROWS = {
    "ripple": (1, smooth),
    "steep": (2, steep),
    "poisson": (3, sampler),
    **{method: (4, law_of(method)) for method in ("leap_score", "controlled_score", "score", "difference")},
    "biases": (4, biases),
    "linear": (5, linear),
    "size": (6, size),
    "horizon": (7, horizon),
    "cost": (8, chain_costs),
    "hybrid": (9, hybrid),
    "modes": (10, modes),
    "check": (11, check),
    "agreement": (12, agreement),
    "functional": (13, functional),
    "exact": (15, exact_paths),
}
