"""Fit the few lumped unknowns of the organism to what is known of it, and say what remains unmet.

Least squares on the rate equations: deviations from the targets in their tolerances, and deviations of the parameters
from their values in the parameter file, in standard deviations of a prior whose width is the range given there.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.errors import NetworkError
from jaxsim.models.intervals import normal_quantile
from jaxsim.models.organism import organism_parameters
from jaxsim.models.organism_targets import TARGETS, measured
from jaxsim.models.parameters import ModelParameter

if TYPE_CHECKING:
    import xarray

FREE = (
    "il1_constant",
    "il1a_per_cell",
    "il1_signal_rate",
    "gcsf_gain",
    "myeloid_gain",
    "gmp_gain",
    "marrow_kill_rate",
    "tumour_neutrophil_kill",
    "recruitment_basal",
    "recruitment_constant",
    "growth_gain",
    "kill_protection",
    "effector_suppression",
)
WIDTH = 4.0  # the range of the file is so many standard deviations of the prior
STEP = 0.05  # of the finite differences, in standard deviations of the prior


class _Scale:
    """Parameters as standard deviations from their prior: logarithmic where the range excludes 0, else linear."""

    def __init__(self, entries: Sequence[ModelParameter]) -> None:
        self.names = [entry.name for entry in entries]
        self.log = np.array([entry.range[0] > 0 for entry in entries])
        low, value, high = (
            self._forward(np.array(numbers, np.float64))
            for numbers in zip(*((e.range[0], e.value, e.range[1]) for e in entries), strict=True)
        )
        self.centre, self.sd = value, (high - low) / WIDTH
        self.bounds = ((low - value) / self.sd, (high - value) / self.sd)

    def _forward(self, values: np.ndarray) -> np.ndarray:
        return np.where(self.log, np.log(np.where(self.log, values, 1.0)), values)

    def values(self, x: np.ndarray) -> np.ndarray:
        """Return the parameters at a point in standard deviations."""
        y = self.centre + self.sd * x
        return np.where(self.log, np.exp(np.where(self.log, y, 0.0)), y)


def calibrate_organism(
    hypothesis: str = "direct", *, free: Sequence[str] = FREE, evaluations: int = 10, start: Any = None
) -> "xarray.Dataset":
    """Fit lumped unknowns of the mouse to the targets, from the values of the parameter file.

    Parameters
    ----------
    hypothesis
        ``direct``, or ``both``, in which the gain of the relay is free too. Under ``relay`` alone injected IL-1alpha
        does nothing, so that targets T8 to T10 cannot be met.
    free
        Parameters to fit.
    evaluations
        At most so many steps of the trust-region method.
    start
        In standard deviations of the prior, [parameter]; the values of the file if not given.

    Returns
    -------
    xarray.Dataset
        Over ``parameter``: ``prior``, ``prior_low``, ``prior_high`` (the range of the file), ``fitted`` and its 95 %
        limits ``fitted_low`` and ``fitted_high`` from the curvature at the optimum (Laplace), and ``shrinkage``, 1 less
        the ratio of posterior to prior variance: near 0 where the targets say nothing. ``correlation`` between
        parameters. Over ``target``: ``wanted``, ``tolerance``, ``default``, ``value``, and whether it is met,
        ``met_by_default`` and ``met``.

    Raises
    ------
    NetworkError
        If a parameter is none of the organism's.
    """
    from scipy.optimize import least_squares

    scale = _Scale(_entries(free, hypothesis))
    wanted = np.array([target.value for target in TARGETS])
    tolerance = np.array([target.tolerance for target in TARGETS])

    def show(x: np.ndarray) -> np.ndarray:
        named = dict(zip(scale.names, map(float, scale.values(x)), strict=True))
        return measured({"hypothesis": hypothesis, **named})

    def deviations(x: np.ndarray) -> np.ndarray:
        return np.concatenate([(show(x) - wanted) / tolerance, x])

    def slopes(x: np.ndarray) -> np.ndarray:
        base = deviations(x)
        inward = np.where(x + STEP > scale.bounds[1], -STEP, STEP)
        return np.stack(
            [(deviations(x + h * unit) - base) / h for h, unit in zip(inward, np.eye(x.size), strict=True)], 1
        )

    begin = np.zeros(len(scale.names)) if start is None else np.asarray(start, np.float64)
    found = least_squares(
        deviations, begin, jac=slopes, bounds=scale.bounds, max_nfev=evaluations, xtol=1e-3, ftol=1e-3
    )
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    return _report(scale, found.x, covariance, show(np.zeros(begin.size)), show(found.x), hypothesis, float(found.cost))


def _entries(free: Sequence[str], hypothesis: str) -> list[ModelParameter]:
    known = organism_parameters()["parameters"]
    for name in free:
        if name not in known:
            raise NetworkError(f"the organism has no '{name}' to fit")
    return [known[name] for name in (*free, *(("relay_gain",) if hypothesis != "direct" else ()))]


def _report(
    scale: _Scale,
    x: np.ndarray,
    covariance: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    hypothesis: str,
    cost: float,
) -> "xarray.Dataset":
    import xarray

    sd = np.sqrt(np.diag(covariance))
    half = normal_quantile() * sd
    limits = [scale.values(np.clip(x + sign * half, *scale.bounds)) for sign in (-1.0, 1.0)]
    least, most = (np.array([getattr(target, name) for target in TARGETS]) for name in ("least", "most"))
    columns: Mapping[str, Any] = {
        "prior": scale.values(np.zeros_like(x)),
        "prior_low": scale.values(scale.bounds[0]),
        "prior_high": scale.values(scale.bounds[1]),
        "fitted": scale.values(x),
        "fitted_low": limits[0],
        "fitted_high": limits[1],
        "moved": x,
        "shrinkage": 1.0 - sd**2,
    }
    rows: Mapping[str, Any] = {
        "wanted": np.array([target.value for target in TARGETS]),
        "tolerance": np.array([target.tolerance for target in TARGETS]),
        "default": before,
        "value": after,
        "met_by_default": (before >= least) & (before <= most),
        "met": (after >= least) & (after <= most),
        "source": np.array([target.source for target in TARGETS]),
    }
    return xarray.Dataset(
        {
            **{name: ("parameter", value) for name, value in columns.items()},
            "correlation": (("parameter", "other"), covariance / np.outer(sd, sd)),
            **{name: ("target", value) for name, value in rows.items()},
        },
        {"parameter": scale.names, "other": scale.names, "target": [target.name for target in TARGETS]},
        {"hypothesis": hypothesis, "cost": cost, "confidence": "95 %"},
    )
