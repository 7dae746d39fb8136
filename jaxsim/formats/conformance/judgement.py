"""The suite's criteria: Z of means and Y of standard deviations at every time point."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from jaxsim.formats.conformance.case import Case

ALLOWED = 1  # points out of range in a case that passes: the suite's own advice
EXACT = 1e-9  # where the exact standard deviation is zero the result must be right to this

Points = dict[str, Float64[np.ndarray, " time"]]


@dataclass(frozen=True)
class Judgement:
    """How the statistics of a case lie."""

    statistics: Points
    """Z of every mean and Y of every standard deviation; infinite where an exact value is missed."""
    out: dict[str, Bool[np.ndarray, " time"]]

    @property
    def number_out(self) -> int:
        """Points out of range."""
        return int(sum(np.sum(points) for points in self.out.values()))

    @property
    def number(self) -> int:
        """Points in all."""
        return int(sum(points.size for points in self.out.values()))

    def worst(self, kind: str) -> float:
        """Return the largest absolute value of Z (kind ``mean``) or Y (``sd``), NaN if there are none."""
        found = [np.max(np.abs(v)) for column, v in self.statistics.items() if column.endswith(f"-{kind}")]
        return float(max(found, default=np.nan))

    def both(self, other: "Judgement") -> int:
        """Return how many points are out here and there."""
        return int(sum(np.sum(points & other.out[column]) for column, points in self.out.items()))


def judge(case: Case, results: Points, runs: int) -> Judgement:
    """Compare means and standard deviations with the exact ones.

    Source: Evans, Gillespie & Wilkinson, Bioinformatics 24 (2008) 285:
    ``Z = sqrt(n) (mean - mu)/sigma`` and ``Y = sqrt(n/2) (s^2/sigma^2 - 1)``.

    Parameters
    ----------
    case
        With the exact values.
    results
        For each column of the case, [time]. Where the case gives a mean without a standard deviation, that of the
        results takes its place.
    runs
        Number of trajectories.
    """
    statistics, out = {}, {}
    for column, exact in case.expected.items():
        output, kind = column.rsplit("-", 1)
        sigma = case.expected.get(f"{output}-sd", results.get(f"{output}-sd"))
        if sigma is None:
            raise ValueError(f"neither the case nor the results give the standard deviation of {output}")
        if output in case.medians:  # results hold the part of trajectories above the exact median
            exact, sigma = np.full_like(exact, 0.5), np.full_like(exact, 0.5)
        value = _statistic(kind, results[column], exact, sigma, runs)
        low, high = case.mean_range if kind == "mean" else case.deviation_range
        statistics[column], out[column] = value, ~((value > low) & (value < high))
    return Judgement(statistics, out)


def _statistic(
    kind: str,
    found: Float64[np.ndarray, " time"],
    exact: Float64[np.ndarray, " time"],
    sigma: Float64[np.ndarray, " time"],
    runs: int,
) -> Float64[np.ndarray, " time"]:
    known = sigma > 0
    scale = np.where(known, sigma, 1.0)
    if kind == "mean":
        value = np.sqrt(runs) * (found - exact) / scale
    else:
        value = np.sqrt(runs / 2) * ((found / scale) ** 2 - 1)
    missed = np.where(np.abs(found - exact) <= EXACT * np.maximum(1, np.abs(exact)), 0.0, np.inf)
    return np.where(known, value, missed)
