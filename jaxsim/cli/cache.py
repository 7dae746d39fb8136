"""Compiled programs kept on disk, so that the second run of a command starts at once."""

import os
import sys

from jaxsim._files import private_cache_folder


def keep_compiled_programs() -> None:
    """Let JAX keep every compiled program on disk, unless the user has said where and how.

    A cache that cannot be written is left alone: compiling again is slower, and nothing else. One that others could
    have written is left alone too, and that is said: what lies in it is run.
    """
    import jax

    if os.environ.get("JAX_COMPILATION_CACHE_DIR") or jax.config.values.get("jax_compilation_cache_dir"):
        return
    try:
        folder = private_cache_folder("compiled")
    except PermissionError as error:
        print(f"jaxsim: compiled programs are not kept: '{error.filename}' {error.strerror}", file=sys.stderr)
        return
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
