"""Estimators of ours and of stochastix on one case with a closed form: bias, deviation and time.

Birth at rate 10, death at rate 1 of each, from none, the mean at time 2: 10 (1 - exp(-2)), with derivatives 0.8647
and -5.940 in the two rates. ``python -m benchmarks.gradients.gradient_peers`` prints a table and writes a JSON
record. Times are processor seconds for a gradient in both rates over one trajectory, compiled before; `work` is what
a standard error of 1 % of the derivative costs, in processor seconds: deviation squared by time; none is given where
|z| > 3.3, for what is biased does not come nearer. Estimators on leaps are taken with steps of 0.005, whose own bias
is 0.1 %.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks import record

BIRTH, DEATH, END = 10.0, 1.0, 2.0
MEAN = BIRTH * (1 - np.exp(-END))
TRUTH = np.array([1 - np.exp(-END), -BIRTH * (1 - np.exp(-END) * (1 + END))])
STEPS = 128  # of stochastix: the chance of more than 128 events is below 1e-30
LIMIT = 3.3


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trajectories", type=int, default=20_000, help="of each estimator (20000)")
    parser.add_argument("--out", type=Path, default=record.default_path("gradient-peers"))
    options = parser.parse_args(arguments)
    result = {"kind": "gradient-peers", "truth": TRUTH.tolist(), **record.describe(), "rows": []}
    heads = (("", 53), ("d/d birth", 17), ("d/d death", 17), ("bias", 15), ("z", 13), ("deviation", 13), ("us", 7))
    print(" ".join(f"{head:>{width}}" for head, width in (*heads, ("work", 13))))
    for name, run in {**ours(), **theirs()}.items():
        result["rows"].append(measured(name, run, options.trajectories))
        print(shown(result["rows"][-1]), flush=True)
        record.write(result, options.out)


def measured(name, run, trajectories):
    """Run once to compile and once for time; `run` returns gradient, standard errors and number."""
    run(trajectories, 1)
    began = time.process_time()
    gradient, error, number = run(trajectories, 2)
    seconds = (time.process_time() - began) / number
    deviation = error * np.sqrt(number)
    z = [float((g - t) / e) if e > 0 else None for g, t, e in zip(gradient, TRUTH, error, strict=True)]
    unbiased = all(one is not None and abs(one) < LIMIT for one in z)
    work = ((deviation / (0.01 * TRUTH)) ** 2 * seconds).tolist()
    return {
        "name": name, "gradient": gradient.tolist(), "error": error.tolist(), "trajectories": number,
        "bias": (gradient / TRUTH - 1).tolist(), "z": z, "deviation": deviation.tolist(),
        "microseconds": seconds * 1e6, "work": work if unbiased else None,
    }  # fmt: skip


def shown(row):
    def two(key, style):
        return " ".join(format(value, style) for value in row[key])

    value = " ".join(f"{g:8.4f} +-{e:6.4f}" for g, e in zip(row["gradient"], row["error"], strict=True))
    z = " ".join("     -" if one is None else f"{one:6.1f}" for one in row["z"])
    work = "biased" if row["work"] is None else two("work", "6.2g")
    return (f"{row['name']:<53} {value} {two('bias', '+7.1%')} {z} {two('deviation', '6.3g')} "
            f"{row['microseconds']:7.2f} {work}")  # fmt: skip


def ours():
    """Every method that takes it, by name."""
    import jaxsim as js

    network = js.Network({"X": 0}, ["-> X, birth", "X -> , death"], {"birth": BIRTH, "death": DEATH})
    given = {"free": ["birth", "death"], "step": 0.005, "widths": {"birth": 0.5, "death": 0.05}}

    def one(method, more):
        def run(trajectories, seed):
            found = js.gradient(network, js.mean("X", at=END), method=method, trajectories=trajectories, seed=seed,
                                **given, **more)  # fmt: skip
            return found.vector, found.error, found.trajectories

        return run

    methods = (
        *("score", "controlled_exact_score", "leap_score", "controlled_score", "surrogate", "langevin"),
        *("difference", "split_difference"),
    )
    settings = {method: {"scored": []} if method == "surrogate" else {} for method in methods}
    return {f"jaxsim {method}": one(method, more) for method, more in settings.items()}


def theirs():
    """Its pathwise solvers, its score function without and with baseline, and its differences."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import stochastix as sx
        from stochastix.utils.optimization import grad, reinforce_loss

    def network(rates):
        law = sx.kinetics.MassAction
        return sx.ReactionNetwork(
            [sx.Reaction("0 -> X", law(k=rates[0]), name="birth"), sx.Reaction("X -> 0", law(k=rates[1]), name="death")]
        )

    def end(rates, key, solver):
        result = sx.stochsimsolve(key, network(rates), {"X": 0}, T=END, max_steps=STEPS, solver=solver)
        return result.x["X"][-1], result

    solvers = {
        "DifferentiableDirect (default)": sx.DifferentiableDirect(),
        "DifferentiableFirstReaction": sx.DifferentiableFirstReaction(),
        "DGA": sx.DGA(),
        "DirectMethod": sx.DirectMethod(),
    }
    found = {}
    for name, solver in solvers.items():
        found[f"stochastix {name}"] = _batched(lambda r, k, s=solver: _grad(lambda q: end(q, k, s)[0])(r))

    def scored(rates, key, baseline):
        _, path = end(rates, key, sx.DirectMethod())
        returns = path.x["X"][-1] - baseline
        return _grad(lambda q: -reinforce_loss()(network(q), path, returns))(rates)

    for name, baseline in (("without baseline (default)", 0.0), ("baseline the mean", MEAN)):
        found[f"stochastix reinforce_loss, {name}"] = _batched(lambda r, k, b=baseline: scored(r, k, b))
    for width in (0.1, 1.0):
        found[f"stochastix gradfd, step {width:g}"] = _batched(
            lambda r, k, w=width: grad.gradfd(lambda q: end(q, k, sx.DirectMethod())[0], w)(r)
        )
    return found


def _grad(function):
    import jax

    return jax.grad(function)


def _batched(one, lanes=1000):
    """Return a run of batches of the gradient of one trajectory."""
    import jax
    import jax.numpy as jnp

    rates = jnp.array([BIRTH, DEATH], jnp.float32)
    several = jax.jit(jax.vmap(lambda key: one(rates, key)))

    def run(trajectories, seed):
        keys = jax.random.split(jax.random.key(seed), (max(1, trajectories // lanes), lanes))
        parts = np.concatenate([np.asarray(several(batch), np.float64) for batch in keys])
        return parts.mean(axis=0), parts.std(axis=0, ddof=1) / np.sqrt(len(parts)), len(parts)

    return run


if __name__ == "__main__":
    main()
