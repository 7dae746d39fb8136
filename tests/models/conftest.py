"""One study of single cells, simulated once and looked at by many tests."""

import pytest

from jaxsim.models import CellArm, cell_arms, cell_study
from jaxsim.runtime.programs import trace_count

CELLS = 4000


@pytest.fixture(scope="session")
def study():
    """Untreated, 120 mg/kg, 120 mg/kg with the inhibitor every 6 h, 30 and 60 mg/kg; hours 0 to 96."""
    before = trace_count()
    result = cell_study((*cell_arms(), CellArm("30", 30), CellArm("60", 60)), cells=CELLS, every=4.0, seed=11)
    return result.assign_attrs(traces=trace_count() - before)
