"""js.check_gradient: an estimated gradient against coupled exact pairs, with what the check could have seen."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import numpy as np

from jaxsim._html import block, html_table, line
from jaxsim.dosing import Schedule
from jaxsim.gradient.estimators import estimator_named
from jaxsim.gradient.estimators.difference import paired_chunks
from jaxsim.gradient.estimators.leap_score import leap_anchors
from jaxsim.gradient.estimators.split_difference import coupled_batches
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import EVENT, EVENT_REACTION, assembled, chosen, known_species, posed
from jaxsim.gradient.leap.chain import Drive, LeapChain
from jaxsim.gradient.leap.critics import critic_terms
from jaxsim.gradient.leap.mean import mean_path, no_nudges
from jaxsim.gradient.objective import Objective, cut, looks
from jaxsim.gradient.problem import Average, Problem, chain_of, drive_of
from jaxsim.gradient.result import Gradient
from jaxsim.gradient.stencils import Stencil, stencils
from jaxsim.gradient.tables import Tables, build_tables, chained
from jaxsim.network import Network
from jaxsim.paths.exposure import SHIFTS

# Ripple: how much a derivative on a leap grid changes as the grid slides by a part of one leap.
#
# Nothing physical depends on where the grid begins, so what changes is error of the discretisation of exposure. Taken
# on the noiseless chain, whose derivative has no sampling error.

PHASES = 8


def ripple(problem: Problem) -> np.ndarray:
    """Return (largest - smallest) / mean of the derivative over the phases of a leap, [P]; NaN where the mean is 0."""
    terms = critic_terms(problem.objective.terms, problem.network.structure.species)
    chain = replace(chain_of(problem, 1), terms=terms)
    widths = np.append(problem.grid.widths, problem.grid.widths[-1])
    slopes = []
    for phase in np.arange(PHASES) / PHASES:
        edges = problem.grid.edges + phase * widths
        tables, moved = build_tables(problem.free, problem.network, edges, problem.shifts, problem.grid.pinned)
        drive = drive_of(problem, tables)._replace(looks=looks(terms, problem.grid))
        cotangent = jax.tree.map(np.asarray, _cotangent(chain, drive))
        slopes.append(chained(cotangent, moved))
    found = np.array(slopes)
    mean = np.abs(found.mean(axis=0))
    return np.where(mean > 0.0, np.ptp(found, axis=0) / np.where(mean > 0.0, mean, 1.0), np.nan)


@partial(jax.jit, static_argnums=0)
def _cotangent(chain: LeapChain, drive: Drive) -> Any:
    """Return the derivative of the sum of the terms on the noiseless chain, with respect to the tables."""

    def total(tables: Tables) -> Any:
        numbers = mean_path(chain, drive._replace(tables=tables), no_nudges(chain, drive))[1]
        return sum(numbers[j] for j in range(len(chain.terms)))

    return jax.grad(total)(drive.tables)


LIMIT = 3.2905  # two-sided 0.001 for each component
POWER = LIMIT + 2.3263  # standard errors of the smallest bias that is seen at that level with power 99 %
PLANTED = 0.9  # factor of the planted error
LEFT = 0.1  # of the truncation that Richardson removes, where noise does not hide it: what he is taken to leave
FEWEST = 10  # pairs that must have parted for a referee to have seen anything
_MOST_SECONDS = 120.0  # of one core, about, that a referee on exact paths may take
_OTHER_SEED = 0x5851F42D4C957F2D  # added to the seed: the referee shares no trajectory with the estimator
_EXACT = "coupled pairs of exact paths"
_LEAPS = (
    "coupled pairs on leaps half as long, which see half of the bias of leaping alone, as exact paths have too many "
    "events"
)


@dataclass(frozen=True, kw_only=True)
class GradientCheck:
    """Hold an estimated gradient beside its referee; made by :func:`jaxsim.check_gradient`.

    Attributes
    ----------
    found
        The Gradient that is checked.
    referee
        What it was held against, in words: pairs of exact paths, unless these have too many events.
    reference, reference_error
        Richardson's (4 D(h/2) - D(h)) / 3 of coupled differences, on a seed of its own, [P].
    parted
        How many pairs of the referee differed at all, int [P]; below ten nothing was seen.
    z
        Of the difference of both beside the noise of both, so that a bias of the method or of its leaps is seen; the
        error counts a tenth of the truncation that Richardson has removed.
    z_truncation
        Of D(h) - D(h/2), paired: beyond 3 the steps are too long for differences alone, though Richardson takes
        most of that away.
    smallest_bias, smallest_error
        The smallest bias that this check would have seen, at the level 0.001 with a power of 99 %: relative to the
        reference, and in its unit.
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
    referee: str
    reference: np.ndarray
    reference_error: np.ndarray
    parted: np.ndarray
    z: np.ndarray
    z_truncation: np.ndarray
    smallest_bias: np.ndarray
    smallest_error: np.ndarray
    planted_z: np.ndarray
    ripple: np.ndarray
    seconds: float

    @property
    def unseen(self) -> tuple[str, ...]:
        """The components of which the referee saw no event, so that it says nothing of them."""
        return self._named(self.parted < FEWEST)

    @property
    def undecided(self) -> tuple[str, ...]:
        """Those, and the components in which only an error larger than the gradient itself would have been seen."""
        return self._named((self.parted < FEWEST) | ~(self.smallest_bias <= 1.0))

    @property
    def passes(self) -> bool:
        """Whether every component was seen and agrees with its referee, |z| < 3.3."""
        return bool(np.all(np.abs(self.z) < LIMIT)) and not self.unseen

    @property
    def verdict(self) -> str:
        """``"DISAGREES"``, ``"UNDECIDED"`` where a component is undecided, or ``"agrees"``."""
        if np.any((np.abs(self.z) >= LIMIT) & (self.parted >= FEWEST)):
            return "DISAGREES"
        return "UNDECIDED" if self.undecided else "agrees"

    @property
    def sees_a_tenth(self) -> np.ndarray:
        """For each component whether an error of a tenth would have been caught."""
        return np.abs(self.planted_z) > LIMIT

    def sees(self, share: float) -> np.ndarray:
        """Return for each component whether an error of a share of it would have been caught, in 99 cases of 100."""
        return (self.smallest_bias <= share) & (self.parted >= FEWEST)

    def __str__(self) -> str:
        names = self.found.components
        width = max(len(name) for name in names)
        head = f"{'':<{width}}  {'estimate':>20} {'referee':>20} {'z':>6} {'z trunc.':>8} {'sees':>6} {'ripple':>7}"
        rows = [
            f"{name:<{width}}  {estimate:>20} {reference:>20} {z:>6} {truncation:>8} {sees:>6} {ripple:>7}"
            for name, estimate, reference, z, truncation, sees, ripple in self._rows()
        ]
        return "\n".join([head, *rows, self._planted, self.sentence])

    def _repr_html_(self) -> str:
        head = ("component", "estimate", "referee", "z", "z of truncation", "sees errors from", "ripple")
        checked = html_table("gradient against its referee, with standard errors", head, self._rows())
        return block(line(self.sentence), checked, line(self._planted))

    def _rows(self) -> list[tuple[str, ...]]:
        """Return the numbers of each component as text."""
        return [
            (
                name,
                f"{self.found.vector[p]:.5g} +- {self.found.noise[p]:.1g}",
                f"{self.reference[p]:.5g} +- {self.reference_error[p]:.1g}",
                f"{self.z[p]:.2f}",
                f"{self.z_truncation[p]:.2f}",
                f"{self.smallest_bias[p]:.1%}",
                f"{self.ripple[p]:.1%}",
            )
            for p, name in enumerate(self.found.components)
        ]

    @property
    def _planted(self) -> str:
        return "planted, an error of a tenth stands at z = " + ", ".join(f"{z:.1f}" for z in self.planted_z)

    @property
    def sentence(self) -> str:
        """What the check could have seen, and what it says."""
        names, verdict = self.found.components, self.verdict
        seen = ", ".join(f"{self._least(p)} ({name})" for p, name in enumerate(names))
        off = self._named((np.abs(self.z) >= LIMIT) & (self.parted >= FEWEST))
        named = {"agrees": (), "UNDECIDED": self.undecided, "DISAGREES": off}[verdict]
        where = f" in {', '.join(named)}" if named else ""
        blind = [name for name, seen in zip(names, self.sees_a_tenth, strict=True) if not seen]
        note = f"; an error of a tenth in {', '.join(blind)} would not have been seen" if blind else ""
        return f"sees errors from {seen} on: {self.found.method} {verdict}{where} with {self.referee}{note}"

    def _least(self, p: int) -> str:
        """Return the smallest error of a component that would have been seen."""
        if self.parted[p] < FEWEST:
            return "nothing, as no event was seen"
        if self.smallest_bias[p] <= 1.0:
            return f"{self.smallest_bias[p]:.2g} of its size"
        return f"{self.smallest_error[p]:.2g}, more than its size {abs(self.reference[p]):.2g}"

    def _named(self, mask: np.ndarray) -> tuple[str, ...]:
        return tuple(name for name, here in zip(self.found.components, mask, strict=True) if here)


def check_gradient(
    model: Network | Callable[..., Any],
    objective: Objective,
    *,
    free: Sequence[str] | None = None,
    at: Any = None,
    schedule: Schedule | None = None,
    trajectories: int = 20_000,
    pairs: int | None = None,
    seed: int = 0,
    method: str = "auto",
    start: float = 0.0,
    end: float | None = None,
    step: float | None = None,
    widths: Mapping[str, Any] | None = None,
    scored: Sequence[str] | None = None,
    shifts: int = SHIFTS,
) -> GradientCheck:
    """Estimate a gradient and hold it against coupled differences of exact paths, on other trajectories.

    So the bias of a method and of its leaps is seen. Where exact paths have too many events, the referee walks on leaps
    half as long, and says so.

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
        Print it; its `sentence` begins with what could have been seen, as agreement says no more than that.

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
    estimator_named(name).refuse(problem)
    found = assembled(problem._replace(reason=reason), name, began)
    return compared(problem, found, int(trajectories if pairs is None else pairs), began)


def compared(problem: Problem, found: Gradient, pairs: int, began: float) -> GradientCheck:
    """Hold a gradient that was found against differences on other trajectories."""
    other = problem._replace(seed=(problem.seed + _OTHER_SEED) % (1 << 64), trajectories=pairs, first=0)
    referee, quotients = _referee(other)
    size, both, parted = problem.size, Average(2 * problem.size), np.zeros(problem.size, np.int64)
    for batch in quotients:
        wide, narrow = batch[:size], batch[size:]
        both.add(np.concatenate([(4.0 * narrow - wide) / 3.0, wide - narrow]))
        parted += np.count_nonzero(wide, axis=1)
    reference, apart = both.mean[:size], both.mean[size:]
    errors = np.sqrt(np.maximum(np.diag(both.covariance), 0.0))
    removed = np.maximum(np.abs(apart) - LIMIT * errors[size:], 0.0)
    together = np.sqrt(found.noise**2 + errors[:size] ** 2 + (LEFT * removed) ** 2)
    return GradientCheck(
        found=found,
        referee=referee,
        reference=reference,
        reference_error=errors[:size],
        parted=parted,
        z=_ratio(found.vector - reference, together),
        z_truncation=_ratio(apart, errors[size:]),
        smallest_bias=np.abs(_ratio(POWER * together, reference)),
        smallest_error=POWER * together,
        planted_z=_ratio(PLANTED * found.vector - reference, together),
        ripple=ripple(problem),
        seconds=time.perf_counter() - began,
    )


def _referee(problem: Problem) -> tuple[str, Iterator[np.ndarray]]:
    """Return what a gradient is held against, and the quotients of its batches: of steps h, then of h/2, [2 P, L]."""
    taken = stencils(problem)
    both = [*taken, *(stencil.scaled(0.5) for stencil in taken)]
    if _seconds(problem, both) <= _MOST_SECONDS:
        batches, _ = coupled_batches(problem, both)
        return _EXACT, (found.quotients for found in batches)
    grid = cut(problem.grid, 2)
    tables, slopes = build_tables(problem.free, problem.network, grid.edges, problem.shifts, grid.pinned)
    fine = problem._replace(grid=grid, tables=tables, slopes=slopes)
    estimator_named("difference").refuse(problem)
    return _LEAPS, (found.quotients for found in paired_chunks(fine, both, leap_anchors(fine, drive_of(fine))))


def _seconds(problem: Problem, taken: list[Stencil]) -> float:
    """Return about how long pairs of exact paths take one core."""
    assert problem.pace is not None
    event = EVENT + EVENT_REACTION * len(problem.network.structure.reactions)
    paths = problem.trajectories * (1 + sum(len(stencil.pairs) for stencil in taken))
    return 1e-9 * event * problem.pace.events * paths


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return above / below; 0 where both vanish, infinite where only the latter does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((above == 0.0) & (below == 0.0), 0.0, above / below)
