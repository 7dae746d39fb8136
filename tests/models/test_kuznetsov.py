"""Kuznetsov, Makalkin, Taylor & Perelson 1994 with the published parameters: four steady states, two of them stable.

Bull. Math. Biol. 56 (1994) 295: immunogenic tumour T and effector cells E, parameters of the BCL1 lymphoma in mice:
a tumour-free saddle, a small dormant tumour (a spiral), a saddle that separates, and a large escaped tumour.
"""

import numpy as np
import pytest

import jaxsim as js

A, B, S, P, G = 0.18, 2.0e-9, 1.3e4, 0.1245, 2.019e7
M, N, D = 3.422e-10, 1.101e-7, 0.0412


def tumour_and_effectors(effectors, tumour):
    return js.Network(
        {"E": effectors, "T": tumour},
        [
            *("-> E, s", "-> E @ p*E*T/(g + T)", "E -> @ m*E*T", "E -> , d"),
            *("T -> 2 T, a", "T -> @ a*b*T*T", "T -> @ n*E*T"),
        ],
        {"a": A, "b": B, "s": S, "p": P, "g": G, "m": M, "n": N, "d": D},
    )


def steady_states():
    """Tumours > 0 that solve both equations, found from the polynomial that remains without E; with their stability."""
    tumour = np.poly1d([1.0, 0.0])
    effectors = np.poly1d([-A * B / N, A / N])
    remains = S * (tumour + G) + P * effectors * tumour - (M * tumour + D) * effectors * (tumour + G)
    found = []
    for t in sorted(remains.r.real):
        e = effectors(t)
        matrix = [[P * t / (G + t) - M * t - D, P * e * G / (G + t) ** 2 - M * e], [-N * t, A - 2 * A * B * t - N * e]]
        found.append((e, t, np.linalg.eigvals(matrix)))
    return found


def run(effectors, tumour, days):
    network = tumour_and_effectors(effectors, tumour)
    return js.simulate(network, times=days, method="mean_field", progress=False)["mean"].values


def test_steady_states_are_of_the_published_kinds():
    dormant, between, escaped = steady_states()
    assert dormant[2].real.max() < 0 < abs(dormant[2].imag.max())  # a stable spiral
    assert between[2].real.min() < 0 < between[2].real.max()  # a saddle
    assert escaped[2].real.max() < 0
    assert escaped[2].imag.max() == 0  # a stable node
    assert [dormant[1], between[1], escaped[1]] == pytest.approx([8.19e6, 2.68e8, 4.47e8], rel=1e-3)
    assert A - N * S / D > 0  # a tumour cell in the tumour-free state multiplies: a saddle


def test_a_small_tumour_becomes_dormant_and_rings():
    e, t, values = steady_states()[0]
    days = np.linspace(0.0, 2000.0, 401)
    path = run(int(e), int(t * 1.2), days)
    np.testing.assert_allclose(path[-1], [e, t], rtol=1e-3)
    swing = path[:, 1] - t
    crossings = days[:-1][np.diff(np.sign(swing)) != 0][:6]
    assert np.diff(crossings).mean() == pytest.approx(np.pi / values.imag.max(), rel=0.05)


def test_a_large_tumour_escapes():
    e, t, _ = steady_states()[2]
    np.testing.assert_allclose(run(int(e), int(3.5e8), [4000.0])[-1], [e, t], rtol=1e-4)


def test_the_saddle_separates():
    e, t, _ = steady_states()[1]
    assert run(int(e), int(t * 0.95), [3000.0])[-1, 1] == pytest.approx(steady_states()[0][1], rel=0.01)
    assert run(int(e), int(t * 1.05), [3000.0])[-1, 1] == pytest.approx(steady_states()[2][1], rel=0.01)


def test_one_escaped_cell_founds_the_dormant_tumour():
    """From the tumour-free state at s/d effectors a single cell grows at the rate a - n s / d."""
    free = round(S / D)
    path = run(free, 1, [0.0, 20.0, 40.0])
    growth = np.diff(np.log(path[:, 1])) / 20
    np.testing.assert_allclose(growth, A - N * S / D, rtol=1e-3)


def test_jumps_keep_to_the_rate_equations_near_the_dormant_state():
    """The Langevin equation stays within its own noise of the rate equations: 8 million cells, days."""
    e, t, _ = steady_states()[0]
    network = tumour_and_effectors(int(e), int(t * 1.2))
    options = {"times": [10.0, 40.0], "progress": False}
    noisy = js.simulate(network, method="langevin", trajectories=500, step=0.25, **options)
    smooth = js.simulate(network, method="mean_field", **options)
    error = np.abs(noisy["mean"] - smooth["mean"])
    assert (error < 4.5 * noisy["standard_error"] + 2e-5 * smooth["mean"]).all()
