"""The native backend does what XLA does: primitive by primitive, and trajectory by trajectory."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxsim as js
from jaxsim.ensemble.prepare import choose_backend
from jaxsim.ensemble.request import Request, prepare
from jaxsim.kernels.diagnosis import diagnose
from jaxsim.kernels.native import primitives
from jaxsim.kernels.native.driver import addresses_of
from jaxsim.kernels.native.equations import flatten, live
from jaxsim.kernels.native.functions import log
from jaxsim.kernels.native.kernel import Written, native_width
from jaxsim.kernels.native.law import Law, _serve, begun, trace
from jaxsim.kernels.native.parts import memory_of, shared_arrays
from jaxsim.kernels.native.sums import add_moments, add_passages
from jaxsim.kernels.saving import UNWRITTEN
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.workers import with_part
from jaxsim.statistics import Batch, Moments, Passage

CPU = tuple(jax.local_devices(backend="cpu")[:1])
LANE = 8191


# primitive by primitive


def emitted(function, *arrays, width=8, features=None):
    """What the emitter makes of an elementwise function of arrays [L]; each lane runs once."""
    shapes = [jax.ShapeDtypeStruct((LANE,), array.dtype) for array in arrays]
    outs = jax.eval_shape(function, *shapes)

    def law(*values):  # those that are only read, and those that are written
        return function(*values[: len(shapes)]), jnp.ones((LANE,), bool)

    flat = flatten(jax.make_jaxpr(law)(*shapes, *outs), LANE)
    flat.lanewise = live(flat.lanewise, flat.outputs)
    made = Written(Law(flat, LANE, len(shapes)), width)
    kernel = made.compiled(features)
    size = len(arrays[0])
    results = [np.zeros(size, out.dtype) for out in outs]
    given = [np.ascontiguousarray(array) for array in (*arrays, *results)]
    found = [given[slot.number].ctypes.data for slot in kernel.slots]
    kernel.run(found, [], size, np.arange(size, dtype=np.int32), 0, 1 << 60)
    return results


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.7, 1e10, -1e10, 3e38, 1e-30, np.inf, -np.inf, np.nan, 2.0, 16777217.0]


def floats(dtype):
    rng = np.random.default_rng(5)
    x = np.concatenate([SPECIAL, rng.normal(size=40) * 10.0 ** rng.integers(-6, 7, 40)]).astype(dtype)
    a, b = np.meshgrid(x, x)
    return a.ravel(), b.ravel()


def exact_functions(x, y):
    """Whatever has one right result, of two floats."""
    i, j = x.astype(jnp.int32), y.astype(jnp.int32)
    u, v = lax.bitcast_convert_type(i, jnp.uint32), lax.bitcast_convert_type(j, jnp.uint32)
    k = i.astype(jnp.int64) * j.astype(jnp.int64)
    return (
        *(x + y, x - y, x * y, x / y, -x, jnp.abs(x), jnp.minimum(x, y), jnp.maximum(x, y)),
        *(jnp.floor(x), jnp.ceil(x), jnp.sqrt(x), lax.integer_pow(x, 3), lax.integer_pow(x, -2)),
        *(jnp.where(x < y, x, y),),
        lax.clamp(x.dtype.type(-1), x, x.dtype.type(5)),
        *(x < y, x <= y, x > y, x >= y, x == y, x != y, jnp.isfinite(x), (x < y) & ~(x > 0) | (y < 0)),
        *(i, j, i + j, i - j, i * j, i & j, i | j, i ^ j, ~i, jnp.minimum(i, j), i < j, -i, jnp.sign(i)),
        *(u < v, u >> np.uint32(3), u << np.uint32(5), u >> (v & np.uint32(63)), i >> np.int32(3), jnp.maximum(u, v)),
        *(k, k < 0, u.astype(x.dtype), i.astype(x.dtype), k.astype(jnp.float64), k.astype(jnp.uint64) >> np.uint64(9)),
        *(x.astype(jnp.float64), x.astype(jnp.float32), (x > y).astype(x.dtype), (x > y).astype(jnp.int32)),
        *(jnp.stack([x, y, x])[::2].sum(0), jnp.stack([i, j]).max(0), lax.population_count(u)),
    )


def same(found, right):
    """Whether arrays are equal to the bit, but for what is not a number, and what XLA takes for zero."""
    for a, b in zip(found, map(np.asarray, right), strict=True):
        if b.dtype.kind == "f":
            a = np.where(np.abs(a) < np.finfo(b.dtype).tiny, b.dtype.type(0), a)
            if not np.array_equal(a, b, equal_nan=True):
                return False
        elif not np.array_equal(a, b):
            return False
    return True


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arithmetic_is_exact(dtype):
    with double_precision():
        x, y = floats(dtype)
        found, right = emitted(exact_functions, x, y), exact_functions(jnp.asarray(x), jnp.asarray(y))
        wrong = [n for n, (a, b) in enumerate(zip(found, right, strict=True)) if not same([a], [b])]
    assert wrong == []


def test_every_width_and_a_processor_without_avx2_give_the_same_bits():
    def functions(x, y):
        return (x * y + x, jnp.exp(x), jnp.log(x), x / y, jnp.power(jnp.abs(x), y), jnp.cos(x), jnp.log1p(x))

    with double_precision():
        x, y = floats(np.float32)
        one = emitted(functions, x, y, width=8)
        for width, features in ((16, None), (4, "-avx512f,-avx2,-avx,-fma"), (8, "-avx512f,-avx2")):
            other = emitted(functions, x, y, width=width, features=features)
            assert [a.tobytes() for a in one] == [b.tobytes() for b in other]


ELEMENTARY = {
    "exp": (jnp.exp, np.exp, (-86.0, 88.0), (-700.0, 709.0)),
    "log": (jnp.log, np.log, (1e-30, 1e30), (1e-300, 1e300)),
    "log1p": (jnp.log1p, np.log1p, (-0.999, 1e5), (-0.999, 1e5)),
    "sin": (jnp.sin, np.sin, (-1e4, 1e4), (-1e6, 1e6)),
    "cos": (jnp.cos, np.cos, (-1e4, 1e4), (-1e6, 1e6)),
    "tan": (jnp.tan, np.tan, (-100.0, 100.0), (-100.0, 100.0)),
}


@pytest.mark.parametrize("name", ELEMENTARY)
def test_elementary_functions_are_good_to_the_last_digits(name):
    ours, right, *ranges = ELEMENTARY[name]
    rng = np.random.default_rng(1)
    for dtype, (low, high) in zip((np.float32, np.float64), ranges, strict=True):
        x = rng.uniform(low, high, 4000)
        if name == "log":
            x = np.exp(rng.uniform(np.log(low), np.log(high), 4000))
        if name == "log1p":
            x = np.concatenate([x[:2000], 10.0 ** rng.uniform(-12, 0, 2000)])
        x = x.astype(dtype)
        with double_precision():
            (found,) = emitted(lambda value: (ours(value),), x)
        exact = right(x.astype(np.longdouble))
        assert np.max(np.abs(found - exact) / np.spacing(np.abs(exact).astype(dtype))) < (4.0 if name == "tan" else 2.1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_functions_at_their_corners_are_those_of_numpy(dtype):
    x, y = (np.array(v, dtype) for v in np.meshgrid(SPECIAL, SPECIAL))
    x, y = x.ravel(), y.ravel()
    with double_precision(), np.errstate(all="ignore"):
        found = emitted(lambda x, y: (jnp.power(x, y), jnp.exp(x), jnp.log(x), jnp.log1p(x)), x, y)
        for ours, right in zip(found, (np.power(x, y), np.exp(x), np.log(x), np.log1p(x)), strict=True):
            np.testing.assert_allclose(ours, right, rtol=1e-6 if dtype == np.float32 else 1e-14)


def test_powers_are_good_to_the_last_digits():
    rng = np.random.default_rng(2)
    x, y = np.exp(rng.uniform(-5, 5, 4000)), rng.uniform(-8, 8, 4000)
    for dtype in (np.float32, np.float64):
        a, b = x.astype(dtype), y.astype(dtype)
        with double_precision():
            (found,) = emitted(lambda p, q: (jnp.power(p, q),), a, b)
        exact = np.power(a.astype(np.longdouble), b.astype(np.longdouble))
        assert np.max(np.abs(found - exact) / np.spacing(exact.astype(dtype))) < 2.0


WRONG = {
    "add": primitives.operation("fsub", "add"),
    "sub": primitives.operation("fsub", "add"),
    "mul": primitives.operation("fmul", "and"),
    "lt": primitives.comparison("le"),
    "ge": primitives.comparison("gt"),
    "eq": primitives.comparison("ge"),
    "min": primitives.elementwise(lambda b, dtype, x, y: b.select(dtype, b.compare("lt", dtype, x, y), x, y)),
    "max": primitives.elementwise(lambda b, dtype, x, y: b.minimum(dtype, x, y)),
    "xor": primitives.operation(None, "or"),
    "shift_right_logical": primitives._shift("ashr"),
    "floor": primitives.float_intrinsic("ceil"),
    "select_n": lambda e, equation: e.put(
        equation, np.broadcast_to(e.get(equation.inputs[1]), e.shape(equation.outputs[0]))
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_emitter_is_noticed(name, monkeypatch):
    monkeypatch.setitem(primitives.RULES, name, WRONG[name])
    with double_precision():
        x, y = floats(np.float32)
        assert not same(emitted(exact_functions, x, y), exact_functions(jnp.asarray(x), jnp.asarray(y)))


# trajectory by trajectory


def pulses():
    """Sampled rates and starts, doses of a species and of an input, an effect, a Hill function."""
    division = js.Reaction({}, {}, "0.2*X/(1 + X)", {"X": "floor(X/2)", "Y": "Y + 1"})
    return js.Network(
        {"X": js.Poisson(30.0), "Y": 0, "D": 4},
        ["X -> 2 X, b", division, "X -> D @ k*X*drug/(1 + drug) + hill(X, 20, 3)*(1 + cos(t))", "D -> , d"],
        {"b": js.Lognormal(0.3, 0.2), "d": 0.4, "k": 0.5},
        inputs={"drug": js.OneCompartment(elimination_rate=0.5, volume=1.0)},
    )


def pulse_schedule():
    return js.Schedule(drug=js.Dose(3.0, at=[0.5, 2.0]), X=js.Dose(5, at=[1.0, 3.0]))


def triggers():
    """Events on the state and on the time, with a variable."""
    return js.Network(
        {"A": 30, "B": 0},
        ["A -> B, k*w", "B -> A, 0.7"],
        {"k": 0.8},
        variables={"w": 1.0},
        events=[js.Event("B > 20", {"w": "w*0.5", "B": "B - 10"}), js.Event("t > 2.5", {"A": "A + 15"})],
    )


def program_of(network, times, number, **options):
    request = Request(times=np.asarray(times, float), trajectories=number, seed=4, backend="native", **options)
    program, inputs = choose_backend(*prepare(network, request, "cpu"), request, CPU)
    return dataclasses.replace(program, lanes=number), with_part(inputs, (0, number))


def by_xla(program, inputs, batch):
    """Every lane stepped until all have ended, by one loop of XLA."""

    def run(inputs, owner, given, lanes):
        def step(lanes):
            lanes, _ = _serve(program, inputs, owner, given, lanes)
            moved = program.stepper.step(program, inputs, owner, given, lanes)
            ended = program.stepper.finished(program, inputs, lanes)
            return jax.tree.map(lambda new, old: _where(ended, old, new), moved, lanes)

        return lax.while_loop(lambda lanes: ~jnp.all(program.stepper.finished(program, inputs, lanes)), step, lanes)

    def _where(ended, old, new):
        place = new.shape.index(program.lanes)
        return jnp.where(ended.reshape((1,) * place + (-1,) + (1,) * (new.ndim - place - 1)), old, new)

    return jax.jit(run)(inputs, *batch)


def by_native(program, inputs, batch, limit=1 << 60):
    made = Written(trace(program, inputs), native_width())
    kernel = made.compiled()
    shared = jax.tree.leaves((inputs, batch))
    tables = [np.asarray(a) for a in shared_arrays(made.law.flat, shared, kernel.tables)]
    queue, taken = np.arange(program.lanes, dtype=np.int32), 0
    while taken < program.lanes:
        found = addresses_of(kernel, jax.tree.leaves(batch))
        taken, _ = kernel.run(found, memory_of(tables), program.lanes, queue, taken, limit)
    return batch.lanes


def compare(network, times, number=256, limit=1 << 60, **options):
    """Return the shares of trajectories whose counts, and whose everything, are the same."""
    with double_precision():
        program, inputs = program_of(network, times, number, **options)
        start = jax.jit(lambda inputs, number: begun(program, inputs, number))
        first = np.arange(number, dtype=np.int32)
        right = by_xla(program, inputs, start(inputs, first)[0])
        found = by_native(program, inputs, start(inputs, first)[0], limit)
        batch = start(inputs, first)[0]
        status = [np.asarray(diagnose(program, inputs, batch.owner, batch.given, lanes)) for lanes in (found, right)]
    return program, found, right, status


def differing(found, right):
    """Return the trajectories whose whole numbers differ anywhere: counts, saved counts, draws, pending codes."""
    wrong = np.zeros(found.t.shape, bool)
    for a, b in zip(jax.tree.leaves(found._replace(bits=())), jax.tree.leaves(right._replace(bits=())), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        if a.dtype.kind in "iub":
            wrong |= np.any(_by_lane(a != b, len(wrong)), 0)
    return wrong


def _by_lane(array, lanes):
    return np.moveaxis(array, array.shape.index(lanes), -1).reshape(-1, lanes)


CASES = {
    "pulses": (pulses, [0.0, 0.7, 1.0, 2.5, 4.0], {"schedule": pulse_schedule(), "passages": {"few": "X < 10"}}),
    "triggers": (triggers, np.linspace(0, 5, 21), {"passages": {"many": "B >= 15"}}),
}


@pytest.mark.parametrize("name", [pytest.param("pulses", marks=pytest.mark.slow), "triggers"])
def test_trajectories_are_those_of_xla(name):
    make, times, options = CASES[name]
    _, found, right, status = compare(make(), times, **options)
    wrong = differing(found, right)
    # Only rounding may differ (XLA contracts, and has logarithms of its own), which changes a trajectory in a million.
    assert wrong.sum() == 0
    assert np.array_equal(*status)
    np.testing.assert_allclose(np.asarray(found.t), np.asarray(right.t), rtol=1e-6)
    for a, b in zip(found.passages, right.passages, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5)


def test_random_effects_are_those_of_xla():
    """By whole runs: LLVM takes minutes over random effects inside XLA's loop, which has them outside."""
    division = js.Reaction({}, {}, "0.4*X/(1 + X)", {"X": "binomial(X, 0.5)", "Y": "random_poisson(X)"})
    network = js.Network({"X": 40, "Y": 0}, ["X -> 2 X, 0.2", division, "X -> , 0.1", "Y -> , 1"])
    options = {"times": np.linspace(0, 6, 7), "trajectories": 300, "seed": 2, "keep": "trajectories", "progress": False}
    native, xla = (js.simulate(network, **options, backend=backend) for backend in ("native", "xla"))
    assert np.array_equal(native["trajectories"].values, xla["trajectories"].values)
    assert (native.attrs["events"], native.attrs["backend"]) == (xla.attrs["events"], "native")


def test_interrupting_the_kernel_every_few_iterations_does_not_show():
    _, found, right, _ = compare(triggers(), [0.0, 2.0, 5.0], number=100, limit=7)
    assert differing(found, right).sum() == 0


def faulty(name):
    """A network of which trajectories end with this status."""
    networks = {
        "negative_count": js.Network({"A": 3, "B": 9}, ["A -> @ 5.0", "B -> , 1"]),
        "negative_rate": js.Network({"A": 9}, ["A -> , 1", "-> A @ A - 4.5"]),
        "rate_not_finite": js.Network({"A": 9}, ["A -> , 1", "-> A @ 1/(A - 4)"]),
        "step_limit": js.Network({"A": 9}, ["A -> 2 A, 3"]),
        "overflow": js.Network({"A": 2**31 - 20}, ["-> A, 100"]),
        "variable_not_finite": js.Network(
            {"A": 9}, ["A -> , 1"], variables={"w": 1.0}, events=[js.Event("A < 5", {"w": "1/(A - 4)"})]
        ),
        "negative_rate in time": js.Network({"A": 9}, ["A -> , 1", "-> A @ 2 + 4*cos(t)"]),
    }
    return networks[name]


@pytest.mark.parametrize(
    "name",
    [
        *("negative_count", "negative_rate", "rate_not_finite", "step_limit", "overflow", "variable_not_finite"),
        "negative_rate in time",
    ],
)
def test_faults_are_those_of_xla(name):
    limit = {"max_events": 40} if name == "step_limit" else {}
    _, found, right, status = compare(faulty(name), [0.0, 1.0, 3.0], number=64, **limit)
    assert np.array_equal(*status)
    expected = js.kernels.Status[name.split()[0].upper()]
    assert np.sum(status[0] == expected) > 3
    assert differing(found, right).sum() == 0


def test_a_rate_above_its_bound_is_noticed(monkeypatch):
    from jaxsim.kernels import rates

    monkeypatch.setattr(rates, "SLACK", -0.3)
    network = js.Network({"A": 9}, ["A -> , 1", "-> A @ 2 + cos(t)"])
    _, _, _, status = compare(network, [0.0, 3.0], number=64)
    assert np.array_equal(*status)
    assert np.sum(status[0] == js.kernels.Status.BOUND_VIOLATED) > 3


# random networks


def random_network(seed):
    """A small network of mass action, saturation, functions of time, effects, drawn rates and starts, and its doses."""
    rng = np.random.default_rng(seed)
    species = [f"S{i}" for i in range(rng.integers(2, 5))]
    initial = {name: js.Poisson(8.0) if rng.random() < 0.3 else int(rng.integers(0, 20)) for name in species}
    parameters = {f"k{r}": float(np.exp(rng.normal(-1.5, 0.5))) for r in range(rng.integers(3, 8))}
    reactions = [f"-> {species[0]} @ 3.0"]
    for name in parameters:
        one, other, made = rng.choice(species, 3)
        rate = {
            0: f"{name}*{one}",
            1: f"0.03*{name}*{one}*{other}",
            2: f"5*{name}*{one}/(4 + {one})",
            3: f"{name}*{one}*(1 + cos({rng.uniform(0.5, 3):.3f}*t))",
            4: f"{name}*{one}*hill({other}, 6, 2)",
            5: f"if({other} > 7, 2, 1)*{name}*{one}",
            6: f"{name}*{one}*drug/(1 + drug)",
        }[int(rng.integers(0, 7))]
        effects = {other: f"{other} - floor({other}/2)"} if rng.random() < 0.2 and other != one else {}
        products = {} if effects or rng.random() < 0.5 or made == one else {made: 1}
        reactions.append(js.Reaction({one: 1}, products, rate, effects))
    if rng.random() < 0.5:
        parameters["k0"] = js.Lognormal(parameters["k0"], 0.3)
    drug = js.OneCompartment(elimination_rate=0.7, volume=1.0)
    network = js.Network(initial, reactions, parameters, inputs={"drug": drug})
    schedule = js.Schedule(drug=js.Dose(2.0, at=[0.5]), **{species[-1]: js.Dose(3, at=[1.0])})
    times = np.linspace(0, 3, rng.integers(2, 6)) if rng.random() < 0.7 else [0.0, 0.4, 3.0]
    return network, times, {"schedule": schedule, "cells": 4, "passages": {"few": f"{species[0]} < 3"}}


def differences(seed):
    """How many of 64 trajectories of a random network are not those of XLA."""
    network, times, options = random_network(seed)
    _, found, right, status = compare(network, times, number=64, **options)
    return int(np.sum(differing(found, right) | (status[0] != status[1])))


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(s, marks=pytest.mark.slow) for s in range(2, 24))])
def test_random_networks_run_as_on_xla(seed):
    assert differences(seed) == 0


def test_a_logarithm_that_is_wrong_by_a_thousandth_shows_in_trajectories(monkeypatch):
    def wrong(b, dtype, x):
        return b.operate("fmul", dtype, log(b, dtype, x), b.constant(dtype, 1.001))

    monkeypatch.setitem(primitives.RULES, "log", primitives.elementwise(wrong))
    assert differences(0) > 0  # what the test above asks to be zero


# what is covered


def covered(network, times=(0.0, 1.0, 2.0), **options):
    request = Request(times=np.asarray(times, float), trajectories=100, seed=0, **options)
    with double_precision():
        program, _ = choose_backend(*prepare(network, request, "cpu"), request, CPU)
    return program.native, program.backend_reason


def cell_arms_of_two_kinds():
    from jaxsim.models.cell.study import cell_arms, cell_schedules

    for arm, schedule in zip(cell_arms(), cell_schedules(cell_arms(), 96.0), strict=True):
        if arm.name in ("untreated", cell_arms()[-1].name):
            yield js.models.cell(), {"schedule": schedule, "times": (0.0, 48.0, 96.0)}


def organism():
    yield js.models.organism(), {}


@pytest.mark.parametrize("shipped", [cell_arms_of_two_kinds, pytest.param(organism, marks=pytest.mark.slow)])
def test_every_shipped_model_is_covered(shipped):
    """A JAX whose jaxprs are other ones is noticed here: one primitive too many, and XLA runs what was native."""
    for network, options in shipped():
        assert covered(network, **options) == (True, "")


def test_what_is_not_covered_runs_on_xla_and_says_why(monkeypatch):
    network = js.Network({"X": 0}, ["-> X, 3", "X -> , 1"])
    assert covered(network) == (True, "")
    assert covered(network, np.linspace(0.0, 1.0, 200)) == (True, "")
    assert covered(network, backend="xla") == (False, "asked for")
    assert covered(network, method="tau_leap") == (False, "there is no native form of method 'tau_leap' yet")
    gamma = js.Reaction({}, {}, "1", {"X": "random_gamma(2, 3)"})
    native, reason = covered(js.Network({"X": 0}, [gamma, "X -> , 1"]))
    assert (native, reason) == (False, "a loop inside a step")
    many = js.Network({f"S{i}": 1 for i in range(200)}, [f"S{i} -> , 1" for i in range(200)])
    assert covered(many) == (False, "the network has more than 128 reactions")
    said = r"backend='native' cannot run this: there is no native form of method 'tau_leap' yet; leave"
    with pytest.raises(js.SimulationError, match=said):
        js.simulate(network, times=[1.0], method="tau_leap", backend="native", progress=False)
    with pytest.raises(js.SimulationError, match="backend='fast' is unknown"):
        js.simulate(network, times=[1.0], backend="fast", progress=False)
    monkeypatch.setattr("jaxsim.ensemble.prepare.find_spec", lambda name: None)
    assert covered(network) == (False, "llvmlite is not installed; install it with: pip install llvmlite")
    out = js.simulate(network, times=[1.0], trajectories=10, progress=False)
    assert out.attrs["backend"] == "xla" and out.attrs["backend_reason"].startswith("llvmlite is not installed")


def test_a_primitive_without_a_rule_is_named(monkeypatch):
    monkeypatch.delitem(primitives.RULES, "log")
    network = js.Network({"X": 1}, ["-> X, 3", "X -> , 1.5"])
    assert covered(network) == (False, "the primitive log")


STUDY = """
[study]
name = "decay"
seed = 3
[model]
species.X = 5
parameters.k = 1.0
reactions = ["X -> , k"]
[simulation]
times = [0.0, 1.0]
trajectories = 40
chunk = 10
"""


def test_a_study_goes_on_under_the_backend_it_was_begun_on_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path / "decay.toml").write_text(STUDY)
    js.run_study(tmp_path / "decay.toml", progress=False)
    manifest = json.loads((tmp_path / "decay.store" / "manifest.json").read_text())
    assert manifest["backend"] == "native"
    monkeypatch.setattr("jaxsim.ensemble.prepare.find_spec", lambda name: None)
    with pytest.raises(js.SimulationError, match=r"backend='native' cannot run this: llvmlite is not installed"):
        js.resume_study(tmp_path / "decay.store", progress=False)


@pytest.mark.parametrize("species", [1, 3, 19])
def test_sums_of_a_batch_are_those_of_the_accumulators(species):
    rng = np.random.default_rng(0)
    times, lanes = 5, 64
    grid = rng.integers(0, 2**31 - 1, (times, lanes, species)).astype(np.int32)
    whole = grid.copy()
    grid[2, ::2], whole[2, ::2] = UNWRITTEN, whole[1, ::2]
    limits = rng.integers(0, times + 1, lanes).astype(np.int64)
    valid = np.arange(times)[:, None] < limits
    first = np.where(rng.random((2, lanes)) < 0.3, np.inf, rng.random((2, lanes)) * 4)
    save = np.arange(times) * 1.0
    moments, passage = Moments(times, species), Passage(("a", "b"), times)
    with double_precision():
        batch = Batch(np.transpose(whole, (2, 0, 1)), valid, tuple(first), limits == times, save, {})
        batch = jax.tree.map(jnp.asarray, batch)
        sums = moments.add(moments.start(), batch), passage.add(passage.start(), batch)
        sums = jax.tree.map(np.asarray, sums)
        right = moments.result(sums[0]), passage.result(sums[1])
        empty = jax.tree.map(np.asarray, (moments.start(), passage.start()))
    found = (
        moments.result(add_moments(empty[0], grid, limits)),
        passage.result(add_passages(empty[1], first, limits == times, save)),
    )
    for ours, theirs in zip(found, right, strict=True):
        for name in theirs:
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-12 if name.startswith("passage") else 0)
