"""A command line whose cache of compiled programs stays out of the user's folders and out of this process."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def no_cache_in_this_process():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_COMPILATION_CACHE_DIR", "left to the environment")
        yield
