"""Run a study: claim chunks, compute them, commit them, until all are done or a signal asks to end."""

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax

from jaxsim.errors import StudyError
from jaxsim.study.continuous import Continuous
from jaxsim.study.counted import Counted
from jaxsim.study.damage import changed_originals
from jaxsim.study.display import Display
from jaxsim.study.method import settle_backend, settle_method
from jaxsim.study.provenance import study_provenance
from jaxsim.study.repair import mend_files
from jaxsim.study.results import found_shortfalls
from jaxsim.study.setup import Setup, read_setup
from jaxsim.study.signals import Wish, graceful
from jaxsim.study.stopping import Shortfall, verdict
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
from jaxsim.study.worker import Worker

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


def _work(store: Store, setup: Setup, engine: Engine, display: Display, wish: Wish, share: range) -> Outcome:
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
