"""Model parameters in a data file: every number with its unit, its range, how well it is known and its source."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxsim.errors import JaxsimError, closest
from jaxsim.random import Bernoulli, Lognormal

TAGS = ("verified", "derived", "from memory", "assumed", "fitted")
_LAWS = ("lognormal", "bernoulli")
REQUIRED = ("value", "unit", "range", "tag", "source", "description")
_OPTIONAL = ("symbol", "reactions", "law", "cv")


@dataclass(frozen=True)
class ModelParameter:
    """One number of a model and what is known of it.

    Parameters
    ----------
    name
        By which the model calls it.
    value
        Of the typical cell, in `unit`: the median where cells differ, a probability where the law is bernoulli.
    unit
        Such as ``1/h``.
    range
        Smallest and largest value that a sensitivity analysis should span.
    tag
        ``verified``, ``derived``, ``from memory``, ``assumed`` or ``fitted``.
    source
        Where the value comes from.
    description
        One phrase.
    symbol, reactions
        The symbol and the reactions of the reaction list in which it stands, separated by blanks; may be empty.
    law, cv
        How cells differ: ``lognormal`` with a coefficient of variation, ``bernoulli``, or empty if they do not.

    Examples
    --------
    >>> clearance = ModelParameter("clearance", 2.8, "L/h/kg", (2.7, 2.9), "verified", "PMC7606647", "of plasma")
    >>> clearance.given()
    2.8
    """

    name: str
    value: float
    unit: str
    range: tuple[float, float]
    tag: str
    source: str
    description: str
    symbol: str = ""
    reactions: str = ""
    law: str = ""
    cv: float = 0.0

    def given(self) -> Any:
        """Return the value as a network takes it: a number, or the law by which cells differ.

        Examples
        --------
        >>> ModelParameter("pool", 500.0, "", (0.0, 1e3), "assumed", "none", "", law="lognormal", cv=0.6).given()
        Lognormal(median=500.0, cv=0.6)
        """
        if self.law == "lognormal":
            return Lognormal(self.value, self.cv)
        return Bernoulli(self.value) if self.law == "bernoulli" else self.value


def read_parameters(path: Path) -> dict[str, dict[str, ModelParameter]]:
    """Read a parameter file: groups of entries, where a group may be inside another (``inputs.gemcitabine``).

    Parameters
    ----------
    path
        A TOML file. Each entry has value, unit, range, tag, source and description, and may have symbol, reactions,
        law and cv; nothing else.

    Returns
    -------
    dict
        Group name to entry name to :class:`ModelParameter`, in the order of the file.

    Raises
    ------
    JaxsimError
        Naming the entry that is incomplete, misspelt, out of its range, or without a unit, known tag or source.

    Examples
    --------
    >>> groups = read_parameters(Path(__file__).parent / "cell" / "parameters.toml")
    >>> groups["parameters"]["uptake_rate"].value, groups["inputs.gemcitabine"]["clearance"].tag
    (40.0, 'verified')
    """
    with path.open("rb") as file:
        tree = tomllib.load(file)
    groups: dict[str, dict[str, ModelParameter]] = {}
    _collect(tree, "", groups)
    return groups


def _collect(tree: Mapping[str, Any], group: str, groups: dict[str, dict[str, ModelParameter]]) -> None:
    for name, entry in tree.items():
        if not isinstance(entry, Mapping):
            raise JaxsimError(f"parameter file: '{name}' stands alone in '{group}'; make it a table with {REQUIRED}")
        if any(isinstance(value, Mapping) for value in entry.values()):
            _collect(entry, f"{group}.{name}".lstrip("."), groups)
        else:
            groups.setdefault(group, {})[name] = _entry(f"{group}.{name}", name, entry)


def _entry(where: str, name: str, entry: Mapping[str, Any]) -> ModelParameter:
    for field in entry:
        if field not in (*REQUIRED, *_OPTIONAL):
            guess = closest(field, REQUIRED + _OPTIONAL)
            raise JaxsimError(f"parameter '{where}' has the unknown field '{field}'{guess}")
    for field in REQUIRED:
        if entry.get(field, "") == "":
            raise JaxsimError(f"parameter '{where}' has no {field}; every number needs {', '.join(REQUIRED)}")
    _check_choice(where, "tag", entry["tag"], TAGS)
    if "law" in entry:
        _check_choice(where, "law", entry["law"], _LAWS)
    if ("cv" in entry) != (entry.get("law") == "lognormal"):
        raise JaxsimError(f"parameter '{where}' needs a cv if its law is lognormal, and none otherwise")
    value, (low, high) = float(entry["value"]), (float(end) for end in entry["range"])
    if not (math.isfinite(low) and math.isfinite(high) and low <= value <= high):
        raise JaxsimError(f"parameter '{where}' is {value:g}, outside its range from {low:g} to {high:g}")
    return ModelParameter(name, **{**entry, "value": value, "range": (low, high)})


def _check_choice(where: str, field: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise JaxsimError(f"parameter '{where}' has the {field} '{given}'; choose from {', '.join(known)}")


# Confidence intervals of an ensemble of cells, and the range of an ensemble of animals.

_LEVEL = 0.95
RANGE_QUANTILES = (0.05, 0.5, 0.95)  # quantiles over animals, wherever a middle and a range of them is shown


def wilson(
    fraction: Float[np.ndarray, "..."], trials: int | np.integer, level: float = _LEVEL
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Return the Wilson score interval of fractions observed in `trials` independent cells.

    Unlike the normal interval it stays within 0 and 1, and at 0 of n it has a width.

    Parameters
    ----------
    fraction
        Observed, from 0 to 1; NaN gives NaN.
    trials
        Number of cells.
    level
        Coverage, in (0, 1).

    Returns
    -------
    low, high
        Arrays of the shape of `fraction`.

    References
    ----------
    Wilson, J. Am. Stat. Assoc. 22 (1927) 209.

    Examples
    --------
    >>> low, high = wilson(np.array([0.0, 0.1]), 1000)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 0.0829], [0.0038, 0.1202])
    """
    z = normal_quantile(level)
    share = z * z / trials
    centre = (fraction + share / 2) / (1 + share)
    half = z * np.sqrt(fraction * (1 - fraction) / trials + share / (4 * trials)) / (1 + share)
    # at 0 and 1 the two terms cancel but for rounding
    low = np.where(fraction == 0, 0.0, np.maximum(centre - half, 0.0))
    return low, np.where(fraction == 1, 1.0, np.minimum(centre + half, 1.0))


def normal_quantile(level: float = _LEVEL) -> float:
    """Return how many standard errors the two-sided normal interval of this coverage extends.

    Examples
    --------
    >>> round(normal_quantile(0.95), 2)
    1.96
    """
    return NormalDist().inv_cdf(0.5 + level / 2)
