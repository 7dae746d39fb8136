"""The arrangement of mass-action reactions in groups that share a reactant, and the tables of their constants.

Source: Ramaswamy, González-Segredo & Sbalzarini, J. Chem. Phys. 130 (2009) 244104, section III: the propensity
of a reaction is the count of one of its reactants times a partial propensity, which the others determine.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxsim.kernels.mass_action import MassAction, as_mass_action
from jaxsim.kernels.rates import plan_rates
from jaxsim.network import Expression, Structure, evaluate

COLUMNS = 16  # groups side by side fill a vector register
MOST_CHANGES = 8  # species that one reaction may change


class Groups(NamedTuple):
    """The static arrangement. Group s < S holds reactions of species s, group S those without reactant."""

    constants: tuple[tuple[Expression, ...], ...]
    """The different products of constants that stand before counts."""
    constant: np.ndarray
    """Which of them each reaction has, int32 [R]."""
    host: np.ndarray
    """Group of each reaction, [R]."""
    partner: np.ndarray
    """Species whose count is the partial propensity, up to the constant; S for none, [R]."""
    offset: np.ndarray
    """1 where the partner is the host, whose count is then taken less one, [R]."""
    members: np.ndarray
    """Reactions of each group, [W, M]; R where there is none."""
    columns: int
    """Groups are rows of this many: the first level of the search has as many sums."""
    rows: int
    changed: np.ndarray
    """Species that each reaction changes, [R, most]; S where there is none."""
    change: np.ndarray

    @property
    def width(self) -> int:
        """Number of groups, with empty ones that complete the last row."""
        return self.rows * self.columns


class GroupTables(NamedTuple):
    """Rate constants, placed where the steps read them. W groups of at most M reactions."""

    influence: Any
    """By how much one more of species s raises the sums of all groups, real [S + 1, W]."""
    fixed: Any
    """What does not depend on counts in these sums, real [W]."""
    constants: Any
    """Of the members of each group, real [W, M]; zero where there is none."""


@lru_cache(maxsize=64)
def group(structure: Structure) -> Groups | None:
    """Arrange the reactions, or return None unless all are of mass action up to second order."""
    species = {name: s for s, name in enumerate(structure.species)}
    forms = [as_mass_action(rate, frozenset(species)) for rate in plan_rates(structure, ()).expressions]
    deltas = [[(species[n], c) for n, c in r.changes.items() if c] for r in structure.reactions]
    most = max(1, *map(len, deltas))
    if most > MOST_CHANGES or not all(forms) or any(r.effects for r in structure.reactions):
        return None
    found = [form for form in forms if form is not None]
    host, partner = _host(found, species)
    distinct = {form.constants: None for form in found}
    number = {constants: i for i, constants in enumerate(distinct)}
    changed, change = np.full((len(found), most), len(species), np.int32), np.zeros((len(found), most), np.int32)
    for r, delta in enumerate(deltas):
        for column, (s, c) in enumerate(delta):
            changed[r, column], change[r, column] = s, c
    columns = COLUMNS * math.ceil(math.sqrt(1.5 * (len(species) + 1)) / COLUMNS)
    rows = -(-(len(species) + 1) // columns)
    return Groups(
        tuple(distinct),
        np.array([number[form.constants] for form in found], np.int32),
        host,
        partner,
        (host == partner) & (host < len(species)),
        _members(host, rows * columns),
        columns,
        rows,
        changed,
        change,
    )


def _host(forms: list[MassAction], species: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Put each reaction into the group of a reactant: of two, into the one with fewer members so far."""
    none, members = len(species), [0] * (len(species) + 1)
    host, partner = np.full(len(forms), none, np.int32), np.full(len(forms), none, np.int32)
    for r in sorted(range(len(forms)), key=lambda r: len(forms[r].species)):
        reactants = sorted((species[name] for name in forms[r].species), key=lambda s: members[s])
        host[r], partner[r] = (*reactants, none, none)[:2]
        members[host[r]] += 1
    return host, partner


def _members(host: np.ndarray, width: int) -> np.ndarray:
    lists: list[list[int]] = [[] for _ in range(width)]
    for r, h in enumerate(host):
        lists[h].append(r)
    members = np.full((width, max(map(len, lists))), len(host), np.int32)
    for h, reactions in enumerate(lists):
        members[h, : len(reactions)] = reactions
    return members


def tables(groups: Groups, species: int, env: dict[str, Any], real: Any) -> GroupTables:
    """Place the constants for the parameters in `env`, which are scalars."""
    values = []
    for factors in groups.constants:
        value = jnp.ones((), real)
        for factor in factors:
            value = value * jnp.asarray(evaluate(factor, env)).astype(real)
        values.append(value)
    k = jnp.stack(values)[groups.constant]
    influence = jnp.zeros((species + 1, groups.width), real).at[groups.partner, groups.host].add(k)
    own = jnp.where(groups.offset, -k, jnp.zeros_like(k))
    fixed = influence[species].astype(jnp.float64)
    fixed = fixed.at[groups.host].add(own.astype(jnp.float64))
    constants = jnp.concatenate([k, jnp.zeros((1,), real)])[groups.members]
    return GroupTables(influence.at[species].set(jnp.zeros((groups.width,), real)), fixed, constants)
