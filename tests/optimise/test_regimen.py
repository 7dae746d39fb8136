"""What is free in a schedule: found by name, decoded in the unit of its field, refused where it makes no sense."""

import numpy as np
import pytest

import jaxsim as js
from jaxsim.optimise.unknown import read_regimen

NETWORK = js.Network({"X": 10}, ["X -> @ 0.1*X*(1 + drug)"], inputs={"drug": js.OneCompartment(0.5, 1.0)})


def regimen(dose, end=48.0, start=0.0):
    return read_regimen(NETWORK, js.Schedule(drug=dose), start, end)


def test_times_and_amounts_of_several_entries():
    plan = js.Schedule(
        drug=[
            js.Dose(1.0, at=0.5),
            js.Dose(
                js.free(0, 9, start=[1, 2], total=3), at=js.free(0, 40, start=[3, 9]), duration=js.free(1, 4, start=2)
            ),
        ]
    )
    found = read_regimen(NETWORK, plan, 0.0, 48.0)
    assert [place.name for place in found.places] == ["drug[1].amount", "drug[1].at", "drug[1].duration"]
    held = found.held(found.start)
    assert held["drug[1].at"] == pytest.approx([3.0, 9.0], abs=1e-2)
    assert held["drug[1].amount"] == pytest.approx([1.0, 2.0], abs=1e-3)
    assert held["drug[1].duration"] == pytest.approx([2.0])
    entry = found.schedule(found.start)["drug"][1]
    assert entry.stops(np) == pytest.approx([5.0, 11.0], abs=1e-2)
    assert found.schedule(found.start)["drug"][0].starts(np) == pytest.approx([0.5])
    assert found.free(found.start).components[0] == "amount 1 of drug[1].amount"


def test_gaps_patterns_and_rates():
    gaps = regimen(js.Dose(1.0, at=js.free(2, 10, start=[4, 6, 5], after=1.0)))
    assert gaps.held(gaps.start)["drug.at"] == pytest.approx([5.0, 11.0, 16.0], rel=1e-6)
    pattern = regimen(js.Dose(1.0, at=js.free(0, 40, start=3.0, pattern=[0, 1, 5])))
    assert pattern.held(pattern.start)["drug.at"] == pytest.approx([3.0, 4.0, 8.0])
    lasting = js.free(1, 4, start=2)
    rates = regimen(js.Dose(js.free(0, 6, start=[3, 4], over=lasting), at=[0, 20], duration=lasting))
    assert rates.held(rates.start)["drug.amount"] == pytest.approx([6.0, 8.0], rel=1e-6)
    steady = regimen(js.Dose(js.free(5, 5, start=5, over=lasting), at=[0], duration=lasting))
    longer = steady.held(steady.start + 1.0)
    assert longer["drug.amount"] == pytest.approx(5.0 * longer["drug.duration"])
    assert steady.start.size == 1


def test_days_stay_days():
    found = regimen(js.Dose(1.0, at=js.free(0, 2, start=[0.5, 1.0]), time_unit="d"))
    assert found.schedule(found.start)["drug"][0].starts(np) == pytest.approx([12.0, 24.0], abs=0.1)


def test_elsewhere_it_stands_for_its_start():
    free = js.Schedule(drug=js.Dose(2.0, at=js.free(0, 40, start=[3.0, 9.0])))
    fixed = js.Schedule(drug=js.Dose(2.0, at=[3.0, 9.0]))
    a, b = (js.simulate(NETWORK, times=[10.0], schedule=s, method="mean_field")["mean"].values for s in (free, fixed))
    assert a == pytest.approx(b)


REFUSED = {
    "nothing in the schedule is free": lambda: regimen(js.Dose(1.0, at=3.0)),
    "outside the horizon from 0 to 48": lambda: regimen(js.Dose(1.0, at=js.free(0, 60, start=3))),
    "outside the horizon from 10 to 48": lambda: regimen(js.Dose(1.0, at=js.free(0, 40, start=3)), start=10.0),
    "may lie from 3 to 61": lambda: regimen(js.Dose(1.0, at=js.free(2, 30, start=[4, 5], after=1.0))),
    "do not fit between": lambda: regimen(js.Dose(1.0, at=js.free(0, 10, start=[1, 5, 9], spacing=6))),
    "nearer than spacing": lambda: regimen(js.Dose(1.0, at=js.free(0, 40, start=[1, 5, 9], spacing=6))),
    "in a forbidden window": lambda: regimen(js.Dose(1.0, at=js.free(0, 40, start=5, forbidden=[(4, 6)]))),
    "leave 'drug.at' no time": lambda: regimen(js.Dose(1.0, at=js.free(4, 6, start=4, forbidden=[(4, 6)]))),
    "is no time": lambda: regimen(js.Dose(js.free(0, 40, start=5, spacing=1), at=1)),
    "is a time": lambda: regimen(js.Dose(1.0, at=js.free(0, 40, start=[5, 6], total=11))),
    "stand nowhere": lambda: regimen(js.Dose(js.free(0, 9, start=5, over=js.free(1, 2, start=1)), at=1, duration=1)),
    "in more than one way": lambda: js.free(0, 3, start=[3, 3], total=6),
    "add up to 5": lambda: js.free(0, 9, start=[2, 3], total=6),
    "more than 6": lambda: js.free(0, 9, start=[2, 5], at_most=6),
    "is not between": lambda: js.free(0, 9, start=10),
    "two bounds in order": lambda: js.free(9, 9, start=9),
    "one that is meant": lambda: js.free(0, 9, start=[2, 5], at_most=8, total=7),
    "go together": lambda: js.free(0, 9, start=[2, 5], in_a_row=2),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_one_sentence(sentence):
    with pytest.raises(js.ScheduleError, match=sentence) as caught:
        REFUSED[sentence]()
    assert "\n" not in str(caught.value)
