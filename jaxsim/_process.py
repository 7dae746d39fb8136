"""The process that runs: its name on this machine, whether another still lives, whether it was forked."""

import hashlib
import os
import platform
import sys
from pathlib import Path

_FORKED = False


def this_machine() -> str:
    """Return a name of this machine since its start, and of this container: process numbers mean something within it.

    Examples
    --------
    >>> this_machine() == this_machine()
    True
    """
    marks = [platform.node()]
    boot = Path("/proc/sys/kernel/random/boot_id")
    if boot.exists():
        marks.append(boot.read_text().strip())
    if os.path.exists("/proc/self/ns/pid"):
        marks.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(marks)


def started(pid: int) -> str | None:
    """Return when a process of this machine started, in the kernel's own unit; None if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except (OSError, IndexError):
        return None


def process_mark() -> str:
    """Return a name of this process that stands in the names of its temporary files, without a dot.

    Examples
    --------
    >>> is_dead(process_mark())
    False
    """
    return f"{_machine_mark()}-{os.getpid()}-{started(os.getpid()) or 'unknown'}"


def is_dead(mark: str) -> bool:
    """Return whether the process of a mark is known to have ended: it was of this machine, and is no longer there.

    Examples
    --------
    >>> is_dead(process_mark().rpartition("-")[0] + "-1")
    True
    """
    machine, _, rest = mark.partition("-")
    pid, _, since = rest.partition("-")
    return machine == _machine_mark() and pid.isdecimal() and since.isdecimal() and started(int(pid)) != since


def is_forked() -> bool:
    """Return whether this process was forked from one in which JAX had started: without its threads, JAX hangs.

    Examples
    --------
    >>> is_forked()
    False
    """
    return _FORKED


def _machine_mark() -> str:
    return hashlib.sha256(this_machine().encode()).hexdigest()[:8]


def _note_fork() -> None:
    global _FORKED  # noqa: PLW0603
    bridge = sys.modules.get("jax._src.xla_bridge")
    _FORKED = _FORKED or (bridge is not None and bool(getattr(bridge, "_backends", True)))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
