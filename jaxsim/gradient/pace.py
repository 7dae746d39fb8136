"""Pace: how fast deviations relax and how often reactions fire along the mean, by which steps and methods are chosen.

A leap multiplies a deviation that relaxes at the rate q by 1 - q tau, and not by exp(-q tau): a fifth of a relaxation
time makes the variance of a balance 11 % too wide (1/(1 - q tau/2)), one relaxation time doubles it, and from two on
the chain runs away. The rate is the largest eigenvalue, by size, of the Jacobian of the rate equations. These are
followed by linearly implicit Euler steps, which stay on the slow course where explicit ones would run away as well.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsim.errors import SimulationError
from jaxsim.gradient.leap.chain import Drive, LeapChain, mean_rates
from jaxsim.gradient.leap.mean import start_of, typical_parameters
from jaxsim.gradient.objective import MOST_STEPS, LeapGrid, cut
from jaxsim.network import stoichiometry

PART = 0.2  # of a relaxation time that a leap takes where no step is asked for
UNSTABLE = 2.0  # relaxation times in a leap from which on the chain runs away
MOST_REFINED = 1 << 15  # steps into which the grid is refined; who wants more asks for a step


class Pace(NamedTuple):
    """What happens in each of n steps of a grid."""

    relaxation: np.ndarray
    """float64 [n]: the fastest rate of relaxation, in the inverse of the time unit."""
    firings: np.ndarray
    """float64 [n]: expected number of events."""
    path: np.ndarray
    """float64 [n, S]: counts of the rate equations at the start of each step."""

    @property
    def fastest(self) -> float:
        """The fastest relaxation of all."""
        return float(np.max(self.relaxation, initial=0.0))

    @property
    def events(self) -> float:
        """Expected number of events of a trajectory."""
        return float(np.sum(self.firings))


def pace(chain: LeapChain, drive: Drive) -> Pace:
    """Return the pace along the rate equations, what varies at its median."""
    jacobian, total, path = (np.asarray(part, np.float64) for part in _followed(chain, drive))
    finite = np.all(np.isfinite(jacobian), axis=(1, 2))
    relaxation = np.zeros(jacobian.shape[0])
    relaxation[finite] = np.abs(np.linalg.eigvals(jacobian[finite])).max(axis=1, initial=0.0)
    firings = np.where(np.isfinite(total), total, np.inf) * np.asarray(drive.width, np.float64)
    return Pace(relaxation, firings, np.nan_to_num(path))


@partial(jax.jit, static_argnums=0)
def _followed(chain: LeapChain, drive: Drive) -> Any:
    """Return, at the start of each step, the Jacobian of the rate equations, the sum of all rates, and the counts."""
    parameters = typical_parameters(chain, drive)
    change = jnp.asarray(stoichiometry(chain.structure).astype(np.float32))
    x = jnp.stack([start_of(chain, drive, name) for name in chain.structure.species])

    def at(x: Array, index: Array) -> Any:
        return mean_rates(chain, drive, parameters, x, index)

    def step(x: Array, index: Array) -> tuple[Any, Any]:
        a, width = at(x, index), drive.width[index]
        jacobian = change @ jax.jacfwd(at)(x, index)
        implicit = jnp.eye(x.shape[0], dtype=x.dtype) - width * jacobian
        y = jnp.maximum(x + jnp.linalg.solve(implicit, width * (change @ a)), 0.0)
        return drive.multiply[index + 1] * y + drive.add[index + 1], (jacobian, jnp.sum(a), x)

    first = drive.multiply[0] * x + drive.add[0]
    return lax.scan(step, first, jnp.arange(drive.width.shape[0], dtype=jnp.int32))[1]


def refined(grid: LeapGrid, relaxation: np.ndarray) -> LeapGrid:
    """Return the grid with every step cut so that none takes more than a fifth of a relaxation time.

    Unless that makes more than ``MOST_REFINED`` steps: then the grid as it is, on which methods of leaps refuse.

    Examples
    --------
    >>> refined(LeapGrid(np.array([0.0, 1.0, 2.0])), np.array([0.1, 0.5])).edges.round(3).tolist()
    [0.0, 1.0, 1.333, 1.667, 2.0]
    """
    parts = np.maximum(1, np.ceil(relaxation * grid.widths / PART * (1.0 - 1e-6))).astype(np.int64)
    if parts.sum() > max(MOST_REFINED, grid.steps) or not np.any(parts > 1):
        return grid
    return cut(grid, parts)


def refuse_unstable(grid: LeapGrid, relaxation: np.ndarray, asked: bool, walking: str = "") -> None:
    """Refuse leaps that do not follow the fastest relaxation.

    A step that was asked for may take up to two relaxation times: its bias is estimated. A chosen one takes a fifth.
    `walking` says what walks on leaps whatever the method.

    Raises
    ------
    SimulationError
        Naming the relaxation time and the remedy.
    """
    stiff = float(np.max(relaxation * grid.widths, initial=0.0))
    if stiff <= (UNSTABLE if asked else PART) * (1.0 + 1e-3):
        return
    fastest = float(relaxation.max())
    wanted = PART / fastest
    steps = np.sum(np.ceil(relaxation * grid.widths / PART))
    remedy = f"give step={wanted:.2g} or shorter" if steps <= MOST_STEPS else "shorten the span"
    other = f" ({walking} need it)" if walking else ", or use method 'score' or 'split_difference', which take no leaps"
    raise SimulationError(
        f"the fastest deviations relax within {1.0 / fastest:.2g} of the time unit, of which a leap takes {stiff:.2g} "
        f"times as much, and leaps do not follow that; {remedy}{other}"
    )
