"""The marrow chain with the numbers of patients: docetaxel in the organism beside the model of Friberg 2002."""

import numpy as np
import pytest

from jaxsim.dosing import Dose, Schedule
from jaxsim.ensemble import FlowCase, solve_flows
from jaxsim.models import organism
from jaxsim.models.organism.friberg import docetaxel_schedule, friberg

CARRIERS = {"c0": "fluorouracil", "c1": "cyclophosphamide", "c2": "cisplatin"}  # of the exponentials of docetaxel
HOURS = np.arange(0.0, 28 * 24 + 1.0, 3.0)


def patients(kills):
    """Blood neutrophils, of baseline, [kill, time], where docetaxel kills marrow cells in cycle at so much per uM."""
    effects = ("fluorouracil_kill", "cyclophosphamide_kill", "cisplatin_kill")
    none = {"cyclophosphamide_hspc_kill": 0.0, "cisplatin_hspc_share": 0.0, "cyclophosphamide_lymphocyte_kill": 0.0,
            "fluorouracil_lymphocyte_kill": 0.0}  # fmt: skip
    exponentials = friberg().inputs
    network = organism("human", tumour=0, **none, **{CARRIERS[name]: one for name, one in exponentials.items()})
    given = docetaxel_schedule()
    plan = Schedule(**{
        CARRIERS[name]: Dose(float(given[name][0].amounts(np)[0]), at=0.0, duration=1.0) for name in CARRIERS
    })  # fmt: skip
    kills = np.asarray(kills, np.float64)
    case = FlowCase(network, plan, dict.fromkeys(effects, kills), kills.size)
    found = solve_flows([case], HOURS, rtol=1e-5, atol=1.0)
    return found.mean[:, :, network.structure.species.index("N")] / network.initial["N"]


@pytest.mark.slow
def test_docetaxel_gives_the_nadir_when_friberg_gives_it():
    """The kill is set so that the nadir is 0.19; its day, the time below half and the rebound are the check."""
    kills = np.geomspace(0.02, 2.0, 25)
    courses = patients(kills)
    course = courses[int(np.argmin(np.abs(courses.min(axis=1) - 0.19)))]
    assert course.min() == pytest.approx(0.19, abs=0.05)
    assert 6.0 <= HOURS[course.argmin()] / 24 <= 9.0
    assert 6.0 <= np.sum(course < 0.5) * 3.0 / 24 <= 10.0
    assert 1.0 <= course[course.argmin() :].max() <= 1.5
