"""js.optimise beside exact optima: one onset, two ordered doses, one amount under a limit on a chance.

X is made, and a drug stops that; so is Y, which the drug harms too. The mean of X is an integral, the law of Y is
Poisson: optima and gains are known. For each problem ten seeds: regret as a share of the gain that is possible, whether
the interval of the gain holds the exact gain, and the regret of searches without gradients at as many trajectories.

    python -m benchmarks.optimisation.optimisation_exact --problems onset --seeds 10

Every search is a line of a file, from which a run that was stopped goes on.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import optimize, stats

import jaxsim as js
from benchmarks import record
from benchmarks.optimisation.optimisation_rivals import cma_es, nelder_mead, random_search
from jaxsim.optimise.criterion import criterion
from jaxsim.optimise.optimise import posed_search

END, DECAY, LOSS, MADE, START, TOXIC, LATE = 10.0, 0.7, 0.5, 20.0, 40.0, 0.3, 7.0
MOST, FEW = 0.1, 18  # the chance that fewer than so many of Y are left
NETWORK = js.Network(
    {"X": 40, "Y": 40},
    ["-> X @ 20/(1 + drug)", "X -> , 0.5", "-> Y @ 20/(1 + toxic*drug)", "Y -> , 0.5"],
    {"toxic": TOXIC},
    inputs={"drug": js.OneCompartment(DECAY, 1.0)},
)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
RIVALS = {"Nelder-Mead": nelder_mead, "random search": random_search, "CMA-ES": cma_es}
SETTINGS = {"step": 0.1, "starts": 4, "steps": 24, "batch": (256, 1024), "trajectories": 8192, "check": 0}


def mean_of(times, amount, part=1.0):
    """Return the exact mean at the end, by quadrature between doses."""
    total, marks = START * np.exp(-LOSS * END), [0.0, *sorted(times), END]
    for left, right in pairwise(marks):
        s = 0.5 * (right - left) * NODES + 0.5 * (right + left)
        drug = sum((amount * np.exp(-DECAY * (s - at)) for at in times if at <= left), 0.0 * s)
        total += 0.5 * (right - left) * np.sum(WEIGHTS * MADE / (1.0 + part * drug) * np.exp(-LOSS * (END - s)))
    return total


def chance(amount):
    """Return the exact chance that the limit is on."""
    return stats.poisson.cdf(FEW - 1, mean_of([LATE], amount, TOXIC))


def timed(start, near):
    """Return a problem of one or more times: schedule, limits, exact value of a schedule, exact optimum, settings."""
    spaced = {} if np.ndim(start) == 0 else {"spacing": 1.0}
    plan = js.Schedule(drug=js.Dose(4.0, at=js.free(0.0, 9.5, start=start, **spaced)))
    best = optimize.minimize(lambda at: mean_of(at, 4.0), near, method="Nelder-Mead",
                             options={"xatol": 1e-7, "fatol": 1e-11}).fun  # fmt: skip

    def exact(schedule):
        return mean_of(np.atleast_1d(schedule["drug"][0].starts(np)), 4.0)

    return plan, [], exact, best, {}


def limited():
    """Return the problem of an amount under a limit; what exceeds it counts as no gain at all."""
    plan = js.Schedule(drug=js.Dose(js.free(0.5, 30.0, start=5.0), at=LATE))
    most = optimize.brentq(lambda amount: chance(amount) - MOST, 0.5, 30.0)

    def exact(schedule):
        amount = float(np.atleast_1d(schedule["drug"][0].amounts(np))[0])
        return mean_of([LATE], amount) if chance(amount) <= MOST else np.inf

    limit = js.probability(f"Y < {FEW}", at=END) <= MOST
    return plan, [limit], exact, mean_of([LATE], most), {"trajectories": 1 << 18, "budget": 3e6}


PROBLEMS = {
    "onset": lambda: timed(2.0, [7.5]),
    "two ordered doses": lambda: timed([1.0, 4.0], [6.0, 8.0]),
    "chance-constrained": limited,
}


def searched(name, seed, rivals):
    """Return what one seed comes to."""
    plan, limits, exact, best, more = PROBLEMS[name]()
    settings = SETTINGS | more
    found = js.optimise(NETWORK, plan, minimise=js.mean("X", at=END), subject_to=limits, seed=seed, **settings)
    begun = exact(found.start)
    gain, right = next(gain for gain in found.gains if gain.over == "start"), exact(found.schedule) - begun
    row = {
        "problem": name, "seed": seed, "regret": (exact(found.schedule) - best) / (begun - best),
        "interval holds the gain": bool(gain.interval[0] <= right <= gain.interval[1]), "feasible": found.feasible,
        "held": {key: value.tolist() for key, value in found.held.items()}, "trajectories": found.cost["search"],
    }  # fmt: skip
    sought = criterion(NETWORK, js.mean("X", at=END), None, limits, 0.0, None)
    for rival in rivals:
        search = posed_search(NETWORK, plan, sought, step=settings["step"], seed=seed)
        other = exact(RIVALS[rival](search, found.cost["search"]))
        row[f"regret of {rival}"] = (other - best) / (begun - best)
    return row


def main(arguments=None):
    """Search, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=[*PROBLEMS], choices=[*PROBLEMS])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rivals", nargs="*", default=[*RIVALS], choices=[*RIVALS])
    parser.add_argument("--rows", type=Path, default=Path("optimisation_exact.jsonl"))
    parser.add_argument("--out", type=Path, default=record.default_path("optimisation-exact"))
    options = parser.parse_args(arguments)
    rows = [json.loads(line) for line in options.rows.read_text().splitlines()] if options.rows.exists() else []
    done = {(row["problem"], row["seed"]) for row in rows}
    for name in options.problems:
        for seed in range(options.seeds):
            if (name, seed) not in done:
                rows.append(searched(name, seed, options.rivals))
                with options.rows.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
                print(rows[-1], flush=True)
    record.write({"kind": "optima", "rows": rows} | record.describe(), options.out)


if __name__ == "__main__":
    main()
