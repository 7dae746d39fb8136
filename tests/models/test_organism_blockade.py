"""Blockades of the organism: the reduced network, the smooth rate, the searches and the sweeps over onsets."""

import numpy as np
import pytest

import jaxsim as js
from jaxsim.ensemble import FlowCase, solve_flows
from jaxsim.models import organism, organism_trial
from jaxsim.models.organism.blockade import (
    COURSES,
    STEP,
    blockade_course,
    blockade_plans,
    blockade_standards,
    onset_plan,
    onsets_of_variants,
    uncertain_variants,
)
from jaxsim.models.organism.network import quick_organism
from jaxsim.models.organism.study import courses
from jaxsim.network import evaluate
from jaxsim.optimise.criterion import criterion
from jaxsim.optimise.optimise import posed_search
from jaxsim.optimise.trial import paired_trial
from jaxsim.optimise.unknown import read_regimen

WEEK = 168.0
TUMOUR = js.mean("log10_tumour", at=WEEK)


@pytest.fixture(scope="module")
def reduced():
    return quick_organism(organism(virtual=True))


@pytest.fixture(scope="module")
def pair():
    """Chemotherapy alone and with the antibody, in the whole organism."""
    plans = {"none": blockade_course("antibody", -1.0), "antibody": blockade_course("antibody", 0.0)}
    return plans, organism_trial(plans, animals=8, seed=4, days=7)


def test_release_is_the_root_below_baseline_and_saturates_above_it():
    network = organism()
    rate = next(reaction.rate for reaction in network.structure.reactions if reaction.name == "n2")
    values = {**network.parameters, **network.initial}
    gain, half, most = (values[name] for name in ("release_gain", "release_constant", "gcsf_saturation"))
    for level in (0.0, 0.3, 1.0, 1.7, 40.0):
        felt = level * (1 + most) / (most + level)
        factor = felt**0.5 if felt < 1 else 1 + gain * (felt - 1) / (half + felt - 1)
        expected = factor * values["release_rate"] * values["R"]
        found = float(evaluate(rate, {**values, "G": level * values["gcsf_counts"] * values["scale"]}))
        assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_the_quasi_steady_state_changes_nothing_that_is_decided(reduced, pair):
    plans, whole = pair
    traits = js.models.virtual_animals(reduced, 8, 4)
    times = np.arange(0.0, WEEK + 1.0, 6.0)
    for name, plan in plans.items():
        found = solve_flows([FlowCase(reduced, plan, traits, 8)], times, rtol=1e-4, atol=1.0)
        shown = courses(reduced, found.mean, traits)
        tumour = np.log10(shown["tumour"][:, -1])
        assert np.abs(tumour - whole["log10_tumour"].sel(schedule=name).values).max() < 2e-4
        nadir = shown["neutrophils_relative"].min(axis=1)
        assert np.abs(nadir - whole["nadir"].sel(schedule=name).values).max() < 2e-3


@pytest.mark.slow
def test_leaps_agree_with_the_rate_equations_of_the_same_animals(reduced, pair):
    plans, whole = pair
    free = js.Schedule(
        gemcitabine=js.Dose(120.0, "mg/kg", at=0.0), anti_il1a=js.Dose(0.8, "mg", at=js.free(0, 90, start=9))
    )
    sought = criterion(reduced, TUMOUR, None, (), 0.0, None)
    search = posed_search(reduced, free, sought, step=STEP, seed=4, trajectories=32)
    assert "by score, the others along the path" in search.problem.reason  # nothing of the organism is refused
    trial = paired_trial(search.problem, sought, plans, 32, 4, 0)
    gain = whole["log10_tumour"].sel(schedule="antibody") - whole["log10_tumour"].sel(schedule="none")
    leaps, error = trial.difference(1, 0)
    assert error > 0.0
    assert leaps == pytest.approx(float(gain.mean()), abs=4.0 * error + float(gain.std()))
    assert leaps + 3.3 * error < 0.0


def test_a_rate_that_jumps_with_the_state_is_refused_with_the_remedy():
    network = js.Network(
        {"G": 500, "R": 900},
        ["R -> @ if(G < 400, 0.1, 0.3*drug)*R", "G -> , 0.1"],
        inputs={"drug": js.OneCompartment(1, 1)},
    )
    plan = js.Schedule(drug=js.Dose(2.0, at=js.free(0.0, 5.0, start=1.0)))
    with pytest.raises(js.SimulationError, match="write branches that meet with min and max"):
        js.optimise(network, plan, minimise=js.mean("R", at=9.0), method="surrogate")


def test_every_plan_is_read_and_every_standard_fits_its_agents(reduced):
    standards = blockade_standards()
    for name, plan in blockade_plans().items():
        assert set(standards[name].names) == set(plan.names)
        assert read_regimen(reduced, plan, 0.0, 504.0).degrees >= 1
    assert blockade_course("scarce antibody", 24.0)["anti_il1a"][0].starts(np) == pytest.approx([24.0])
    for name, course in COURSES.items():
        plan = onset_plan(name)
        assert read_regimen(reduced, plan, 0.0, 504.0).degrees == 1
        assert plan[course.agent][0].amounts(np).sum() > 0.0
    with pytest.raises(js.ScheduleError, match="no course 'antibdy'; did you mean 'antibody'"):
        onset_plan("antibdy")
    assert uncertain_variants()["no harm"]["kill_protection"] == 0.0
    with pytest.raises(js.ScheduleError, match="no course 'antibdy'; did you mean 'antibody'"):
        blockade_course("antibdy", 0.0)
    assert set(COURSES) > {"inhibitor", "antagonist"}


def test_blocking_is_best_early_useless_without_harm_and_harmful_where_neutrophils_help():
    known = uncertain_variants()
    chosen = {name: known[name] for name in ("default", "no harm", "neutrophils help CD8 cells")}
    found = onsets_of_variants("antibody", [0.0, 7.0, 14.0], chosen)
    less = (1.0 - 10.0 ** (found["log10_tumour"] - found["log10_tumour_without"])).transpose("variant", "onset").values
    default, harmless, helped = less
    assert default[0] == pytest.approx(0.24, abs=0.02)
    assert default[0] > default[1] + 0.05 > default[2] + 0.1 > 0.1
    assert abs(harmless).max() < 0.01
    assert helped[0] < -0.15
    nadir, before = found["nadir"].sel(variant="default"), found["nadir_without"].sel(variant="default")
    assert float(nadir.sel(onset=0.0)) < float(before) - 0.05  # what blocking costs


@pytest.mark.slow
def test_the_search_improves_its_objective_and_keeps_its_limit(reduced):
    free = js.Dose(50.0, "mg/kg", at=js.free(0.0, 120.0, start=100.0, pattern=(0.0, 12.0, 24.0)))
    plan = js.Schedule(gemcitabine=js.Dose(120.0, "mg/kg", at=0.0), caspase1_inhibitor=free)
    best = js.optimise(
        reduced, plan, minimise=TUMOUR, subject_to=js.minimum("neutrophils_relative") >= 0.5, method="langevin",
        step=STEP, starts=4, steps=4, batch=(256, 256), trajectories=256, check=0, seed=2,
    )  # fmt: skip
    gain = next(gain for gain in best.gains if gain.over == "start")
    assert gain.interval[1] < 0.0
    assert best.feasible
    assert best.held["caspase1_inhibitor.at"][0] < 80.0
