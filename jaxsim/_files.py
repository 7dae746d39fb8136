"""Files that are complete or not there, and where the user's own files lie."""

import os
from collections.abc import Callable
from pathlib import Path

from jaxsim._version import __version__


def replace_file(path: Path, write: Callable[[Path], object]) -> Path:
    """Have `write` write a file beside `path`, which takes its place when it is complete; return `path`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


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
