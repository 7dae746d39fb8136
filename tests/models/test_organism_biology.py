"""Targets of the organism on the rate equations at the default numbers: signs T1 to T7 and T13 to T16, times T8 to T10.

What the hand-set defaults do not reach is marked as expected to fail, so that the day it holds is noticed.
"""

from dataclasses import replace

import numpy as np
import pytest

import jaxsim as js
from jaxsim.models import OrganismArm, il1a_counts, organism, organism_study, scenarios, standard_regimen

SMALL = 1e-5  # of the standard dose: the antibody and IL-1alpha in the tumour then nearly balance
CYCLOPHOSPHAMIDE = 3.0  # marrow exposure at once, in units of a saturating pool, in place of 200 mg/kg
INJECTED = (8, 80, 800)  # ng
INJECTION = 24.0  # h
NOTHING = {agent: replace(dose, amount=0.0) for agent, dose in standard_regimen().items()}
NOTHING |= {"EM": js.Dose(0.0, at=[0.0]), "IP": js.Dose(0.0, at=[INJECTION])}


def treated(**amounts):
    """The typical mouse given amounts of agents at their standard times; with one compiled program for all."""
    regimen = NOTHING | {agent: replace(NOTHING[agent], amount=amount) for agent, amount in amounts.items()}
    arm = OrganismArm("treated", tuple(regimen), tumour="IP" not in amounts)
    return organism_study([arm], regimen=regimen, every=3.0).isel(arm=0, animal=0)


@pytest.fixture(scope="module", params=["direct", "relay"])
def arms(request):
    """All scenarios in the typical mouse, under each hypothesis."""
    everything = OrganismArm("all agents", tuple(NOTHING))
    study = organism_study(
        (*scenarios(), everything),
        regimen={name: NOTHING[name] for name in ("EM", "IP")},
        every=3.0,
        settings={"hypothesis": request.param},
    )
    return study.isel(animal=0)


@pytest.fixture(scope="module")
def injections():
    """IL-1alpha into plasma of mice without tumour, one day after marrow damage or none."""
    network = organism(tumour=0)
    damage = float(round(CYCLOPHOSPHAMIDE * network.parameters["signal_counts"]))
    return {
        (before, nanograms): treated(EM=amount, IP=float(il1a_counts(nanograms, network)))
        for before, amount in (("healthy", 0.0), ("damaged", damage))
        for nanograms in ((0, *INJECTED) if amount else (80,))
    }


def at(course, hour):
    return float(course.sel(time=hour))


def after(course, hours):
    """The value so long after the injection."""
    return at(course, INJECTION + hours)


def last(arms, arm):
    return float(arms["burden"].sel(arm=arm))


def test_t4_chemotherapy_raises_gmp_frequency_in_tumour_bearing_mice(arms):
    frequency = arms["gmp_frequency_day_4"]
    assert float(frequency.sel(arm="chemo")) > 1.2 * float(frequency.sel(arm="vehicle"))


@pytest.mark.parametrize("blocked", ["chemo+antibody", "chemo+inhibitor", "chemo+antagonist"])
@pytest.mark.parametrize("measure", ["gmp_relative_day_4", "gmp_frequency_day_4", "neutrophil_peak", "nlr_day_14"])
def test_t5_blocking_returns_marrow_and_blood_toward_vehicle(arms, blocked, measure):
    assert float(arms[measure].sel(arm=blocked)) < float(arms[measure].sel(arm="chemo"))


@pytest.mark.parametrize("blocked", ["chemo+antibody", "chemo+inhibitor", "chemo+antagonist"])
def test_t6_and_t14_blocking_improves_chemotherapy(arms, blocked):
    assert last(arms, blocked) < last(arms, "chemo") < last(arms, "vehicle")


def test_t7_without_tumour_chemotherapy_does_not_raise_gmp_before_day_4(arms):
    free = arms["gmp_relative"].sel(arm="tumour-free+chemo")
    assert float(free.sel(time=slice(0, 96)).max()) <= 1.0


def test_t8_injected_il1a_raises_blood_neutrophils_as_the_reserve_falls(injections):
    course = injections["healthy", 80]
    assert after(course["neutrophils_relative"], 3.0) > 1.03
    assert after(course["neutrophils_relative"], 6.0) > 1.05
    assert after(course["marrow_relative"], 6.0) < 1.0


def test_t9_progenitors_are_up_at_48_hours_and_hardly_at_6(injections):
    up = injections["healthy", 80]["gmp_relative"] - 1.0
    assert after(up, 48.0) > 0.01
    assert after(up, 6.0) < 0.5 * after(up, 48.0)


@pytest.mark.xfail(reason="release from the reserve outweighs what GMP add, and 8 ng do two thirds of what 80 ng do")
def test_t10_after_marrow_damage_80_ng_help_recovery_and_8_ng_do_not(injections):
    without = injections["damaged", 0]

    def ratio(nanograms, name, hour):
        return after(injections["damaged", nanograms][name], hour) / after(without[name], hour)

    for nanograms in (80, 800):
        assert ratio(nanograms, "neutrophils_relative", 96.0) > 1.02
        assert ratio(nanograms, "neutrophils_relative", 120.0) > 1.02
        assert ratio(nanograms, "marrow_relative", 48.0) > 1.0
    assert ratio(8, "neutrophils_relative", 96.0) - 1 < 0.25 * (ratio(80, "neutrophils_relative", 96.0) - 1)


def test_t11_the_signal_is_gone_a_week_after_an_injection(injections):
    signal = injections["healthy", 80]["il1_signal"]
    assert float(signal.max()) > 0.03
    assert after(signal, 168.0) < 0.02 * float(signal.max())


@pytest.mark.xfail(reason="what chemotherapy recruits by IL-1alpha exceeds the tumour neutrophils that it kills")
def test_t13_chemotherapy_lowers_tumour_neutrophils_at_24_to_48_hours(arms):
    chemo, vehicle = (arms["tumour_neutrophils"].sel(arm=arm) for arm in ("chemo", "vehicle"))
    assert all(at(chemo, hour) < at(vehicle, hour) for hour in (24.0, 48.0))


def test_t15_blocking_deepens_neutropenia(arms):
    nadir = arms["nadir"]
    for blocked in ("chemo+antibody", "chemo+antagonist"):
        assert float(nadir.sel(arm=blocked)) < float(nadir.sel(arm="chemo")) - 0.05


def test_t15_does_so_in_a_dose_related_way():
    parts = (0.0, SMALL, 10 * SMALL, 100 * SMALL)
    nadirs = [float(treated(gemcitabine=120.0, anti_il1a=0.2 * part)["nadir"]) for part in parts]
    assert np.all(np.diff(nadirs) < 0)


def test_t1_t3_t16_the_inhibitor_leaves_some_il1a_and_not_earlier(arms):
    """Lysis and apoptosis are both there (the fate fractions); the inhibitor leaves a part of IL-1alpha."""
    released = arms["il1a_tumour"].sel(time=slice(0, 168))
    chemo, inhibited = (released.sel(arm=arm) for arm in ("chemo", "chemo+inhibitor"))
    assert 0.2 * float(chemo.sum()) < float(inhibited.sum()) < 0.9 * float(chemo.sum())
    centre = [float((course * course["time"]).sum() / course.sum()) for course in (chemo, inhibited)]
    assert centre[1] > centre[0]


def test_plasma_il1a_peaks_between_20_and_60_hours(arms):
    """The band recommended until a measurement is known."""
    course = arms["il1a_plasma"].sel(arm="chemo", time=slice(0, 168))
    assert 20.0 <= float(course["time"][int(course.values.argmax())]) <= 60.0


def test_t17_plasma_il1a_halves_in_minutes():
    assert 2.5 <= 60 * np.log(2) / organism().parameters["il1a_elimination"] <= 7.0


@pytest.mark.xfail(reason="the antibody alone lowers the burden by a third, which nothing supports")
def test_the_antibody_alone_does_little(arms):
    assert last(arms, "antibody") > 0.9 * last(arms, "vehicle")
