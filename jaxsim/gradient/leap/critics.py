"""Critics: approximate values of the future along the leap chain, for martingale control variates.

With a critic W, the martingale M = sum over leaps and reactions of (K - a tau) D W, D W = W(x + nu) - W(x), has mean
zero, and E[M S] is the mean of Q = sum tau da D W, the way in which the critic sees the rates move. So
(phi - beta M) S + beta Q has the mean of phi S for every W and beta that come from other trajectories, and little
variance where beta W follows the influence phi (the martingales of Henderson & Glynn, Math. Oper. Res. 27 (2002) 253).

The linear critic is the adjoint of the mean: D W = lambda . nu with lambda the derivative of a number of the mean path
with respect to a nudge of its counts. It is the value function itself where rates and objective are linear.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np

from jaxsim.gradient.leap.chain import Drive, LeapChain
from jaxsim.gradient.leap.mean import mean_path, no_nudges
from jaxsim.gradient.objective import LeapGrid, Term, looks
from jaxsim.gradient.summaries import MEAN
from jaxsim.network import Name, names, stoichiometry


def critic_terms(terms: tuple[Term, ...], species: tuple[str, ...]) -> tuple[Term, ...]:
    """Return the terms whose adjoints serve as critics: each term, or where it jumps the species that it reads."""
    found: dict[Term, None] = {}
    for term in terms:
        plain = replace(term, summary=MEAN, weight=1.0)
        if not term.discontinuous:
            found[plain] = None
            continue
        for name in sorted(names(term.signal) & set(species)):
            found[replace(plain, signal=Name(name))] = None
    return tuple(found)


def linear_critics(chain: LeapChain, drive: Drive, grid: LeapGrid) -> np.ndarray:
    """Return D W of each critic and reaction in each leap, float32 [n, C, R]."""
    terms = critic_terms(chain.terms, chain.structure.species)
    one = replace(chain, terms=terms, lanes=1)
    adjoint = np.asarray(_adjoint(one, drive._replace(looks=looks(terms, grid))))
    change = stoichiometry(chain.structure).astype(np.float32)
    return np.moveaxis(adjoint @ change, 0, 1).astype(np.float32)


@partial(jax.jit, static_argnums=0)
def _adjoint(chain: LeapChain, drive: Drive) -> Any:
    """Return lambda [C, n, S]: the derivative of each number in the counts after each leap."""
    return jax.jacrev(lambda nudges: mean_path(chain, drive, nudges)[1])(no_nudges(chain, drive))
