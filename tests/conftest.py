"""Every test runs with runtime shape and type checks, strict promotion, and no compiled programs from earlier runs.

``JAXSIM_TEST_CACHE=FOLDER`` keeps compiled programs there from run to run, for those who work on one folder of tests.
"""

import os

os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
os.environ["JAXSIM_COMPILE_CACHE"] = os.environ.get("JAXSIM_TEST_CACHE", "off")  # a folder, for runs that are repeated

import gc

import jax
import pytest
from jaxtyping import install_import_hook

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

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
