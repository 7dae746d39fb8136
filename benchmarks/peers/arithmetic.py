"""What the JAX peers ask of their user: propensities, stoichiometry and keys for batches of lanes."""

import numpy as np


def propensities(case):
    """A function of the state (float32 counts) that returns all propensities, written out reaction by reaction."""
    import jax.numpy as jnp

    code = compile(f"[{', '.join(step.propensity for step in case.steps)}]", case.name, "eval")

    def of_state(x):
        counts = {name: x[i] for i, name in enumerate(case.species)}
        return jnp.stack([jnp.asarray(a, x.dtype) for a in eval(code, {"__builtins__": {}}, counts)])

    return of_state


def changes(case) -> np.ndarray:
    """Net change of each species by each reaction, ``[reactions, species]``."""
    return np.array([[step.change.get(s, 0) for s in case.species] for step in case.steps], np.float32)


def initial(case) -> np.ndarray:
    return np.array([*case.initial.values()], np.float32)


def batches(n: int, batch: int, seed: int):
    """Random keys for `n` trajectories, `batch` at a time: always of one shape, so that nothing compiles again."""
    import jax

    root = jax.random.key(seed)
    return (jax.random.split(jax.random.fold_in(root, i), batch) for i in range(n // batch))


def batch_size(case, work: float = 2e9, least: int = 256) -> int:
    """A power of two of lanes, at most 4,096, fewer where a batch would evaluate more than about `work` propensities.

    Lanes beyond 4,096 gain nothing on a CPU; the limit keeps a run of the long cases under a minute.
    """
    size = 4096
    while size > least and size * case.events * (len(case.steps) + 8) > work:
        size //= 2
    return size
