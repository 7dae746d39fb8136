"""Doses in one unit become concentrations in another, or are refused by name."""

import pytest

from jaxsim.dosing import Dose, OneCompartment, TwoCompartment, area_under_curve, concentration, units
from jaxsim.dosing.disposition import dose_factor
from jaxsim.errors import ScheduleError

GEMCITABINE = 263.2  # g/mol


def mouse(**other):
    given = {"dose_unit": "mg/kg", "concentration_unit": "uM", "molar_mass": GEMCITABINE, **other}
    return OneCompartment(2.0, 1.4, **given)


@pytest.mark.parametrize(("dose", "area"), [(20, 27.0), (120, 163.0)])
def test_mouse_gemcitabine_area(dose, area):
    assert float(area_under_curve(mouse(), Dose(dose, "mg/kg"))) == pytest.approx(area, rel=0.01)


@pytest.mark.parametrize(
    ("amount", "unit"),
    [(20e3, "ug/kg"), (0.02, "g/kg"), (20e3 / GEMCITABINE, "umol/kg"), (20 / GEMCITABINE, "mmol/kg"), (20e6, "ng/kg")],
)
def test_equal_doses_in_different_units(amount, unit):
    assert float(concentration(mouse(), Dose(amount, unit), [0.0])[0]) == pytest.approx(20 / GEMCITABINE * 1e3 / 1.4)


@pytest.mark.parametrize(
    ("unit", "factor"), [("uM", 1e3 / 263.2), ("nM", 1e6 / 263.2), ("mg/L", 1.0), ("ng/mL", 1e3), ("ug/mL", 1.0)]
)
def test_concentration_units(unit, factor):
    assert mouse(concentration_unit=unit).modes()[0][0] == pytest.approx(factor / 1.4)


def test_whole_doses_and_doses_per_size():
    human = TwoCompartment(162.0, 15.0, 42.0, 15.0, dose_unit="mg", body_surface=1.8, body_weight=70.0)
    assert dose_factor(human, "mg/m2", "drug") == pytest.approx(1.8)
    assert dose_factor(human, "g/m^2", "drug") == pytest.approx(1800.0)
    assert dose_factor(human, "mg/kg", "drug") == pytest.approx(70.0)
    assert dose_factor(mouse(body_weight=0.02), "ug", "drug") == pytest.approx(1e-3 / 0.02)


def test_rates_per_day_are_rates_per_hour():
    antibody = TwoCompartment(0.174, 3.30, 0.5, 2.71, absorption_rate=0.269, time_unit="d", bioavailability=0.7)
    same = TwoCompartment(0.174 / 24, 3.30, 0.5 / 24, 2.71, absorption_rate=0.269 / 24, bioavailability=0.7)
    times = [0.0, 5.0, 24.0, 700.0]
    assert concentration(antibody, Dose(1, at=[0, 1], time_unit="d"), times) == pytest.approx(
        concentration(same, Dose(1, at=[0, 24]), times)
    )


def test_nominal_units_pass_unchanged():
    assert OneCompartment(0.7, 2.0, dose_unit="mg/kg").modes()[0].tolist() == [0.5]
    assert OneCompartment(0.7, 2.0).modes()[0].tolist() == [0.5]


@pytest.mark.parametrize(("unit", "hours"), [("s", 1 / 3600), ("min", 1 / 60), ("h", 1.0), ("d", 24.0)])
def test_hours(unit, hours):
    assert units.hours(unit) == hours


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: units.hours("hour"), "unknown time unit 'hour'"),
        (lambda: units.quantity("mgg"), "unknown unit 'mgg'.*did you mean 'mg'"),
        (lambda: units.dose_unit("mg/lb"), "unknown dose unit 'mg/lb'"),
        (lambda: units.concentration_unit("uMol"), "unknown concentration unit 'uMol'"),
        (lambda: mouse(molar_mass=None), "OneCompartment turns mass into moles; give its molar_mass"),
        (lambda: OneCompartment(1.0, 1.0, dose_unit="stone"), "unknown unit 'stone'"),
        (lambda: OneCompartment(1.0, 1.0, concentration_unit="uM"), "no dose_unit; give both"),
        (lambda: area_under_curve(mouse(), Dose(1)), "has no unit but its disposition takes 'mg/kg'"),
        (
            lambda: area_under_curve(OneCompartment(1.0, 1.0), Dose(1, "mg")),
            "unit 'mg' but its disposition takes doses w",
        ),
        (lambda: area_under_curve(mouse(), Dose(1, "mg")), "mg becomes mg/kg only with a body_weight"),
        (lambda: area_under_curve(mouse(), Dose(1, "mg/m2")), "only with a body_surface"),
    ],
)
def test_refusals(make, sentence):
    with pytest.raises(ScheduleError, match=sentence):
        make()
