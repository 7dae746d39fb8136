"""What moves in time keeps its boundary term wherever it lies: at the start, at edges of tables, at the end, at ties.

The mean of immigration-death, ``-> X at rate k(t), X -> , decay``, is the integral of k(t) exp(-decay (T - t)), so the
slopes of tables times that weight, summed, are its derivative: closed forms without a trajectory.
"""

import numpy as np
import pytest
from scipy.integrate import quad

import jaxsim as js
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.objective import leap_grid
from jaxsim.gradient.tables import build_tables

DECAY, END = 0.5, 4.0
GRIDS = {"pieces": (8192, 1), "leaps": (512, 4)}


def network(rate, **parameters):
    drug = js.OneCompartment(0.8, 1.0)
    reactions = [f"-> X @ {rate}", "X -> , decay"]
    return js.Network({"X": 0}, reactions, {"decay": DECAY, **parameters}, inputs={"drug": drug, "other": drug})


def tabled(model, plan, free, edges, shifts=1, pinned=None, until=END):
    """Return the derivative of the mean at `until` by the tables, [P], and the notes."""
    tables, slopes = build_tables(free_numbers(model, plan, free, None), model, edges, shifts, pinned)
    middle, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    weight = np.where(middle < until, np.exp(-DECAY * (until - middle)), 0.0) * width
    assert tables.exposure.shape[1] == 1
    return weight @ slopes.tables.exposure[:, 0], slopes.notes


def response(curve, marks=(), until=END):
    """Return the mean at `until` for an immigration rate of time."""
    return quad(lambda t: curve(t) * np.exp(-DECAY * (until - t)), 0.0, until, points=[*marks], limit=500)[0]


def drug(t, at, amount=1.0):
    return np.where(t >= at, amount * np.exp(-0.8 * (t - at)), 0.0)


TIMES = [0.0, 1e-7, 1e-3, 1.0, 1.00021, 1.5, 3.0 + 1 / 2048, 3.999, 4.0]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("at", TIMES)
def test_a_bolus_anywhere_keeps_its_boundary_term(grid, at):
    steps, shifts = GRIDS[grid]
    plan = js.Schedule(drug=js.Dose(3.0, at=at))
    found, notes = tabled(network("2 + drug"), plan, ["drug.at"], np.linspace(0.0, END, steps + 1), shifts)
    # 3 exp(-decay T + .8 at) times the integral of exp((decay - .8) t) from the dose to the end
    span = (np.exp((DECAY - 0.8) * END) - np.exp((DECAY - 0.8) * at)) / (DECAY - 0.8)
    truth = 3.0 * np.exp(-DECAY * END + 0.8 * at) * (0.8 * span - np.exp((DECAY - 0.8) * at))
    assert found == pytest.approx(truth, abs=3.0 * (END / steps) ** 2)
    assert not notes


def test_the_area_of_a_dose_near_the_end_is_kept_by_shifts():
    edges, plan = np.linspace(0.0, END, 65), js.Schedule(drug=js.Dose(1.0, at=3.97))
    tables, _ = build_tables(free_numbers(network("drug"), plan, ["drug.at"], None), network("drug"), edges, 4)
    area = float(tables.exposure[:, 0] @ np.diff(edges))
    assert area == pytest.approx((1.0 - np.exp(-0.8 * 0.03)) / 0.8, rel=1e-9)


def test_no_area_crosses_a_time_at_which_the_objective_looks():
    objective = js.mean("X", at=2.0) + js.mean("X", at=END)
    plan = js.Schedule(drug=js.Dose(1.0, at=1.999))
    settled = js.gradient.objective.settled(objective, network("drug"), 0.0, None)[0]
    grid = leap_grid(settled, plan, ("X",), (0.0, END), 1 / 16)
    found, _ = tabled(network("drug"), plan, ["drug.at"], grid.edges, 4, grid.pinned, until=2.0)
    below, above = (response(lambda t, at=at: drug(t, at), [at], 2.0) for at in (1.9985, 1.9995))
    assert found[0] == pytest.approx((above - below) / 1e-3, rel=5e-3)


def test_doses_at_one_time_have_the_mean_of_both_sides():
    """One dose of two at the same time, before a rate that saturates, has another derivative on either side."""
    plan = js.Schedule(drug=js.Dose([1.0, 2.0], at=[1.5, 1.5]))
    found, notes = tabled(network("drug/(1 + drug)"), plan, ["drug.at"], np.linspace(0.0, END, 8193))

    def mean(first, second):
        def rate(t):
            level = drug(t, first) + drug(t, second, 2.0)
            return level / (1.0 + level)

        return response(rate, [first, second])

    h = 1e-4
    truth = [(mean(1.5 + h, 1.5) - mean(1.5 - h, 1.5)) / (2 * h), (mean(1.5, 1.5 + h) - mean(1.5, 1.5 - h)) / (2 * h)]
    assert found == pytest.approx(truth, abs=2e-4)
    assert len(notes) == 2 and "ties at t = 1.5 with another dose" in notes[0]


def test_doses_at_one_time_before_a_linear_rate_have_one_derivative():
    plan = js.Schedule(drug=js.Dose([1.0, 2.0], at=[1.5, 1.5]))
    found, notes = tabled(network("drug"), plan, ["drug.at"], np.linspace(0.0, END, 8193))
    assert found[1] == pytest.approx(2.0 * found[0], rel=1e-6)
    assert not notes


def test_a_dose_at_the_time_of_the_objective_has_the_mean_of_both_sides():
    objective = js.mean("X", at=2.0) + js.mean("X", at=END)
    plan = js.Schedule(drug=js.Dose(3.0, at=2.0))
    settled = js.gradient.objective.settled(objective, network("drug"), 0.0, None)[0]
    grid = leap_grid(settled, plan, ("X",), (0.0, END), 1 / 512)
    found, notes = tabled(network("drug"), plan, ["drug.at"], grid.edges, 4, grid.pinned, until=2.0)
    assert found[0] == pytest.approx(-3.0 / 2.0, rel=2e-3)
    assert "ties at t = 2 with another dose or with a time of the objective" in notes[0]


CONDITIONS = {  # the rate, its numbers, what is free, and the rate again as a function of time, drug and numbers
    "a level that is free": (
        "if(drug > level, 3, 1)", {"level": 0.4}, ["level", "drug.amount", "drug.at"],
        lambda t, c, p: np.where(c > p["level"], 3, 1),
    ),
    "a time on an edge": (
        "if(t > switch and t <= 3, 3, 1)", {"switch": 1.5}, ["switch"],
        lambda t, c, p: np.where((t > p["switch"]) & (t <= 3), 3, 1),
    ),
    "two conditions at once": (
        "if(drug > 0.5 or drug > 0.5, 3, 1) + if(drug >= 0.5, drug, 0)", {}, ["drug.amount"],
        lambda t, c, p: np.where(c > 0.5, 3 + c, 1),
    ),
    "a window of each day, and a rounded time": (
        "if(t - 1.3*floor(t/1.3) > begin, drug, 0.2) + floor((t - shift)/0.7)", {"begin": 0.4, "shift": 0.3},
        ["begin", "drug.at", "shift"],
        lambda t, c, p: np.where(t % 1.3 > p["begin"], c, 0.2) + np.floor((t - p["shift"]) / 0.7),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if "two" in name else ()) for name in CONDITIONS]
)
def test_conditions_on_time_and_inputs_switch_where_they_should(name):
    """Against central differences of the integral of the rate by midpoints: both within 1e-3 of the derivative."""
    rate, parameters, free, curve = CONDITIONS[name]
    middle = (np.arange(1 << 20) + 0.5) * END / (1 << 20)

    def value(**moved):
        p = {one: number + moved.get(one, 0.0) for one, number in parameters.items()}
        level = drug(middle, 0.9 + moved.get("drug.at", 0.0), 2.0 + moved.get("drug.amount", 0.0))
        return float(curve(middle, level, p) @ np.exp(-DECAY * (END - middle))) * END / middle.size

    found, _ = tabled(network(rate, **parameters), js.Schedule(drug=js.Dose(2.0, at=0.9)), free,
                      np.linspace(0.0, END, 8193))  # fmt: skip
    truth = [(value(**{one: 0.005}) - value(**{one: -0.005})) / 0.01 for one in sorted(free)]
    assert found == pytest.approx(truth, rel=3e-3, abs=1e-3)


def test_a_condition_that_differs_between_trajectories_is_refused():
    model, plan = network("if(drug > 0.1*X, 3, 1)"), js.Schedule(drug=js.Dose(2.0, at=1.0))
    with pytest.raises(js.SimulationError, match=r"jumps with .drug..*a derivative would miss the jump"):
        js.gradient(model, js.mean("X", at=END), free=["drug.amount", "decay"], schedule=plan, trajectories=100)
