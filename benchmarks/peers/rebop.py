"""rebop (Rust), called below its xarray layer, one call per trajectory; sparse or dense, whichever is quicker."""

import numpy as np

from benchmarks.peers import Outcome, Unsupported, outcome
from benchmarks.peers.tuning import quickest

OWN_THREADS = False


def available():
    try:
        import rebop  # noqa: F401
    except ImportError as missing:
        raise Unsupported("rebop is not installed: pip install rebop") from missing


def prepare(case):
    return quickest([build(case, sparse) for sparse in (False, True)], case)


def build(case, sparse: bool):
    import rebop

    # the public `run` wraps every trajectory in an xarray Dataset, which costs more than most of these trajectories
    system = rebop.Gillespie()
    for step in case.steps:
        rate = step.rate if isinstance(step.rate, float) else step.rate.expression()
        system.add_reaction(rate, [*step.reactants.elements()], [*step.products.elements()])
    inner, seen = system.gillespie, [case.observable]

    def run(n: int, seed: int) -> Outcome:
        ends = np.empty(n)
        for i in range(n):
            inner.set_init(case.initial)
            options = {"params": {}, "seed": seed * n + i, "sparse": sparse, "var_names": seen}
            _, saved = inner.run(case.time, case.save_points, **options)
            ends[i] = saved[case.observable][-1]
        return outcome(ends)

    run.batch = 1
    run.note = "sparse" if sparse else "dense"
    return run
