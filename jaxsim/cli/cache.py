"""Compiled programs kept on disk, so that the second run of a command starts at once."""

import os
from pathlib import Path

from jaxsim._version import __version__


def cache_folder() -> Path:
    """Return the folder for compiled programs in the user's cache directory (XDG base directory specification).

    Examples
    --------
    >>> cache_folder().name
    'compiled'
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if given and Path(given).is_absolute() else Path.home() / ".cache"
    return base / "jaxsim" / __version__ / "compiled"


def keep_compiled_programs() -> None:
    """Let JAX keep every compiled program on disk, unless the user has said where and how.

    A cache that cannot be written is left alone: compiling again is slower, and nothing else.
    """
    import jax

    if os.environ.get("JAX_COMPILATION_CACHE_DIR") or jax.config.values.get("jax_compilation_cache_dir"):
        return
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
