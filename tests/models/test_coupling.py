"""Cells coupled to the organism: laws of the cells, balance of IL-1alpha, order of the coupling, tables against cells.

Statistical tests are at 4 standard errors, a significance of 6e-5 each, with fixed seeds.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jax
import numpy as np
import pytest
import xarray
from scipy.integrate import solve_ivp

import jaxsim as js
from jaxsim.dosing import Dose, Schedule
from jaxsim.errors import JaxsimError, SimulationWarning
from jaxsim.models import Grid, cell, compare_couplings, coupled_study, organism, scenarios, standard_regimen
from jaxsim.models.coupled import online
from jaxsim.models.coupled import table as table_module
from jaxsim.models.coupled.cell import cell_in_tumour
from jaxsim.models.coupled.lanes import held, imbalance
from jaxsim.models.coupled.organism import around_tumour, effective_concentrations, second_daughter_lives
from jaxsim.models.coupled.population import Population, founders, repacked, step_population
from jaxsim.models.coupled.table import build_table, schedule_of
from jaxsim.models.coupled.tabulated import tabulated_tumour
from jaxsim.network import Binary, Network, Number

LANES = 1024  # of all blocks here, so that they share one program
LAW = cell_in_tumour()
TREATED = schedule_of(Grid(hours=48), 120.0, 50.0, 12.0)


def lent(**values):
    """What cells read where nothing else is said."""
    nothing = {"kill_hazard": 0.0, "clearance_hazard": 0.0, "gemcitabine": 0.0, "caspase1_inhibitor": 0.0}
    return {**LAW.network.parameters, **nothing, **values}


def run(population, hours, lives, step=0.5, schedule=None, **values):
    """Step cells on their own; return the population and its ledgers."""
    edges = np.arange(0.0, hours + 0.5 * step, step)
    around = around_tumour(organism())
    seen = effective_concentrations(around, schedule or Schedule(), LAW.network.parameters, edges)
    ledgers = []
    for k in range(edges.size - 1):
        given = lent(**values, **{name: value[k] for name, value in seen.items()})
        population, ledger = step_population(LAW.network, given, lives, step, population)
        ledgers.append(ledger)
    return population, ledgers


def total(ledgers, name):
    return sum(ledger[name] for ledger in ledgers)


@pytest.mark.slow
def test_fates_are_those_of_the_exact_kernel():
    """By the many-to-one formula: a line of cells with weight (1 + q) for each division is the tree of daughters."""
    lives, hours, number = 0.4, 20.0, 2100
    base = cell()
    weight = f"{1.0 + lives}^N"
    watched = {"living": f"(1 - AP)*(1 - PY)*{weight}", "lysed": f"PY*{weight}", "apoptotic": f"AP*{weight}"}
    followed = Network(
        species=dict(base.initial), parameters=dict(base.parameters), reactions=base.structure.reactions,
        observables=watched, inputs=dict(base.inputs),
    )  # fmt: skip
    line = js.simulate(followed, times=[0.0, hours], trajectories=20_000, seed=3, schedule=TREATED, cells=16)
    _, ledgers = run(founders(LAW.network, number, seed=4, lanes=LANES), hours, lives, schedule=TREATED)
    tree = {
        "living": ledgers[-1]["living"],
        "lysed": total(ledgers, "PY"),
        "apoptotic": total(ledgers, "NA"),
    }
    for name, count in tree.items():
        expected = float(line["observable_mean"].sel(observable=name).isel(time=-1))
        spread = float(line["observable_variance"].sel(observable=name).isel(time=-1))
        error = np.sqrt(spread / 20_000 + 2.0 * spread / number)  # sisters are alike: at most twice the variance
        assert abs(count / number - expected) < 4 * error, name
        assert abs(0.8 * count / number - expected) > 4 * error or name != "living"  # a fifth lost would show


def extinction(lives, kill, hours):
    """Probability that the tumour of one untreated founder is extinct: backward equations of the branching process."""
    enter, divide, wake = (
        LAW.network.parameters[name] for name in ("s_entry_rate", "division_rate", "reactivation_rate")
    )

    def slope(_, f):
        g1, s, q_g1, q_s = f
        both = lives * g1 * g1 + (1.0 - lives) * g1
        return [
            enter * (s - g1) + kill * (1.0 - g1),
            divide * (both - s) + kill * (1.0 - s),
            wake * (g1 - q_g1) + kill * (1.0 - q_g1),
            wake * (s - q_s) + kill * (1.0 - q_s),
        ]

    g1, s, q_g1, q_s = solve_ivp(slope, (0.0, hours), np.zeros(4), rtol=1e-9, atol=1e-12).y[:, -1]
    return 0.9 * 0.5 * (g1 + s) + 0.1 * 0.5 * (q_g1 + q_s)


@pytest.mark.slow
def test_small_tumours_go_extinct_as_the_branching_process():
    lives, kill, hours, number = 0.9, 0.06, 30.0, 1400
    start = founders(LAW.network, number, seed=9, lanes=LANES, tumour=1)
    end, _ = run(start, hours, lives, kill_hazard=kill, clearance_hazard=0.06)
    index = {name: LAW.network.structure.species.index(name) for name in ("AP", "KD")}
    alive = set()
    for block in end.blocks:
        living = (np.asarray(block.family) >= 0) & (sum(np.asarray(block.x[i]) for i in index.values()) == 0)
        alive |= set(np.asarray(block.family)[living].tolist())
    share, expected = 1.0 - len(alive) / number, extinction(lives, kill, hours)
    error = np.sqrt(expected * (1.0 - expected) / number)
    assert abs(share - expected) < 4 * error
    assert abs(share - extinction(0.5, kill, hours)) > 4 * error  # fewer second daughters would show


def test_il1a_in_cells_balances_to_the_unit_at_every_step():
    start = founders(LAW.network, 700, seed=2, lanes=LANES)
    _, ledgers = run(start, 24.0, 0.3, schedule=TREATED, kill_hazard=0.02, clearance_hazard=0.06)
    before = held(LAW.network.structure, start.blocks)
    for ledger in ledgers:
        assert imbalance(before, ledger) == 0
        assert imbalance(before, {**ledger, "LY": ledger["LY"] + 1}) == -1  # one unit would show
        before = ledger["held"] + ledger["held_dead"]
    flows = ("LK", "LY", "SN", "DU", "MA", "LO", "removed")
    assert min(total(ledgers, name) for name in flows) > 0  # every way in and out has been used


@pytest.mark.slow
def test_no_result_depends_on_the_lanes():
    start = founders(LAW.network, 700, seed=5, lanes=LANES)
    dense = repacked(start, 700 / LANES)
    full = repacked(founders(LAW.network, LANES, seed=5, lanes=LANES), 1.0)
    assert full.occupied == (LANES,)  # daughters find no lane, and the step is repeated with more
    runs = [run(one, 6.0, 0.9, schedule=TREATED)[1] for one in (start, dense, repacked(start, 0.1))]
    assert runs[0] == runs[1] == runs[2]
    wide = founders(LAW.network, LANES, seed=5, lanes=LANES)
    assert run(full, 2.0, 0.9)[1] == run(wide, 2.0, 0.9)[1]
    assert len(wide.blocks) == 2


def order_of(monkeypatch, steps):
    """Burden and plasma IL-1alpha of a large mean tumour after 12 h of coupling, for each length of a step."""

    def mean_step(network, given, lives, length, population, pool=None):
        growth = 0.08 * lives - 0.02 - given["kill_hazard"]
        after = population.cells * np.exp(growth * length)
        hours = (after - population.cells) / growth
        states = {"living": round(after), "pored": 0, "dead": round(0.2 * after), "held": 0, "held_dead": 0}
        flows = {"LK": 0, "LY": round(5.0 * hours), "SN": 0, "MA": 0, "DU": 0, "LO": 0, "removed": 0}
        return Population((), (round(after),)), {**states, **flows, "faults": 0}

    monkeypatch.setattr(online, "step_population", mean_step)
    number, found = 2.5e8, []
    around = around_tumour(organism(tumour=number))
    for step in steps:
        plan = online.plan_run(LAW, around, Schedule(gemcitabine=Dose(120.0, "mg/kg", at=[0.0])), 12.0, step, 1 << 60)
        with jax.enable_x64(True), ThreadPoolExecutor(1) as pool:
            now = online._start(plan, 10, 0, 0)
            tumour = now.tumour._replace(living=now.tumour.living * (number / 10))
            now = now._replace(population=Population((), (round(number),)), tumour=tumour)
            for k in range(plan.edges.size - 1):
                now, _ = online.couple_step(plan, k, now, pool)
        species = around.structure.species
        found.append([float(now.tumour.living), float(now.organism.x[species.index("IP")])])
    return np.array(found)


@pytest.mark.slow
def test_the_coupling_error_is_of_second_order_in_the_step(monkeypatch):
    """In plasma IL-1alpha; that of the burden, a few times 1e-5, is lost in the tolerance of the organism's solver."""
    coarse, middle, fine = order_of(monkeypatch, (2.0, 1.0, 0.5))
    assert np.log2(np.abs(coarse - middle) / np.abs(middle - fine))[1] > 1.7
    assert np.all(np.abs(middle / fine - 1.0) / 3.0 < [1e-4, 1e-3])  # the error at the default step, by Richardson


@pytest.fixture(scope="module")
def table():
    """Doses 0, 60, 120; inhibitor 0, 50; start 0, 12; 24 hours."""
    return build_table(Grid((0.0, 60.0, 120.0), (0.0, 50.0), (0.0, 12.0), hours=24), cells=16 * 320, seed=1)


ARMS = scenarios(["chemo", "chemo+inhibitor"])
SHARED = {"tumour": 1400, "days": 1, "every": 6.0}


@pytest.fixture(scope="module")
def cells():
    return coupled_study("online", ARMS, animals=6, seed=3, **SHARED)


@pytest.mark.slow
def test_tables_agree_with_cells_and_a_wrong_table_does_not(table, cells):
    found = compare_couplings(cells, coupled_study("tables", ARMS, table=table, **SHARED))
    assert found["agree"].values.all(), found["deviation"]
    wrong = table.assign_coords(dose=[0.0, 120.0, 240.0])  # the response to 60 mg/kg, given out for that to 120
    refuted = compare_couplings(cells, coupled_study("tables", ARMS, table=wrong, **SHARED))
    assert not refuted["agree"].values.any()


@pytest.mark.slow
def test_a_coupled_run_balances_and_says_how_it_ended(cells):
    assert np.all(cells["imbalance"] == 0) and float(cells["imbalance_outside"].max()) < 1e-12
    assert np.all(cells["status"] == "ok")
    gone = cells["apoptoses"] + cells["lyses"] + cells["kills"]
    assert np.all(cells["tumour"] <= 1400 + cells["divisions"] - gone + 1e-9)


@pytest.mark.slow
def test_too_many_cells_are_a_status_and_nan():
    with pytest.warns(SimulationWarning, match="overflow"):
        study = coupled_study("online", scenarios(["vehicle"]), tumour=300, days=1, capacity=310, seed=1)
    assert study["status"].values.tolist() == [["overflow"]]
    assert np.isnan(study["tumour"].values[0, 0, -1]) and study["tumour"].values[0, 0, 0] == 300


@pytest.mark.slow
def test_gradients_are_those_of_finite_differences(table):
    weights = np.array([1e-3, 1.0])

    def objective(values):
        course = tabulated_tumour(table, *values)
        return weights[0] * course["tumour"][-1] + weights[1] * jax.numpy.sum(course["il1a_plasma"])

    with jax.enable_x64(True):
        at = jax.numpy.array([85.0, 20.0, 5.0])
        gradient = np.asarray(jax.jacfwd(objective)(at))
        for i, width in enumerate((1e-2, 1e-2, 1e-3)):
            shift = jax.numpy.zeros(3).at[i].set(width)
            difference = float(objective(at + shift) - objective(at - shift)) / (2.0 * width)
            assert difference != 0.0
            assert gradient[i] == pytest.approx(difference, rel=1e-5), i


@pytest.mark.slow
def test_a_table_keeps_its_standard_errors(table):
    assert dict(table.sizes)["batch"] == 16
    kill = table["kill_fraction"].sel(dose=120.0, inhibitor=0.0, start=0.0)
    assert 0 < table["kill_fraction_standard_error"].sel(dose=120.0, inhibitor=0.0, start=0.0) < 0.2 * kill
    dying = table["pyroptotic_fraction"].sel(dose=120.0, start=0.0)
    assert dying.sel(inhibitor=50.0) < dying.sel(inhibitor=0.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("regimen", "message"),
    [
        ({"gemcitabine": Dose(200.0, "mg/kg", at=[0.0])}, "the table has 'dose' from 0 to 120, not 200"),
        ({"gemcitabine": Dose(120.0, "mg/kg", at=[6.0])}, "the table is of gemcitabine at"),
        ({"caspase1_inhibitor": Dose(50.0, "mg/kg", at=[0.0, 7.0])}, "couple online"),
        ({"cisplatin": Dose(6.0, "mg/kg", at=[0.0])}, "the cell model knows no cisplatin"),
    ],
)
def test_what_tables_do_not_know_is_refused(table, regimen, message):
    with pytest.raises(JaxsimError, match=message):
        coupled_study("tables", ARMS, table=table, regimen=standard_regimen() | regimen, **SHARED)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coupling": "onlin"}, "did you mean 'online'"),
        ({"step": 0.7}, "give numbers that divide each other"),
        ({"tumour": 0}, "give at least one"),
        ({"settings": {"growth_rate": 0.1}}, "faster than its cells divide"),
        ({"settings": {"scale": 1e-3}}, "leave animal and scale"),
        ({"arms": scenarios(["tumour-free+chemo"])}, "has no tumour to couple"),
    ],
)
def test_requests_that_make_no_sense_are_refused(options, message):
    with pytest.raises(JaxsimError, match=message):
        coupled_study(**options)


def test_growth_is_that_of_the_organism():
    lives = second_daughter_lives(LAW.birth_rates, 0.0105)
    first, second = LAW.birth_rates
    matrix = np.array([[-first, (1.0 + lives) * second], [first, -second]])
    assert np.max(np.linalg.eigvals(matrix).real) == pytest.approx(0.0105, rel=1e-9)


@pytest.mark.slow
def test_a_table_is_found_again_and_only_under_its_own_name(tmp_path):
    small = {"grid": Grid((0.0, 120.0), (0.0,), (0.0,), hours=2), "cells": 320, "folder": tmp_path}
    made = js.models.coupling_table(**small)
    path = next(tmp_path.glob("*.nc"))
    assert made.attrs["key"] == path.stem
    assert js.models.coupling_table(**small).equals(made)
    xarray.Dataset(attrs={"key": "another"}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    (tmp_path / "other.nc").replace(path)
    with pytest.raises(JaxsimError, match="delete it"):
        js.models.coupling_table(**small)


@pytest.mark.parametrize("stride", [32, pytest.param(1, marks=pytest.mark.slow)])
def test_the_name_of_a_table_changes_with_every_reaction_and_value_of_a_cell(stride, monkeypatch):
    """The rate or the effects of any one reaction changed, beyond those that a listing shows too."""
    structure = LAW.network.structure

    def name(**changes):
        given = {
            "species": LAW.network.initial,
            "reactions": structure.reactions,
            "parameters": LAW.network.parameters,
            "observables": dict(structure.observables),
        }
        law = LAW._replace(network=Network(**(given | changes.pop("parts", {}))), **changes)
        monkeypatch.setattr(table_module, "cell_in_tumour", lambda **_: law)
        return table_module.table_key(Grid(), 320, 0, None, None)

    names = [name(), name(birth_rates=(0.1, 0.1)), name(pool=1.0)]
    for index, reaction in list(enumerate(structure.reactions))[::-stride]:
        others = [replace(reaction, rate=Binary("*", Number(1.001), reaction.rate))]
        others += [replace(reaction, effects=reaction.effects[:-1])] if reaction.effects else []
        for other in others:
            reactions = [*structure.reactions[:index], other, *structure.reactions[index + 1 :]]
            names.append(name(parts={"reactions": reactions}))
    assert len(structure.reactions) > 20
    assert len(set(names)) == len(names)
    assert name() == names[0]
