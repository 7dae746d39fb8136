"""crn-jax: a vmapped direct method with hand-written propensities, as its interface asks; float32."""

from typing import Any, NamedTuple

import numpy as np

from benchmarks.peers import Outcome, Unsupported, arithmetic, outcome

OWN_THREADS = False


def available():
    try:
        import crn_jax  # noqa: F401
    except ImportError as missing:
        raise Unsupported("crn-jax is not installed: pip install crn-jax") from missing


class State(NamedTuple):
    """Its state may be any NamedTuple with these two times; a counter of events rides along."""

    time: Any
    x: Any
    next_reaction_time: Any
    events: Any


def prepare(case):
    import jax
    import jax.numpy as jnp
    from crn_jax.gillespie import simulate_trajectory

    of_state, change = arithmetic.propensities(case), jnp.asarray(arithmetic.changes(case))
    start = State(jnp.float32(0), jnp.asarray(arithmetic.initial(case)), jnp.float32(jnp.inf), jnp.int32(0))

    def one(key):
        saved = simulate_trajectory(
            key,
            start,
            timestep=case.time / case.save_points,
            n_steps=case.save_points,
            compute_propensities_fn=lambda state, _: of_state(state.x),
            apply_reaction_fn=lambda state, j: state._replace(x=state.x + change[j], events=state.events + 1),
            max_steps=10_000_000,
        )
        return saved.x, saved.events[-1]

    batch = arithmetic.batch_size(case)
    column = case.index(case.observable)
    compiled = jax.jit(jax.vmap(one)).lower(jax.random.split(jax.random.key(0), batch)).compile()

    def run(n: int, seed: int) -> Outcome:
        ends, events = [], 0
        for keys in arithmetic.batches(n, batch, seed):
            x, fired = jax.block_until_ready(compiled(keys))
            ends.append(np.asarray(x[:, -1, column]))
            events += int(np.asarray(fired).sum(dtype=np.int64))
        return outcome(np.concatenate(ends), events)

    run.batch = batch
    return run
