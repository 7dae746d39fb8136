"""Run the calls of an ensemble on all cores or devices, and add up what they gather."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import jax
import numpy as np

from jaxsim.ensemble.double import double_precision
from jaxsim.kernels import Inputs, Tally

Part = tuple[int, int]


def parts(first: int, trajectories: int, size: int) -> list[Part]:
    """Cut trajectories into (first, count) of at most `size`, never across a multiple of 2**32.

    Examples
    --------
    >>> parts(0, 10, 4)
    [(0, 4), (4, 4), (8, 2)]
    """
    result, end = [], first + trajectories
    while first < end:
        count = min(size, end - first, (1 << 32) - first % (1 << 32))
        result.append((first, count))
        first += count
    return result


def worker_count(devices: tuple[Any, ...]) -> int:
    """Return how many calls run at once: one per core on a single CPU device, else one."""
    if len(devices) > 1 or devices[0].platform != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def with_parts(inputs: Inputs, given: list[Part]) -> Inputs:
    """Fill in the range of trajectories: scalars for one device, arrays for several."""
    words = np.array([(first & 0xFFFFFFFF, first >> 32) for first, _ in given], np.uint32)
    counts = np.array([count for _, count in given], np.int32)
    if len(given) == 1:
        return inputs._replace(first_low=words[0, 0], first_high=words[0, 1], size=counts[0])
    return inputs._replace(first_low=words[:, 0].copy(), first_high=words[:, 1].copy(), size=counts)


def run_all(
    call: Any, inputs: Inputs, given: list[Part], devices: tuple[Any, ...], progress: Callable[[int], None]
) -> Iterator[tuple[Part, Tally]]:
    """Run every part and yield each with its tally (numpy), in order."""
    if len(devices) > 1:
        yield from _sharded(call, inputs, given, len(devices), progress)
        return

    def one(part: Part) -> Tally:
        with double_precision():
            return jax.tree.map(np.asarray, call(with_parts(inputs, [part])))

    yield from _threaded(one, given, worker_count(devices), progress)


def _threaded(
    one: Callable[[Part], Tally], given: list[Part], workers: int, progress: Callable[[int], None]
) -> Iterator[tuple[Part, Tally]]:
    """Run parts in threads (the compiled program holds no lock); keep few results at a time."""
    pending: dict[Future[Tally], int] = {}
    done: dict[int, Tally] = {}
    submitted = yielded = 0
    with ThreadPoolExecutor(workers) as pool:
        try:
            while yielded < len(given):
                while submitted < len(given) and submitted < yielded + 2 * workers:
                    pending[pool.submit(one, given[submitted])] = submitted
                    submitted += 1
                for future in wait(pending, return_when=FIRST_COMPLETED).done if pending else ():
                    index = pending.pop(future)
                    done[index] = future.result()
                    progress(given[index][1])
                while yielded in done:
                    yield given[yielded], done.pop(yielded)
                    yielded += 1
        finally:
            for future in pending:
                future.cancel()


def _sharded(
    call: Any, inputs: Inputs, given: list[Part], devices: int, progress: Callable[[int], None]
) -> Iterator[tuple[Part, Tally]]:
    for start in range(0, len(given), devices):
        group = given[start : start + devices]
        filled = group + [(group[-1][0], 0)] * (devices - len(group))
        with double_precision():
            result = jax.tree.map(np.asarray, call(with_parts(inputs, filled)))
        for index, part in enumerate(group):
            progress(part[1])
            yield part, jax.tree.map(lambda leaf, index=index: leaf[index], result)
