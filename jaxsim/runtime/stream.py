"""Run an endless stream of parts, of many design points, on all cores or devices, and hand back each as it ends.

`simulate` knows all parts beforehand and wants them in order. A study makes them as it goes, and a core or a
device that is free takes the next one, of whatever design point.
"""

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import jax

from jaxsim.kernels import Inputs, Program, Tally
from jaxsim.runtime.programs import compiled
from jaxsim.runtime.workers import SECONDS, for_devices, run_part, worker_count

_LEAST_LANES = 64


class Job(NamedTuple):
    """Trajectories of one design point that one core or device runs."""

    tag: Any
    program: Program
    inputs: Inputs
    """With the range of trajectories filled in."""


class Ended(NamedTuple):
    """What a job has gathered."""

    tag: Any
    tally: Tally
    """NumPy arrays."""
    program: Program
    """The one that ran, which may have fewer lanes than asked for."""
    compile_seconds: float
    began: float
    """Of the clock ``time.perf_counter``."""
    ended: float


class Stream:
    """Runs jobs; counts the trajectories that have ended so far, also of jobs still running.

    Parameters
    ----------
    devices
        JAX devices; on a single CPU device, one job runs on each core.
    announce
        Told, in a sentence, when a job did not fit into memory and is run with half the lanes.
    """

    def __init__(self, devices: tuple[Any, ...], announce: Callable[[str], None]) -> None:
        self.devices, self.announce = devices, announce
        self.lanes: int | None = None
        self._ended, self._running = 0, dict[int, int]()
        self._compiling, self._taking, self._counting = threading.Lock(), threading.Lock(), threading.Lock()
        self._stop = threading.Event()
        self._held: Job | None = None

    @property
    def trajectories(self) -> int:
        """How many trajectories have ended."""
        return self._ended + sum(list(self._running.values()))

    def run(self, jobs: Iterator[Job]) -> Generator[Ended, None, None]:
        """Yield every job as it ends; the next job is taken only when a core or device is free for it."""
        workers = worker_count(self.devices)
        self._stop.clear()
        ended: queue.Queue[Ended] = queue.Queue(4 * workers * len(self.devices))
        with ThreadPoolExecutor(workers) as pool:
            try:
                futures = [pool.submit(self._work, jobs, ended) for _ in range(workers)]
                while True:
                    over = all(future.done() for future in futures)
                    try:
                        yield ended.get(timeout=SECONDS)
                    except queue.Empty:
                        for future in futures:
                            if future.done():
                                future.result()
                        if over:
                            return
            finally:  # also when the user interrupts: the threads return at the end of their slice
                self._stop.set()

    def _work(self, jobs: Iterator[Job], ended: queue.Queue[Ended]) -> None:
        while not self._stop.is_set() and (group := self._take(jobs)):
            began = time.perf_counter()
            program, tallies, seconds = self._attempt(group)
            now = time.perf_counter()
            for job, tally in zip(group, tallies, strict=False):
                result = Ended(job.tag, tally, program, seconds, began, now)
                while not self._stop.is_set():
                    try:
                        ended.put(result, timeout=SECONDS)
                        break
                    except queue.Full:
                        continue

    def _take(self, jobs: Iterator[Job]) -> list[Job]:
        """Return one job for each device, all of one program."""
        group: list[Job] = []
        with self._taking:
            while len(group) < len(self.devices):
                job = self._held or next(jobs, None)
                self._held = None
                if job is None:
                    break
                if group and (job.program, _shapes(job.inputs)) != (group[0].program, _shapes(group[0].inputs)):
                    self._held = job
                    break
                group.append(job)
        return group

    def _attempt(self, group: list[Job]) -> tuple[Program, list[Tally], float]:
        """Run a group with as many lanes as fit into memory."""
        while True:
            lanes = self.lanes or group[0].program.lanes
            program = replace(group[0].program, lanes=min(lanes, group[0].program.lanes))
            try:
                return program, *self._run(program, group)
            except (jax.errors.JaxRuntimeError, MemoryError) as error:
                if not (isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)):
                    raise
                if program.lanes // 2 < _LEAST_LANES:
                    raise
                with self._compiling:
                    halved = program.lanes // 2
                    if self.lanes is None or self.lanes > halved:
                        self.lanes = halved
                        self.announce(
                            f"out of memory with {program.lanes} trajectories side by side; going on with {halved}"
                        )

    def _run(self, program: Program, group: list[Job]) -> tuple[list[Tally], float]:
        idle = group[-1].inputs._replace(size=group[-1].inputs.size * 0)
        filled = [job.inputs for job in group] + [idle] * (len(self.devices) - len(group))
        inputs = for_devices(filled)
        with self._compiling:
            executable, seconds = compiled(program, inputs, self.devices)
        key = threading.get_ident()
        several = len(self.devices) > 1
        try:
            tallies = run_part(executable, inputs, several, self._stop, lambda n: self._running.update({key: n}))
        finally:
            with self._counting:
                self._ended += self._running.pop(key, 0)
        return tallies, seconds


def _shapes(inputs: Inputs) -> Any:
    return jax.tree.structure(inputs), tuple(leaf.shape for leaf in jax.tree.leaves(inputs))
