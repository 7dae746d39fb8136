"""What a network cannot take is refused in a sentence that names the agent."""

import numpy as np
import pytest

from jaxsim import Network
from jaxsim.dosing import Dose, OneCompartment, Schedule, Set, build_timeline
from jaxsim.errors import ScheduleError

MOUSE = OneCompartment(1.2, 1.4, 6.0, dose_unit="mg/kg", concentration_unit="uM", molar_mass=263.2)
NETWORK = Network(
    species={"A": 5, "B": 0},
    reactions=["A -> B @ A*gemcitabine", "B -> @ B*(drug + fixed)"],
    inputs={"gemcitabine": MOUSE, "drug": OneCompartment(0.3, 2.0), "fixed": 2.5},
)


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (Schedule(A=Dose(1, at=1.0)), "'A' is given at 1 h, before the start at 2 h"),
        (Schedule(gemcitabin=Dose(1, at=3)), "'gemcitabin' is neither.*did you mean 'gemcitabine'?"),
        (Schedule(zzz=Dose(1, at=3)), "'zzz' is neither a species nor an input of the network; name one of these."),
        (Schedule(gemcitabine=Dose(1, at=3)), "dose of 'gemcitabine' has no unit but its disposition takes 'mg/kg'"),
        (Schedule(gemcitabine=Dose(1, "mg", at=3)), "the dose of 'gemcitabine' in mg .* body_weight; give it"),
        (Schedule(drug=Set(1, at=3)), "'drug' is an input and cannot be set; give it a Dose"),
        (Schedule(fixed=Dose(1, at=3)), "'fixed' is a constant input and cannot be dosed"),
        (Schedule(A=Dose(1, "mg", at=3)), "'A' is a species and takes molecules, not 'mg'"),
        (Schedule(A=Dose(1.5, at=3)), "'A' is a species and cannot take 1.5 molecules"),
        (Schedule(A=Set(3e9, at=3)), "'A' is a species and cannot take 3e.09 molecules"),
        (Schedule(A=Dose(1, at=3, duration=1)), "'A' is a species and cannot be infused"),
    ],
)
def test_refusals_name_the_agent(plan, sentence):
    with pytest.raises(ScheduleError, match=sentence):
        build_timeline(NETWORK, plan, 2.0, 9.0)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"t_end": -1.0}, "cannot run from 0 to -1 h"),
        ({"t_end": np.inf}, "cannot run from 0 to inf h"),
        ({"cells": -1}, "cannot be -1; give 0 or more"),
        ({"variation": np.ones((2, 2))}, r"variation has shape \(2, 2\)"),
        ({"variation": np.array([np.nan])}, "variation holds a slope that is not finite"),
    ],
)
def test_spans_and_cells_that_make_no_sense(given, sentence):
    with pytest.raises(ScheduleError, match=sentence):
        build_timeline(NETWORK, None, **{"t0": 0.0, "t_end": 9.0, **given})
