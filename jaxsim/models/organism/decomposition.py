"""Through which links blocking IL-1 helps chemotherapy: the benefit of each agent with links off, and Shapley shares.

The benefit is ln(tumour under chemotherapy / tumour under chemotherapy with the agent) on day 21. Links are no
summands: some are in series, so that either one off takes the same benefit away, and the losses of single links add up
to more than the whole. Shapley shares (Shapley 1953) do add up: the share of a link is the benefit that it adds,
averaged over all orders in which the links can be turned on.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from jaxsim.errors import NetworkError, closest
from jaxsim.models.organism.experiments import Experiment, arms, run_group
from jaxsim.models.organism.network import LINK_GROUPS
from jaxsim.models.organism.targets import END

if TYPE_CHECKING:
    import xarray

PLAYERS = ("marrow_programme", "body_gcsf", "tumour_gcsf", "local_recruitment", "recovery", "shelter")
SINGLE_LINKS = (*PLAYERS, "pyroptosis", "tolerance", *LINK_GROUPS)  # turned off one at a time
_AGENTS = ("antibody", "inhibitor", "antagonist")


def organism_decomposition(
    agents: Sequence[str] = _AGENTS,
    *,
    shapley: bool = True,
    animals: int = 1,
    seed: int = 1,
    announce: Callable[[str], None] | None = None,
) -> "xarray.Dataset":
    """Return the benefit of each agent beside chemotherapy, with each link off, and what each link contributes.

    Parameters
    ----------
    agents
        ``antibody``, ``inhibitor``, ``antagonist``, in their standard regimens.
    shapley
        Whether to solve for all sets of links too, 64 for each agent.
    animals
        Virtual mice; with 1, the typical one.
    seed
        Of the animals.
    announce
        Called with what is solved, before it is.

    Returns
    -------
    xarray.Dataset
        Over ``agent``, ``link`` and ``animal``: ``benefit_without``, the benefit with that link off, and ``lost``,
        which part of the ``benefit`` (over ``agent`` and ``animal``) goes with it. With `shapley`, over ``player``:
        ``share``, which add up to the benefit that is there with all links on less that with none, ``benefit_none``.

    Raises
    ------
    NetworkError
        If there is no such agent.

    Examples
    --------
    >>> organism_decomposition(["antibodi"])
    Traceback (most recent call last):
    jaxsim.errors.NetworkError: there is no agent 'antibodi'; did you mean 'antibody'?; choose from antibody, ...
    """
    import xarray

    for agent in agents:
        if agent not in _AGENTS:
            raise NetworkError(
                f"there is no agent '{agent}'{closest(agent, _AGENTS)}; choose from {', '.join(_AGENTS)}"
            )
    sets = [frozenset[str]()] + [frozenset({link}) for link in SINGLE_LINKS]
    if shapley:
        sets += [frozenset(off) for size in range(2, len(PLAYERS) + 1) for off in combinations(PLAYERS, size)]
    if announce is not None:
        announce(f"chemotherapy alone and with {', '.join(agents)}, each with {len(sets)} sets of links off")
    rows = _benefits(agents, sets, animals, seed)
    benefit = np.array([row[frozenset()] for row in rows])
    alone = np.array([[row[frozenset({link})] for link in SINGLE_LINKS] for row in rows])
    found = xarray.Dataset(
        {
            "benefit": (("agent", "animal"), benefit),
            "benefit_without": (("agent", "link", "animal"), alone),
            "lost": (("agent", "link", "animal"), 1.0 - alone / benefit[:, None, :]),
        },
        {"agent": list(agents), "link": list(SINGLE_LINKS)},
        {"animals": animals, "seed": str(seed), "benefit": "ln(tumour, chemo / chemo + agent), day 21"},
    )
    if not shapley:
        return found
    shares = np.array([shapley_shares(PLAYERS, {frozenset(PLAYERS) - off: value for off, value in row.items()
                                                if off <= frozenset(PLAYERS)}) for row in rows])  # fmt: skip
    none = np.array([row[frozenset(PLAYERS)] for row in rows])
    return found.assign(
        share=(("agent", "player", "animal"), shares), benefit_none=(("agent", "animal"), none)
    ).assign_coords(player=list(PLAYERS))


def shapley_shares(
    players: Sequence[str], worth: dict[frozenset[str], Float[np.ndarray, " animal"]]
) -> Float[np.ndarray, "player animal"]:
    """Return what each player contributes on average over all orders.

    Parameters
    ----------
    players
        Names.
    worth
        Of every set of players.

    References
    ----------
    Shapley, Contributions to the Theory of Games II (1953) 307.

    Examples
    --------
    >>> worth = {frozenset(): 0.0, frozenset("a"): 1.0, frozenset("b"): 0.0, frozenset("ab"): 3.0}
    >>> [float(value[0]) for value in shapley_shares("ab", {s: np.array([x]) for s, x in worth.items()})]
    [2.0, 1.0]
    """
    number = len(players)
    shares = []
    for player in players:
        others = [name for name in players if name != player]
        total = np.zeros_like(next(iter(worth.values())))
        for size in range(number):
            weight = factorial(size) * factorial(number - size - 1) / factorial(number)
            for chosen in combinations(others, size):
                joined = frozenset(chosen)
                total = total + weight * (worth[joined | {player}] - worth[joined])
        shares.append(total)
    return np.array(shares)


def _benefits(
    agents: Sequence[str], sets: Sequence[frozenset[str]], animals: int, seed: int
) -> list[dict[frozenset[str], Float[np.ndarray, " animal"]]]:
    """Return the benefit of each agent with each set of links off, all solved side by side."""
    standard = arms()
    given = {agent: dict(standard.experiments[f"chemo+{agent}"].given) for agent in agents}
    given["alone"] = dict(standard.experiments["chemo"].given)
    experiments = {
        f"{name} {n}": Experiment(doses, settings={"without": tuple(sorted(off))})
        for name, doses in given.items()
        for n, off in enumerate(sets)
    }
    found, _ = run_group(replace(standard, experiments=experiments), animals, seed)
    last = int(np.argmin(np.abs(standard.times - END)))
    ends = {key: course["tumour"][:, last] for key, course in found.items()}
    return [{off: np.log(ends[f"alone {n}"] / ends[f"{agent} {n}"]) for n, off in enumerate(sets)} for agent in agents]
