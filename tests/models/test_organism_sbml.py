"""The organism by another program: its SBML read by libsbml alone, its equations integrated by SciPy.

The formulas are evaluated as SBML states them (L3 infix, by Python), so that neither the rates nor the solver of jaxsim
take part. The same file in libRoadRunner agrees as closely; that program is not needed here.
"""

import math
import re
from types import FunctionType

import numpy as np
import pytest
from scipy.integrate import solve_ivp

pytest.importorskip("libsbml")

import libsbml

import jaxsim as js
from jaxsim.formats.sbml.writer import sbml_text
from jaxsim.models import organism

HOURS = 72.0
DRUGS = {"anti_il1a": 60.0, "caspase1_inhibitor": 0.05, "il1_receptor_antagonist": 0.03, "il1a": 50.0, "gcsf": 3.0,
         "gemcitabine": 2.0, "cisplatin": 0.02, "cyclophosphamide": 0.01, "fluorouracil": 0.01,
         "anti_cd8": 1.0}  # fmt: skip


@pytest.fixture(scope="module")
def network():
    """A tumour in the middle of treatment, every agent at a constant level."""
    return organism(**DRUGS).with_initial(X=8_000_000, D2=20_000_000, Y=500_000, IT=4_000_000, W=1_000_000)


def equations(text):
    """Return the start and the slope of every species, from the SBML alone."""
    model = libsbml.readSBMLFromString(text).getModel()
    values = {p.getId(): p.getValue() for p in model.getListOfParameters()}
    values |= {c.getId(): c.getSize() for c in model.getListOfCompartments()}
    start = {s.getId(): s.getInitialAmount() for s in model.getListOfSpecies()}
    rates, changes = [], []
    for reaction in model.getListOfReactions():
        law = libsbml.formulaToL3String(reaction.getKineticLaw().getMath()).replace("^", "**")
        rates.append(compile(re.sub(r"\bln\(", "log(", law), "rate", "eval"))
        change = dict.fromkeys(start, 0.0)
        for side, sign in ((reaction.getListOfReactants(), -1.0), (reaction.getListOfProducts(), 1.0)):
            for one in side:
                change[one.getSpecies()] += sign * one.getStoichiometry()
        changes.append(list(change.values()))
    matrix = np.array(changes).T
    functions = {"max": max, "min": min, "sqrt": math.sqrt, "log": math.log, "abs": abs, "pow": pow,
                 "piecewise": piecewise}  # fmt: skip

    def slope(_, x):
        env = {**values, **dict(zip(start, map(float, x), strict=True))}
        return matrix @ np.array([FunctionType(rate, functions | env)() for rate in rates])

    return start, slope


def piecewise(*parts):
    """Return the value whose condition holds, else the last."""
    for value, condition in zip(parts[0:-1:2], parts[1::2], strict=True):
        if condition:
            return value
    return parts[-1]


@pytest.mark.slow
def test_another_program_gets_the_same_courses(network):
    start, slope = equations(sbml_text(network))
    other = solve_ivp(slope, (0.0, HOURS), list(start.values()), method="LSODA", rtol=1e-9, atol=1e-3)
    ours = js.simulate(network, times=[HOURS], method="mean_field", rtol=1e-9, atol=1e-3, progress=False)["mean"]
    found = dict(zip(start, other.y[:, -1], strict=True))
    moved = 0
    for name in network.structure.species:
        value = float(ours.sel(species=name).isel(time=-1))
        assert found[name] == pytest.approx(value, rel=1e-5, abs=1.0), name
        moved += abs(value / max(float(network.initial[name]), 1.0) - 1.0) > 0.01
    assert moved > 20  # nearly all of it is on its way
