"""Files that are complete or not there, files that are read without surprise, and where the user's own files lie."""

import errno
import os
import shutil
import stat
import time
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

from jaxsim._process import is_dead, process_mark
from jaxsim._version import __version__

PART_SUFFIX = ".part"  # ends the names of what is being written
_MOST_BYTES = 1 << 30  # of a file that is read at once
OLD = 24 * 3600.0  # seconds after which what a process of another machine was writing counts as left behind


def replace_file(path: Path, write: Callable[[Path], object]) -> Path:
    """Have `write` write a file that takes the place of `path` when it is complete and on the disk; return `path`.

    It is written in a new folder beside `path`, of an unforeseeable name and closed to others, so that nobody can put
    a link in its way. A file that was there before keeps its mode.
    """
    sweep(path)
    room = temporary_beside(path)
    room.mkdir(mode=0o700)
    made = room / path.name
    try:
        write(made)
        with made.open("rb") as file:
            os.fsync(file.fileno())
        before = os.lstat(path).st_mode if os.path.lexists(path) else 0
        if stat.S_ISREG(before):
            made.chmod(stat.S_IMODE(before))
        os.replace(made, path)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return path


def temporary_beside(path: Path) -> Path:
    """Return an unforeseeable name beside `path`, from which it is seen which process has made it.

    Examples
    --------
    >>> temporary_beside(Path("results.nc")).name.startswith(".results.nc.")
    True
    """
    return path.with_name(f"{_begin(path)}{process_mark()}.{os.urandom(8).hex()}{PART_SUFFIX}")


def sweep(path: Path) -> None:
    """Remove what processes have left that died while they made `path`."""
    for other in sorted(path.parent.glob(f".*{PART_SUFFIX}")):
        if other.name.startswith(_begin(path)) and _left_behind(other):
            if other.is_dir() and not other.is_symlink():
                shutil.rmtree(other, ignore_errors=True)
            else:
                other.unlink(missing_ok=True)


def open_regular(path: Path) -> BufferedReader:
    """Open a file to be read; refuse what is none (a pipe would wait for ever, a device never end).

    Raises
    ------
    OSError
        If it cannot be opened, or is no regular file.

    Examples
    --------
    >>> open_regular(Path("/dev/zero"))
    Traceback (most recent call last):
    OSError: [Errno 22] is no regular file: '/dev/zero'
    """
    file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    return file


def read_regular(path: Path, most: int = _MOST_BYTES) -> bytes:
    """Return the content of a regular file of at most `most` bytes.

    Raises
    ------
    OSError
        If it cannot be read, is no regular file, or is larger.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EINVAL, f"is larger than {most >> 20} MiB", str(path))
    return content


def cache_folder(kind: str) -> Path:
    """Return the folder for one kind of file in the user's cache directory (XDG base directory specification).

    Examples
    --------
    >>> cache_folder("compiled").name
    'compiled'
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if given and Path(given).is_absolute() else Path.home() / ".cache"
    return base / "jaxsim" / __version__ / kind


def private_cache_folder(kind: str) -> Path:
    """Return the folder for one kind of file in the user's cache, made if need be, which nobody else may write.

    Raises
    ------
    PermissionError
        If it, or a folder of jaxsim's above it, is another user's, or one that everybody may write.
    OSError
        If it cannot be made.
    """
    folder = cache_folder(kind)
    levels = (folder.parent.parent, folder.parent, folder)
    levels[0].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for level in levels:
        level.mkdir(mode=0o700, exist_ok=True)
        found = level.stat()
        if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "belongs to another user", str(level))
        if found.st_mode & stat.S_IWOTH:
            raise PermissionError(errno.EPERM, "may be written by everybody; delete it", str(level))
        if stat.S_IMODE(found.st_mode) != 0o700:  # made under the umask by an earlier version
            level.chmod(0o700)
    return folder


def _begin(path: Path) -> str:
    short = path.name.encode()[:64].decode(errors="ignore")  # a name may have no more than 255 bytes
    return f".{short}."


def _left_behind(path: Path) -> bool:
    mark = path.name.split(".")[-3] if path.name.count(".") >= 3 else ""
    try:
        return is_dead(mark) or ("-" in mark and time.time() - os.lstat(path).st_mtime > OLD)
    except FileNotFoundError:  # its process has finished it
        return False
