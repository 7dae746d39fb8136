"""The timeline reproduces the curves, bounds them, and places doses in the right cells."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsim import Network
from jaxsim.dosing import (
    Dose,
    OneCompartment,
    Schedule,
    Set,
    TwoCompartment,
    build_timeline,
    concentration,
    every,
    input_values,
)
from jaxsim.errors import ScheduleError

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


def run(timeline, state, keep):
    """Apply the changes of species cell by cell; the state at the end of every cell that satisfies `keep`."""
    seen = []
    for cell in range(len(timeline.edges) - 1):
        state = timeline.multiply[cell] * state + timeline.add[cell]
        if keep(cell):
            seen.append(state.tolist())
    return seen


def test_doses_at_start_end_and_twice():
    plan = Schedule(A=Dose([1, 2, 4, 8, 16], at=[0, 0, 3, 3, 9]), B=Set([7, 6], at=[3, 9]))
    timeline = build_timeline(NETWORK, plan, 0.0, 9.0)
    assert timeline.edges.tolist() == [0, 0, 0, 3, 3, 3, 9, 9, 9]
    # both doses at the start act in cell 0, both at 3 in the first cell that begins there
    assert timeline.add[:, 0].tolist() == [3, 0, 0, 12, 0, 0, 16, 0]
    assert timeline.multiply[:, 1].tolist() == [1, 1, 1, 0, 1, 1, 0, 1]
    states = run(timeline, np.array([5.0, 1.0]), lambda cell: True)
    assert states[0] == [8.0, 1.0] and states[5] == [20.0, 7.0] and states[-1] == [36.0, 6.0]


def test_order_at_one_instant_is_the_order_listed():
    first = build_timeline(NETWORK, Schedule(A=[Set(0, at=3), Dose(4, at=3)]), 0.0, 9.0)
    second = build_timeline(NETWORK, Schedule(A=[Dose(4, at=3), Set(0, at=3)]), 0.0, 9.0)
    assert run(first, np.array([5.0, 0.0]), lambda cell: True)[-1] == [4.0, 0.0]
    assert run(second, np.array([5.0, 0.0]), lambda cell: True)[-1] == [0.0, 0.0]


def test_doses_after_the_end_do_nothing():
    plan = Schedule(A=Dose(4, at=[3, 10]), drug=Dose(4, at=20.0, duration=2.0), B=Set(7, at=9.5))
    timeline = build_timeline(NETWORK, plan, 0.0, 9.0)
    assert timeline.add.sum() == 4 and timeline.multiply.min() == 1
    assert np.all(timeline.amplitude == 0) and np.all(timeline.upper[:, 2] == 0)


def test_an_infusion_across_the_end_still_runs():
    timeline = build_timeline(NETWORK, Schedule(drug=Dose(4, at=5.0, duration=8.0)), 0.0, 9.0)
    expected = concentration(BOLUS, Dose(4, at=5.0, duration=8.0), [4.0, 8.9])
    np.testing.assert_allclose(input_values(timeline, [4.0, 8.9])[:, 2], expected, rtol=1e-12)


def test_a_start_other_than_zero():
    timeline = build_timeline(NETWORK, Schedule(drug=Dose(4, at=5.0)), 5.0, 9.0, cells=3)
    np.testing.assert_allclose(input_values(timeline, [5.0, 7.0])[:, 2], 2.0 * np.exp([0.0, -0.6]), rtol=1e-12)


@pytest.mark.parametrize("cells", [0, 16])
def test_traced_and_concrete_timelines_agree(cells):
    @jax.jit
    def build(network, schedule):
        return build_timeline(network, schedule, 0.0, 504.0, cells)

    concrete, traced = build_timeline(NETWORK, PLAN, 0.0, 504.0, cells), build(NETWORK, PLAN)
    times = np.linspace(0, 504, 997)
    apart = np.min(np.abs(times[:, None] - concrete.edges[None, :]), axis=1) > 1e-2
    got, expected = input_values(traced, times[apart]), input_values(concrete, times[apart])
    scale = np.maximum(expected.max(axis=0), 1e-12)
    np.testing.assert_allclose(got / scale, expected / scale, atol=2e-5)
    assert all(a.shape == b.shape for a, b in zip(concrete, traced, strict=True))


def test_a_traced_infusion_ends_whatever_the_rounding():
    @jax.jit
    def left(schedule):
        timeline = build_timeline(NETWORK, schedule, 0.0, 500.0)
        return timeline.base[-1, 2]

    generator = np.random.default_rng(1)
    for _ in range(50):
        start, lasting = generator.uniform(0, 10), generator.uniform(0, 5)
        assert left(Schedule(drug=Dose(3.0, at=start, duration=lasting, time_unit="d"))) == 0.0


def test_one_trace_serves_all_values():
    traces = []

    @jax.jit
    def build(schedule):
        traces.append(1)
        return build_timeline(NETWORK, schedule, 0.0, 504.0, 8)

    for at in ([0, 1], [5, 5], [100, 700]):
        build(Schedule(drug=Dose(1.0, at=at), A=Dose(3, at=at)))
    assert len(traces) == 1


@pytest.mark.parametrize("cells", [0, 12])
def test_gradients_through_the_timeline(cells):
    times = np.array([1.0, 30.0, 60.0, 200.0])

    def total(at, amount, lasting):
        plan = Schedule(antibody=Dose(amount, at=at, duration=lasting), drug=Dose(amount, at=at), A=Dose(1, at=at))
        timeline = build_timeline(NETWORK, plan, 0.0, 300.0, cells)
        return (input_values(timeline, times)[:, 1:3] * np.array([[3.0, 1.0]], dtype=timeline.base.dtype)).sum()

    point = (np.array([0.5, 40.0]), np.array([2.0, 5.0]), np.array([10.0, 4.0]))
    gradient = jax.jit(jax.grad(total, argnums=(0, 1, 2)))(*(jnp.asarray(part, dtype=float) for part in point))
    for which, part in enumerate(point):
        for k in range(2):
            step = 1e-5 * (np.arange(2) == k)
            up, down = ((*point[:which], part + sign * step, *point[which + 1 :]) for sign in (1, -1))
            difference = (total(*up) - total(*down)) / 2e-5
            assert float(gradient[which][k]) == pytest.approx(difference, rel=1e-3, abs=1e-5)


def test_gradients_with_respect_to_a_disposition():
    def value(network):
        return input_values(build_timeline(network, plan, 0.0, 504.0), [53.0])[0, 2]

    plan = Schedule(drug=PLAN["drug"])

    gradient = jax.jit(jax.grad(value, allow_int=True))(NETWORK)
    expected = -3.0 * 3.0 / 2.0 * np.exp(-0.9)  # 3 units in 2 litres, 3 hours ago
    assert float(gradient.inputs["drug"].elimination_rate) == pytest.approx(expected, rel=1e-4)


def test_a_batch_of_schedules():
    def build(shift):
        return build_timeline(NETWORK, jax.tree.map(lambda leaf: leaf + shift, plan), 0.0, 504.0, 4)

    plan = Schedule(drug=PLAN["drug"], A=Dose(3, at=7))

    batch = jax.jit(jax.vmap(build))(jnp.arange(3.0))
    assert batch.edges.shape == (3, 9)
    np.testing.assert_allclose(batch.amplitude[2], build(2.0).amplitude, rtol=1e-3, atol=2e-2)


def test_edges_carry_the_gradient_of_dose_times():
    def edge(at):
        return build_timeline(NETWORK, Schedule(A=Dose(1, at=at)), 0.0, 9.0).edges[1]

    assert jax.jit(jax.grad(edge))(3.0) == 1.0
    assert jax.jit(jax.grad(edge))(12.0) == 0.0


def test_double_precision_when_enabled():
    plan = Schedule(A=[Set(1, at=2), Dose(3, at=2)], **dict(PLAN.items()))
    with jax.enable_x64(True):
        timeline = jax.jit(lambda plan: build_timeline(NETWORK, plan, 0.0, 504.0, 8))(plan)
    assert {str(part.dtype) for part in timeline} == {"float64"}
    expected = build_timeline(NETWORK, plan, 0.0, 504.0, 8)
    np.testing.assert_allclose(timeline.amplitude, expected.amplitude, rtol=1e-7, atol=1e-9)


def test_unused_modes_are_silent():
    timeline = build_timeline(NETWORK, PLAN, 0.0, 504.0)
    assert timeline.rate.shape == (4, 3)
    assert np.all(timeline.rate[2, 1:] == 0) and np.all(timeline.amplitude[:, 2, 1:] == 0)


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
