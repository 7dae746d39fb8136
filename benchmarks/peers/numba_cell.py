"""numba as an expert would write the cell-fate model: one kernel with the graph of what each reaction changes.

The rate that reads gemcitabine is thinned, with its largest value in each of 24 cells of time; all others are kept and
renewed by the graph. Means and squares of every species are summed at every save time. float64, fast-math.
"""

import re
import time
from itertools import pairwise

import numpy as np

from benchmarks.peers import Outcome

DRUG = "gemcitabine"
EDGES = (0, .05, .1, .15, .2, .3, .4, .6, .8, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10, 14, 20)  # fmt: skip
HIDDEN = {  # what the effects of reactions do to the counts, written for numba: by name of the reaction
    "a6": (["T = np.random.binomial(T, 0.5) if T > 0 else 0", "D = np.random.binomial(D, 0.5) if D > 0 else 0"], "TD"),
    "a22": (["IR = IR + IL", "IL = 0"], ("IL", "IR")),
    "a24": (["half = IL // 2", "IL -= half", "IR += half"], ("IL", "IR")),
}


def prepare(case):
    import numba

    network = case.network()
    namespace = {"np": np}
    exec(source(network), namespace)
    kernel = numba.njit(namespace["kernel"], fastmath=True)
    edges, largest, amplitude = cells_of_time(case, network)
    save = np.linspace(0.0, case.time, case.save_points + 1)[1:]
    column = network.structure.species.index(case.observable)

    def run(n: int, seed: int) -> Outcome:
        starts, activity = drawn(network, n, np.random.default_rng(seed))
        first, second = (np.zeros((save.size, starts.shape[1])) for _ in range(2))
        events = kernel(n, starts, activity, seed, edges, largest, amplitude, save, first, second)
        mean = first[-1, column] / n
        return Outcome(n, mean, (second[-1, column] / n - mean**2) * n / max(n - 1, 1), events=events)

    start = time.perf_counter()
    run(1, 1)
    run.compile_seconds = time.perf_counter() - start
    run.batch = 64
    run.note = "dependency graph, thinning, fastmath"
    return run


def drawn(network, n: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """Counts [cell, species] and activities of the kinase at the start, from the laws of the model."""

    def values(law):
        if hasattr(law, "cv"):
            return law.median * np.exp(np.sqrt(np.log1p(law.cv**2)) * rng.standard_normal(n))
        return rng.random(n) < law.probability if hasattr(law, "probability") else np.full(n, law)

    starts = [np.rint(values(network.initial[name])) for name in network.structure.species]
    return np.stack(starts, axis=1).astype(np.int64), values(network.parameters["dck_activity"])


def cells_of_time(case, network) -> tuple[np.ndarray, np.ndarray, float]:
    """Edges, the largest concentration in each cell, and the amplitude of the curve exp(-2t) - exp(-6t)."""
    from jaxsim.dosing import concentration

    edges = np.array([*EDGES, case.time])
    if not case.dose:
        return edges, np.zeros(edges.size - 1), 0.0
    t = np.linspace(0.0, case.time, 200_001)
    curve = np.asarray(concentration(network.inputs[DRUG], case.schedule()[DRUG], t))
    amplitude = float(curve[2000] / (np.exp(-2.0 * t[2000]) - np.exp(-6.0 * t[2000])))
    assert np.abs(curve - amplitude * (np.exp(-2.0 * t) - np.exp(-6.0 * t))).max() < 1e-9 * curve.max()
    largest = [curve[(t >= low) & (t <= high)].max() * 1.0001 for low, high in pairwise(edges)]
    return edges, np.array(largest), amplitude


def python(rate) -> str:
    """A rate as Python."""
    from jaxsim.network import to_string

    text = to_string(rate).replace("^", "**")
    while "if(" in text:
        start = text.index("if(")
        depth, parts, begun = 0, [], start + 3
        for place in range(start + 2, len(text)):
            depth += {"(": 1, ")": -1}.get(text[place], 0)
            if not depth or (text[place] == "," and depth == 1):
                parts.append(text[begun:place])
                begun = place + 1
            if not depth:
                break
        condition, yes, no = parts
        text = f"{text[:start]}(({yes}) if ({condition}) else ({no})){text[place + 1 :]}"
    return text


def source(network) -> str:
    """The text of the kernel."""
    structure = network.structure
    rates = [python(reaction.rate) for reaction in structure.reactions]
    reads = [set(re.findall(r"[A-Za-z_]\w*", rate)) for rate in rates]
    shared = {name: value for name, value in network.parameters.items() if not hasattr(value, "sample")}
    renewed = [f"a{r} = {rate}" for r, rate in enumerate(rates) if DRUG in reads[r]]
    total = " + ".join(f"a{r}" for r in range(len(rates)))
    lines = [
        "def kernel(n, starts, activity, seed, edges, largest, amplitude, save, first, second):",
        "    np.random.seed(seed)",
        *(f"    {name} = {float(value)!r}" for name, value in shared.items()),
        "    caspase1_inhibitor = 0.0",
        "    events = 0",
        "    for i in range(n):",
        *(f"        {name} = starts[i, {s}]" for s, name in enumerate(structure.species)),
        "        dck_activity = activity[i]",
        "        t, cell, edge, k = 0.0, 0, edges[1], 0",
        f"        {DRUG} = largest[0]",
        *(f"        a{r} = {rate}" for r, rate in enumerate(rates)),
        "        while True:",
        f"            total = {total}",
        "            following = t + (np.random.exponential(1.0) / total if total > 0 else 1e30)",
        "            reached = min(following, edge)",
        "            while k < save.shape[0] and (save[k] < reached or save[k] == edge == reached):",
        *(f"                first[k, {s}] += {name}" for s, name in enumerate(structure.species)),
        *(f"                second[k, {s}] += {name} * {name}" for s, name in enumerate(structure.species)),
        "                k += 1",
        "            if following >= edge:",
        "                if cell + 2 >= edges.shape[0]:",
        "                    break",
        "                t, cell = edge, cell + 1",
        f"                edge, {DRUG} = edges[cell + 1], largest[cell]",
        *(f"                {line}" for line in renewed),
        "                continue",
        "            t = following",
        "            u = np.random.random() * total",
        *(f"            {line}" for r in range(len(rates)) for line in leaf(structure, rates, reads, r)),
        "    return events",
    ]
    return "\n".join(lines)


def leaf(structure, rates: list[str], reads: list[set[str]], r: int) -> list[str]:
    """What is done if the reaction is chosen: thinning, the change, and the rates that read it."""
    reaction = structure.reactions[r]
    lines = [f"u -= a{r}", "if u < 0.0:" if r < len(rates) - 1 else "if True:"]
    if DRUG in reads[r]:
        lines += [
            "    now = amplitude * (np.exp(-2.0 * t) - np.exp(-6.0 * t))",
            f"    bound = {DRUG} / (uptake_constant + {DRUG})",
            "    if bound <= 0.0 or np.random.random() * bound > now / (uptake_constant + now):",
            "        continue",
        ]
    lines += [f"    {name} += {change}" for name, change in reaction.changes.items()]
    effects, touched = HIDDEN.get(reaction.name, ([], ()))
    lines += [f"    {effect}" for effect in effects]
    changed = {*reaction.changes, *touched}
    lines += [f"    a{q} = {rate}" for q, rate in enumerate(rates) if reads[q] & changed]
    return [*lines, "    events += 1", "    continue"]
