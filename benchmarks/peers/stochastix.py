"""stochastix: its direct method and tau-leaping in the forward-only solver, which is its quickest; float32."""

import warnings

import numpy as np

from benchmarks.peers import Outcome, Unsupported, arithmetic, outcome

OWN_THREADS = False


def available():
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import stochastix  # noqa: F401
    except ImportError as missing:
        raise Unsupported("stochastix is not installed: pip install stochastix") from missing


def prepare(case):
    import stochastix as sx

    return runner(case, sx.DirectMethod())


def prepare_leap(case, tolerance: float):
    """Its tau-leaping."""
    import stochastix as sx

    return runner(case, sx.TauLeaping(epsilon=tolerance))


def runner(case, solver):
    import jax
    import stochastix as sx

    if case.save_points > 1:
        raise Unsupported("its forward-only solver keeps the end state alone")
    network = sx.ReactionNetwork([reaction(sx, j, step) for j, step in enumerate(case.steps)])
    start = np.array([case.initial[name] for name in network.species], np.float32)
    column = network.species.index(case.observable)

    def one(key):
        result = sx.faststochsimsolve(
            key, network, start, T=case.time, max_steps=10_000_000, solver=solver, save_propensities=False
        )
        return result.x[-1, column]

    batch = arithmetic.batch_size(case, work=5e8, least=64)
    compiled = jax.jit(jax.vmap(one)).lower(jax.random.split(jax.random.key(0), batch)).compile()

    def run(n: int, seed: int) -> Outcome:
        return outcome(np.concatenate([np.asarray(compiled(keys)) for keys in arithmetic.batches(n, batch, seed)]))

    run.batch = batch
    return run


def reaction(sx, j: int, step):
    """It counts combinations of reactants, so a constant of ours is multiplied by ``m!``; "0" is its empty side."""
    if isinstance(step.rate, float):
        kinetics = sx.kinetics.MassAction(k=step.rate * step.symmetry)
    else:
        law = step.rate
        kinetics = sx.kinetics.HillRepressor(
            law.repressor, v=law.maximal, K=law.half, n=float(law.exponent), v0=law.basal
        )
    left, right = (" + ".join(side.elements()) or "0" for side in (step.reactants, step.products))
    return sx.Reaction(f"{left} -> {right}", kinetics, name=f"R{j}")
