"""jumpax: its SSA over mass-action or constant-rate jumps; float32.

It stores every jump in arrays of a fixed length, which a vmapped loop copies at every step: short trajectories run 256
lanes wide, long ones one after another, and each is quicker so.
"""

import numpy as np

from benchmarks.peers import Outcome, Unsupported, arithmetic, outcome

OWN_THREADS = False

ROOM = 4.0  # steps allowed over the mean number of events: it stops without a word when they are used up
SHORT = 4000  # steps up to which lanes pay
LANES = 256


def available():
    try:
        import jumpax  # noqa: F401
    except ImportError as missing:
        raise Unsupported("jumpax is not on the package index; it installs from its own repository only") from missing


def prepare(case):
    import jax
    import jax.numpy as jnp
    import jumpax

    if case.save_points > 1:
        raise Unsupported("it has no save grid")
    steps = int(ROOM * case.events)
    lanes = steps <= SHORT
    batch = LANES if lanes else max(1, int(3e5 / case.events))
    problem, start = jumps(case), jnp.asarray(arithmetic.initial(case))
    column = case.index(case.observable)

    def one(key):
        options = {"t0": 0.0, "t1": case.time, "key": key, "max_steps": steps}
        solution = jumpax.solve(problem, jumpax.SSA(), jumpax.Save(states=True), start, **options)
        last = solution.stats["num_steps"]
        return solution.us[last, column], last, solution.ts[last]

    many = jax.vmap(one) if lanes else lambda keys: jax.lax.map(one, keys)
    compiled = jax.jit(many).lower(jax.random.split(jax.random.key(0), batch)).compile()

    def run(n: int, seed: int) -> Outcome:
        ends, events = [], 0
        for keys in arithmetic.batches(n, batch, seed):
            x, last, time = map(np.asarray, compiled(keys))
            if np.any(time < case.time):
                raise Unsupported(f"it stopped {np.sum(time < case.time)} of {batch} trajectories at {steps} steps")
            ends.append(x)
            events += int(np.sum(last - 1, dtype=np.int64))
        return outcome(np.concatenate(ends), events)

    run.batch = batch
    run.note = f"{LANES} lanes" if lanes else "one at a time"
    return run


def jumps(case):
    import jax.numpy as jnp
    import jumpax

    change = arithmetic.changes(case)
    if all(isinstance(step.rate, float) for step in case.steps):
        orders = np.array([[step.reactants.get(s, 0) for s in case.species] for step in case.steps], np.int32)
        constants = np.array([step.rate * step.symmetry for step in case.steps], np.float32)
        return jumpax.MassActionJump(jnp.asarray(orders), jnp.asarray(change, jnp.int32), rates=jnp.asarray(constants))
    of_state = arithmetic.propensities(case)
    affect = jumpax.StatelessAffect(lambda t, u, p: u[None, :] + jnp.asarray(change))
    return jumpax.ConstantRateJump(lambda t, u, p: of_state(u), affect)
