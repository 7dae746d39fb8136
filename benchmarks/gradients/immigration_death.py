"""Immigration-death under a drug pulse, k(t) = k0 (1 - E(t - theta)), and its exact law with derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

import jaxsim as js

END, STEP, START, K0, GAMMA = 20.0, 0.05, 100, 25.0, 0.25
LINE = 46  # P(X <= 46) is about 0.13

NETWORK = js.Network(
    {"X": START},
    ["-> X @ k0*(1 - drug/(1 + drug))", "X -> , gamma"],
    {"k0": K0, "gamma": GAMMA},
    inputs={"drug": js.OneCompartment(0.35, 1.0, absorption_rate=2.0)},
)
PLAN = js.Schedule(drug=js.Dose(6.0, at=12.0))
FREE = ["drug.amount", "drug.at"]  # in the order of the components
OBJECTIVES = {
    "mean": js.mean("X", at=END),
    "variance": js.variance("X", at=END),
    "probability": js.probability(f"X <= {LINE}", at=END),
    "cvar": js.cvar("X", 0.9, at=END),
}
MANY = 260  # counts beyond have a probability below 1e-40


def edges():
    """Of the leaps."""
    return np.linspace(0.0, END, round(END / STEP) + 1)


def functionals(x, law):
    """Value of each objective's influence function at every count; its mean's derivative is the gradient."""
    mean, upper = law @ x, x[np.searchsorted(np.cumsum(law), 0.9)]
    return {
        "mean": x,
        "variance": (x - mean) ** 2,
        "probability": (x <= LINE) * 1.0,
        "cvar": upper + np.maximum(x - upper, 0.0) / 0.1,
    }


def leap_law(exposure, slopes, start=START, many=MANY):
    """Law of the leap chain after every step in `exposure` (the leaf k0 (1 - E)), and its derivatives [P, count]."""
    counts = np.arange(many + 1)
    off = int(GAMMA * STEP * many + 12 * np.sqrt(GAMMA * STEP * many) + 12)
    deaths = np.zeros((many + 1, many + 1 + off))
    lost = np.arange(off + 1)
    for x in counts:
        deaths[x, x + off - lost] += stats.poisson.pmf(lost, GAMMA * STEP * x)
    most = float(np.max(exposure) * STEP)
    born = np.arange(int(most + 12 * np.sqrt(most)) + 26)

    def moved(law, births):
        spread = np.convolve(law @ deaths, births)
        after = spread[off : off + many + 1].copy()
        after[0] += spread[:off].sum()
        return after

    law, slope = np.eye(many + 1)[start], np.zeros((slopes.shape[1], many + 1))
    for rate, by in zip(exposure, slopes, strict=True):
        births = stats.poisson.pmf(born, rate * STEP)
        change = np.concatenate([[0.0], births[:-1]]) - births
        base = moved(law, change)
        slope = np.stack([moved(s, births) + base * (STEP * b) for s, b in zip(slope, by, strict=True)])
        law = moved(law, births)
    return counts, law, slope


def exact_law():
    """Law of X at the end of the exact process, and its derivatives: survivors are binomial, newcomers Poisson."""

    def newcomers(theta):
        plan = js.Schedule(drug=js.Dose(theta[0], at=theta[1:]))
        marks = jnp.concatenate([jnp.linspace(0.0, theta[1], 801), jnp.linspace(theta[1], END, 1601)[1:]])
        nodes, weights = np.polynomial.legendre.leggauss(4)
        half, middle = 0.5 * jnp.diff(marks), 0.5 * (marks[1:] + marks[:-1])
        times = (middle[:, None] + half[:, None] * jnp.asarray(nodes)[None, :]).reshape(-1)
        drug = js.concentration(NETWORK.inputs["drug"], plan["drug"][0], times)
        rate = K0 / (1.0 + drug) * jnp.exp(-GAMMA * (END - times))
        return jnp.sum(half[:, None] * rate.reshape(-1, 4) * jnp.asarray(weights)[None, :])

    with jax.enable_x64(True):
        theta = jnp.array([6.0, 12.0])
        mean, slope = float(newcomers(theta)), np.asarray(jax.jacfwd(newcomers)(theta))
    counts = np.arange(MANY + 1)
    left = stats.binom.pmf(np.arange(START + 1), START, np.exp(-GAMMA * END))
    new = stats.poisson.pmf(counts, mean)
    change = np.concatenate([[0.0], new[:-1]]) - new
    law, base = (np.convolve(left, part)[: MANY + 1] for part in (new, change))
    return counts, law, slope[:, None] * base[None, :]
