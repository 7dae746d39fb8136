"""The organism as a network: steady state, scale, switches, refusals, and the exact method on a small one."""

import math
import warnings
from decimal import Decimal, localcontext
from functools import lru_cache

import jax
import numpy as np
import pytest

import jaxsim as js
from jaxsim.errors import NetworkError
from jaxsim.models import organism, steady_state
from jaxsim.models.organism.network import LINK_GROUPS, LINKS, STEADY, quick_organism, switched_off, tumour_state
from jaxsim.models.organism.reactions import free_share
from jaxsim.network import evaluate, parse, stoichiometry
from jaxsim.runtime.double import double_precision

VARIANTS = [
    {"animal": animal, "without": off} for animal in ("mouse", "human") for off in ((), ("marrow_routes", "harm"))
]
CHANGED = {"gmp_exit": 0.037, "hspc_division": 0.051, "neutrophil_loss": 0.07, "effector_source": 900.0}


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
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: f"{v['animal']}-{len(v['without'])}")
def test_without_tumour_nothing_drifts(variant, change):
    """Net rate of every species relative to the traffic through it, in float64."""
    network = organism(**variant, tumour=0, **change)
    rates = propensities(network, steady_state(network.parameters))
    change = stoichiometry(network.structure)
    traffic = np.abs(change) @ rates
    assert np.all(np.abs(change @ rates) <= 1e-12 * traffic)
    assert np.all(
        traffic[[network.structure.species.index(name) for name in ("HQ", "HA", "P", "O", "Q", "R", "N", "L", "E")]] > 0
    )


def test_the_start_is_the_steady_state_with_the_tumour_added():
    healthy, ill = organism(tumour=0), organism()
    state = steady_state(healthy.parameters)
    assert {name: round(count) for name, count in state.items()} == dict(healthy.initial)
    assert (ill.initial["S"], ill.initial["T"], ill.initial["E"]) == (98_000_000, 2_000_000, 1_000_000)
    same = set(state) - {"S", "T", "E", "IT", "IP", "TN"}
    assert all(ill.initial[name] == healthy.initial[name] for name in same)


def test_il1a_and_tumour_neutrophils_start_in_balance_with_the_tumour():
    """Basal secretion of IL-1alpha set high, so that its share of the recruitment shows too."""
    network = organism(il1a_basal=5e-8)
    state = tumour_state(network.parameters, 1e8, 0.02, 1e6)
    rates = dict(zip([r.name for r in network.structure.reactions], propensities(network, state), strict=True))
    assert rates["i1"] == pytest.approx(rates["i2"] + rates["i3"], rel=1e-12)
    assert rates["i3"] == pytest.approx(rates["i4"], rel=1e-12)
    assert rates["n4"] == pytest.approx(rates["n5"], rel=1e-12)


def test_rates_per_count_do_not_depend_on_scale():
    """The propensities of Omega times a state are Omega times those of the state, so the rate equations agree."""
    whole, small = (organism(scale=scale) for scale in (1.0, 1e-4))
    draw = np.random.default_rng(4)
    start = {name: 1e3 + count for name, count in whole.initial.items()}
    state = {name: count * draw.uniform(0.3, 3.0) for name, count in start.items()}
    scaled = {name: 1e-4 * count for name, count in state.items()}
    np.testing.assert_allclose(propensities(small, scaled), 1e-4 * propensities(whole, state), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_free_il1a_is_the_root_of_the_binding_equation_whatever_is_in_excess(dtype):
    """Against the root in 50 digits; in float32 to what is left of antibody less IL-1alpha after rounding."""
    law, constant = parse(free_share("il1a", "antibody")), 0.125
    for il1a in (1e-9, 1e-3, 1.0, 110.0):
        for part in (0.0, 1e-3, 0.9, 1.0, 1.1, 50.0, 1e6):
            values = {"antibody_constant": constant, "il1a": dtype(il1a), "antibody": dtype(part * il1a)}
            with double_precision():
                found = float(evaluate(law, {name: dtype(value) for name, value in values.items()}))
            k, i, a = (Decimal(float(value)) for value in values.values())
            with localcontext(prec=50):
                excess = a - i + k
                root = 2 * k / (excess + (excess * excess + 4 * k * i).sqrt())
            assert found == pytest.approx(float(root), rel=1e-5 if dtype is np.float32 else 1e-12), (il1a, part)
            assert part > 0.0 or found == pytest.approx(1.0, abs=1e-6)


def test_every_link_can_be_turned_off_by_its_name():
    whole = organism().parameters
    for name, link in LINKS.items():
        off = organism(without=[name]).parameters
        assert {key for key in whole if off[key] != whole[key]} == set(link.parameters)
        assert all(off[key] == 0.0 for key in link.parameters)
    for name, links in LINK_GROUPS.items():
        assert set(switched_off([name])) == {key for link in links for key in LINKS[link].parameters}


@pytest.mark.slow
def test_gcsf_at_its_quasi_steady_state_is_where_its_two_rates_meet():
    network, state = organism(), {name: float(count) for name, count in organism().initial.items()}
    quick = quick_organism(network)
    kept = [reaction.name for reaction in quick.structure.reactions]
    for neutrophils, il1a, injected in ((1.0, 0.0, 0.0), (0.02, 4e5, 0.0), (3.0, 4e4, 300.0)):
        here = state | {"N": neutrophils * state["N"], "IT": il1a, "IP": 0.05 * il1a}
        env = {**network.parameters, **dict.fromkeys(network.structure.inputs, 0.0), "gcsf": injected, **here}
        with double_precision():
            level = float(evaluate(parse(STEADY), {key: np.float64(value) for key, value in env.items()}))
            rates = {r.name: float(evaluate(r.rate, env | {"G": np.float64(level * 1e6)}))
                     for r in network.structure.reactions}  # fmt: skip
            reduced = {r.name: float(evaluate(r.rate, {key: np.float64(value) for key, value in env.items()}))
                       for r in quick.structure.reactions}  # fmt: skip
        assert rates["c1"] == pytest.approx(rates["c2"], rel=1e-12)
        assert reduced == pytest.approx({name: rates[name] for name in kept}, rel=1e-9)


def test_variants_of_values_share_one_structure():
    first = organism().structure
    assert first == organism("human").structure == organism(without=["harm"], scale=1e-3, virtual=True).structure


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: organism("mous"), "no animal 'mous'; did you mean 'mouse'"),
        (lambda: organism(without=["tumor_gcsf"]), "no link 'tumor_gcsf'; did you mean 'tumour_gcsf'"),
        (lambda: organism(without="tumour"), "no link 'tumour'"),
        (lambda: organism(growth_rat=1.0), "the organism has no 'growth_rat'; did you mean 'growth_rate'"),
        (lambda: organism(scale=0.0), "the scale is 0.0; give a positive number"),
        (lambda: organism(tumour=math.nan), "the tumour has nan cells"),
        (lambda: organism("human", scale=1.0), "'Q' may outgrow a 32-bit count; give a scale below"),
        (lambda: organism(gmp_exit=0.01), "give gmp_exit more than gmp_division"),
        (lambda: organism(hspc_division=0.01), "give hspc_division more, or more active_hspc"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(call, message):
    with pytest.raises(NetworkError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_exact_method_takes_it_with_every_agent():
    """All ten agents at Omega = 1e-4: every rate that varies in time has a bound, and no lane ends badly."""
    given = js.Schedule(
        gemcitabine=js.Dose(120, "mg/kg", at=[0.5]),
        cisplatin=js.Dose(6, "mg/kg", at=[0.5]),
        anti_il1a=js.Dose(0.2, "mg", at=[0.0]),
        caspase1_inhibitor=js.Dose(50, "mg/kg", at=[0.0]),
        il1_receptor_antagonist=js.Dose(10, "mg/kg", at=[1.0]),
        cyclophosphamide=js.Dose(20, "mg/kg", at=[1.0]),
        fluorouracil=js.Dose(5, "mg/kg", at=[2.0]),
        il1a=js.Dose(80, "ng", at=[0.0]),
        gcsf=js.Dose(2.5, "ug", at=[0.0]),
        anti_cd8=js.Dose(0.2, "mg", at=[0.0]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", js.SimulationWarning)
        out = js.simulate(organism(scale=1e-4), times=[0.0, 4.0], trajectories=8, schedule=given, cells=16)
    end = out["mean"].isel(time=-1)
    assert int(out["status"].sel(ending="ok")) == 8
    assert all(float(end.sel(species=name)) > 0 for name in ("X", "D1", "IP", "B", "G"))
