"""Random small networks with known derivatives, for every estimator: a generator of cases, and what they come to.

Five shapes of networks, so that programs are shared; within a shape rates, levels, counts, doses and their times are
drawn, times also from those that are awkward: the start, edges of tables, the end, equal times. The truth is the
finite-state projection in double precision, integrated between the moments at which anything jumps, and differenced.

    python -m benchmarks.gradients.random_networks --cases 300 --methods score split_difference

prints for every method how many intervals of 95 % hold the truth, the largest |z|, and refusals by reason, and keeps
that in a JSON record. Every case is a line of a file of its own, from which a run that was stopped goes on.
"""

import argparse
import json
from collections import Counter
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

import jaxsim as js
from benchmarks import record

END = 8.0
EXACT = ("score", "controlled_exact_score", "split_difference")
LEAPS = ("leap_score", "controlled_score", "surrogate", "difference")
PATHS = ("langevin", "mean_field", "auto")
STRIDE = 6  # one case in so many comes first, so that a run that is stopped has seen every shape
HALF = 1.96  # standard errors in half an interval of 95 %
DECAY = 0.6
DRUG = js.OneCompartment(DECAY, 1.0)


class Shape(NamedTuple):
    """A network whose numbers are drawn."""

    reactions: tuple[str, ...]
    parameters: dict[str, tuple[float, float]]
    """Lowest and highest."""
    initial: dict[str, tuple[int, int]]
    most: int
    """Largest count kept in the projection."""
    free: tuple[str, ...]
    read: str
    """The species of the objective."""
    rates: object
    """(counts [states, S], drug, t, parameters) -> rates [R, states]."""
    changes: tuple[tuple[int, ...], ...]
    switches: object = lambda parameters: ((), ())
    """parameters -> levels of the drug, and times, at which a rate jumps."""


SHAPES = {
    "saturating curve": Shape(
        ("-> X @ k*(1 - 0.7*drug/(1 + drug))", "X -> , d"), {"k": (2.0, 6.0), "d": (0.4, 1.0)}, {"X": (0, 6)}, 40,
        ("drug.at", "drug.amount", "k"), "X",
        lambda x, c, t, p: [p["k"] * (1 - 0.7 * c / (1 + c)) + 0 * x[:, 0], p["d"] * x[:, 0]], ((1,), (-1,)),
    ),
    "jump in state": Shape(
        ("-> X @ k*(1 + drug)", "X -> @ if(X > 5, 2*d, d)*X"), {"k": (1.0, 3.0), "d": (0.3, 0.8)}, {"X": (0, 6)}, 40,
        ("drug.at", "drug.amount", "d"), "X",
        lambda x, c, t, p: [p["k"] * (1 + c) + 0 * x[:, 0], p["d"] * np.where(x[:, 0] > 5, 2, 1) * x[:, 0]],
        ((1,), (-1,)),
    ),
    "jumps in time and level": Shape(
        ("-> X @ if(drug > level, k, 0.4*k) + if(t > switch, 2, 1)", "X -> , d"),
        {"k": (1.0, 5.0), "d": (0.4, 1.0), "level": (0.2, 0.6), "switch": (1.0, 7.0)}, {"X": (0, 6)}, 45,
        ("drug.at", "drug.amount", "switch"), "X",
        lambda x, c, t, p: [
            np.where(c > p["level"], p["k"], 0.4 * p["k"]) + np.where(t > p["switch"], 2, 1) + 0 * x[:, 0],
            p["d"] * x[:, 0],
        ],
        ((1,), (-1,)), lambda p: ((p["level"],), (p["switch"],)),
    ),
    "nothing before the dose": Shape(
        ("A -> B @ g*drug*A", "B -> , d"), {"g": (0.3, 1.0), "d": (0.2, 0.6)}, {"A": (4, 9), "B": (0, 2)}, 12,
        ("drug.at", "drug.amount", "g"), "B",
        lambda x, c, t, p: [p["g"] * c * x[:, 0], p["d"] * x[:, 1]], ((-1, 1), (0, -1)),
    ),
    "four in a chain": Shape(
        ("A -> B @ (g + drug)*A", "B -> C @ g*B", "C -> D @ g*C/(1 + drug)", "D -> , d"),
        {"g": (0.3, 1.0), "d": (0.2, 0.6)}, {"A": (3, 4), "B": (0, 1), "C": (0, 0), "D": (0, 0)}, 5,
        ("drug.at", "drug.amount", "g"), "D",
        lambda x, c, t, p: [(p["g"] + c) * x[:, 0], p["g"] * x[:, 1], p["g"] * x[:, 2] / (1 + c), p["d"] * x[:, 3]],
        ((-1, 1, 0, 0), (0, -1, 1, 0), (0, 0, -1, 1), (0, 0, 0, -1)),
    ),
}  # fmt: skip


class Case(NamedTuple):
    """One random problem."""

    shape: str
    kind: str
    parameters: dict[str, float]
    initial: dict[str, int]
    at: np.ndarray
    amount: float
    threshold: int

    @property
    def network(self):
        return js.Network(self.initial, list(SHAPES[self.shape].reactions), self.parameters, inputs={"drug": DRUG})

    @property
    def plan(self):
        return js.Schedule(drug=js.Dose(self.amount, at=self.at))

    @property
    def objective(self):
        read = SHAPES[self.shape].read
        return {
            "mean": js.mean(read, at=END),
            "probability": js.probability(f"{read} <= {self.threshold}", at=END),
            "area": js.auc(read, during=(0.0, END)),
            "variance": js.variance(read, at=END),
        }[self.kind]


KINDS = {
    "saturating curve": ("mean", "variance"),
    "jump in state": ("probability", "area"),
    "jumps in time and level": ("mean", "probability"),
    "nothing before the dose": ("area", "probability"),
    "four in a chain": ("mean", "variance"),
}


def drawn(rng, shape, kind):
    """Return a case: a third of the dose times are awkward."""
    given = SHAPES[shape]
    awkward = [0.0, END * rng.integers(1, 8192) / 8192, 1e-5, END - 1e-4, END / 4, END]
    at = np.sort(np.where(rng.random(2) < 0.4, rng.choice(awkward, 2), rng.uniform(0.0, 0.8 * END, 2)))
    if rng.random() < 0.2:
        at[:] = at[0]
    parameters = {name: float(rng.uniform(*ends)) for name, ends in given.parameters.items()}
    if "switch" in parameters and rng.random() < 0.4:
        parameters["switch"] = END * float(rng.integers(1024, 7168)) / 8192
    initial = {name: int(rng.integers(low, high + 1)) for name, (low, high) in given.initial.items()}
    return Case(shape, kind, parameters, initial, at, float(rng.uniform(0.5, 2.0)), int(rng.integers(1, 5)))


def concentration(at, amount, t, upto=None):
    """Return the drug at t, of the doses given at or before `upto`."""
    upto = t if upto is None else upto
    return sum(amount * np.exp(-DECAY * (t - one)) for one in at if one <= upto)


def moments(case, at, amount, parameters):
    """Return every time at which a rate jumps."""
    levels, times = SHAPES[case.shape].switches(parameters)
    found = {0.0, END, *(one for one in (*at, *times) if 0.0 < one < END)}
    starts = sorted({0.0, *(one for one in at if one < END)})
    for left, right in zip(starts, [*starts[1:], END], strict=True):
        now = concentration(at, amount, left)
        for level in levels:
            crossed = left + np.log(now / level) / DECAY if now > level else np.inf
            found |= {crossed} if crossed < right else set()
    return sorted(found)


def value(case, at, amount, parameters):
    """Return the objective by finite-state projection."""
    shape = SHAPES[case.shape]
    species = [*shape.initial]
    conserved = sum(case.initial.values()) if len(species) > 1 else shape.most
    x = np.array([s for s in product(range(conserved + 1), repeat=len(species)) if sum(s) <= conserved])
    index = {tuple(s): i for i, s in enumerate(x)}
    target = [np.array([index.get(tuple(s + change), -1) for s in x]) for change in map(np.array, shape.changes)]
    read = x[:, species.index(shape.read)].astype(float)

    def slope(t, p, left):
        drug = concentration(at, amount, t, left)
        flow = np.zeros(len(x) + 1)
        for rate, to in zip(shape.rates(x, drug, t, parameters), target, strict=True):
            out = np.where(to >= 0, rate * p[:-1], 0.0)
            flow[:-1] -= out
            flow += np.bincount(np.where(to >= 0, to, 0), np.where(to >= 0, out, 0.0), minlength=len(x) + 1)
        flow[-1] = read @ p[:-1]
        return flow

    p = np.zeros(len(x) + 1)
    p[index[tuple(case.initial.values())]] = 1.0
    marks = moments(case, at, amount, parameters)
    for left, right in pairwise(marks):
        gap = 1e-12 * END  # what holds within, not what holds at an end
        solved = solve_ivp(lambda t, p, left=left: slope(t, p, left), (left + gap, right - gap), p, "DOP853",
                           rtol=1e-10, atol=1e-13)  # fmt: skip
        p = solved.y[:, -1]
    law = p[:-1]
    mean = read @ law
    return {"mean": mean, "probability": law[read <= case.threshold].sum(), "area": p[-1],
            "variance": read**2 @ law - mean**2}[case.kind]  # fmt: skip


def truth(case):
    """Return the derivatives in the free numbers, in the order of the components, and by how much they may be off.

    Those in times are from inside at both ends, and the mean of both sides where doses tie. Two steps show the error.
    """
    base = (case.at, case.amount, case.parameters)
    found = []
    for name in sorted(SHAPES[case.shape].free):
        for i in range(case.at.size if name == "drug.at" else 1):

            def moved(h, name=name, i=i):
                at, amount, parameters = base[0].copy(), base[1], dict(base[2])
                if name == "drug.at":
                    at[i] += h
                elif name == "drug.amount":
                    amount += h
                else:
                    parameters[name] += h
                return value(case, at, amount, parameters)

            now = case.at[i] if name == "drug.at" else END / 2
            apart = np.abs(case.at - now) if name == "drug.at" else np.zeros(1)
            ties, far = np.sum(apart < 1e-9) > 1, np.min(apart[apart >= 1e-9], initial=END)
            room = min(now, END - now)
            if room > 1e-6:
                h = min(2e-3, room / 2, far / 2)  # at another dose there may be another derivative
                wide, narrow = ((moved(step) - moved(-step)) / (2 * step) for step in (h, h / 2))
                better = 2 * narrow - wide if ties else (4 * narrow - wide) / 3  # beside a tie it is of first order
                found.append((better, abs(narrow - wide)))
            else:
                h = min(2e-3, far / 2) if now < END / 2 else -min(2e-3, far / 2)
                at = [moved(share * h) for share in (0, 0.25, 0.5, 1)]
                wide, narrow = (4 * at[2] - at[3] - 3 * at[0]) / h, (4 * at[1] - at[2] - 3 * at[0]) / (h / 2)
                found.append((narrow, abs(narrow - wide)))
    return np.array(found).T


class Found(NamedTuple):
    """What a method made of a case."""

    method: str
    case: Case
    z: np.ndarray
    """Of every component, with what the truth may be off in the error."""
    refused: str


def tried(case, method, trajectories, seed, known=None):
    """Return z of every component, or why the method refuses; `known` is the truth where that is at hand."""
    free = list(SHAPES[case.shape].free)
    given = {"free": free, "schedule": case.plan, "trajectories": trajectories, "seed": seed, "end": END}
    try:
        found = js.gradient(case.network, case.objective, method=method, **given)
    except js.JaxsimError as cause:
        return Found(method, case, np.zeros(0), str(cause))
    right, off = truth(case) if known is None else known
    error = np.concatenate([np.atleast_1d(found.standard_error[name]) for name in sorted(free)])
    return Found(method, case, (found.vector - right) / np.maximum(np.hypot(error, off), 1e-300), "")


def cases(number, seed):
    """Return random cases, shape by shape, so that programs are shared."""
    rng, names = np.random.default_rng(seed), [*SHAPES]
    shapes = [names[i * len(names) // number] for i in range(number)]
    return [drawn(rng, shape, KINDS[shape][int(rng.integers(2))]) for shape in shapes]


def summary(rows):
    """Return what each method came to: coverage, the largest |z|, cases beyond the limit, refusals by reason."""
    found = {}
    for method in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method]
        taken = [row for row in own if not row["refused"]]
        z = np.abs(np.concatenate([row["z"] for row in taken])) if taken else np.zeros(0)
        by = {
            shape: np.abs(np.concatenate(parts))
            for shape in dict.fromkeys(row["shape"] for row in taken)
            if (parts := [row["z"] for row in taken if row["shape"] == shape])
        }
        found[method] = {
            "cases": len(own), "refused": len(own) - len(taken), "intervals": int(z.size),
            "hold the truth": round(float(np.mean(z < HALF)), 4) if z.size else None,
            "largest |z|": round(float(np.max(z, initial=0.0)), 2),
            "beyond 4": int(np.sum(z > 4.0)),
            "by shape": {shape: round(float(np.mean(part < HALF)), 4) for shape, part in by.items()},
            "refusals": dict(Counter(f"{row['shape']}: {row['refused']}" for row in own if row["refused"])),
        }  # fmt: skip
    return found


def main(arguments=None):
    """Try methods on random cases, keep every one as a line of a file, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trajectories", type=int, default=4096)
    parser.add_argument("--methods", nargs="*", default=[*EXACT, *LEAPS, *PATHS])
    parser.add_argument("--rows", type=Path, default=Path("random_networks.jsonl"), help="what was tried is kept here")
    parser.add_argument("--out", type=Path, default=record.default_path("random-networks"))
    options = parser.parse_args(arguments)
    known = [json.loads(line) for line in options.rows.read_text().splitlines()] if options.rows.exists() else []
    done = {(row["number"], row["method"]) for row in known}
    drawn_cases = cases(options.cases, options.seed)
    for number in sorted(range(options.cases), key=lambda i: (i % STRIDE, i)):
        case = drawn_cases[number]
        left = [method for method in options.methods if (number, method) not in done]
        right = truth(case) if left else None
        for method in left:
            one = tried(case, method, options.trajectories, number, right)
            row = {"number": number, "method": method, "shape": f"{case.shape}, {case.kind}", "z": one.z.tolist(),
                   "refused": one.refused}  # fmt: skip
            known.append(row)
            with options.rows.open("a") as file:
                file.write(json.dumps(row) + "\n")
            if one.z.size and np.max(np.abs(one.z)) > 4.0:
                print("beyond 4:", number, method, case, np.round(one.z, 2), flush=True)
    found = summary(known)
    for method, one in found.items():
        print(method, {name: part for name, part in one.items() if name != "refusals"})
    said = {"kind": "random networks", "cases drawn": options.cases, "seed": options.seed,
            "trajectories": options.trajectories, "methods": found}  # fmt: skip
    record.write(said | record.describe(), options.out)


if __name__ == "__main__":
    main()
