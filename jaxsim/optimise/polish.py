"""The polish: the true objective and limits, fresh noise in every step, Adam, batches that grow, an averaged tail.

Batches double while the error of the gradient is above half of its norm ("norm test"; Byrd, Chin, Nocedal & Wu, Math.
Program. 134 (2012) 127), and the descent ends when the gradient of the largest batches does not differ from zero by a
chi-square test. The mean of the last half of the path is returned (Polyak & Juditsky, SIAM J. Control 30 (1992) 838).
"""

from typing import Any, NamedTuple

import jax
import numpy as np
import optax
from jax import Array
from jax.typing import ArrayLike
from scipy import stats

from jaxsim.gradient.estimators import estimator_named
from jaxsim.gradient.problem import GradientEstimate
from jaxsim.optimise.limits import Penalty
from jaxsim.optimise.search import Search

# The steps of a descent: Optax's Adam with rates that fall along a cosine.
#
# First moment 0.8 rather than 0.9, since batches grow and the slope turns within tens of steps. No weight decay: it
# would pull every number to the middle of its bounds.

FIRST_MOMENT = 0.8


def adam(rate: float, last_rate: float, steps: int) -> optax.GradientTransformation:
    """Return the rule of so many steps, which runs whatever JAX's setting of type promotion.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> rule = adam(0.25, 0.0125, 60)
    >>> move, _ = rule.update(jnp.ones(2), rule.init(jnp.zeros(2)))
    >>> move.round(3).tolist()
    [-0.25, -0.25]
    """
    rule = optax.adam(optax.cosine_decay_schedule(rate, max(1, steps), last_rate / rate), b1=FIRST_MOMENT)

    def init(start: ArrayLike) -> Any:
        with jax.numpy_dtype_promotion("standard"):  # Optax promotes float and int32 as it pleases
            return rule.init(start)

    def update(slope: ArrayLike, state: tuple[Any, ...], at: Array | None = None) -> Any:
        with jax.numpy_dtype_promotion("standard"):
            return rule.update(slope, state, at)

    return optax.GradientTransformation(init, update)


LANES = 128  # side by side in one compiled program; a batch is several of these, so that batches grow without compiling
NO_SLOPE = "no batch shows a slope"
_RATE, _LAST_RATE, CLIP = 0.25, 0.0125, 5.0
NORM_TEST = 0.5
MEMORY = 0.7  # of the covariance of gradients from step to step
ROUND = 5  # steps between two updates of the multipliers
_LEVEL = 0.05
SINGULAR = 1e-6  # variance, as a part of the largest, below which a direction does not vary at all
QUIET = 2  # steps in a row that the chi-square test must pass
_FEWEST = 8  # steps before it may


class Polished(NamedTuple):
    """Where the polish ended."""

    z: np.ndarray
    """[Z]: the averaged tail."""
    path: np.ndarray
    """[steps, Z]."""
    batches: np.ndarray
    """int [steps]: trajectories of each batch."""
    ended: str
    """Why."""


def polish(
    search: Search, z: np.ndarray, penalty: Penalty, batch: tuple[int, int], steps: int, reserve: int
) -> Polished:
    """Descend from z until the gradient is lost in its error, or the steps or the budget less a reserve are used up."""
    rule = adam(_RATE, _LAST_RATE, steps)
    state = rule.init(z.astype(np.float32))
    least = 2 * LANES if estimator_named(search.method).between else 1
    batch = (max(batch[0], least), max(batch[1], least))
    size, quiet, norm, spread = batch[0], 0, 0.0, None
    finest = search.resolution / penalty.scale[0]
    path, sizes = [z], []
    ended = f"all {steps} steps were taken"
    for step in range(steps):
        if not search.affords(_step_cost(search, z, size) + reserve):
            ended = f"the budget of {search.budget:.6g} forward trajectories is used up"
            break
        found = _gradient(search, z, penalty, size, step)
        if not np.any(found.gradient) and not np.any(found.covariance):
            ended = _without_slope(found)
            if size == batch[1]:
                break
            size = min(2 * size, batch[1])
            continue
        spread = _remembered(spread, found)
        covariance = spread / max(found.trajectories, 1)
        slope, error = float(np.linalg.norm(found.gradient)), float(np.sqrt(np.trace(covariance)))
        norm = norm or max(slope, error)  # the unit in which gradients are clipped
        scaled = found.gradient / norm
        scaled *= min(1.0, CLIP / max(float(np.linalg.norm(scaled)), 1e-30))
        moves, state = rule.update(scaled.astype(np.float32), state)
        arrived = stationary(found.gradient, covariance, search.regimen.degrees, finest)[0] > _LEVEL
        quiet = quiet + 1 if arrived and (size == batch[1] or error <= finest) else 0
        z = z + np.asarray(moves, np.float64)
        path.append(z)
        sizes.append(found.trajectories)
        search.announce(
            f"polish {step + 1}/{steps}: {found.trajectories} trajectories, |slope| {slope:.3g} +- {error:.2g}"
        )
        if quiet >= QUIET and step >= _FEWEST:
            ended = "the gradient does not differ from zero by the chi-square test"
            break
        if error > NORM_TEST * slope:
            size = min(2 * size, batch[1])
    search.notes += [ended] if ended.startswith(NO_SLOPE) else []
    tail = np.mean(path[len(path) // 2 :], axis=0)
    return Polished(tail, np.stack(path), np.array(sizes, np.int64), ended)


def _without_slope(found: GradientEstimate) -> str:
    """Return why a gradient has neither size nor error."""
    if found.value_error == 0.0:
        return (
            f"{NO_SLOPE}: no event seen, as all {found.trajectories} trajectories of a batch gave the same value; "
            f"the objective may be flat here, or its event too rare for batches of this size"
        )
    return f"{NO_SLOPE}: the objective is flat here, as no move changed any of {found.trajectories} values"


def _gradient(search: Search, z: np.ndarray, penalty: Penalty, size: int, step: int) -> GradientEstimate:
    """Return the gradient of the augmented Lagrangian from fresh trajectories."""
    weights = np.array([penalty.sign / penalty.scale[0]])
    if search.criterion.limits:  # their pull from other trajectories than their slope, or the product is biased
        found = search.try_out({"here": search.regimen.schedule(z)}, size).mean[0]
        weights = penalty.weights(found)
        if step % ROUND == ROUND - 1:
            penalty.update(found)
    problem = search.at(z)._replace(
        objective=search.criterion.weighted(weights), lanes=LANES, trajectories=size, first=search.take(size),
        seed=search.seed,
    )  # fmt: skip
    method = estimator_named(search.method)
    found = method.estimate(problem)
    search.forward_equivalents += found.trajectories * method.cost_of(z.size)
    return found


def _step_cost(search: Search, z: np.ndarray, size: int) -> float:
    """Return what a step of so many trajectories is going to cost, in forward trajectories."""
    whole = LANES * -(-size // LANES)
    lanes = search.problem.lanes or LANES
    pulled = lanes * -(-size // lanes) if search.criterion.limits else 0
    return whole * estimator_named(search.method).cost_of(z.size) + pulled


def _remembered(spread: np.ndarray | None, found: GradientEstimate) -> np.ndarray:
    """Return the covariance of one trajectory's gradient, over the last steps."""
    now = found.covariance * found.trajectories
    return now if spread is None else MEMORY * spread + (1.0 - MEMORY) * now


def stationary(gradient: np.ndarray, covariance: np.ndarray, degrees: int, finest: float = 0.0) -> tuple[float, float]:
    """Return the probability of a gradient so far from zero by chance, and its chi-square.

    `degrees` is how many directions are free; a shift of all coordinates of a softmax is none of them. A slope of
    `finest`, by which a move of one whole coordinate changes the objective by no more than can be seen, counts as
    noise.

    Examples
    --------
    >>> p, chi_square = stationary(np.array([0.0, 2.0]), np.diag([1.0, 1.0]), 2)
    >>> round(p, 3), chi_square
    (0.135, 4.0)
    """
    size, directions = np.linalg.eigh(covariance + finest**2 * np.eye(gradient.size))
    along = directions.T @ gradient
    seen = size > SINGULAR * max(float(size.max()), 1e-300)
    chi_square = float(np.sum(along[seen] ** 2 / size[seen]))
    return float(stats.chi2.sf(chi_square, degrees)), chi_square
