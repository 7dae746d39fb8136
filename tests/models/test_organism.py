"""The organism as a network: steady state, scale, switches, refusals, and the exact method on a small one."""

import math
import warnings
from functools import lru_cache

import jax
import numpy as np
import pytest

import jaxsim as js
from jaxsim.ensemble.double import double_precision
from jaxsim.errors import NetworkError
from jaxsim.models import organism, organism_parameters, steady_state
from jaxsim.models.organism_reactions import QUANTA
from jaxsim.network import evaluate, stoichiometry

VARIANTS = [{"animal": a, "hypothesis": h} for a in ("mouse", "human") for h in ("direct", "relay")]
CHANGED = {"gmp_exit": 0.047, "hspc_division": 0.041, "neutrophils": 3.3e6, "effector_source": 900.0}


@lru_cache
def compiled(structure):
    return jax.jit(lambda env: [evaluate(reaction.rate, env) for reaction in structure.reactions])


def propensities(network, state):
    """The rates in float64, without drugs."""
    env = {**network.parameters, **dict.fromkeys(network.structure.inputs, 0.0), **state}
    with double_precision():
        given = {name: np.float64(value) for name, value in env.items()}
        return np.array(compiled(network.structure)(given))


@pytest.mark.parametrize("change", [{}, CHANGED], ids=["defaults", "changed"])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: "-".join(v.values()))
def test_without_tumour_nothing_drifts(variant, change):
    """Net rate of every species relative to the traffic through it, in float64."""
    network = organism(**variant, tumour=0, **change)
    rates = propensities(network, steady_state(network.parameters))
    change = stoichiometry(network.structure)
    traffic = np.abs(change) @ rates
    assert np.all(np.abs(change @ rates) <= 1e-12 * traffic)
    assert np.all(traffic[[network.structure.species.index(name) for name in ("H", "P", "M5", "R", "N", "L", "E")]] > 0)


def test_the_start_is_the_steady_state_with_the_tumour_added():
    healthy, ill = organism(tumour=0), organism()
    state = steady_state(healthy.parameters)
    assert {name: round(count) for name, count in state.items()} == dict(healthy.initial)
    assert (ill.initial["CS"], ill.initial["CR"], ill.initial["E"]) == (58_800_000, 1_200_000, 50_000)
    same = set(state) - {"CS", "CR", "E"}
    assert all(ill.initial[name] == healthy.initial[name] for name in same)


@pytest.mark.parametrize("local_arm", [False, True])
def test_rates_per_count_do_not_depend_on_scale(local_arm):
    """The propensities of Omega times a state are Omega times those of the state, so the rate equations agree."""
    whole, small = (organism(local_arm=local_arm, scale=scale) for scale in (1.0, 1e-4))
    draw = np.random.default_rng(4)
    start = {name: 1e3 + count for name, count in whole.initial.items()}
    state = {name: count * draw.uniform(0.3, 3.0) for name, count in start.items()}
    scaled = {name: 1e-4 * count for name, count in state.items()}
    np.testing.assert_allclose(propensities(small, scaled), 1e-4 * propensities(whole, state), rtol=1e-12)


def test_il1a_is_counted_in_quarters_of_a_cell():
    by_name = {reaction.name: dict(reaction.products) for reaction in organism().structure.reactions}
    assert by_name["b12"] == {"IT": QUANTA}
    assert by_name["b14"] == {"IT": 1}


def test_hypotheses_agree_while_nothing_is_blocked():
    """Before the fit, the gain of the relay is what reaches plasma by the default escape and elimination."""
    v = {name: entry.value for name, entry in organism_parameters(fitted=False)["parameters"].items()}
    gain = v["il1a_escape_rate"] * v["il1a_escape_fraction"] / (v["il1a_elimination"] * v["il1a_volume"])
    assert v["relay_gain"] == pytest.approx(gain, rel=0.02)


def test_variants_of_values_share_one_structure():
    first = organism().structure
    assert first == organism("human").structure == organism(hypothesis="relay", scale=1e-3, virtual=True).structure
    assert first != organism(local_arm=True).structure


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: organism("mous"), "no animal 'mous'; did you mean 'mouse'"),
        (lambda: organism(hypothesis="direkt"), "no hypothesis 'direkt'; did you mean 'direct'"),
        (lambda: organism(growth_rat=1.0), "the organism has no 'growth_rat'; did you mean 'growth_rate'"),
        (lambda: organism(fibroblasts=1e6), "the organism has no 'fibroblasts'"),
        (lambda: organism(scale=0.0), "the scale is 0.0; give a positive number"),
        (lambda: organism(tumour=math.nan), "the tumour has nan cells"),
        (lambda: organism("human", scale=1.0), "'M5' may outgrow a 32-bit count; give a scale below 0.0012"),
        (lambda: organism(gmp_exit=0.01), "give gmp_exit more than gmp_division"),
        (lambda: organism(hspc_division=0.01), "give hspc_division more"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(call, message):
    with pytest.raises(NetworkError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_exact_method_takes_it_with_every_agent():
    """All five agents at Omega = 1e-4: every rate that varies in time has a bound, and no lane ends badly."""
    given = js.Schedule(
        gemcitabine=js.Dose(120, "mg/kg", at=[0.5]),
        cisplatin=js.Dose(6, "mg/kg", at=[0.5]),
        anti_il1a=js.Dose(0.2, "mg", at=[0.0]),
        caspase1_inhibitor=js.Dose(50, "mg/kg", at=[0.0]),
        il1_receptor_antagonist=js.Dose(10, "mg/kg", at=[1.0]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", js.SimulationWarning)
        out = js.simulate(organism(scale=1e-4), times=[0.0, 4.0], trajectories=8, schedule=given, cells=16)
    end = out["mean"].isel(time=-1)
    assert int(out["status"].sel(ending="ok")) == 8
    assert all(float(end.sel(species=name)) > 0 for name in ("ET", "EM", "PT", "D1"))
