"""rebop (Rust), called below its xarray layer, one call per trajectory; sparse or dense, whichever is quicker."""

import time

import numpy as np

from peers import Outcome, Unsupported, outcome

OWN_THREADS = False


def available():
    try:
        import rebop  # noqa: F401
    except ImportError as missing:
        raise Unsupported("rebop is not installed: pip install rebop") from missing


def prepare(case):
    import rebop

    # the public `run` wraps every trajectory in an xarray Dataset, which costs more than most of these trajectories
    system = rebop.Gillespie()
    for step in case.steps:
        rate = step.rate if isinstance(step.rate, float) else step.rate.expression()
        system.add_reaction(rate, [*step.reactants.elements()], [*step.products.elements()])
    inner, seen = system.gillespie, [case.observable]

    def simulate(n: int, seed: int, sparse: bool) -> np.ndarray:
        ends = np.empty(n)
        for i in range(n):
            inner.set_init(case.initial)
            _, saved = inner.run(
                case.time, case.save_points, params={}, seed=seed * n + i, sparse=sparse, var_names=seen
            )
            ends[i] = saved[case.observable][-1]
        return ends

    spent = {sparse: seconds_for(simulate, sparse) for sparse in (False, True)}
    sparse = min(spent, key=spent.get)

    def run(n: int, seed: int) -> Outcome:
        return outcome(simulate(n, seed, sparse))

    run.batch = 1
    run.note = "sparse" if sparse else "dense"
    return run


def seconds_for(simulate, sparse: bool) -> float:
    start = time.process_time()
    simulate(3, 1, sparse)
    return time.process_time() - start
