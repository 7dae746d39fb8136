"""The solver of many lanes: its order, its stiffness, its pivots, and lanes that know nothing of each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsim as js
from jaxsim.ensemble import FlowCase, solve_flows
from jaxsim.errors import SimulationError
from jaxsim.kernels.continuous.rate_equations import jacobian
from jaxsim.kernels.continuous.rosenbrock import column_colours, invert, jacobian_pattern, rosenbrock_step, solve
from jaxsim.runtime.double import double_precision

DIMER = js.Network(
    {"A": 400, "B": 0, "C": 30},
    ["2 A -> B, k", "B -> 2 A, b", "B + C -> A @ f*B*C", "C -> 2 C, g"],
    {"k": 1e-3, "b": 0.4, "f": 2e-3, "g": 0.1},
)


def test_elimination_solves_and_finds_its_pivots():
    """Random matrices with zeros on the diagonal: residual near rounding in every lane."""
    draw = np.random.default_rng(1)
    matrix, right = draw.normal(size=(9, 9, 5)), draw.normal(size=(9, 5))
    matrix[np.arange(9), np.arange(9)] = 0.0
    with double_precision():
        found = np.asarray(solve(*invert(jnp.asarray(matrix)), jnp.asarray(right)))
    assert np.abs(np.einsum("ijl,jl->il", matrix, found) - right).max() < 1e-12


def forced(time, x):
    """A nonlinear system that time drives, with the solution (cos t, sin t)."""
    first = -jnp.sin(time) + 3.0 * (jnp.cos(time) ** 2 - x[0] ** 2)
    second = jnp.cos(time) - 2.0 * (x[1] - jnp.sin(time)) * (1.0 + x[0] ** 2)
    return jnp.stack([first, second])


def error_of(steps):
    """The error at time 1 after so many equal steps, in both of two lanes."""
    full, colours = np.ones((2, 2), bool), np.arange(2)
    with double_precision():
        x, time, step = jnp.array([[1.0, 1.0], [0.0, 0.0]]), jnp.zeros(2), jnp.full(2, 1.0 / steps)
        go = jax.jit(lambda t, x: rosenbrock_step(forced, full, colours, t, x, step, jnp.ones((2, 2)))[0])
        for _ in range(steps):
            x, time = go(time, x), time + step
    exact = np.array([np.cos(1.0), np.sin(1.0)])
    return np.abs(np.asarray(x) - exact[:, None]).max(axis=0)


def test_the_order_is_four():
    coarse, fine = error_of(8), error_of(16)
    orders = np.log2(coarse / fine)
    assert np.all(orders > 3.7) and np.all(orders < 4.6)


def test_the_pattern_holds_every_entry_of_the_jacobian():
    """And columns of one colour share no row."""
    structure = DIMER.structure
    with double_precision():
        values = {name: np.float64(value) for name, value in DIMER.parameters.items()}
        entries = np.asarray(jacobian(structure, values, {"t": 0.0}, jnp.array([50.0, 20.0, 7.0])))
    pattern, colours = jacobian_pattern(structure), column_colours(structure)
    assert np.all(pattern[entries != 0])
    for colour in range(colours.max() + 1):
        assert pattern[:, colours == colour].sum(axis=1).max() <= 1


def test_lanes_are_solved_as_if_alone():
    """Forty points in several calls, of different stiffness and doses, against each alone; and NaN only where due."""
    speeds = np.geomspace(0.01, 1e5, 20)
    plans = [js.Schedule(A=js.Dose(amount, at=[0.5])) for amount in (0, 300)]
    cases = [FlowCase(DIMER, plan, {"b": speeds}, 20) for plan in plans]
    together = solve_flows(cases, [0.25, 1.0, 4.0]).mean
    for n in (0, 19, 20, 33):
        alone = solve_flows(
            [FlowCase(DIMER.with_parameters(b=float(speeds[n % 20])), plans[n // 20])], [0.25, 1.0, 4.0]
        )
        np.testing.assert_allclose(together[n], alone.mean[0], rtol=1e-7, atol=1e-6)
    assert np.isfinite(together).all()
    assert np.abs(together[5] - together[25])[1:].max() > 10  # the dose acts


def test_a_lane_that_breaks_does_not_break_its_neighbours():
    network = js.Network({"X": 10}, ["X -> 2 X @ k*X*X"], {"k": 0.0})  # infinite at 1/(10 k)
    found = solve_flows([FlowCase(network, parameters={"k": np.array([0.0, 0.2, 0.01])}, points=3)], [0.1, 1.0])
    assert found.mean[0, :, 0].tolist() == [10.0, 10.0]
    assert np.isfinite(found.mean[1, 0, 0]) and np.isnan(found.mean[1, 1, 0])
    assert found.mean[2, 1, 0] == pytest.approx(10 / 0.9, rel=1e-6)


def test_cases_of_different_structure_are_refused():
    other = js.Network({"A": 1}, ["A -> , d"], {"d": 1.0})
    with pytest.raises(SimulationError, match="networks of different structure"):
        solve_flows([FlowCase(DIMER), FlowCase(other)], [1.0])
