"""Exact laws to compare with: master equations of finite (or safely cut) state spaces, and Poisson laws."""

import numpy as np
from scipy import sparse, stats
from scipy.sparse.linalg import expm_multiply


def master_equation(changes, rates, start, shape, times):
    """Probability of every state at every time: exp(A t) p0, float64 [time, *shape].

    `rates` are functions of the state index arrays; jumps out of `shape` must have rate 0 or negligible
    probability, which the caller asserts from the mass on the last states.
    """
    grid = np.indices(shape).reshape(len(shape), -1)
    size = grid.shape[1]
    generator = sparse.lil_matrix((size, size)).tocsc()
    for change, rate in zip(changes, rates, strict=True):
        target = grid + np.array(change)[:, None]
        a = np.broadcast_to(rate(*grid), (size,)).astype(float)
        inside = np.all((target >= 0) & (target < np.array(shape)[:, None]), axis=0) & (a > 0)
        source = np.flatnonzero(inside)
        index = np.ravel_multi_index(tuple(target[:, inside]), shape)
        generator = generator + sparse.csc_matrix((a[inside], (index, source)), (size, size))
        generator = generator - sparse.csc_matrix((a[inside], (source, source)), (size, size))
    p = np.zeros(size)
    p[np.ravel_multi_index(tuple(start), shape)] = 1.0
    laws, last = [], 0.0
    for t in times:
        p = expm_multiply(generator * (t - last), p)
        laws.append(p.reshape(shape))
        last = t
    return np.array(laws)


def poisson_law(mean, size):
    """Poisson probabilities of 0 to size - 1, float64 [time, size]."""
    return stats.poisson.pmf(np.arange(size)[None, :], np.atleast_1d(mean)[:, None])


def moments(law):
    """Mean, variance and fourth central moment of each row of probabilities."""
    n = np.arange(law.shape[1])
    total = law.sum(axis=1)
    mean = law @ n / total
    centred = n[None, :] - mean[:, None]
    return mean, (law * centred**2).sum(axis=1) / total, (law * centred**4).sum(axis=1) / total
