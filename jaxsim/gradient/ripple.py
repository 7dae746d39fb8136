"""Ripple: how much a derivative on a leap grid changes as the grid slides by a part of one leap.

Nothing physical depends on where the grid begins, so what changes is error of the discretisation of exposure. Taken on
the noiseless chain, whose derivative has no sampling error.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np

from jaxsim.gradient.chain import Chain, Drive
from jaxsim.gradient.critics import critic_terms
from jaxsim.gradient.grid import looks
from jaxsim.gradient.mean_chain import mean_path, no_nudges
from jaxsim.gradient.problem import Problem, chain_of, drive_of
from jaxsim.gradient.tables import build_tables, chained

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
def _cotangent(chain: Chain, drive: Drive) -> Any:
    """Return the derivative of the sum of the terms on the noiseless chain, with respect to the tables."""

    def total(tables: Any) -> Any:
        numbers = mean_path(chain, drive._replace(tables=tables), no_nudges(chain, drive))[1]
        return sum(numbers[j] for j in range(len(chain.terms)))

    return jax.grad(total)(drive.tables)
