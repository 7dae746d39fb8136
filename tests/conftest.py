"""Every test runs with runtime shape and type checks, strict promotion, and no compiled programs from earlier runs."""

import os

os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)

import gc

import jax
import pytest
from jaxtyping import install_import_hook

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_compilation_cache_dir", None)

install_import_hook("jaxsim", "beartype.beartype")


@pytest.fixture(autouse=True, scope="module")
def _forget_programs():
    """Drop the programs of each test file: over a thousand in one process run into its limit of memory maps."""
    yield
    from jaxsim.ensemble import compiled, executables

    compiled._PROGRAMS.clear()
    executables._EXECUTABLES.clear()
    jax.clear_caches()
    gc.collect()
