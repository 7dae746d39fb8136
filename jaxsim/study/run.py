"""Run a study: claim chunks, compute them, commit them, until all are done or a signal asks to end."""

import errno
import signal
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import jax
import numpy as np

from jaxsim.errors import StudyError
from jaxsim.study.damage import changed_originals
from jaxsim.study.display import Display
from jaxsim.study.engines import Computed, Continuous, Counted
from jaxsim.study.finishing import finish_group
from jaxsim.study.ledger import ChunkOwner, sealed, write_file
from jaxsim.study.plan import Chunk, named_points
from jaxsim.study.provenance import study_provenance
from jaxsim.study.repair import forget_damaged, mend_files, remove_left_overs
from jaxsim.study.results import found_shortfalls
from jaxsim.study.setup import Setup, read_setup, settle_backend, settle_method
from jaxsim.study.stopping import Shortfall, Stopping, verdict
from jaxsim.study.store import (
    Engine,
    Store,
    create_store,
    is_store,
    open_store,
    read_study,
    refuse_changed,
    refuse_edited,
    refuse_links,
    refuse_other_backend,
    refuse_other_versions,
)

# Signals that ask a run to end: finish the chunk, commit, and leave with a code that asks to be queued again.

#: What `jaxsim run` returns when a signal ended it before the study was complete: EX_TEMPFAIL of sysexits.h.
REQUEUE = 75
_NAMES = ("SIGTERM", "SIGUSR1")


class _Wish:
    """Whether the process was asked to end, and by which signal."""

    def __init__(self) -> None:
        self.signal: str | None = None

    def __bool__(self) -> bool:
        return self.signal is not None


@contextmanager
def graceful() -> Iterator[_Wish]:
    """Turn SIGTERM and SIGUSR1 into a wish while the context lasts (in the main thread; elsewhere do nothing)."""
    wish = _Wish()

    def note(number: int, frame: FrameType | None) -> None:
        wish.signal = signal.Signals(number).name

    before = {}
    try:
        for name in _NAMES:
            if hasattr(signal, name):
                before[name] = signal.signal(getattr(signal, name), note)
    except ValueError:  # not the main thread, which alone may install handlers
        before = {}
    try:
        yield wish
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


# One process at work on a store.


class Worker:
    """Claims, computes and commits the chunks of its share."""

    def __init__(self, store: Store, setup: Setup, engine: Engine, display: Display, wish: _Wish, share: range) -> None:
        self.store, self.setup, self.engine, self.display = store, setup, engine, display
        self.wish, self.share = wish, share
        self.stopping = Stopping(setup.file.stop, store.plan, store.ledger, store.sums, engine)
        self.owner = ChunkOwner(store.owners, self._facts)
        self.began, self.done = time.time(), 0
        self.compile_seconds, self.lanes = 0.0, 0
        self.provenance: dict[str, Any] = {}
        self.said = self.said_groups = 0

    def run(self, provenance: dict[str, Any]) -> int:
        """Work until nothing is left to claim, or a signal asks to end; return the number of chunks committed.

        What is found damaged on the way is forgotten, and computed again in another round.
        """
        self.provenance = provenance
        with self.owner:
            try:
                remove_left_overs(self.store, self.owner)
                forget_damaged(self.store, self.share)
                self._plan_display()
                self._say_forgotten()
                self._note("running")
                going = True
                while going:
                    before = self.done
                    self._compute()
                    self._finish()
                    self._say_forgotten()
                    going = self.done > before and not self.wish and any(map(self._is_mine_to_do, self.share))
                self._note(self.wish.signal or "ended")
            finally:
                self.display.close()
        return self.done

    def _compute(self) -> None:
        # closed at once when a commit fails, or its threads would go on claiming
        with closing(self.engine.compute(self.store.plan, self._claims())) as chunks:
            for computed in chunks:
                self._commit(computed)
                self.display.show(self.engine.trajectories)

    def _is_mine_to_do(self, number: int) -> bool:
        """Return whether a chunk is in nobody's hands and needed."""
        ledger = self.store.ledger
        if ledger.is_done(number) or self.stopping.enough(self.store.plan.chunk(number)):
            return False
        holder = ledger.holder(number)
        return holder is None or (holder != self.owner.name and not self.owner.lives(holder))

    def _say_forgotten(self) -> None:
        ledger = self.store.ledger
        for number in ledger.forgotten[self.said :]:
            self.display.say(f"the sums of chunk {number} are damaged; they are computed again")
        self.said = len(ledger.forgotten)
        for group in ledger.forgotten_groups[self.said_groups :]:
            points = self.store.plan.chunk(group).points
            self.display.say(f"the results of {named_points(points)} are damaged; they are made again from the sums")
        self.said_groups = len(ledger.forgotten_groups)

    def _claims(self) -> Generator[Chunk, None, None]:
        """Yield chunks of the share as this process claims them, until all are done or in living hands."""
        while True:
            claimed = False
            for number in self.share:
                if self.wish:
                    return
                chunk = self.store.plan.chunk(number)
                if not self.stopping.enough(chunk) and self.store.ledger.claim(number, self.owner):
                    claimed = True
                    yield chunk
            if not claimed:
                return

    def _commit(self, computed: Computed) -> None:
        """Store a chunk and, last, say that it is done."""
        store, chunk = self.store, computed.chunk
        self.compile_seconds += computed.compile_seconds
        self.lanes = computed.lanes
        if store.ledger.holder(chunk.number) != self.owner.name:
            self.display.say(f"chunk {chunk.number} was taken over by another process while this one stood still")
            return
        if store.ledger.generation(chunk.number) > 1:
            store.sums.remove_partial(chunk)
        digest = store.sums.write(chunk, computed.arrays)
        status = np.asarray(computed.arrays["status"]).reshape(len(chunk.points), -1).sum(axis=0)
        facts = {
            "digest": digest,
            "status": status.astype(int).tolist(),
            "seconds": round(computed.seconds, 3),
            "compile_seconds": round(computed.compile_seconds, 3),
            "lanes": computed.lanes,
        }
        store.ledger.complete(chunk.number, self.owner, facts)
        self.done += 1
        finish_group(store, self.setup, self.engine, self.stopping, chunk.group)

    def _finish(self) -> None:
        """Write results that a process before this one could not, because it was killed."""
        for group in range(self.store.plan.groups):
            finish_group(self.store, self.setup, self.engine, self.stopping, group)

    def _plan_display(self) -> None:
        plan, ledger = self.store.plan, self.store.ledger
        chunks = (plan.chunk(number) for number in self.share if not ledger.is_done(number))
        total = sum(len(chunk.points) * chunk.trajectories for chunk in chunks)
        self.display.begin(total)
        self.display.say(
            f"{plan.points} design points, {plan.chunks} chunks, {total:,} trajectories to go in this run"
            f"{' at most' if self.setup.file.stop else ''}; store {self.store.path}"
        )

    def _facts(self) -> dict[str, Any]:
        """Return what each heartbeat says."""
        self.display.show(self.engine.trajectories)
        left = self.display.pace.left()
        return {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "chunks": self.done,
            "trajectories": self.engine.trajectories,
            "trajectories_of_this_run": self.display.total,
            "seconds_left": list(left) if left else None,
        }

    def _note(self, state: str) -> None:
        record = {
            **self.provenance,
            "state": state,
            "chunks": self.done,
            "trajectories": self.engine.trajectories,
            "wall_seconds": round(time.time() - self.began, 3),
            "compile_seconds": round(self.compile_seconds, 3),
            "lanes": self.lanes,
        }
        write_file(self.store.runs / f"{self.owner.name}.json", sealed(record))


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    store: Path
    complete: bool
    """Whether the results of all design points are there."""
    left: int
    """Chunks that are not done: of other tasks, in the hands of other processes, or cut off by a signal."""
    chunks: int
    """Chunks that this run has committed."""
    signal: str | None
    """Which signal ended it."""
    short: tuple[Shortfall, ...] = ()
    """Design points whose stopping rule was not met by all the trajectories that they may take."""
    verdict: str = ""
    """How far the study is, or how it has ended, in a phrase."""


def run_study(
    study: str | Path,
    store: str | Path | None = None,
    *,
    task: int = 0,
    of: int = 1,
    devices: Sequence[Any] | None = None,
    progress: bool = True,
    trust: Sequence[str] = (),
    other_version: bool = False,
) -> Outcome:
    """Run a study file into a store, or go on with the store that is there.

    Any number of processes, on any number of machines that see the same file system, may run on one store at the
    same time; each chunk is claimed by one. Killing them loses the chunks in flight and nothing else.

    Parameters
    ----------
    study
        The study file (TOML).
    store
        The folder for everything; beside the study file, with the ending ``.store``, if not given.
    task, of
        Take only the chunks whose number is `task` modulo `of`, for arrays of jobs.
    devices
        JAX devices; all local ones if not given.
    progress
        Show a bar on a terminal, log lines elsewhere.
    trust
        Modules whose functions the study file may name as entry points, beside those in its folder. Whoever wrote the
        file can have any function of these run.
    other_version
        Go on with a store that another version of jaxsim, jax or jaxlib has begun, though its bits may differ.

    Returns
    -------
    Outcome

    Raises
    ------
    StudyError
        If the study file cannot be read, the store belongs to another study, or the disk is full.

    Examples
    --------
    >>> import tempfile, jaxsim as js
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "decay.toml").write_text('''
    ... [model]
    ... species = {X = 20}
    ... parameters = {k = 1.0}
    ... reactions = ["X -> , k"]
    ... [design]
    ... kind = "grid"
    ... parameters.k.values = [0.5, 1.0]
    ... [simulation]
    ... times = [0.0, 1.0]
    ... trajectories = 100
    ... chunk = 100
    ... ''')
    >>> js.run_study(folder / "decay.toml", progress=False).complete
    True
    >>> js.open_study(folder / "decay.store")["mean"].dims
    ('point', 'time', 'species')
    """
    _refuse_task(task, of)
    path = Path(study)
    text, setup, sources = read_study(path, tuple(trust))
    folder = Path(store) if store is not None else path.with_suffix(".store")
    used = tuple(devices) if devices is not None else tuple(jax.local_devices())
    display = Display(progress)
    with graceful() as wish, _full_disk(folder):
        if is_store(folder):
            found = open_store(folder)
            _refuse_unfit(found, other_version)
            refuse_changed(found, text, setup, sources, used[0].platform)
            setup = replace(setup, points=found.points() or setup.points)
            setup, _ = settle_method(setup, used[0].platform, found.manifest)
            setup = settle_backend(setup, found.manifest)
            engine = engine_of(setup, used, display.say)
            mend_files(found, setup, sources, engine, display.say)
        else:
            setup, method = settle_method(setup, used[0].platform)
            engine = engine_of(setup, used, display.say)
            facts = method | study_provenance(used, setup.request.precision, int(setup.request.seed))
            found = create_store(folder, text, setup, sources, engine, facts)
        return _work(found, setup, engine, display, wish, range(task, found.plan.chunks, of))


def resume_study(
    store: str | Path,
    *,
    task: int = 0,
    of: int = 1,
    devices: Sequence[Any] | None = None,
    progress: bool = True,
    trust: Sequence[str] = (),
    other_version: bool = False,
) -> Outcome:
    """Go on with a store, without the study file: it has copies of all files that the study names.

    Parameters and result are those of :func:`run_study`. Functions are run from the store's copies of modules that lay
    beside the study file.

    Examples
    --------
    >>> resume_study("nowhere")
    Traceback (most recent call last):
    jaxsim.errors.StudyError: 'nowhere' is no store of a study; give the folder that 'jaxsim run' has made
    """
    _refuse_task(task, of)
    found = open_store(store)
    _refuse_unfit(found, other_version)
    used = tuple(devices) if devices is not None else tuple(jax.local_devices())
    display = Display(progress)
    sources = found.sources(tuple(trust))
    setup, _ = settle_method(read_setup(found.text, sources, found.points()), used[0].platform, found.manifest)
    setup = settle_backend(setup, found.manifest)
    refuse_changed(found, found.text, setup, sources, used[0].platform)
    _say_changed_originals(found, display)
    with graceful() as wish, _full_disk(found.path):
        engine = engine_of(setup, used, display.say)
        mend_files(found, setup, sources, engine, display.say)
        return _work(found, setup, engine, display, wish, range(task, found.plan.chunks, of))


def _refuse_unfit(store: Store, other_version: bool) -> None:
    """Refuse a store that was edited, that leads elsewhere, or that another version has begun."""
    refuse_edited(store)
    refuse_links(store)
    if not other_version:
        refuse_other_versions(store)


def _say_changed_originals(store: Store, display: Display) -> None:
    for original in changed_originals(store):
        display.say(f"'{original}' has changed since; the store goes on with its own copy")


def engine_of(setup: Setup, devices: tuple[Any, ...], announce: Callable[[str], None]) -> Engine:
    """Return what computes the chunks of a study."""
    return (Continuous if setup.continuous else Counted)(setup, devices, announce)


def _refuse_task(task: int, of: int) -> None:
    if not 0 <= task < of:
        raise StudyError(f"task {task} of {of} does not exist; tasks are numbered from 0 to {of - 1}")


def _work(store: Store, setup: Setup, engine: Engine, display: Display, wish: _Wish, share: range) -> Outcome:
    refuse_other_backend(store, engine.backend)
    worker = Worker(store, setup, engine, display, wish, share)
    chunks = worker.run(study_provenance(engine.devices, setup.request.precision, int(setup.request.seed)))
    done = [group for group in range(store.plan.groups) if store.ledger.is_group_done(group)]
    complete = len(done) == store.plan.groups
    left = 0 if complete else sum(not store.ledger.is_done(number) for number in range(store.plan.chunks))
    short = found_shortfalls(store)
    said = verdict(sum(len(store.plan.chunk(group).points) for group in done), store.plan.points, short)
    return Outcome(store.path, complete, left, chunks, wish.signal, tuple(short), said)


@contextmanager
def _full_disk(folder: Path) -> Iterator[None]:
    """Turn the errors of a full disk into a sentence; what was committed before is whole."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise StudyError(
            f"the disk of the store '{folder}' is full ({error.strerror}); all chunks committed so far are whole: "
            f"free space, then run the same command again"
        ) from error
