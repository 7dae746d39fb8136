"""Random small networks with known derivatives, for every estimator: a generator of cases, and what they come to.

Five shapes of networks, so that programs are shared; within a shape rates, levels, counts, doses and their times are
drawn, times also from those that are awkward: the start, edges of tables, the end, equal times. The truth is the
finite-state projection in double precision, integrated between the moments at which anything jumps, and differenced.

    python benchmarks/random_networks.py [cases] [seed] [method ...]

prints for every method how many intervals of 95 % hold the truth, the largest |z|, and refusals by reason.
"""

import sys
from collections import Counter, defaultdict
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

import jaxsim as js

END = 8.0
EXACT = ("score", "controlled_exact_score", "split_difference")
LEAPS = ("leap_score", "controlled_score", "surrogate", "difference")
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
    """Return the derivatives in the free numbers, in the order of the components; from inside at both ends."""
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
            room = min(now, END - now)
            if room > 1e-6:
                h = min(1e-4, room / 2)
                found.append((moved(h) - moved(-h)) / (2 * h))
            else:
                h = 1e-4 if now < END / 2 else -1e-4
                found.append((4 * moved(h / 2) - moved(h) - 3 * moved(0.0)) / h)
    return np.array(found)


class Found(NamedTuple):
    """What a method made of a case."""

    method: str
    case: Case
    z: np.ndarray
    refused: str


def tried(case, method, trajectories, seed):
    """Return z of every component, or why the method refuses."""
    free = list(SHAPES[case.shape].free)
    given = {"free": free, "schedule": case.plan, "trajectories": trajectories, "seed": seed, "end": END}
    try:
        found = js.gradient(case.network, case.objective, method=method, **given)
    except js.JaxsimError as cause:
        return Found(method, case, np.zeros(0), str(cause))
    error = np.concatenate([np.atleast_1d(found.standard_error[name]) for name in sorted(free)])
    return Found(method, case, (found.vector - truth(case)) / np.maximum(error, 1e-300), "")


def summary(results):
    """Return lines: coverage and largest |z| of every method, and refusals by reason."""
    lines, by = [], defaultdict(list)
    for one in results:
        by[one.method].append(one)
    for method, ones in by.items():
        z = np.concatenate([one.z for one in ones])
        inside, refused = float(np.mean(np.abs(z) < 1.96)) if z.size else np.nan, sum(bool(o.refused) for o in ones)
        worst = float(np.max(np.abs(z), initial=0.0))
        lines.append(
            f"{method:24} {len(ones) - refused} cases, {z.size} intervals: {inside:.1%} hold the truth; "
            f"largest |z| {worst:.2f}; refused {refused}"
        )
    reasons = Counter((one.method, one.case.shape, one.refused[:90]) for one in results if one.refused)
    return lines + [f"  refused {count}: {method}, {shape}: {why}" for (method, shape, why), count in reasons.items()]


def main(cases=300, seed=1, *methods):
    """Try methods on random cases and print what they come to, every tenth case."""
    rng, results = np.random.default_rng(seed), []
    for number in range(cases):
        names = [*SHAPES]
        shape = names[number * len(names) // cases]
        case = drawn(rng, shape, KINDS[shape][int(rng.integers(2))])
        for method in methods or (*EXACT, *LEAPS):
            one = tried(case, method, 2048, number)
            results.append(one)
            if one.z.size and np.max(np.abs(one.z)) > 4.0:
                print("BEYOND 4:", method, case, np.round(one.z, 2), flush=True)
        if number % 10 == 9:
            print(f"after {number + 1} cases", *summary(results), sep="\n", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
