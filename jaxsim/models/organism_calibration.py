"""Fit the few lumped unknowns of the organism to what is known of it, and say what remains unmet.

Least squares on the rate equations: deviations from the targets in their tolerances, and deviations of the parameters
from their values in the parameter file, in standard deviations of a prior whose width is the range given there.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.models.intervals import normal_quantile
from jaxsim.models.organism_fit import FREE, Calibration, PriorScale
from jaxsim.models.organism_targets import TARGETS

if TYPE_CHECKING:
    import xarray


def calibrate_organism(
    hypothesis: str = "both", *, free: Sequence[str] = FREE, evaluations: int = 10, start: Any = None
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

    problem = Calibration.of(hypothesis, free)
    begin = np.zeros(len(problem.scale.names)) if start is None else np.asarray(start, np.float64)
    found = least_squares(
        lambda x: problem.deviations(x[None])[0],
        begin,
        jac=problem.slopes,
        bounds=problem.scale.bounds,
        max_nfev=evaluations,
        xtol=1e-3,
        ftol=1e-3,
    )
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    before, after = problem.show(np.stack([np.zeros_like(begin), found.x]))
    return _report(problem.scale, found.x, covariance, before, after, hypothesis, float(found.cost))


def _report(
    scale: PriorScale,
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
