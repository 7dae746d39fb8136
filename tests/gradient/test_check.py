"""The check of a gradient: what is right agrees, what is wrong is seen, and what could not be seen is said.

Comparisons are at |z| < 3.3 (two-sided 0.001 each).
"""

import numpy as np
import pytest
from immigration_death import FREE, NETWORK, OBJECTIVES, PLAN, STEP

import jaxsim as js

GIVEN = {"free": FREE, "schedule": PLAN, "step": STEP, "widths": {"drug.amount": 0.4, "drug.at": 0.25}}


@pytest.fixture(scope="module")
def right():
    more = {"method": "controlled_score", "trajectories": 2048, "pairs": 6000, "seed": 51}
    return js.check_gradient(NETWORK, OBJECTIVES["mean"], **more, **GIVEN)


def test_a_correct_gradient_agrees_and_a_planted_error_is_seen(right):
    assert right.passes and np.all(np.abs(right.z_truncation) < 3.3)
    assert abs(right.planted_z[0]) > 5 and right.sees_a_tenth[0]
    assert right.smallest_bias[0] < 0.06
    # the planted error is what the check would say of a gradient that is a tenth too small
    error = np.hypot(right.found.error, right.reference_error)
    assert np.allclose(right.planted_z, (0.9 * right.found.vector - right.reference) / error)


def test_what_could_not_be_seen_is_printed(right):
    text = str(right)
    assert f"{right.smallest_bias[0]:.1%}" in text and f"{right.smallest_bias[1]:.1%}" in text
    assert f"an error of a tenth stands at z = {right.planted_z[0]:.1f}" in text
    assert ("would not have been seen" in text) == (not np.all(right.sees_a_tenth))
