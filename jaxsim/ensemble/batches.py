"""Run batches of trajectories on all cores, and hand back what they give in order."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from jaxsim.ensemble.workers import worker_count


def run_batches(call: Callable[[int], Any], given: list[int]) -> Iterator[Any]:
    """Yield what `call` returns for each batch (numpy), in order; a few run ahead."""

    def one(first: int) -> Any:
        return jax.tree.map(np.asarray, call(first))

    workers = worker_count(tuple(jax.local_devices()[:1]))
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(one, first) for first in given[: 2 * workers]]
        try:
            for index in range(len(given)):
                yield waiting.pop(0).result()
                ahead = index + 2 * workers
                if ahead < len(given):
                    waiting.append(pool.submit(one, given[ahead]))
        finally:
            for future in waiting:
                future.cancel()
