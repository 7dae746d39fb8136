"""Every method of js.simulate lowers for CUDA at a GPU's widths, and its program does not grow with the lanes.

Lowering needs no GPU and no CUDA wheels: it makes the program that XLA would be given there.
"""

import re
from dataclasses import replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsim as js
from jaxsim.ensemble.prepare import GPU_WIDTHS, lane_count
from jaxsim.ensemble.request import Request, prepare
from jaxsim.kernels import empty_run, run_slice
from jaxsim.kernels.exact.blocked import Blocked
from jaxsim.kernels.exact.direct import Direct
from jaxsim.kernels.exact.partial_propensity import PartialPropensities
from jaxsim.kernels.exact.thinning import Thinning
from jaxsim.kernels.state import lanes_counted
from jaxsim.runtime.double import double_precision
from jaxsim.runtime.programs import compiler_options
from jaxsim.runtime.workers import with_parts
from jaxsim.statistics import exact_sums

WIDTHS = (4096, GPU_WIDTHS[-1])  # lanes
OPERATION = re.compile(r'= "?((?:stablehlo|chlo|func)\.\w+)')
HOST = re.compile(r"callback|infeed|outfeed|send_to_host")

PAIR = js.Network({"X": 10}, ["X -> , m", "-> X, k"], {"k": 10.0, "m": js.Lognormal(1.0, cv=0.3)})
CHAIN = js.Network({f"X{i}": 5 for i in range(50)}, [f"X{i} -> X{(i + 1) % 50}, k" for i in range(50)], {"k": 1.0})
BINDING = js.Network(
    {f"X{i}": 5 for i in range(24)},
    [f"X{i} + X{j} -> X{(i + j) % 24}, k" for i in range(24) for j in range(i)],
    {"k": 1.0},
)
DOSED = js.Network(
    {"X": 10},
    ["X -> @ m*drug/(1 + drug)*X", "-> X, k"],
    {"k": 10.0, "m": 1.0},
    inputs={"drug": js.OneCompartment(0.5, 2.0)},
)
DOSES = js.Schedule(drug=js.Dose(3.0, at=[0.0, 1.5]), X=js.Dose(5, at=0.5))

CASES = {
    "direct": (PAIR, [1.0], {}),
    "direct, save grid": (PAIR, [1.0, 2.0, 3.0], {"passages": {"gone": "X == 0"}}),
    "rows": (CHAIN, [1.0, 2.0], {}),
    "groups": (BINDING, [1.0, 2.0], {}),
    "thinning": (DOSED, [1.0, 2.0], {"schedule": DOSES}),
    "cell fate": (js.models.cell(), [24.0, 48.0, 96.0], {}),
    **{method: (DOSED, [1.0, 2.0], {"method": method, "schedule": DOSES})
       for method in ("tau_leap", "midpoint_tau_leap", "trapezoidal_tau_leap", "implicit_tau_leap", "hybrid")},
}  # fmt: skip
STEPPERS = {"direct": Direct, "rows": Blocked, "groups": PartialPropensities, "thinning": Thinning}


def lowered(network, times, lanes, **arguments):
    """Return the program of the event loop with that many lanes, and its text as lowered for CUDA."""
    request = Request(times=np.asarray(times, float), trajectories=10_000_000, seed=0, **arguments)
    with double_precision():
        program, inputs = prepare(network, request, "gpu")
        program = replace(program, lanes=lanes)
        inputs = with_parts(inputs, [(0, lanes)])
        empty = jax.eval_shape(lambda: empty_run(program))

        def one(inputs, run):
            return run_slice(program, inputs, run)

        traced = jax.jit(one, donate_argnums=1).trace(inputs, empty)
        return program, traced.lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.parametrize("case", CASES)
def test_program_for_a_gpu_does_not_grow_with_its_lanes(case):
    network, times, arguments = CASES[case]
    (program, narrow), (_, wide) = (lowered(network, times, lanes, **arguments) for lanes in WIDTHS)
    assert case not in STEPPERS or type(program.stepper) is STEPPERS[case]
    operations = OPERATION.findall(wide)
    assert operations == OPERATION.findall(narrow) and len(operations) > 100
    assert not HOST.search(wide)


@pytest.mark.parametrize(
    ("species", "times", "trajectories", "lanes"),
    [(1, 1, 50, 64), (1, 1, 10_000, 1 << 14), (2, 1, 10**6, 1 << 20), (2, 1, 10**8, 1 << 22), (17, 49, 10**6, 1 << 20)],
)
def test_lanes_of_a_gpu_grow_with_the_trajectories_as_far_as_its_memory(species, times, trajectories, lanes):
    assert lane_count(species, times, trajectories, "gpu") == lanes


def test_the_loop_of_a_gpu_is_captured_unless_it_is_switched_off(monkeypatch):
    device = SimpleNamespace(platform="gpu")
    assert "WHILE" in compiler_options(device)["xla_gpu_enable_command_buffer"]
    monkeypatch.setenv("JAXSIM_GPU_GRAPH", "off")
    assert compiler_options(device) == {}


def test_sums_cut_in_slices_are_noticed(monkeypatch):
    """The negative control: sums unrolled over the lanes make another program for every width."""
    monkeypatch.setattr(exact_sums, "SLICED_LANES", 1 << 30)

    def text(lanes):
        return jax.jit(lanes_counted).trace(jnp.zeros((lanes,), bool)).lower(lowering_platforms=("cuda",)).as_text()

    assert len(OPERATION.findall(text(1 << 14))) > 2 * len(OPERATION.findall(text(4096)))


@pytest.mark.parametrize("lanes", [96, 2048, 4096, 4100])
def test_sums_are_exact_at_every_width(lanes):
    values = np.random.default_rng(lanes).integers(0, 1 << 62, (3, lanes), dtype=np.uint64)
    with double_precision():
        total = exact_sums.lane_sum(lambda v: v, jnp.asarray(values))
        union = exact_sums.lane_or(jnp.asarray(values))
    assert [int(v) for v in total] == [sum(map(int, row)) % (1 << 64) for row in values]
    np.testing.assert_array_equal(np.bitwise_or.reduce(np.asarray(union), axis=-1), np.bitwise_or.reduce(values, -1))
