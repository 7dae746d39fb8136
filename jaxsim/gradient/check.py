"""js.check_gradient: an estimated gradient against coupled differences, with what the check could have seen."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxsim.dosing import Schedule
from jaxsim.gradient.auto import chosen
from jaxsim.gradient.batches import Average
from jaxsim.gradient.difference import half_widths, slopes
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import assembled, known_species, posed
from jaxsim.gradient.leap_score_estimator import leap_anchors
from jaxsim.gradient.problem import Problem, drive_of
from jaxsim.gradient.result import Gradient
from jaxsim.gradient.ripple import ripple
from jaxsim.kernels.exposure import SHIFTS

LIMIT = 3.3  # two-sided 0.001 for each component
POWER = 2.8  # standard errors of the smallest bias that is seen with power 80 % at the 5 % level
PLANTED = 0.9  # factor of the planted error
LEFT = 0.1  # of the truncation that Richardson removes, where noise does not hide it: what he is taken to leave
OTHER_SEED = 0x5851F42D4C957F2D  # added to the seed: the referee shares no trajectory with the estimator


@dataclass(frozen=True)
class GradientCheck:
    """Hold an estimated gradient beside its referee; made by :func:`jaxsim.check_gradient`.

    Attributes
    ----------
    found
        The Gradient that is checked.
    reference, reference_error
        Richardson's (4 D(h/2) - D(h)) / 3 of coupled central differences, on a seed of its own, [P].
    z
        Of the difference of both, whose error counts a tenth of the truncation that Richardson has removed.
    z_truncation
        Of D(h) - D(h/2), paired: beyond 3 the steps are too long for differences alone, though Richardson takes
        most of that away.
    smallest_bias
        The smallest relative bias that this check would have seen with a power of 80 %.
    planted_z
        What z would be were the gradient a tenth too small; the check sees such an error where it is beyond 3.3.
    ripple
        Relative change of the derivative as the grid slides through one leap, without noise.

    Examples
    --------
    >>> GradientCheck.__name__
    'GradientCheck'
    """

    found: Gradient
    reference: np.ndarray
    reference_error: np.ndarray
    z: np.ndarray
    z_truncation: np.ndarray
    smallest_bias: np.ndarray
    planted_z: np.ndarray
    ripple: np.ndarray
    seconds: float

    @property
    def passes(self) -> bool:
        """Whether every component agrees with its referee, |z| < 3.3."""
        return bool(np.all(np.abs(self.z) < LIMIT))

    @property
    def sees_a_tenth(self) -> np.ndarray:
        """For each component whether an error of a tenth would have been caught."""
        return np.abs(self.planted_z) > LIMIT

    def __str__(self) -> str:
        names = self.found.components
        width = max(len(name) for name in names)
        head = f"{'':<{width}}  {'estimate':>20} {'differences':>20} {'z':>6} {'z trunc.':>8} {'sees':>6} {'ripple':>7}"
        rows = []
        for p, name in enumerate(names):
            estimate = f"{self.found.vector[p]:.5g} +- {self.found.error[p]:.1g}"
            reference = f"{self.reference[p]:.5g} +- {self.reference_error[p]:.1g}"
            rows.append(
                f"{name:<{width}}  {estimate:>20} {reference:>20} {self.z[p]:6.2f} {self.z_truncation[p]:8.2f} "
                f"{self.smallest_bias[p]:6.1%} {self.ripple[p]:7.1%}"
            )
        blind = [name for name, seen in zip(names, self.sees_a_tenth, strict=True) if not seen]
        verdict = "agrees" if self.passes else "DISAGREES"
        note = f"; an error of a tenth in {', '.join(blind)} would not have been seen" if blind else ""
        planted = "planted, an error of a tenth stands at z = " + ", ".join(f"{z:.1f}" for z in self.planted_z)
        return "\n".join([head, *rows, planted, f"{self.found.method} {verdict} with coupled differences{note}"])


def check_gradient(
    model: Any,
    objective: Any,
    *,
    free: Sequence[str] | None = None,
    at: Any = None,
    schedule: Schedule | None = None,
    trajectories: Any = 20_000,
    pairs: Any = None,
    seed: Any = 0,
    method: str = "auto",
    start: Any = 0.0,
    end: Any = None,
    step: Any = None,
    widths: Mapping[str, Any] | None = None,
    scored: Sequence[str] | None = None,
    shifts: Any = SHIFTS,
) -> GradientCheck:
    """Estimate a gradient and hold it against coupled central differences, on other trajectories.

    Parameters are those of :func:`jaxsim.gradient`; besides:

    Parameters
    ----------
    pairs : int, optional
        Trajectories of the differences; as many as `trajectories` if not given.
    widths : mapping, optional
        Step h of the differences to each side; h/2 is taken too.

    Returns
    -------
    GradientCheck
        Print it; `passes` and `smallest_bias` belong together: agreement says no more than what could have been seen.

    Examples
    --------
    >>> import jaxsim as js
    >>> net = js.Network({"X": 20}, ["-> X, k", "X -> , 1"], {"k": 20.0})
    >>> check = js.check_gradient(net, js.mean("X", at=2.0), free=["k"], method="leap_score", trajectories=4000,
    ...                           step=0.05, seed=1)
    >>> check.passes, bool(check.smallest_bias[0] < 0.2)
    (True, True)
    """
    began = time.perf_counter()
    problem = posed(free_numbers(model, schedule, free, at), objective, trajectories, seed, (start, end), step,
                    widths, shifts, 0)  # fmt: skip
    problem = problem._replace(scored=known_species(problem, scored))
    name, reason = chosen(problem) if method == "auto" else (method, "asked for")
    found = assembled(problem._replace(reason=reason), name, began)
    return compared(problem, found, int(trajectories if pairs is None else pairs), began)


def compared(problem: Problem, found: Gradient, pairs: int, began: float) -> GradientCheck:
    """Hold a gradient that was found against differences on other trajectories."""
    other = problem._replace(seed=(problem.seed + OTHER_SEED) % (1 << 64), trajectories=pairs, first=0)
    widths = half_widths(other)
    anchor = leap_anchors(other, drive_of(other))
    both = Average(2 * problem.size)
    for wide, narrow in zip(slopes(other, widths, anchor), slopes(other, widths / 2, anchor), strict=True):
        both.add(np.concatenate([(4.0 * narrow - wide) / 3.0, wide - narrow]))
    size = problem.size
    reference, apart = both.mean[:size], both.mean[size:]
    errors = np.sqrt(np.maximum(np.diag(both.covariance), 0.0))
    removed = np.maximum(np.abs(apart) - LIMIT * errors[size:], 0.0)
    together = np.sqrt(found.error**2 + errors[:size] ** 2 + (LEFT * removed) ** 2)
    return GradientCheck(
        found=found,
        reference=reference,
        reference_error=errors[:size],
        z=_ratio(found.vector - reference, together),
        z_truncation=_ratio(apart, errors[size:]),
        smallest_bias=np.abs(_ratio(POWER * together, reference)),
        planted_z=_ratio(PLANTED * found.vector - reference, together),
        ripple=ripple(problem),
        seconds=time.perf_counter() - began,
    )


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return above / below; 0 where both vanish, infinite where only the latter does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((above == 0.0) & (below == 0.0), 0.0, above / below)
