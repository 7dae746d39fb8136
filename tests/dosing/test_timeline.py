"""The timeline reproduces the curves, bounds them, and places doses in the right cells."""

import numpy as np
import pytest

from jaxsim import Network
from jaxsim.dosing import (
    Dose,
    OneCompartment,
    Schedule,
    TwoCompartment,
    build_timeline,
    concentration,
    every,
    input_values,
)

MOUSE = OneCompartment(1.2, 1.4, 6.0, dose_unit="mg/kg", concentration_unit="uM", molar_mass=263.2)
ANTIBODY = TwoCompartment(0.0012, 1.0, 0.02, 2.0, absorption_rate=0.08)
BOLUS = OneCompartment(0.3, 2.0)
NETWORK = Network(
    species={"A": 5, "B": 0},
    reactions=["A -> B @ A*gemcitabine", "B -> @ B*(antibody + drug + fixed)"],
    inputs={"gemcitabine": MOUSE, "antibody": ANTIBODY, "drug": BOLUS, "fixed": 2.5},
)
PLAN = Schedule(
    gemcitabine=Dose(120, "mg/kg", at=every(168, 3)),
    antibody=[Dose(3.0, at=[12, 180]), Dose(2.0, at=100, duration=30.0)],
    drug=Dose([1.0, 2.0], at=[50, 50]),
)


def cells_of(timeline, cell, s):
    """Inputs at `s` hours after the start of a cell, evaluated as a kernel does."""
    return timeline.base[cell] + (timeline.amplitude[cell] * np.exp(-timeline.rate * s)).sum(axis=1)


def test_cells_reproduce_the_curves():
    timeline = build_timeline(NETWORK, PLAN, 0.0, 504.0, cells=20)
    shares = np.linspace(0, 1, 7)[:-1]
    for cell in range(len(timeline.edges) - 1):
        start, end = timeline.edges[cell : cell + 2]
        if start == end:
            continue
        times = start + shares * (end - start)
        got = np.array([cells_of(timeline, cell, time - start) for time in times])
        for i, name in enumerate(("gemcitabine", "antibody", "drug")):
            expected = concentration(NETWORK.inputs[name], PLAN[name], times)
            np.testing.assert_allclose(got[:, i], expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(got[:, 3], 2.5)
        np.testing.assert_allclose(input_values(timeline, times), got, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cells", [0, 3, 40])
def test_bounds_hold_everywhere_in_float32(cells):
    timeline = build_timeline(NETWORK, PLAN, 0.0, 504.0, cells=cells)
    width = np.diff(timeline.edges).astype(np.float32)
    single = type(timeline)(*(np.asarray(part, dtype=np.float32) for part in timeline))
    for share in np.concatenate([np.linspace(0, 1, 201), np.geomspace(1e-9, 1e-2, 50)]).astype(np.float32):
        for cell in range(len(single.edges) - 1):
            value = cells_of(single, cell, share * width[cell])
            assert np.all(value <= single.upper[cell])
            # where the curve starts at 0 the lower bound is 0 and float32 may fall below by the rounding of a term
            rounding = np.where(single.lower[cell] > 0, 0.0, 1e-7 * np.abs(single.amplitude[cell]).sum(axis=1))
            assert np.all(value >= single.lower[cell] - rounding)
    assert np.all(timeline.lower >= 0)
    assert np.array_equal(timeline.lower[:, 3], timeline.upper[:, 3])


def test_bounds_are_tight_where_cells_are_many():
    gap = {}
    for cells in (50, 200):
        timeline = build_timeline(NETWORK, PLAN, 0.0, 504.0, cells=cells)
        width = np.diff(timeline.edges)
        gap[cells] = ((timeline.upper - timeline.lower) * width[:, None]).sum(axis=0)[:3]
    assert np.all(gap[200] < 0.4 * gap[50])
    areas = [
        np.trapezoid(concentration(NETWORK.inputs[n], PLAN[n], np.linspace(0, 504, 50_001)), dx=504 / 50_000)
        for n in PLAN
    ]
    assert np.all(gap[200] < 0.25 * np.array(areas))


def test_cells_follow_the_curve_better_than_even_ones():
    network = Network({"A": 1}, ["A -> @ A*g"], inputs={"g": MOUSE})
    plan = Schedule(g=Dose(120, "mg/kg", at=every(168, 3)))
    placed = build_timeline(network, plan, 0.0, 504.0, cells=60)
    even = np.unique(np.concatenate([np.linspace(0, 504, 62), placed.edges[np.isin(placed.edges, [168, 336])]]))
    curve = concentration(MOUSE, plan["g"], np.linspace(0, 504, 200_001)[:-1]).reshape(-1)
    at = np.linspace(0, 504, 200_001)[:-1]

    def waste(edges):
        cell = np.searchsorted(edges, at, side="right")
        highest = np.zeros(cell.max() + 1)
        np.maximum.at(highest, cell, curve)
        return (highest[cell] - curve).mean()

    assert waste(np.unique(placed.edges)) < 0.15 * waste(even)


def test_number_of_cells_is_static():
    shapes = set()
    for at in ([0, 10], [5, 5], [20, 600], [504, 504]):
        timeline = build_timeline(NETWORK, Schedule(drug=Dose(1, at=at, duration=3), A=Dose(1, at=7)), 0, 504, 10)
        shapes.add(tuple(part.shape for part in timeline))
        assert timeline.edges[0] == 0 and timeline.edges[-1] == 504 and np.all(np.diff(timeline.edges) >= 0)
    assert shapes == {((17,), (16, 4), (16, 4, 1), (4, 1), (16, 4), (16, 4), (16, 2), (16, 2))}


def test_without_doses_there_is_one_cell():
    for schedule in (None, Schedule(), Schedule(drug=[])):
        timeline = build_timeline(NETWORK, schedule, 2.0, 9.0, cells=30)
        assert timeline.edges.tolist() == [2.0, 9.0]
        assert timeline.base.tolist() == [[0.0, 0.0, 0.0, 2.5]] == timeline.upper.tolist() == timeline.lower.tolist()
        assert timeline.amplitude.shape == (1, 4, 0)
        assert timeline.multiply.tolist() == [[1.0, 1.0]] and timeline.add.tolist() == [[0.0, 0.0]]
    bare = build_timeline(Network({"A": 1}, ["A -> , 1"]), None, 0.0, 1.0, cells=30)
    assert [part.shape for part in bare] == [(2,), (1, 0), (1, 0, 0), (0, 0), (1, 0), (1, 0), (1, 1), (1, 1)]
    doses_of_species_need_no_extra_cells = build_timeline(NETWORK, Schedule(A=Dose(1, at=3)), 0.0, 9.0, cells=30)
    assert doses_of_species_need_no_extra_cells.edges.tolist() == [0.0, 3.0, 9.0]


def test_variation_of_the_rates_places_cells():
    variation = np.zeros(100)
    variation[40:50] = 1.0
    timeline = build_timeline(NETWORK, None, 0.0, 10.0, cells=50, variation=variation)
    assert len(timeline.edges) == 52
    assert np.sum((timeline.edges >= 4) & (timeline.edges <= 5)) >= 44
    flat = build_timeline(NETWORK, None, 0.0, 10.0, cells=4, variation=np.zeros(5))
    np.testing.assert_allclose(flat.edges, np.linspace(0, 10, 6))
    instant = build_timeline(NETWORK, None, 3.0, 3.0, cells=4, variation=np.ones(5))
    assert instant.edges.tolist() == [3.0] * 6


def test_an_infusion_across_the_end_still_runs():
    timeline = build_timeline(NETWORK, Schedule(drug=Dose(4, at=5.0, duration=8.0)), 0.0, 9.0)
    expected = concentration(BOLUS, Dose(4, at=5.0, duration=8.0), [4.0, 8.9])
    np.testing.assert_allclose(input_values(timeline, [4.0, 8.9])[:, 2], expected, rtol=1e-12)


def test_a_start_other_than_zero():
    timeline = build_timeline(NETWORK, Schedule(drug=Dose(4, at=5.0)), 5.0, 9.0, cells=3)
    np.testing.assert_allclose(input_values(timeline, [5.0, 7.0])[:, 2], 2.0 * np.exp([0.0, -0.6]), rtol=1e-12)


def test_unused_modes_are_silent():
    timeline = build_timeline(NETWORK, PLAN, 0.0, 504.0)
    assert timeline.rate.shape == (4, 3)
    assert np.all(timeline.rate[2, 1:] == 0) and np.all(timeline.amplitude[:, 2, 1:] == 0)
