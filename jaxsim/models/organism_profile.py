"""Profile ranges of the calibration: how far each parameter can go while the others make up for it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from jaxsim.models.organism_fit import FREE, Calibration

if TYPE_CHECKING:
    import xarray

GRID = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # posterior standard deviations from the fit
RISE = 3.841  # of twice the cost at the 95 % limits: the chi-squared quantile of one degree of freedom


def profile_organism(
    fit: "xarray.Dataset", *, free: Sequence[str] = FREE, rounds: int = 5, grid: Sequence[float] = GRID
) -> "xarray.Dataset":
    """Return profile least squares of the fitted parameters, from the rate equations.

    Each parameter in turn is held on a grid around its fitted value, and all others are fitted again, by Gauss-Newton
    steps from the optimum whose derivatives are those of the optimum, corrected after each step as Broyden does; all
    points of all profiles take their steps side by side. A point keeps the least cost it has seen, so that a profile is
    never below the truth.

    Parameters
    ----------
    fit
        From :func:`calibrate_organism`.
    free
        The parameters it fitted.
    rounds
        Steps of every point.
    grid
        Posterior standard deviations (Laplace) from the fit.

    Returns
    -------
    xarray.Dataset
        Over ``parameter`` and ``point``: ``value`` and ``rise``, of twice the cost above its least. Over ``parameter``:
        ``low`` and ``high``, where the rise is 3.84 (95 %), and ``open_low``, ``open_high``, whether that lies beyond
        the grid or the range of the file, so that the targets set no limit there.

    References
    ----------
    Raue et al., Bioinformatics 25 (2009) 1923; Broyden, Math. Comp. 19 (1965) 577.
    """
    import xarray

    problem = Calibration.of(str(fit.attrs["hypothesis"]), free)
    best = np.asarray(fit["moved"].values, np.float64)
    slopes = problem.slopes(best)
    sd = np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes)))
    names = problem.scale.names
    held = np.repeat(np.arange(len(names)), len(grid))
    places = best[held] + np.tile(np.asarray(grid, np.float64), len(names)) * sd[held]
    places = np.clip(places, problem.scale.bounds[0][held], problem.scale.bounds[1][held])
    cost, points = _fit_others(problem, slopes, best, held, places, rounds)
    shape = (len(names), len(grid))
    least = cost.min()
    rise = (cost - least).reshape(shape)
    standard = places.reshape(shape)
    limits = np.array([_limits(x, y) for x, y in zip(standard, rise, strict=True)])
    values = np.array([problem.scale.values(point)[i] for point, i in zip(points, held, strict=True)]).reshape(shape)
    ends = [problem.scale.values(limits[:, side].astype(np.float64)) for side in (0, 1)]
    return xarray.Dataset(
        {
            "value": (("parameter", "point"), values),
            "rise": (("parameter", "point"), rise),
            "low": ("parameter", ends[0]),
            "high": ("parameter", ends[1]),
            "open_low": ("parameter", limits[:, 2] > 0),
            "open_high": ("parameter", limits[:, 3] > 0),
        },
        {"parameter": list(names), "point": np.arange(len(grid))},
        {"hypothesis": problem.hypothesis, "confidence": "95 %", "least": float(least), "rounds": rounds},
    )


def _fit_others(
    problem: Calibration,
    slopes: Float[np.ndarray, "deviation parameter"],
    best: Float[np.ndarray, " parameter"],
    held: np.ndarray,
    places: np.ndarray,
    rounds: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return twice the least cost of every point, and where it was found."""
    number, (low, high) = held.size, problem.scale.bounds
    x = np.repeat(best[None], number, axis=0)
    x[np.arange(number), held] = places
    jacobians = np.repeat(slopes[None], number, axis=0)
    here = np.repeat(problem.deviations(best[None]), number, axis=0)
    here = here + np.einsum("nij,nj->ni", jacobians, x - best[None])  # expected there; the first step corrects it
    kept, cost = x.copy(), np.full(number, np.inf)
    for turn in range(rounds):
        step = np.stack([_step(j, r, i) for j, r, i in zip(jacobians, here, held, strict=True)])
        new = np.clip((x if turn == 0 else kept) + step, low, high)
        found = problem.deviations(new)
        if turn > 0:
            jacobians = _corrected(jacobians, new - kept, found - here)
        squares = (found**2).sum(axis=1)
        better = squares < cost
        cost, kept = np.where(better, squares, cost), np.where(better[:, None], new, kept)
        here = np.where(better[:, None], found, here)
    return cost, kept


def _step(jacobian: np.ndarray, deviations: np.ndarray, held: int) -> np.ndarray:
    """Return the Gauss-Newton step of all parameters but one."""
    others = np.arange(jacobian.shape[1]) != held
    step = np.zeros(jacobian.shape[1])
    step[others] = -np.linalg.lstsq(jacobian[:, others], deviations, rcond=None)[0]
    return step


def _corrected(jacobians: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Return derivatives that explain the change of the last step."""
    square = (step**2).sum(axis=1)
    missed = change - np.einsum("nij,nj->ni", jacobians, step)
    scale = np.where(square > 0, 1.0 / np.where(square > 0, square, 1.0), 0.0)
    return jacobians + missed[:, :, None] * step[:, None, :] * scale[:, None, None]


def _limits(x: np.ndarray, rise: np.ndarray) -> tuple[float, float, bool, bool]:
    """Return where the profile crosses the limit on either side of its least, and whether it never does.

    Examples
    --------
    >>> [float(end) for end in _limits(np.array([-2.0, 0.0, 1.0]), np.array([4 * 3.841, 0.0, 1.0]))]
    [-0.5, 1.0, 0.0, 1.0]
    """
    least = int(rise.argmin())
    ends, opens = [], []
    for side in (range(least, -1, -1), range(least, x.size)):
        previous = least
        crossing = None
        for n in side:
            if rise[n] > RISE:
                share = (RISE - rise[previous]) / (rise[n] - rise[previous])
                crossing = x[previous] + share * (x[n] - x[previous])
                break
            previous = n
        opens.append(crossing is None)
        ends.append(float(x[previous] if crossing is None else crossing))
    return ends[0], ends[1], opens[0], opens[1]
