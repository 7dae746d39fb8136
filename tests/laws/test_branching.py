"""Laws of growing and dying populations that the models are built from: extinction, mutants, transit times.

Significance: |z| below 4 for each fraction, chi-square above 1e-5 for each law; seeds are fixed.
"""

import numpy as np
import pytest
from judge import P_LIMIT, Z_LIMIT, law_p_value
from scipy import stats

import jaxsim as js

N = 100_000


@pytest.mark.parametrize("ancestors", [1, 3])
def test_a_linear_birth_death_process_dies_out_with_probability_d_over_b_to_the_n(ancestors):
    """Kendall, Ann. Math. Stat. 19 (1948) 1, also before the end: at t it is the ratio to the n."""
    birth, death, times = 1.0, 0.6, np.array([1.0, 4.0, 12.0])
    network = js.Network({"X": ancestors}, ["X -> 2 X, b", "X -> , d"], {"b": birth, "d": death})
    out = js.simulate(network, times=times, trajectories=N, seed=11, histograms={"X": 1}, progress=False)
    extinct = out["histogram_X"].values[:, 1] / N
    growth = np.exp((birth - death) * times)
    exact = (death * (growth - 1) / (birth * growth - death)) ** ancestors
    assert np.all(np.abs(extinct - exact) < Z_LIMIT * np.sqrt(exact * (1 - exact) / N))
    assert abs(exact[-1] - (death / birth) ** ancestors) < 0.01


def mutants_law(mutations, generations, size):
    """Lea & Coulson, J. Genet. 49 (1949) 264, in a culture that grows by exp(generations): P(0), ..., P(size - 1).

    A mutation's clone holds k cells with probability f**(k-1) (1/k - f/(k+1)), f = 1 - exp(-generations); the number
    of mutations is Poisson; Panjer's recursion adds the clones up.
    """
    f, k = -np.expm1(-generations), np.arange(1, size)
    clone = f ** (k - 1) * (1 / k - f / (k + 1))
    law = np.zeros(size)
    law[0] = np.exp(-mutations)
    for n in range(1, size):
        law[n] = mutations / n * np.sum(k[:n] * clone[:n] * law[n - 1 :: -1][:n])
    return law


def mutants(trajectories, mutations, growth):
    """The sensitive cells grow as exp(growth t) and seed mutants, which grow at random at the same rate."""
    network = js.Network({"R": 0}, ["-> R @ m*exp(g*t)", "R -> 2 R, g"], {"m": mutations, "g": growth})
    return js.simulate(network, times=[6.0], trajectories=trajectories, seed=12, histograms={"R": 400}, progress=False)


def test_mutants_follow_luria_and_delbrueck():
    growth, mutations = 1.0, 2.0
    out = mutants(N, mutations * growth / np.expm1(6.0 * growth), growth)
    assert law_p_value(out["histogram_R"].values[0], mutants_law(mutations, 6.0 * growth, 401), N) > P_LIMIT


def test_a_tenth_more_mutations_would_be_seen():
    growth, mutations = 1.0, 2.0
    out = mutants(N, 1.1 * mutations * growth / np.expm1(6.0 * growth), growth)
    assert law_p_value(out["histogram_R"].values[0], mutants_law(mutations, 6.0 * growth, 401), N) < P_LIMIT


def test_a_chain_of_stages_delays_by_an_erlang_time():
    """Survival in the stages at the save times; the last stage is the passage (phase-type transit times)."""
    stages, rate, times = 4, 2.0, np.array([0.5, 1.0, 2.0, 4.0])
    species = {f"P{i}": int(i == 0) for i in range(stages + 1)}
    network = js.Network(species, [f"P{i} -> P{i + 1}, k" for i in range(stages)], {"k": rate})
    out = js.simulate(network, times=times, trajectories=N, seed=13, progress=False)
    arrived = out["mean"].sel(species=f"P{stages}").values
    exact = stats.gamma.cdf(times, stages, scale=1 / rate)
    assert np.all(np.abs(arrived - exact) < Z_LIMIT * np.sqrt(exact * (1 - exact) / N))
