"""The direct method samples the law of the chemical master equation.

A million trajectories each; z of means and variances below 4, chi-square of the whole law at every save time
above 1e-5. With 4 models of 3 or 4 times, a right kernel fails with probability below 0.3 %; seeds are fixed.
"""

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from exact import master_equation, poisson_law
from judge import judge

import jaxsim as js
from jaxsim.ensemble import request
from jaxsim.kernels.draws import in_single_precision, waiting_time
from jaxsim.kernels.exact import direct
from jaxsim.kernels.exact.blocked import Blocked
from jaxsim.kernels.exact.partial_propensity import PartialPropensities
from jaxsim.runtime import programs

N = 1_000_000


def birth_death():
    network = js.Network({"X": 0}, ["-> X, k", "X -> , d"], {"k": 10.0, "d": 1.0})
    times = np.array([0.5, 1.0, 5.0])
    return network, "X", times, poisson_law(10 * (1 - np.exp(-times)), 60)


def dimerisation():
    network = js.Network({"P": 40, "D": 0}, ["2 P -> D, k", "D -> 2 P, u"], {"k": 0.02, "u": 0.5})
    times = np.array([0.2, 1.0, 4.0])
    law = master_equation(
        [(-2, 1), (2, -1)],
        [lambda p, d: 0.02 * p * (p - 1), lambda p, d: 0.5 * d],
        (40, 0),
        (41, 21),
        times,
    )
    return network, "P", times, law.sum(axis=2)


def schlogl():
    """The usual rates for an eighth of the usual volume: modes near 11 and 70, divided near 31."""
    rates = {"a": 0.12, "b": 0.12 / 112.5, "c": 25.0, "d": 3.5}
    network = js.Network({"X": 31}, ["2 X -> 3 X, a", "3 X -> 2 X, b", "-> X, c", "X -> , d"], rates)
    times = np.array([0.5, 2.0, 5.0])
    law = master_equation(
        [(1,), (-1,), (1,), (-1,)],
        [
            lambda x: rates["a"] * x * (x - 1),
            lambda x: rates["b"] * x * (x - 1) * (x - 2.0),
            lambda x: 25.0 + 0.0 * x,
            lambda x: 3.5 * x,
        ],
        (31,),
        (220,),
        times,
    )
    assert law[:, -20:].sum() < 1e-10
    assert law[-1][:25].sum() > 0.2
    assert law[-1][45:].sum() > 0.2  # bistable: both modes are populated
    return network, "X", times, law


def gene():
    rates = {"a": 0.5, "b": 0.7, "c": 1.0, "e": 0.8, "m": 12.0, "d": 1.0}
    network = js.Network(
        {"G0": 1, "G1": 0, "G2": 0, "M": 0},
        ["G0 -> G1, a", "G1 -> G0, b", "G1 -> G2, c", "G2 -> G1, e", "G2 -> G2 + M, m", "M -> , d"],
        rates,
    )
    times = np.array([0.5, 2.0, 8.0, 20.0])
    law = master_equation(
        [(1, 0), (-1, 0), (1, 0), (-1, 0), (0, 1), (0, -1)],
        [
            lambda g, m: rates["a"] * (g == 0),
            lambda g, m: rates["b"] * (g == 1),
            lambda g, m: rates["c"] * (g == 1),
            lambda g, m: rates["e"] * (g == 2),
            lambda g, m: rates["m"] * (g == 2),
            lambda g, m: rates["d"] * m,
        ],
        (0, 0),
        (3, 60),
        times,
    )
    assert law[:, :, -5:].sum() < 1e-10
    return network, "M", times, law.sum(axis=1)


MODELS = {f.__name__: f for f in (birth_death, dimerisation, schlogl, gene)}


def run(network, species, times, law, number=N):
    return js.simulate(
        network, times=times, trajectories=number, seed=20261123, histograms={species: law.shape[1]}, progress=False
    )


@pytest.mark.parametrize("name", MODELS)
def test_law_is_that_of_the_master_equation(name):
    network, species, times, law = MODELS[name]()
    verdict = judge(run(network, species, times, law), species, law)
    assert verdict.passes, verdict


def biased(program, plan, bits, *rest):
    """Choose by thresholds that are too low by a part in 512."""
    word = bits.astype(jnp.uint32)
    return in_single_precision(program, plan, word - (word >> np.uint32(9)), *rest)


WRONG = {
    "waits 1 % too short": ("waiting_time", lambda wait, a0: waiting_time(wait, a0 * np.float32(1.01))),
    "tail of the waiting time cut at 4": (
        "waiting_time",
        lambda wait, a0: waiting_time(-jnp.log(np.float32(0.0183) + jnp.exp(-wait) * np.float32(0.9817)), a0),
    ),
    "chooses with a bias of 0.2 %": ("in_single_precision", biased),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_kernel_fails_the_same_test(wrong, monkeypatch):
    name, replacement = WRONG[wrong]
    monkeypatch.setattr(direct, name, replacement)
    monkeypatch.setattr(programs, "_PROGRAMS", {})
    network, species, times, law = birth_death()
    verdict = judge(run(network, species, times, law), species, law)
    assert not verdict.passes, verdict


def stepped(monkeypatch, stepper):
    """Have the next simulations run by this stepper."""
    monkeypatch.setattr(request, "choose_stepper", lambda *_: stepper)


@pytest.mark.parametrize("stepper", [Blocked(), PartialPropensities()], ids=["blocked", "partial propensities"])
def test_many_reactions_follow_the_same_law(stepper, monkeypatch):
    """A conversion ring of 60 reactions; each molecule is an independent walker."""
    stepped(monkeypatch, stepper)
    number, size = 200_000, 30
    reactions = [f"S{i} -> S{(i + 1) % size}, k" for i in range(size)]
    reactions += [f"S{i} -> S{(i - 1) % size}, b" for i in range(size)]
    network = js.Network({f"S{i}": 50 * (i == 0) for i in range(size)}, reactions, {"k": 1.0, "b": 0.4})
    times = np.array([0.5, 3.0])
    generator = np.zeros((size, size))
    for i in range(size):
        generator[(i + 1) % size, i] += 1.0
        generator[(i - 1) % size, i] += 0.4
        generator[i, i] -= 1.4
    from scipy.linalg import expm
    from scipy.stats import binom

    p = np.array([expm(generator * t)[:, 0] for t in times])
    out = js.simulate(network, times=times, trajectories=number, seed=3, histograms={"S1": 51}, progress=False)
    law = binom.pmf(np.arange(51)[None, :], 50, p[:, 1][:, None])
    verdict = judge(out, "S1", law)
    assert verdict.passes, verdict
    z = (out["mean"].values - 50 * p) / np.sqrt(50 * p * (1 - p) / number)
    assert np.abs(z).max() < 4.5  # 60 comparisons


def test_groups_come_to_rest_after_rates_of_every_size(monkeypatch):
    """Decays at rates over 22 decades share sums, which rounding leaves off zero: nothing fires, nor runs backwards."""
    stepped(monkeypatch, PartialPropensities())
    size, times, number = 45, np.array([1e-6, 1.0, 1e14]), 2_000
    rates = (10.0 ** (np.arange(size) / 2 - 12)).tolist()
    network = js.Network({f"S{i}": 7 for i in range(size)}, [f"S{i} -> , {rate!r}" for i, rate in enumerate(rates)])
    out = js.simulate(network, times=times, trajectories=number, seed=6, progress=False)
    assert out["status"].sel(ending="absorbed") == number
    p = np.exp(-np.array(rates)[None, :] * times[:, None])
    free = (p > 0.01) & (p < 0.99)
    z = (out["mean"].values - 7 * p)[free] / np.sqrt(7 * p * (1 - p) / number)[free]
    assert z.size >= 10
    assert np.abs(z).max() < 4
    assert np.array_equal(out["mean"].values[2], np.zeros(size))


COPIES = 20  # of each reaction, which share its rate unequally


def split_binding(share=1.0):
    """Immigration, decay, A + A -> B, A + B -> C and back, each as 20 reactions of the same effect.

    `share` times their rate is what the copies of A + B -> C have together.
    """
    laws = {"-> A": 3.0, "A -> ": 0.5, "A + A -> B": 0.02, "B -> 2 A": 0.3, "A + B -> C": 0.05, "C -> A + B": 0.4}
    weights = np.arange(1, COPIES + 1) / (COPIES * (COPIES + 1) / 2)
    reactions = [
        f"{text}, {rate * w * (share if text == 'A + B -> C' else 1.0)!r}"
        for text, rate in laws.items()
        for w in weights.tolist()
    ]
    return js.Network({"A": 6, "B": 2, "C": 0}, reactions)


@cache
def binding_law():
    shape = (40, 24, 16)
    changes = [(1, 0, 0), (-1, 0, 0), (-2, 1, 0), (2, -1, 0), (-1, -1, 1), (1, 1, -1)]
    rates = [
        lambda a, b, c: 3.0 + 0 * a,
        lambda a, b, c: 0.5 * a,
        lambda a, b, c: 0.02 * a * (a - 1),
        lambda a, b, c: 0.3 * b,
        lambda a, b, c: 0.05 * a * b,
        lambda a, b, c: 0.4 * c,
    ]
    law = master_equation(changes, rates, (6, 2, 0), shape, [0.5, 2.0])
    assert np.abs(law.sum(axis=(1, 2, 3)) - 1).max() < 1e-7
    return law


@pytest.mark.parametrize("share, right", [(1.0, True), (0.98, False)])
def test_reactions_in_groups_follow_the_master_equation(share, right, monkeypatch):
    """Every order of mass action in groups of many members; a rate that is 2 % lower has to be seen."""
    stepped(monkeypatch, PartialPropensities())
    histograms = {"A": 40, "B": 24, "C": 16}
    out = js.simulate(
        split_binding(share), times=[0.5, 2.0], trajectories=400_000, seed=8, histograms=histograms, progress=False
    )
    others = {"A": (2, 3), "B": (1, 3), "C": (1, 2)}
    verdicts = {name: judge(out, name, binding_law().sum(axis=axes)) for name, axes in others.items()}
    assert all(verdict.passes for verdict in verdicts.values()) is right, verdicts


def test_reaction_of_small_share_fires_at_its_rate():
    """A reaction with 1e-6 of the total propensity is neither lost nor overrepresented in float32."""
    network = js.Network({"X": 1, "Y": 0}, ["X -> X @ 1e4", "-> Y @ 0.01"], {})
    out = js.simulate(network, times=[2.0], trajectories=20_000, seed=5, progress=False)
    mean = float(out["mean"].sel(species="Y").values[0])
    assert abs(mean - 0.02) / np.sqrt(0.02 / 20_000) < 4
