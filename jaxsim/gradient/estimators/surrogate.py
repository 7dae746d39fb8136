"""Method surrogate: scores for what is few or decides a jump, straight-through paths for what is many."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jaxsim.errors import SimulationError
from jaxsim.gradient.estimators.leap_score import bias_of, leap_anchors
from jaxsim.gradient.influence import Ends, Levels, alternatives, doubted, on_atoms, values
from jaxsim.gradient.leap.branching import Branching
from jaxsim.gradient.leap.branching_fit import fitted_critic
from jaxsim.gradient.leap.chain import Drive
from jaxsim.gradient.leap.mean import typical_counts
from jaxsim.gradient.leap.surrogate import Surrogate, surrogate_gradient
from jaxsim.gradient.objective import Objective, described, has_jumps
from jaxsim.gradient.problem import (
    Alike,
    Average,
    GradientEstimate,
    Problem,
    batches,
    chain_of,
    drive_of,
    first_words,
    lanes_of,
    refuse_faults,
)
from jaxsim.gradient.summaries import NODES, Anchor
from jaxsim.gradient.tables import Tables, chained
from jaxsim.network import changed_species, names, to_string
from jaxsim.runtime.workers import run_batches

DOUBTED = 4  # one batch of so many is run at both ends of the interval of a quantile
FEW = 50.0  # copies below which a species' reactions are scored; the bias of the path is then a few per cent


class _Run(NamedTuple):
    """What batches of the surrogate are run with."""

    program: Surrogate
    drive: Drive
    anchor: list[Anchor | None]
    levels: Levels
    critic: Branching | None
    bias: str

    def batch(self, first: int, levels: Levels | None = None) -> tuple[Tables, Ends]:
        """Return the gradient with respect to the tables over one batch, and what its trajectories end with."""
        levels = self.levels if levels is None else levels
        return surrogate_gradient(self.program, drive_from(self.drive, first), levels, self.critic)


def prepared_surrogate(problem: Problem, controlled: bool = True) -> _Run:
    """Choose what is scored, and fit a critic where one helps and is wanted."""
    scored, bias = scored_reactions(problem)
    chain = chain_of(problem, lanes_of(problem, between=True))
    drive = drive_of(problem)
    anchor = leap_anchors(problem, drive)
    dying, critic = fitted_critic(problem, chain, scored, drive, anchor) if controlled else (-1, None)
    return _Run(Surrogate(chain, scored, dying), drive, anchor, levels_of(problem.objective, anchor), critic, bias)


def estimate(problem: Problem, controlled: bool = True) -> GradientEstimate:
    """Average the gradients of batches."""
    run = prepared_surrogate(problem, controlled)
    return from_batches(problem, run.program.chain.lanes, run.anchor, run.batch, run.bias)


def drive_from(drive: Drive, first: int) -> Drive:
    """Return the numbers of a call for other trajectories."""
    return drive._replace(first=first_words(first))


def from_batches(
    problem: Problem,
    lanes: int,
    anchor: list[Anchor | None],
    call: Callable[[int, Levels], Any],
    bias: str,
    each: Callable[[Tables], None] = lambda _: None,
) -> GradientEstimate:
    """Average gradients with respect to tables over batches; `each` is shown every one."""
    levels = levels_of(problem.objective, anchor)
    given = batches(problem.first, problem.trajectories, lanes)
    gradient, value, alike, held = Average(problem.size), Average(1), Alike(), 0.0
    for cotangent, ends in run_batches(lambda first: call(first, levels), given):
        refuse_faults(ends.faulty, "leap")
        each(cotangent)
        gradient.add(chained(cotangent, problem.slopes)[:, None])
        surprise = 0.0 if ends.martingale is None else ends.martingale.astype(np.float64)
        value.add((values(problem.objective, anchor, ends.numbers) - surprise)[None, :])
        alike.add(ends.numbers)
        held += float(np.mean(ends.held)) / len(given)
    error = float(np.sqrt(value.covariance[0, 0]))
    if not np.all(np.isfinite(gradient.mean)):
        raise SimulationError("the derivative of a trajectory is not finite; use method 'leap_score'")
    covariance = _doubted(problem, anchor, call, given, gradient.covariance)
    number, bias = lanes * len(given), bias_of(bias, anchor)
    return GradientEstimate(
        float(value.mean[0]), error, gradient.mean, covariance, number, bias, held, alike=alike.terms
    )


def _doubted(
    problem: Problem,
    anchor: list[Anchor | None],
    call: Callable[[int, Levels], Any],
    given: list[int],
    covariance: np.ndarray,
) -> np.ndarray:
    """Return the covariance with what the error of quantiles adds, from some of the batches; see `influence.Doubt`."""
    some = given[: max(2, len(given) // DOUBTED)]

    def mean(anchor: list[Anchor | None]) -> np.ndarray:
        levels, found = levels_of(problem.objective, anchor), Average(problem.size)
        for cotangent, _ in run_batches(lambda first: call(first, levels), some):
            found.add(chained(cotangent, problem.slopes)[:, None])
        return found.mean

    pairs = alternatives(anchor)
    here = mean(anchor) if pairs else None
    for below, above in pairs:
        covariance = doubted(covariance, mean(below) - here, mean(above) - here, on_atoms(below))
    return covariance


def levels_of(objective: Objective, anchor: list[Anchor | None]) -> Levels:
    """Return the weights and fixed levels of all terms as arrays; ones where a term has none."""
    rows = [
        (term.weight, *((a.quantile, a.low, a.high, a.band) if a else (1.0, 0.0, 1.0, 1.0)))
        for term, a in zip(objective.terms, anchor, strict=True)
    ]
    nodes = [a.nodes if a else (0.0,) * NODES.size for a in anchor]
    weight, quantile, low, high, band = np.array(rows, np.float32).T
    return Levels(weight, quantile, low, high, band, np.array(nodes, np.float32))


def scored_reactions(problem: Problem) -> tuple[tuple[bool, ...], str]:
    """Return which reactions are scored, and what that says of the bias.

    Raises
    ------
    SimulationError
        If a species that decides a jump is left to the path.
    """
    structure = problem.network.structure
    deciding = frozenset[str]().union(*(names(t.signal) for t in problem.objective.terms if t.discontinuous))
    if problem.scored is None:
        counts = typical_counts(chain_of(problem, 1), drive_of(problem))
        few = {name for name, count in zip(structure.species, counts, strict=True) if count < FEW}
    else:
        few = set(problem.scored)
        missing = sorted((deciding & set(structure.species)) - few)
        if missing:
            raise SimulationError(
                f"'{_jump(problem, missing[0])}' jumps with '{missing[0]}', which has no derivative along the path; "
                f"add '{missing[0]}' to scored="
            )
    chosen = (few | deciding) & set(structure.species)
    scored = tuple(bool(changed_species(reaction) & chosen) for reaction in structure.reactions)
    _refuse_jumping_rates(problem, scored)
    if all(scored):
        return scored, "none beyond that of leaping: every reaction is scored"
    along = sorted(
        set().union(*(changed_species(r) for r, s in zip(structure.reactions, scored, strict=True) if not s))
    )
    return scored, (
        f"that of leaping and of the Gaussian straight-through derivative of {', '.join(along)}: of the order of one "
        f"over their counts"
    )


def _jump(problem: Problem, species: str) -> str:
    terms = problem.objective.terms
    return next(described(term) for term in terms if term.discontinuous and species in names(term.signal))


def _refuse_jumping_rates(problem: Problem, scored: tuple[bool, ...]) -> None:
    """Refuse a rate that jumps with a species whose derivative is taken along the path."""
    reactions = problem.network.structure.reactions
    along = frozenset[str]().union(*(changed_species(r) for r, s in zip(reactions, scored, strict=True) if not s))
    for reaction in reactions:
        if has_jumps(reaction.rate) and names(reaction.rate) & along:
            raise SimulationError(
                f"the rate {to_string(reaction.rate)} of reaction '{reaction}' jumps with the state, and a derivative "
                f"along the path would miss it; write branches that meet with min and max, use method 'leap_score', or "
                f"scored= with the species it reads"
            )
