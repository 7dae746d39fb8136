"""Every test runs with runtime shape and type checks, strict promotion, and no compiled programs from earlier runs.

``JAXSIM_TEST_CACHE=FOLDER`` keeps compiled programs there from run to run, for those who work on one folder of tests.
"""

import os

os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
os.environ["JAXSIM_COMPILE_CACHE"] = os.environ.get("JAXSIM_TEST_CACHE", "off")  # a folder, for runs that are repeated

import gc
from pathlib import Path

import jax
import pytest
from jaxtyping import install_import_hook

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

# Shapes and dtypes are checked wherever arrays are annotated with them: everywhere else mypy has looked already.
PACKAGE = Path(__file__).parent.parent / "jaxsim"
ANNOTATED = ["dosing", "estimation", "models", "paths", "random", "runtime", "statistics"]
KERNELS = sorted((PACKAGE / "kernels").glob("[!_]*.py"))
ANNOTATED += ["kernels.continuous", "kernels.exact", "kernels.leaping", *(f"kernels.{path.stem}" for path in KERNELS)]
install_import_hook([f"jaxsim.{name}" for name in ANNOTATED], "beartype.beartype")


# Examples in docstrings that compile a whole mouse, or a million-cell model once more.
SLOW_EXAMPLES = {
    "jaxsim.models.coupled.study.coupled_study",
    "jaxsim.models.organism.blockade.onsets_of_variants",
    "jaxsim.models.organism.blockade.organism_onsets",
    "jaxsim.models.organism.sensitivity.organism_sensitivity",
    "jaxsim.models.organism.trial.organism_trial",
    "jaxsim.models.cell.figures.plot_inhibitor_interval",
    "jaxsim.models.organism.figures.plot_organism_arms",
    "jaxsim.models.cell.figures.plot_release",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark examples that take long as slow, before slow tests are left out."""
    for item in items:
        if item.name in SLOW_EXAMPLES:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True, scope="module")
def _forget_programs():
    """Drop the programs of each test file: over a thousand in one process run into its limit of memory maps."""
    yield
    from jaxsim.runtime import programs

    programs._PROGRAMS.clear()
    jax.clear_caches()
    gc.collect()
