"""What holds for every method of the event loop holds for leaps: identity, statistics, one compilation."""

from functools import cache

import numpy as np
import pytest

import jaxsim as js
from jaxsim.kernels import VARIANTS
from jaxsim.runtime.programs import trace_count

TIMES = np.linspace(0.0, 6.0, 4)


@cache
def network():
    """Leaps, critical reactions and an input at once."""
    drug = js.OneCompartment(elimination_rate=0.5, volume=2.0)
    return js.Network(
        {"A": 3000, "B": 0, "X": js.Poisson(3.0)},
        ["A -> B, 1", "B -> A, .5", "-> X @ k*(1 + g)", "X -> , d"],
        {"k": js.Lognormal(5.0, 0.3), "d": 0.5},
        inputs={"g": drug},
    )


# every run by default takes hybrid leaps, which hold trapezoidal ones; compiling the others takes a minute
USUAL = [method if method == "hybrid" else pytest.param(method, marks=pytest.mark.slow) for method in VARIANTS]


def run(method, trajectories, **options):
    plan = js.Schedule(g=js.Dose([4.0, 4.0], at=[1.0, 3.5]))
    options = {"times": TIMES, "seed": 4, "schedule": plan, "progress": False, **options}
    return js.simulate(network(), trajectories=trajectories, method=method, **options)


@cache
def reference(method):
    return run(method, 150, keep="trajectories", chunk=4096)["trajectories"].values


@pytest.mark.slow
@pytest.mark.parametrize("method", VARIANTS)
def test_chunks_and_lanes_do_not_show(method):
    """150 trajectories run in 1,024 lanes, 40 in 64."""
    for number, options in ((150, {"chunk": 17}), (40, {"chunk": 1}), (50, {"first": 100, "chunk": 4096})):
        states = run(method, number, keep="trajectories", **options)["trajectories"].values
        first = options.get("first", 0)
        assert np.array_equal(states, reference(method)[first : first + number])


@pytest.mark.parametrize(
    "method", [m if m == "trapezoidal_tau_leap" else pytest.param(m, marks=pytest.mark.slow) for m in VARIANTS]
)
def test_statistics_equal_those_of_the_kept_trajectories(method):
    out, states = run(method, 150), reference(method)
    assert np.allclose(out["mean"].values, states.mean(axis=0), rtol=1e-12)
    assert np.allclose(out["variance"].values, states.var(axis=0, ddof=1), rtol=1e-9)
    assert int(out["status"].sel(ending="ok")) == 150
    assert np.all(states[:, :, 0] + states[:, :, 1] == 3000)


def test_new_values_tolerances_and_steps_reuse_the_program():
    def simulate(size, d, **options):
        net = js.Network({"X": size}, ["-> X, k", "X -> , d"], {"k": 300.0, "d": d})
        js.simulate(net, times=[1.0, 2.0], trajectories=200, method="tau_leap", progress=False, **options)

    simulate(1000, 1.0)
    before = trace_count()
    simulate(5, 0.1, tolerance=0.1)
    simulate(1000, 0.1, tolerance=0.01, seed=3)
    assert trace_count() == before
    simulate(1000, 1.0, step=0.1)
    simulate(1000, 1.0, step=0.3)
    assert trace_count() == before + 1
