"""Signals that ask a run to end: finish the chunk, commit, and leave with a code that asks to be queued again."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: What `jaxsim run` returns when a signal ended it before the study was complete: EX_TEMPFAIL of sysexits.h.
REQUEUE = 75
NAMES = ("SIGTERM", "SIGUSR1")


class Wish:
    """Whether the process was asked to end, and by which signal."""

    def __init__(self) -> None:
        self.signal: str | None = None

    def __bool__(self) -> bool:
        return self.signal is not None


@contextmanager
def graceful() -> Iterator[Wish]:
    """Turn SIGTERM and SIGUSR1 into a wish while the context lasts (in the main thread; elsewhere do nothing)."""
    wish = Wish()

    def note(number: int, frame: FrameType | None) -> None:
        wish.signal = signal.Signals(number).name

    before = {}
    try:
        for name in NAMES:
            if hasattr(signal, name):
                before[name] = signal.signal(getattr(signal, name), note)
    except ValueError:  # not the main thread, which alone may install handlers
        before = {}
    try:
        yield wish
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
