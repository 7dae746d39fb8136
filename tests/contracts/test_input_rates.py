"""A rate that is nothing but an input times a constant is simulated as any other."""

import numpy as np

import jaxsim as js


def test_a_source_proportional_to_a_concentration():
    """Counts are Poisson with the area under the curve times the constant: |z| < 4 for the mean."""
    drug = js.OneCompartment(1.0, 1.0)
    network = js.Network({"X": 0}, ["-> X @ k*drug"], parameters={"k": 3.0}, inputs={"drug": drug})
    out = js.simulate(network, times=[2.0], trajectories=4000, schedule=js.Schedule(drug=js.Dose(5.0, at=[0.0])))
    expected = 15.0 * (1 - np.exp(-2.0))
    assert abs(float(out["mean"].sel(species="X")[0]) - expected) < 4 * np.sqrt(expected / 4000)
