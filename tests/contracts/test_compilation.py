"""New numbers never recompile; new structure does."""

import numpy as np

import jaxsim as js
from jaxsim.runtime.programs import trace_count


def network(**parameters):
    drug = js.OneCompartment(elimination_rate=0.5, volume=2.0, absorption_rate=3.0)
    return js.Network(
        {"X": 5}, ["-> X @ k*g/(1 + g)", "X -> , d"], {"k": 3.0, "d": 0.5, **parameters}, inputs={"g": drug}
    )


def plan(amount, time):
    return js.Schedule(g=js.Dose([amount, amount], at=[time, time + 2.0]))


def test_new_values_reuse_the_program():
    options = {"times": [1.0, 5.0], "trajectories": 500, "progress": False}
    js.simulate(network(), schedule=plan(4.0, 1.0), **options)
    before = trace_count()
    js.simulate(network(), schedule=plan(7.5, 0.25), **options)
    js.simulate(network(k=8.0), schedule=plan(4.0, 1.0), **{**options, "times": [2.0, 9.0]})
    js.simulate(network(), schedule=plan(4.0, 1.0), seed=77, **options)
    js.simulate(network(), schedule=plan(4.0, 1.0), parameters={"d": 0.7}, **options)
    js.simulate(network(), schedule=plan(4.0, 1.0), parameters={"d": np.linspace(0.1, 0.9, 5)}, **options)
    js.simulate(network(), schedule=plan(4.0, 1.0), **{**options, "trajectories": 12_345})
    js.simulate(network(), schedule=plan(4.0, 1.0), chunk=100, max_events=100_000, **options)
    assert trace_count() == before


def test_equal_networks_share_a_program_and_other_networks_do_not():
    def simulate(reactions):
        js.simulate(js.Network({"X": 5}, reactions, {"k": 1.0}), times=[1.0], trajectories=100, progress=False)

    simulate(["X -> , k"])
    before = trace_count()
    simulate(["X -> , k"])
    assert trace_count() == before
    simulate(["X -> , k", "-> X, k"])
    assert trace_count() == before + 1
