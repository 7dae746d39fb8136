"""Sobol indices: which share of an output's variance each uncertain input makes, alone and with the others."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from jaxsim.errors import SimulationError

if TYPE_CHECKING:
    import xarray

_LEVEL = 0.95
RESAMPLES = 1000


def sobol_design(number: int, dimension: int, seed: int = 0) -> Float[np.ndarray, "block number dimension"]:
    """Return the points at which a function of `dimension` inputs, each uniform in (0, 1), is to be evaluated.

    Parameters
    ----------
    number
        Of base points; a power of 2 keeps the balance of the sequence.
    dimension
        Number of inputs.
    seed
        Of the scrambling.

    Returns
    -------
    float64 array [dimension + 2, number, dimension]
        Two independent sets A and B from one scrambled Sobol sequence, and for each input the set A with that
        input from B.

    Raises
    ------
    SimulationError
        If there is not at least one input and one power of 2 of points.

    References
    ----------
    Saltelli et al., Comput. Phys. Commun. 181 (2010) 259; Owen, J. Complexity 14 (1998) 466, for the scrambling.

    Examples
    --------
    >>> design = sobol_design(4, 3)
    >>> design.shape, bool(np.all(design[2, :, 0] == design[1, :, 0])), bool(np.all(design[2, :, 1] == design[0, :, 1]))
    ((5, 4, 3), True, True)
    """
    from scipy.stats import qmc

    if dimension < 1 or number < 1 or number & (number - 1):
        raise SimulationError(
            f"Sobol indices of {dimension} inputs from {number} points: give inputs, and a power of 2 of points"
        )
    points = qmc.Sobol(2 * dimension, scramble=True, rng=np.random.default_rng(seed)).random(number)
    points = np.clip(points, 2.0**-40, 1 - 2.0**-40)
    first, second = points[:, :dimension], points[:, dimension:]
    mixed = np.repeat(first[None], dimension, axis=0)
    for i in range(dimension):
        mixed[i, :, i] = second[:, i]
    return np.concatenate([first[None], second[None], mixed])


def sobol_indices(
    values: Float[np.ndarray, "block number"], names: Sequence[str], *, seed: int = 0, resamples: int = RESAMPLES
) -> "xarray.Dataset":
    """Return first-order and total Sobol indices with bootstrap intervals.

    The first-order index of an input is the share of the variance that vanishes on average once the input is known; the
    total index is the share that remains on average while only that input is unknown.

    Parameters
    ----------
    values
        Of the function at the points of :func:`sobol_design`.
    names
        Of the inputs.
    seed
        Of the bootstrap.
    resamples
        Of the base points, with replacement.

    Returns
    -------
    xarray.Dataset
        ``first`` and ``total`` over ``input``, with 95 % limits ``first_low``, ``first_high``, ``total_low``,
        ``total_high``; ``mean`` and ``variance`` of the function.

    Raises
    ------
    SimulationError
        If the values do not belong to the design, are not finite, or do not vary.

    References
    ----------
    Saltelli et al., Comput. Phys. Commun. 181 (2010) 259, table 2: (b) for the first order, (f), of Jansen, Comput.
    Phys. Commun. 117 (1999) 35, for the total.

    Examples
    --------
    >>> design = sobol_design(512, 2, seed=1)
    >>> found = sobol_indices(3 * design[..., 0] + design[..., 1], ["a", "b"])
    >>> found["first"].values.round(2).tolist(), found["total"].values.round(2).tolist()
    ([0.9, 0.1], [0.9, 0.1])
    """
    import xarray

    values = np.asarray(values, np.float64)
    _check(values, names)
    draw = np.random.default_rng(seed)
    number = values.shape[1]
    estimates = _estimates(values)
    samples = np.stack([_estimates(values[:, draw.integers(0, number, number)]) for _ in range(resamples)])
    low, high = np.quantile(samples, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0)
    fields: dict[str, tuple[str, np.ndarray]] = {}
    for row, name in enumerate(("first", "total")):
        fields |= {name: ("input", estimates[row])}
        fields |= {f"{name}_low": ("input", low[row]), f"{name}_high": ("input", high[row])}
    both = values[:2].ravel()
    return xarray.Dataset(
        {**fields, "mean": ((), both.mean()), "variance": ((), both.var(ddof=1))},
        {"input": list(names)},
        {"points": number, "evaluations": values.size, "confidence": f"{_LEVEL:.0%}"},
    )


def _estimates(values: np.ndarray) -> np.ndarray:
    """Return the first-order and total indices, [2, input]; values are centred first, which lowers the error."""
    centred = values - values[:2].mean()
    base, other, mixed = centred[0], centred[1], centred[2:]
    variance = centred[:2].var()
    first = np.mean(other[None] * (mixed - base[None]), axis=1) / variance
    total = np.mean((base[None] - mixed) ** 2, axis=1) / (2.0 * variance)
    return np.stack([first, total])


def _check(values: np.ndarray, names: Sequence[str]) -> None:
    if values.ndim != 2 or values.shape[0] != len(names) + 2:
        raise SimulationError(
            f"the values have the shape {values.shape}; give one row for each block of the design, "
            f"{len(names) + 2} for {len(names)} inputs"
        )
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise SimulationError(f"{bad} of {values.size} values are not finite; narrow the ranges of the inputs")
    if values[:2].var() == 0:
        raise SimulationError("the values are all the same; no input makes a difference")
