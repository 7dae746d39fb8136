"""Poisson variates by inversion against `jax.random.poisson`: ``python -m benchmarks.speed.poisson``, one core.

Both fill the same array of int32 from fresh words in one compiled call, for means from 0.1 to 1e5 and for a mixture of
them; our words come from the cipher of the kernels, two from each call, as there. Nanoseconds per variate, median of
the repeats; a JSON record.
"""

import os
import statistics
import sys
import time
from functools import partial

os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])  # before JAX counts cores

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks import record  # noqa: E402
from jaxsim.random import poisson, threefry2x32, uniform  # noqa: E402
from jaxsim.runtime.programs import compiler_options  # noqa: E402

SIZE, REPEATS, WARM = 1 << 18, 25, 0.3  # WARM: processor seconds before timing
MEANS = (0.1, 1.0, 10.0, 100.0, 1e5)


def main() -> None:
    mixed = np.resize(np.float32(MEANS), SIZE)
    cases = {f"{mean:g}": np.full(SIZE, mean, np.float32) for mean in MEANS} | {"all of them, in turn": mixed}
    result = {"kind": "poisson", **record.describe(), "variates": SIZE, "nanoseconds": {}}
    for name, means in cases.items():
        ours, theirs = (nanoseconds(draw, means) for draw in (inversion, rejection))
        result["nanoseconds"][name] = {"inversion": ours, "jax.random.poisson": theirs, "ratio": theirs / ours}
        print(f"mean {name:22s} {ours:7.2f} ns   jax.random {theirs:8.1f} ns   {theirs / ours:6.1f} times", flush=True)
    path = record.default_path("poisson")
    record.write(result, path)
    sys.stdout.write(f"written to {path}\n")


@partial(jax.jit, compiler_options=compiler_options(jax.devices()[0]))  # as the event loop is compiled
def inversion(seed, means):
    word = jnp.arange(SIZE // 2, dtype=jnp.uint32)
    bits = jnp.stack(threefry2x32(jnp.broadcast_to(seed, word.shape), word, word, word))
    means = means.reshape(2, -1)
    return poisson(uniform(bits), means, uniform(~bits)).reshape(-1)


@jax.jit
def rejection(seed, means):
    return jax.random.poisson(jax.random.key(seed), means, dtype=jnp.int32)


def nanoseconds(draw, means) -> float:
    """Return processor time per variate, after checking the mean of what was drawn."""
    drawn = np.asarray(draw(np.uint32(0), means))
    error = (drawn - means).sum() / np.sqrt(means.sum(dtype=np.float64))
    if abs(error) > 5:
        raise SystemExit(f"the sum is {error:.1f} standard deviations off")
    began, taken = time.process_time(), []
    while time.process_time() - began < WARM:  # the first calls after other work are slower by half
        draw(np.uint32(0), means).block_until_ready()
    for seed in range(1, REPEATS + 1):
        began = time.process_time()
        draw(np.uint32(seed), means).block_until_ready()
        taken.append(time.process_time() - began)
    return statistics.median(taken) / SIZE * 1e9


if __name__ == "__main__":
    main()
