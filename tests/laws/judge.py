"""One judge for right and wrong kernels: z of mean and variance, chi-square of the whole law."""

from typing import NamedTuple

import numpy as np
from exact import moments
from scipy import stats

Z_LIMIT = 4.0  # two-sided tail 6e-5 per comparison
P_LIMIT = 1e-5  # chi-square, per save time
EXPECTED = 10.0  # bins are merged until each expects this many


class Verdict(NamedTuple):
    """The worst of all save times."""

    z_mean: float
    z_variance: float
    p_law: float

    @property
    def passes(self):
        return self.z_mean < Z_LIMIT and self.z_variance < Z_LIMIT and self.p_law > P_LIMIT


def judge(out, species, law):
    """Compare a result with `histograms={species: n}` to exact probabilities [time, state]."""
    number = out.attrs["trajectories"]
    mean, variance, fourth = moments(law)
    got = out.sel(species=species)
    z_mean = (got["mean"].values - mean) / np.sqrt(variance / number)
    z_variance = (got["variance"].values - variance) / np.sqrt((fourth - variance**2) / number)
    counts = out[f"histogram_{species}"].values
    p = [law_p_value(row, probabilities, number) for row, probabilities in zip(counts, law, strict=True)]
    return Verdict(float(np.abs(z_mean).max()), float(np.abs(z_variance).max()), float(min(p)))


def law_p_value(counts, probabilities, number):
    """P value of the chi-square distance; counts have one bin below and one above the states."""
    observed = np.concatenate([counts[1:-1], [counts[0] + counts[-1]]])
    inside = probabilities[: len(observed) - 1]
    expected = np.concatenate([inside, [max(0.0, 1.0 - inside.sum())]]) * number
    order = np.argsort(-expected)
    group = np.minimum((np.cumsum(expected[order][::-1]) / EXPECTED).astype(int)[::-1], 10**6)
    large = expected[order] >= EXPECTED
    keys = np.where(large, -1 - np.arange(len(order)), group)
    _, index = np.unique(keys, return_inverse=True)
    e, o = np.bincount(index, expected[order]), np.bincount(index, observed[order])
    small = e < EXPECTED / 2
    if small.any() and (~small).any():  # a last remainder joins the smallest full bin
        target = np.flatnonzero(~small)[np.argmin(e[~small])]
        e[target] += e[small].sum()
        o[target] += o[small].sum()
        e, o = e[~small], o[~small]
    return stats.chi2.sf(((o - e) ** 2 / e).sum(), len(e) - 1)
