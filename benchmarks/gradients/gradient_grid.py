"""Rows 1 to 3: what does not depend on chance. Ripple of the derivative over a leap, and the Poisson sampler."""

import jax
import numpy as np
from scipy import stats

import jaxsim as js
from benchmarks.gradients import immigration_death as a
from benchmarks.gradients import tumour_and_blockade as b
from benchmarks.gradients.gradient_lines import line
from jaxsim.gradient.check import ripple
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import posed
from jaxsim.random import poisson


def ripples(network, schedule, objective, free, step, shifts):
    found = free_numbers(network, schedule, free, None)
    return ripple(posed(found, objective, 2, 0, (0.0, None), step, None, shifts, 0))


def smooth(_):
    """Ripple of model A, and a bolus against differences of the noiseless mean."""
    for shifts, words in ((1, "plain cell mean"), (4, "double averaging")):
        found = ripples(a.NETWORK, a.PLAN, js.mean("X", at=a.END), ["drug.at"], a.STEP, shifts)
        yield line(f"ripple of model A, {words}", found, "<= 0.04", found <= 0.04)
    reactions = ["-> X @ k0*(1 - drug/(1 + drug))", "X -> , gamma"]
    bolus = js.Network(
        {"X": 100}, reactions, {"k0": 25.0, "gamma": 0.25}, inputs={"drug": js.OneCompartment(0.35, 1.0)}
    )
    found = js.gradient(bolus, js.mean("X", at=a.END), free=["drug.at"], schedule=a.PLAN, step=a.STEP,
                        method="controlled_score", trajectories=4096)  # fmt: skip
    with jax.enable_x64(True):
        sides = [
            js.mean_field(bolus, times=[a.END], schedule=js.Schedule(drug=js.Dose(6.0, at=12.0 + h)))[0, 0]
            for h in (0.05, -0.05)
        ]
        slope = float(sides[0] - sides[1]) / 0.1
    error = abs(found.vector[0] / slope - 1)
    yield line("bolus, relative error of the derivative in its time", error, "<= 0.02", error <= 0.02)


def steep(_):
    """Ripple of the steep onset of model B."""
    found = ripples(b.network(1000.0), b.plan(), js.mean("T", at=b.END), ["block.at"], 0.05, 4)
    yield line("ripple of model B, double averaging", found, "<= 0.08", found <= 0.08)


def sampler(_):
    """Poisson variates by inversion: total variation over a fine grid of uniforms."""
    bits = 1 << 22
    u = ((np.arange(bits) + 0.5) / bits).astype(np.float32)
    draw = jax.jit(poisson)
    for mean in (0.01, 0.5, 3.0, 5.99, 6.0, 12.0, 30.0, 200.0, 5e3):
        counts = np.bincount(np.asarray(draw(u, np.float32(mean), (1 - u.astype(np.float64)).astype(np.float32))))
        law = stats.poisson.pmf(np.arange(counts.size), mean)
        distance = 0.5 * np.abs(counts / bits - law).sum()
        yield line(f"total variation of Poisson at mean {mean:g}", distance, "<= 2e-4", distance <= 2e-4)
