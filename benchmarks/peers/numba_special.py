"""numba as an expert would write it: one kernel generated per network, its state in local scalars, float64."""

import math
import re
import time

import numpy as np

from benchmarks.peers import Outcome, Unsupported, numba_cell, outcome
from benchmarks.peers.tuning import quickest
from benchmarks.speed.cell_fate import CellFate

OWN_THREADS = False


def available():
    try:
        import numba  # noqa: F401
    except ImportError as missing:
        raise Unsupported("numba is not installed: pip install numba") from missing


def prepare(case):
    if isinstance(case, CellFate):
        return numba_cell.prepare(case)
    variants = [build(case, *choice) for choice in ((int, False), (float, False), (float, True))]
    return quickest(variants, case)


def build(case, number, fastmath: bool):
    """The kernel with integer or float counts, with or without fast-math: which is quickest depends on the network."""
    import numba

    from benchmarks.peers.xoshiro import seed_stream, uniform

    namespace = {"np": np, "math": math, "seed_stream": seed_stream, "uniform": uniform}
    exec(source(case, number), namespace)
    kernel = numba.njit(namespace["kernel"], error_model="numpy", fastmath=fastmath)
    column = case.index(case.observable)

    def run(n: int, seed: int) -> Outcome:
        saved, events = kernel(n, seed * n, case.time, case.time / case.save_points)
        return outcome(saved[:, -1, column], events)

    start = time.perf_counter()
    run(1, 1)
    run.compile_seconds = time.perf_counter() - start
    run.batch = 1
    run.note = f"{number.__name__} counts{', fastmath' if fastmath else ''}"
    return run


def source(case, number=int) -> str:
    """The text of the kernel: draw a waiting time, save what it passes, pick by nested comparisons, update."""
    last = len(case.steps) - 1
    lines = [
        "def kernel(n, first, end, interval):",
        f"    out = np.empty((n, {case.save_points}, {len(case.species)}), np.int64)",
        "    events = 0",
        "    s = np.empty(4, np.uint64)",
        "    for i in range(n):",
        "        seed_stream(s, first + i)",
        "        t = 0.0",
        *[f"        x_{species} = {number(count)}" for species, count in case.initial.items()],
        *(["        p = 0"] if case.save_points > 1 else []),
        "        while True:",
    ]
    for j, step in enumerate(case.steps):
        before = f"a{j - 1} + " if j else ""
        lines.append(f"            a{j} = {before}({local(case, step.propensity)})")
    lines += [
        f"            if a{last} <= 0.0:",
        "                break",
        f"            t -= math.log(uniform(s)) / a{last}",
        *(saving(case, "            ") if case.save_points > 1 else []),
        "            if t > end:",
        "                break",
        "            events += 1",
        f"            u = uniform(s) * a{last}",
        *selection(case, 0, last, "            "),
    ]
    rest = f"out[i, {'p:' if case.save_points > 1 else '0'}, "
    lines += [f"        {rest}{k}] = x_{species}" for k, species in enumerate(case.species)]
    lines.append("    return out, events")
    return "\n".join(lines)


def local(case, expression: str) -> str:
    names = "|".join(sorted(case.species, key=len, reverse=True))
    return re.sub(rf"\b({names})\b", r"x_\1", expression)


def saving(case, indent: str) -> list[str]:
    """Write the state to every save point the waiting time has passed."""
    return [
        f"{indent}while p < {case.save_points} and (p + 1) * interval < t:",
        *[f"{indent}    out[i, p, {k}] = x_{species}" for k, species in enumerate(case.species)],
        f"{indent}    p += 1",
    ]


def selection(case, low: int, high: int, indent: str) -> list[str]:
    """Nested comparisons with the cumulative sums, each leaf applying one reaction."""
    if low == high:
        changes = case.steps[low].change.items()
        return [f"{indent}x_{species} += {n}" for species, n in changes] or [f"{indent}pass"]
    middle = (low + high) // 2
    inner = indent + "    "
    return [
        f"{indent}if u < a{middle}:",
        *selection(case, low, middle, inner),
        f"{indent}else:",
        *selection(case, middle + 1, high, inner),
    ]
