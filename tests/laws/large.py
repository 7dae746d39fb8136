"""Networks of large populations with their exact laws: (network, species, times, probabilities [time, state])."""

import numpy as np
from exact import master_equation, poisson_law

import jaxsim as js


def birth_death():
    times = np.array([1.0, 6.0])
    network = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 1000.0, "d": 1.0})
    return network, "X", times, poisson_law(1000 * (1 - np.exp(-times)), 1300)


def dimerisation():
    times = np.array([10.0, 50.0])
    network = js.Network({"P": 1000, "D": 0}, ["2 P -> D, k", "D -> 2 P, u"], {"k": 1e-4, "u": 4e-3})
    rates = [lambda d: 1e-4 * (1000.0 - 2 * d) * (999 - 2 * d), lambda d: 4e-3 * d]
    return network, "D", times, master_equation([(1,), (-1,)], rates, (0,), (501,), times)


def schlogl():
    """Cao, Gillespie & Petzold 2006, section V: modes near 85 and 565."""
    times = np.array([1.0, 4.0])
    constants = {"a": 0.015, "b": 1e-4 / 6, "c": 200.0, "d": 3.5}
    network = js.Network({"X": 250}, ["2 X -> 3 X, a", "3 X -> 2 X, b", "-> X, c", "X -> , d"], constants)
    rates = [
        lambda x: 0.015 * x * (x - 1.0),
        lambda x: 1e-4 / 6 * x * (x - 1.0) * (x - 2.0),
        lambda x: 200.0 + 0.0 * x,
        lambda x: 3.5 * x,
    ]
    return network, "X", times, master_equation([(1,), (-1,), (1,), (-1,)], rates, (250,), (900,), times)


LARGE = {f.__name__: f for f in (birth_death, dimerisation, schlogl)}
