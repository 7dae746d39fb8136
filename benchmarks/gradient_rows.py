"""The rows of the acceptance table: each a function of the number of trajectories that yields what, number, limit."""

from dataclasses import replace

import immigration_death as a
import jax
import numpy as np
import tumour_and_blockade as b
from scipy import stats

import jaxsim as js
from jaxsim.gradient.free import free_numbers
from jaxsim.gradient.gradient import posed
from jaxsim.gradient.ripple import ripple
from jaxsim.gradient.tables import build_tables

Z = 3.3


def line(what, number, limit, passes):
    return {"what": what, "number": np.asarray(number, float), "limit": limit, "passes": passes}


def model_a(objective, method, trajectories, **more):
    given = {"free": a.FREE, "schedule": a.PLAN, "step": a.STEP, "trajectories": trajectories} | more
    return js.gradient(given.pop("network", a.NETWORK), objective, method=method, **given)


def truth_a():
    tables, slopes = build_tables(free_numbers(a.NETWORK, a.PLAN, a.FREE, None), a.NETWORK, a.edges())
    counts, law, slope = a.leap_law(tables.exposure[:, 0], slopes.tables.exposure[:, 0])
    return {name: slope @ f for name, f in a.functionals(counts, law).items()}


def ripples(network, schedule, objective, free, step, shifts):
    return ripple(
        posed(free_numbers(network, schedule, free, None), objective, 2, 0, (0.0, None), step, None, shifts, 0)
    )


def row_1(_):
    """Ripple of model A, and a bolus against differences of the noiseless mean."""
    plain = ripples(a.NETWORK, a.PLAN, js.mean("X", at=a.END), ["drug.at"], a.STEP, 1)
    yield line("ripple of model A, plain cell mean", plain, "<= 0.04", bool(plain[0] <= 0.04))
    double = ripples(a.NETWORK, a.PLAN, js.mean("X", at=a.END), ["drug.at"], a.STEP, 4)
    yield line("ripple of model A, double averaging", double, "<= 0.04", bool(double[0] <= 0.04))
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
    yield line("bolus, relative error of the derivative in its time", error, "<= 0.02", bool(error <= 0.02))


def row_2(_):
    """Ripple of the steep onset of model B."""
    found = ripples(b.network(1000.0), b.plan(), js.mean("T", at=b.END), ["block.at"], 0.05, 4)
    yield line("ripple of model B, double averaging", found, "<= 0.08", bool(found[0] <= 0.08))


def row_3(_):
    """Poisson variates by inversion: total variation over a fine grid of uniforms."""
    from jaxsim.random import poisson

    bits = 1 << 22
    u = ((np.arange(bits) + 0.5) / bits).astype(np.float32)
    draw = jax.jit(poisson)
    for mean in (0.01, 0.5, 3.0, 5.99, 6.0, 12.0, 30.0, 200.0, 5e3):
        counts = np.bincount(np.asarray(draw(u, np.float32(mean), (1 - u.astype(np.float64)).astype(np.float32))))
        law = stats.poisson.pmf(np.arange(counts.size), mean)
        distance = 0.5 * np.abs(counts / bits - law).sum()
        yield line(f"total variation of Poisson at mean {mean:g}", distance, "<= 2e-4", bool(distance <= 2e-4))


def row_4(trajectories):
    """Four functionals by two parameters against the exact laws."""
    leap = truth_a()
    counts, law, slope = a.exact_law()
    exact = {name: slope @ f for name, f in a.functionals(counts, law).items()}
    for method, truth in (("leap_score", leap), ("controlled_score", leap), ("score", exact), ("difference", leap)):
        for name, objective in a.OBJECTIVES.items():
            widths = {"drug.amount": 0.2, "drug.at": 0.1} if method == "difference" else None
            found = model_a(objective, method, trajectories, seed=41, widths=widths)
            z = (found.vector - truth[name]) / found.error
            limit = "|z| < 3.3 (amount, time)" if method != "difference" else "|z| < 3.3 beyond a bias of 2e-3"
            slack = 2e-3 * np.abs(truth[name]) / found.error if method == "difference" else 0.0
            yield line(f"{method}, {name}: z", z, limit, bool(np.all(np.abs(z) < Z + slack)))
            relative = found.error / np.abs(truth[name])
            yield line(f"{method}, {name}: relative standard error", relative, "shown", None)
    for name in ("mean", "variance", "cvar"):
        for method in ("surrogate", "langevin"):
            found = model_a(a.OBJECTIVES[name], method, min(trajectories, 200_000), seed=42)
            bias = found.vector / leap[name] - 1
            yield line(f"{method} (biased), {name}: relative bias", bias, "labelled", None)


def row_5(_):
    """The linear critic on the linear mean."""
    found = model_a(a.OBJECTIVES["mean"], "controlled_score", 8192)
    spread = found.error * np.sqrt(found.trajectories) / np.abs(found.vector)
    yield line("relative standard deviation with the linear critic", spread, "<= 1e-3", bool(np.all(spread <= 1e-3)))


def row_6(_):
    """Standard deviation per trajectory against the size of the system."""
    sizes, spreads = (100, 1000, 10_000, 100_000, 1_000_000), {"leap_score": [], "surrogate": []}
    for size in sizes:
        network = a.NETWORK.with_parameters(k0=size * a.GAMMA).with_initial(X=size)
        for method, rows in spreads.items():
            found = model_a(js.mean("X", at=a.END), method, 65_536, network=network, free=["drug.at"], seed=6)
            rows.append(float(found.error[0] * np.sqrt(found.trajectories) / abs(found.vector[0])))
    score = np.array(spreads["leap_score"])
    passes = bool(np.all(np.abs(score / 22.7 - 1) <= 0.05))
    yield line("centred score, relative deviation at N = 1e2..1e6", score, "22.7 +- 5 %", passes)
    slope = np.polyfit(np.log(sizes), np.log(spreads["surrogate"]), 1)[0]
    yield line("slope of the path's deviation with N", slope, "-0.50 +- 0.05", bool(abs(slope + 0.5) <= 0.05))


def row_7(_):
    """Deviation against the horizon, repeating dose; causal credit against none."""
    found = {}
    for end in (10.0, 100.0, 1000.0):
        build = _moved_plan(np.arange(2.0, end, 8.0))
        objective = js.auc("X", during=(0.0, end)) * (1.0 / end)
        given = {"at": np.array(0.0), "trajectories": 8192, "method": "leap_score", "step": 0.05, "seed": 7}
        found[end] = float(js.gradient(build, objective, **given).error[0])
        if end == 100.0:  # a tail that holds everything is the mean, without causal credit
            whole = js.Objective(tuple(replace(t, summary="tail mean", level=1e-9) for t in objective.terms))
            ratio = float((found[end] / js.gradient(build, whole, **given).error[0]) ** 2)
            yield line("variance with causal credit over without", ratio, "<= 0.6", ratio <= 0.6)
    ratio = found[1000.0] / found[10.0]
    yield line("deviation of the time average, horizon 1000 over 10", ratio, "<= 1.3", ratio <= 1.3)


def _moved_plan(times):
    def build(shift):
        return a.NETWORK, js.Schedule(drug=js.Dose(6.0, at=times + shift))

    return build


def row_8(_):
    """Cost against the forward chain, model B: scores at any P, reverse surrogate at P = 2 to 32, and its memory."""
    from gradient_cost import costs

    score, surrogate, memory = costs((2, 8, 32))
    yield line("score over forward, P = 2, 8, 32", score, "<= 1.2", bool(np.all(score <= 1.2)))
    passes = bool(np.all(surrogate <= 3.5) and np.ptp(surrogate) <= 0.2 * surrogate.mean())
    yield line("surrogate over forward, P = 2, 8, 32", surrogate, "<= 3.5 and flat within 20 %", passes)
    yield line("kB per lane of the surrogate's reverse pass", memory / 1000, "<= 9", bool(np.all(memory <= 9000)))


def model_b(method, trajectories, copies=1000.0, **more):
    objective = more.pop("objective", js.probability("T == 0", at=b.END))
    given = {"free": ["block.amount", "block.at"], "schedule": b.plan(), "step": 0.05, "trajectories": trajectories}
    return js.gradient(b.network(copies), objective, method=method, **(given | more))


def row_9(_):
    """Variance of the score over that of the hybrid, model B with 1000 copies."""
    score = model_b("leap_score", 8192, seed=9)
    hybrid = model_b("surrogate", 32_768, scored=["T"], seed=9)
    ratio = score.covariance[1, 1] * score.trajectories / (hybrid.covariance[1, 1] * hybrid.trajectories)
    yield line("variance of the score over the hybrid, start of the blockade", ratio, ">= 1e4", bool(ratio >= 1e4))
    spread = np.sqrt(hybrid.covariance[1, 1] * hybrid.trajectories)
    yield line("deviation of the hybrid per trajectory, start of the blockade", spread, "0.43 in the survey", None)


def row_11(_):
    """The check catches a planted error and a biased estimator, and paths refuse a jump."""
    given = {"free": a.FREE, "schedule": a.PLAN, "step": a.STEP, "widths": {"drug.amount": 0.4, "drug.at": 0.25}}
    many = {"trajectories": 262_144, "pairs": 65_536, "seed": 11}
    check = js.check_gradient(a.NETWORK, js.mean("X", at=a.END), method="leap_score", **many, **given)
    yield line(
        "planted error of a tenth in the amount: z", check.planted_z[0], "|z| > 5", bool(abs(check.planted_z[0]) > 5)
    )
    yield line("smallest relative bias seen (amount, time)", check.smallest_bias, "shown", None)
    try:
        js.gradient(
            a.NETWORK, a.OBJECTIVES["probability"], method="langevin", **{k: given[k] for k in ("free", "schedule")}
        )
        refused = False
    except js.SimulationError:
        refused = True
    yield line("a path of an indicator is refused", float(refused), "1", refused)


def row_12(_):
    """The hybrid on model B against coupled differences."""
    check = js.check_gradient(
        b.network(1000.0), js.probability("T == 0", at=b.END), free=["block.amount", "block.at"], schedule=b.plan(),
        step=0.05, method="surrogate", scored=["T"], trajectories=131_072, pairs=131_072, seed=12,
        widths={"block.amount": 4.0, "block.at": 0.4},
    )  # fmt: skip
    yield line("hybrid against differences: z (amount, time)", check.z, "|z| < 3", bool(np.all(np.abs(check.z) < 3)))
    limits = np.array([0.03, 0.25])
    passes = bool(np.all(check.smallest_bias <= limits))
    yield line("smallest relative bias seen (amount, time)", check.smallest_bias, "<= 0.03, 0.25", passes)


def row_13(_):
    """The gradient in the whole effect, summed, is that of a shift of the effect; reverse equals the forward score."""
    found = js.switching_function(
        b.network(1000.0), js.probability("T == 0", at=b.END), of="block/(1 + block)", schedule=b.plan(), step=0.1,
        bins=28, trajectories=32_768, scored=["T"], seed=13,
    )  # fmt: skip
    total = float(found.value.sum() * np.diff(found.edges)[0])
    error = abs(total / found.total - 1)
    yield line("integral of the switching function over its total, less 1", error, "<= 1e-4", error <= 1e-4)
    yield line("switching function per day, by day", found.value, "shown", None)
    yield line("its standard error", found.error, "shown", None)


def row_10(_):
    """All-score surrogate in reverse against the forward score, same trajectories."""
    forward = model_a(js.mean("X", at=a.END), "leap_score", 32 * 64, seed=10)
    reverse = model_a(js.mean("X", at=a.END), "surrogate", 32 * 64, seed=10, scored=["X"])
    error = np.abs(forward.vector / reverse.vector - 1)
    yield line("forward over reverse score, less 1 (baselines of other batches)", error, "shown", None)


def row_15(_):
    """Cost of exact scores; their z are those of row 4."""
    from gradient_cost import exact_costs

    plain, scored, simulated = exact_costs()
    yield line("exact score over the same paths without", scored / plain, "1.34 in the survey", None)
    yield line("exact score over js.simulate", scored / simulated, "shown", None)


ROWS = {
    1: row_1, 2: row_2, 3: row_3, 4: row_4, 5: row_5, 6: row_6, 7: row_7, 8: row_8, 9: row_9, 10: row_10, 11: row_11,
    12: row_12, 13: row_13, 15: row_15,
}  # fmt: skip
