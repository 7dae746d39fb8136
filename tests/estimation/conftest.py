"""Ladders of small networks, whose programs the tests of a file share."""

import jax
import pytest

from jaxsim.estimation.estimate import _chain
from jaxsim.estimation.ladder import Ladder
from jaxsim.estimation.levels import Level
from jaxsim.estimation.mesh import relaxation_course
from jaxsim.estimation.question import ask


@pytest.fixture(scope="session")
def ladder_of():
    """A function that makes the ladder of a question."""

    def make(network, quantity, at, schedule=None, chunk=None):
        question = ask(network, quantity, at, schedule, 0.0, 0, "cpu")
        device = jax.local_devices()[0]
        return Ladder(question, relaxation_course(question, device)[0], _chain(question, chunk), device)

    return make


@pytest.fixture(scope="session")
def level_of():
    """A function that runs one level."""

    def run(ladder, kind, level, number, seed=1):
        found = Level(ladder, kind, level, seed)
        found.run(number)
        return found

    return run
