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
from jaxsim.study.display import Display
from jaxsim.study.method import settle_backend, settle_method
from jaxsim.study.provenance import study_provenance
from jaxsim.study.setup import Setup
from jaxsim.study.signals import Wish, graceful
from jaxsim.study.store import Engine, Store, create_store, open_store, read_study, refuse_changed, refuse_other_backend
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


def run_study(
    study: str | Path,
    store: str | Path | None = None,
    *,
    task: int = 0,
    of: int = 1,
    devices: Sequence[Any] | None = None,
    progress: bool = True,
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
    text, setup = read_study(path)
    folder = Path(store) if store is not None else path.with_suffix(".store")
    used = tuple(devices) if devices is not None else tuple(jax.local_devices())
    display = Display(progress)
    with graceful() as wish, _full_disk(folder):
        if (folder / "manifest.json").exists():
            found = open_store(folder)
            refuse_changed(found, text, setup, used[0].platform)
            setup, _ = settle_method(replace(setup, points=found.points()), used[0].platform, found.manifest)
            setup = settle_backend(setup, found.manifest)
            engine = engine_of(setup, used, display.say)
        else:
            setup, method = settle_method(setup, used[0].platform)
            engine = engine_of(setup, used, display.say)
            facts = method | study_provenance(used, setup.request.precision, int(setup.request.seed))
            found = create_store(folder, text, path.parent, setup, engine, facts)
        return _work(found, setup, engine, display, wish, range(task, found.plan.chunks, of))


def resume_study(
    store: str | Path, *, task: int = 0, of: int = 1, devices: Sequence[Any] | None = None, progress: bool = True
) -> Outcome:
    """Go on with a store, without the study file.

    Parameters and result are those of :func:`run_study`.

    Examples
    --------
    >>> resume_study("nowhere")
    Traceback (most recent call last):
    jaxsim.errors.StudyError: 'nowhere' is no store of a study; give the folder that 'jaxsim run' has made
    """
    _refuse_task(task, of)
    found = open_store(store)
    used = tuple(devices) if devices is not None else tuple(jax.local_devices())
    setup, _ = settle_method(found.setup(), used[0].platform, found.manifest)
    setup = settle_backend(setup, found.manifest)
    refuse_changed(found, found.text, setup, used[0].platform)
    display = Display(progress)
    with graceful() as wish, _full_disk(found.path):
        engine = engine_of(setup, used, display.say)
        return _work(found, setup, engine, display, wish, range(task, found.plan.chunks, of))


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
    groups = range(store.plan.groups)
    complete = all(store.ledger.is_group_done(group) for group in groups)
    left = 0 if complete else sum(not store.ledger.is_done(number) for number in range(store.plan.chunks))
    return Outcome(store.path, complete, left, chunks, wish.signal)


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
