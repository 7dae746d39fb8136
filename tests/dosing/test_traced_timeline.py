"""Under jit, vmap and grad a timeline is the one that concrete values give."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsim import Network
from jaxsim.dosing import Dose, OneCompartment, Schedule, Set, TwoCompartment, build_timeline, input_values

ANTIBODY = TwoCompartment(0.0012, 1.0, 0.02, 2.0, absorption_rate=0.08)
NETWORK = Network(
    species={"A": 5, "B": 0},
    reactions=["A -> B @ A*antibody", "B -> @ B*drug"],
    inputs={"antibody": ANTIBODY, "drug": OneCompartment(0.3, 2.0)},
)
PLAN = Schedule(
    antibody=[Dose(3.0, at=[12, 180]), Dose(2.0, at=100, duration=30.0)],
    drug=Dose([1.0, 2.0], at=[50, 50]),
)


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
        return timeline.base[-1, 1]

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
        return (input_values(timeline, times) * np.array([[3.0, 1.0]], dtype=timeline.base.dtype)).sum()

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
        return input_values(build_timeline(network, plan, 0.0, 504.0), [53.0])[0, 1]

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
