"""Workers: run the calls of an ensemble on all cores or devices, and add up what they gather."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import jax
import numpy as np

from jaxsim.kernels import Inputs, Tally
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.programs import Compiled

Part = tuple[int, int]
SECONDS = 0.2  # between looks at the progress
MOST_PER_CALL = 1 << 22  # trajectories


def parts(first: int, trajectories: int, size: int | None, workers: int = 1, least: int = 1) -> list[Part]:
    """Cut trajectories into (first, count), never across a multiple of 2**32.

    Parts are of `size`, if it is given. Else one worker takes all, and several take an equal part each of
    half of what is left, again and again while parts are of at least `least`, so that they end together.

    Examples
    --------
    >>> parts(0, 10, 4)
    [(0, 4), (4, 4), (8, 2)]
    >>> parts(0, 100, None, workers=2, least=10)
    [(0, 25), (25, 25), (50, 12), (62, 12), (74, 13), (87, 13)]
    """
    result, end = [], first + trajectories
    while first < end:
        for count in [size] if size else _round(end - first, workers, least):
            count = min(count, end - first, (1 << 32) - first % (1 << 32))
            if count:
                result.append((first, count))
            first += count
    return result


def _round(left: int, workers: int, least: int) -> list[int]:
    """Return the next part of every worker."""
    half = min(left // (2 * workers), MOST_PER_CALL)
    if workers > 1 and half >= least:
        return [half] * workers
    return [min(-(-left // workers), MOST_PER_CALL)] * workers


def worker_count(devices: tuple[Any, ...]) -> int:
    """Return how many calls run at once: one per core on a single CPU device, else one."""
    if len(devices) > 1 or devices[0].platform != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def with_parts(inputs: Inputs, given: list[Part]) -> Inputs:
    """Fill in the range of trajectories of each device."""
    return for_devices([with_part(inputs, part) for part in given])


def with_part(inputs: Inputs, part: Part) -> Inputs:
    """Fill in one range of trajectories."""
    first, count = part
    return inputs._replace(
        first_low=np.uint32(first & 0xFFFFFFFF), first_high=np.uint32(first >> 32), size=np.int32(count)
    )


def for_devices(given: Sequence[Inputs]) -> Inputs:
    """Return what a program takes: the inputs of one device as they are, those of several stacked."""
    return given[0] if len(given) == 1 else jax.tree.map(lambda *leaves: np.stack(leaves), *given)


def run_all(
    program: Compiled, inputs: Inputs, given: list[Part], devices: tuple[Any, ...], progress: Callable[[int], None]
) -> Iterator[tuple[Part, Tally]]:
    """Run every part and yield each with its tally (numpy), in order; `progress` is told of trajectories ended."""
    several = len(devices) > 1
    groups = [given[i : i + len(devices)] for i in range(0, len(given), len(devices))]
    stop = threading.Event()
    counter = _Counter(progress)

    def one(index: int) -> list[Tally]:
        group = groups[index]
        filled = group + [(group[-1][0], 0)] * (len(devices) - len(group))
        return run_part(program, with_parts(inputs, filled), several, stop, lambda ended: counter.tell(index, ended))

    for index, tallies in _threaded(one, len(groups), worker_count(devices), stop, counter):
        yield from zip(groups[index], tallies, strict=False)


def run_part(
    program: Compiled, inputs: Inputs, several: bool, stop: threading.Event, tell: Callable[[int], None]
) -> list[Tally]:
    """Run one part on every device, slice by slice, until all trajectories have ended or we are told to stop."""
    run, begin, ended = program.empty, True, False
    while not ended and not stop.is_set():
        with double_precision():
            run, over = program.call(inputs, np.bool_(begin), run)
        ended, begin = bool(np.asarray(over).all()), False
        tell(int(np.asarray(run.tally.status).sum()))
    tally = jax.tree.map(np.asarray, run.tally)
    return [jax.tree.map(lambda leaf, d=d: leaf[d], tally) for d in range(len(tally.events))] if several else [tally]


class _Counter:
    """Adds up the trajectories that parts have ended so far, and passes on by how much the sum has grown."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self.progress, self.shown = progress, 0
        self.ended: dict[int, int] = {}

    def tell(self, index: int, ended: int) -> None:
        """Note how many trajectories of a part have ended; called from its thread."""
        self.ended[index] = ended

    def show(self) -> None:
        """Pass on what is new; called from the main thread only."""
        total = sum(list(self.ended.values()))
        if total > self.shown:
            self.progress(total - self.shown)
            self.shown = total


def _threaded(
    one: Callable[[int], list[Tally]], number: int, workers: int, stop: threading.Event, counter: _Counter
) -> Iterator[tuple[int, list[Tally]]]:
    """Run parts in threads (the compiled program holds no lock); keep few results at a time."""
    pending: dict[Future[list[Tally]], int] = {}
    done: dict[int, list[Tally]] = {}
    submitted = yielded = 0
    with ThreadPoolExecutor(workers) as pool:
        try:
            while yielded < number:
                while submitted < number and submitted < yielded + 2 * workers:
                    pending[pool.submit(one, submitted)] = submitted
                    submitted += 1
                for future in wait(pending, SECONDS, FIRST_COMPLETED).done if pending else ():
                    index = pending.pop(future)
                    done[index] = future.result()
                counter.show()
                while yielded in done:
                    yield yielded, done.pop(yielded)
                    yielded += 1
        finally:  # also when the user interrupts: the threads return at the end of their slice
            stop.set()
            for future in pending:
                future.cancel()


# Run batches of trajectories on all cores, and hand back what they give in order.


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
