"""The numbers of groups of reactions, computed once for all trajectories of a design point."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int32

from jaxsim.kernels.groups import Groups, group
from jaxsim.kernels.mass_action import product
from jaxsim.kernels.rates import leaves_before, plan_rates
from jaxsim.network import Structure, is_distribution


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
