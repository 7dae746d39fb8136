"""numba for large mass-action networks: one data-driven kernel with a dependency graph and two-level sums."""

import math

import numpy as np

from benchmarks.peers import Outcome, Unsupported, outcome

OWN_THREADS = False

STREAMS = (
    1 << 40
)  # where its streams begin: numba_special uses the same generator, and the two are compared as independent


def available():
    try:
        import numba  # noqa: F401
    except ImportError as missing:
        raise Unsupported("numba is not installed: pip install numba") from missing


def prepare(case):
    law, graph, shift = tables(case)
    from benchmarks.peers.graph_kernel import loop

    initial = np.array([*case.initial.values()], np.float64)
    column = case.index(case.observable)

    def run(n: int, seed: int) -> Outcome:
        ends, events = loop(n, STREAMS + seed * n, case.time, initial, law, graph, shift)
        return outcome(ends[:, column], events)

    run.batch = 1
    run(1, 1)
    return run


def tables(case):
    """The law (constants, reactants), the graph (changes, readers; offsets into flat lists), the block size."""
    if case.save_points > 1:
        raise Unsupported("this kernel keeps end states only; numba_special has a save grid")
    if any(not isinstance(s.rate, float) or s.reactants.total() > 2 for s in case.steps):
        raise Unsupported("this kernel knows mass action of order two at most; numba_special takes any rate")
    one = len(case.species)  # the state carries a last entry of 1.0 that stands for a missing reactant
    constants = np.array([s.rate for s in case.steps])
    first, second, offset = [], [], []
    for step in case.steps:
        at = [case.index(name) for name in step.reactants.elements()]
        first.append(at[0] if at else one)
        second.append(at[1] if len(at) > 1 else one)
        offset.append(-1.0 if max(step.reactants.values(), default=0) == 2 else 0.0)
    changed = [[(case.index(s), n) for s, n in step.change.items()] for step in case.steps]
    readers = [[j for j, other in enumerate(case.steps) if other.reads & step.change.keys()] for step in case.steps]
    change_at, changes = flat(changed)
    reader_at, reader = flat(readers)
    shift = max(1, round(math.log2(math.sqrt(len(constants)))))
    law = (constants, np.array(first, np.int32), np.array(second, np.int32), np.array(offset))
    where = np.array([s for s, _ in changes], np.int32)
    amount = np.array([n for _, n in changes], np.float64)
    graph = (change_at, where, amount, reader_at, np.array(reader, np.int32))
    return law, graph, shift


def flat(lists):
    ends = np.cumsum([0, *map(len, lists)]).astype(np.int32)
    return ends, [item for items in lists for item in items]
