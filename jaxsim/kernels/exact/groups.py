"""The arrangement of mass-action reactions in groups that share a reactant, and the tables of their constants.

The propensity of a group is the count of the shared reactant, its host, times a sum of partial propensities, which
the partners of its reactions determine. Of two reactants the one with more partners is the host: few species then are
hosts of all reactions of second order, so that few sums change. Reactions of first order need no sum that changes.

Source: Ramaswamy, González-Segredo & Sbalzarini, J. Chem. Phys. 130 (2009) 244104, section III.
"""

import math
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32

from jaxsim.kernels.change import ChangeTable, tabulate_changes
from jaxsim.kernels.rates import MassAction, as_mass_action, leaves_before, plan_rates, product
from jaxsim.network import Expression, Structure, is_distribution

_COLUMNS = 16  # groups side by side fill a vector register
MOST_MEMBERS = 20  # of one group: a host of more reactions has several groups
MOST_CHANGES = 8  # species that one reaction may change


class Groups(NamedTuple):
    """The static arrangement of R reactions of S species in W groups, of which the first B are bound.

    The sum of a bound group changes with the counts of partners. After these comes one free group for each species,
    whose sum is constant, and one of reactions without reactant. Species S has the count one.
    """

    constants: tuple[tuple[Expression, ...], ...]
    """The different products of constants that stand before counts."""
    constant: Int32[np.ndarray, " R"]
    """Which of them each reaction has."""
    host: Int32[np.ndarray, " W"]
    """Species that the reactions of each group share; S in groups that complete a row."""
    group: Int32[np.ndarray, " R"]
    partner: Int32[np.ndarray, " R"]
    """The other reactant; S for none."""
    offset: Bool[np.ndarray, " R"]
    """Whether the partner is the host, whose count is then taken less one."""
    members: Int32[np.ndarray, "W M"]
    """Reactions of each group; R where there is none."""
    columns: int
    """Groups stand in rows of this many: the first level of the search has as many sums."""
    bound: int
    """B, a multiple of the columns."""
    changes: ChangeTable

    @property
    def free(self) -> int:
        """Number of groups that are not bound, a multiple of the columns."""
        return len(self.host) - self.bound

    @property
    def height(self) -> int:
        """Free groups in a column, which stand side by side in memory."""
        return self.free // self.columns


@lru_cache(maxsize=64)
def group(structure: Structure) -> Groups | None:
    """Arrange the reactions, or return None unless all are of mass action up to second order."""
    species = {name: s for s, name in enumerate(structure.species)}
    forms = [as_mass_action(rate, frozenset(species)) for rate in plan_rates(structure, ()).expressions]
    changes = tabulate_changes(structure, range(len(structure.reactions)))
    changeable = changes.species.shape[1] <= MOST_CHANGES and not any(r.effects for r in structure.reactions)
    if not changeable or not all(forms):
        return None
    found = [form for form in forms if form is not None]
    distinct = {form.constants: None for form in found}
    number = {constants: i for i, constants in enumerate(distinct)}
    columns = _COLUMNS * math.ceil(math.sqrt(1.5 * (len(species) + 1)) / _COLUMNS)
    reactants = _hosts_and_partners(found, species)
    lists, hosts = _divide(reactants, len(species), columns)
    members = np.full((len(lists), max(1, *map(len, lists))), len(found), np.int32)
    of_reaction = np.zeros(len(found), np.int32)
    for g, reactions in enumerate(lists):
        members[g, : len(reactions)] = reactions
        of_reaction[reactions] = g
    host, partner = reactants.T
    return Groups(
        tuple(distinct),
        np.array([number[form.constants] for form in found], np.int32),
        hosts,
        of_reaction,
        partner,
        (host == partner) & (host < len(species)),
        members,
        columns,
        len(lists) - _up(len(species) + 1, columns),
        changes,
    )


def _hosts_and_partners(forms: list[MassAction], species: dict[str, int]) -> np.ndarray:
    """Return the host and the partner of each reaction, [R, 2]: S where there is none."""
    pairs = Counter(name for form in forms if len(form.species) == 2 for name in set(form.species))
    none = len(species)
    reactants = np.full((len(forms), 2), none, np.int32)
    for r, form in enumerate(forms):
        names = sorted(form.species, key=lambda name: -pairs[name])
        reactants[r, : len(names)] = [species[name] for name in names]
    return reactants


def _divide(reactants: np.ndarray, none: int, columns: int) -> tuple[list[list[int]], np.ndarray]:
    """Return the reactions of every group, and the host of each."""
    free: list[list[int]] = [[] for _ in range(_up(none + 1, columns))]
    rest: dict[int, list[int]] = {}
    for r, (host, partner) in enumerate(reactants.tolist()):
        simple = partner == none and len(free[host]) < MOST_MEMBERS
        (free[host] if simple else rest.setdefault(host, [])).append(r)
    bound, hosts = [], []
    for host, reactions in rest.items():
        parts = np.array_split(reactions, -(-len(reactions) // MOST_MEMBERS))
        bound += [part.tolist() for part in parts]
        hosts += [host] * len(parts)
    empty = _up(len(bound), columns) - len(bound)
    last = [*range(none + 1), *[none] * (len(free) - none - 1)]
    return [*bound, *[[]] * empty, *free], np.array([*hosts, *[none] * empty, *last], np.int32)


def _up(number: int, multiple: int) -> int:
    """Return the least multiple that is not below the number."""
    return -(-number // multiple) * multiple


# The numbers of groups of reactions, computed once for all trajectories of a design point.


class GroupTables(NamedTuple):
    """Rate constants placed where the steps read them, and the state at the start. B bound groups, F free ones."""

    influence: Float32[Any, "species+1 B"]
    """By how much one more molecule raises the sum of each bound group; 0 for the species that stands for none."""
    sums: Float64[Any, " B"]
    """These sums at the start, without species that each trajectory draws."""
    free: Float32[Any, " F"]
    """Sums of the free groups."""
    members: Float32[Any, "W M"]
    """Constant of each member of each group; zero where there is none."""
    columns: Float64[Any, " C"]
    """Propensities of the free groups at the start, added up in columns."""
    counts: Int32[Any, " F"]
    """Counts at the start, then ones; 0 for species that each trajectory draws."""


def group_tables(structure: Structure, parameters: Mapping[str, Any], initial: Mapping[str, Any]) -> GroupTables:
    """Place the constants for these values of the parameters, which are numbers; initial counts may be distributions.

    Constants are rounded to float32 before they are added, so that sums are exact.
    """
    groups = group(structure)
    assert groups is not None
    k = _constants(structure, groups, parameters)
    none, bound = len(structure.species), groups.bound
    influence = np.zeros((none + 1, len(groups.host)))
    np.add.at(influence, (groups.partner, groups.group), k)
    fixed = influence[none].copy()
    np.add.at(fixed, groups.group[groups.offset], -k[groups.offset])
    influence[none] = 0.0
    rounded = influence[:, :bound].astype(np.float32)
    counts = np.ones(groups.free, np.int32)
    counts[:none] = [0 if is_distribution(initial[n]) else initial[n] for n in structure.species]
    free = fixed[bound:].astype(np.float32)
    started = free.astype(np.float64) * np.where(np.arange(groups.free) <= none, counts, 0)
    return GroupTables(
        rounded,
        fixed[:bound] + counts[:none].astype(np.float64) @ rounded[:none].astype(np.float64),
        free,
        np.append(k, 0.0)[groups.members].astype(np.float32),
        started.reshape(groups.columns, groups.height).sum(axis=1),
        counts,
    )


def _constants(structure: Structure, groups: Groups, parameters: Mapping[str, Any]) -> Float64[np.ndarray, " R"]:
    values = {name: float(value) for name, value in parameters.items()}
    env = leaves_before(plan_rates(structure, ()), values, np.float64)
    distinct = np.array([float(product(factors, env)) for factors in groups.constants])
    return distinct.astype(np.float32).astype(np.float64)[groups.constant]
