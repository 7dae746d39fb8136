"""The loop of `numba_graph`: a direct method that updates only the propensities a reaction may have changed.

Propensities stand in blocks of ``2^shift``; the block sums are searched first, then one block.
"""

import math

import numba
import numpy as np

from benchmarks.peers.xoshiro import seed_stream, uniform

REBUILD = 20000  # events after which everything is summed afresh: drops the rounding drift of the block sums


@numba.njit(fastmath=True, inline="always")
def propensity(j, x, law):
    k, first, second, offset = law
    return k[j] * x[first[j]] * (x[second[j]] + offset[j])


@numba.njit(fastmath=True)
def rebuild(a, block, x, law, shift):
    block[:] = 0.0
    for j in range(law[0].size):
        a[j] = propensity(j, x, law)
        block[j >> shift] += a[j]


@numba.njit(fastmath=True, inline="always")
def choose(u, a, block, shift):
    b = 0
    while b < block.size - 1 and u >= block[b]:
        u -= block[b]
        b += 1
    j = b << shift
    last = j + (1 << shift) - 1
    while j < last and u >= a[j]:
        u -= a[j]
        j += 1
    return j


@numba.njit(fastmath=True, inline="always")
def fire(j, a, block, x, law, graph, shift):
    change_at, where, amount, reader_at, reader = graph
    for c in range(change_at[j], change_at[j + 1]):
        x[where[c]] += amount[c]
    for d in range(reader_at[j], reader_at[j + 1]):
        q = reader[d]
        new = propensity(q, x, law)
        block[q >> shift] += new - a[q]
        a[q] = new


@numba.njit(fastmath=True)
def loop(n, stream, end, initial, law, graph, shift):
    blocks = (law[0].size + (1 << shift) - 1) >> shift
    out = np.empty((n, initial.size), np.int64)
    a, block, x = np.zeros(blocks << shift), np.zeros(blocks), np.ones(initial.size + 1)
    s = np.empty(4, np.uint64)
    events = 0
    for i in range(n):
        seed_stream(s, stream + i)
        t = 0.0
        x[: initial.size] = initial
        since = REBUILD
        while True:
            since += 1
            if since > REBUILD:
                since = 0
                rebuild(a, block, x, law, shift)
            total = 0.0
            for b in range(blocks):
                total += block[b]
            if total <= 1e-12:
                break
            t -= math.log(uniform(s)) / total
            if t > end:
                break
            j = choose(uniform(s) * total, a, block, shift)
            if a[j] <= 0.0:  # rounding led to an empty place: sum afresh and draw again
                since = REBUILD
                continue
            events += 1
            fire(j, a, block, x, law, graph, shift)
        for c in range(initial.size):
            out[i, c] = np.int64(x[c])
    return out, events
