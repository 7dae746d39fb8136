"""Compiled programs kept on disk, so that what one process has compiled the next one only reads.

``JAXSIM_COMPILE_CACHE`` says where: a folder, or ``off``. Where the user has given JAX a folder of its own, that one
holds. A folder belongs to one kind of processor, since nodes of a cluster share a home and not their instructions.
"""

import hashlib
import os
import platform
import warnings
from pathlib import Path

from jaxsim._files import private_cache_folder

SWITCH = "JAXSIM_COMPILE_CACHE"
_OFF = ("off", "0", "no", "false")
_MOST_BYTES = 1 << 30  # kept; beyond that the programs that were used longest ago go, until half of it is left


def keep_compiled_programs() -> None:
    """Let JAX keep every compiled program on disk, unless the user has said otherwise.

    A cache that cannot be written is left alone: compiling again is slower, and nothing else. One that others could
    have written is left alone too, and that is said: what lies in it is run.
    """
    import jax

    if os.environ.get("JAX_COMPILATION_CACHE_DIR") or jax.config.values.get("jax_compilation_cache_dir"):
        return
    asked = os.environ.get(SWITCH, "")
    if asked.lower() in _OFF:
        return
    try:
        folder = _given(Path(asked).expanduser()) if asked else private_cache_folder(f"compiled-{processor()}")
        forget_oldest(folder, _MOST_BYTES)
    except PermissionError as error:
        warnings.warn(f"compiled programs are not kept: '{error.filename}' {error.strerror}", stacklevel=2)
        return
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def processor() -> str:
    """Return a short name for this machine's kind of processor: the digest of its name and its instructions.

    Examples
    --------
    >>> len(processor())
    12
    """
    lines = [platform.machine(), platform.processor()]
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            lines += [line for line in file if line.split(":")[0].strip() in ("model name", "flags", "Features")]
    except OSError:
        pass
    return hashlib.sha256("\n".join(sorted(set(lines))).encode()).hexdigest()[:12]


def forget_oldest(folder: Path, most: int) -> None:
    """Delete the files that were used longest ago, if all of them take more than `most` bytes, until half is left."""
    found = []
    for path in folder.iterdir():
        try:
            facts = path.stat()
        except FileNotFoundError:  # another process was quicker
            continue
        found.append((max(facts.st_atime, facts.st_mtime), facts.st_size, path))
    left = sum(size for _, size, _ in found)
    if left <= most:
        return
    for _, size, path in sorted(found, key=lambda entry: entry[0]):
        if left <= most // 2:
            return
        path.unlink(missing_ok=True)
        left -= size


def _given(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
