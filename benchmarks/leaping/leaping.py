"""Error and cost of approximate methods, ours and other programs', beside exact simulation.

Ours: tau-leaping, the hybrid method and ``auto`` for tolerances from 0.1 to 0.003; trapezoidal leaps of fixed length
and the Langevin equation for steps from an eighth to a 150th of the time. Others: COPASI's tau-leaping and adaptive
method, GillesPy2's and stochastix's tau-leaping.

``python -m benchmarks.leaping.leaping`` runs on one core and writes a JSON record. Errors are those of the observable's
mean and standard deviation at the end, in parts of its standard deviation, with their own standard errors; the truth is
a master equation where one fits (birth-death, dimerisation, Schlogl), and the exact simulators merged elsewhere. Costs
are processor seconds per trajectory, least of the repeats, compile time apart. All simulators return the same: mean and
variance at the end.
"""

import argparse
import math
import os
import sys
from pathlib import Path

CORE = sorted(os.sched_getaffinity(0))[-1:]
os.sched_setaffinity(0, CORE)  # before JAX counts cores

import numpy as np  # noqa: E402

from benchmarks import record  # noqa: E402
from benchmarks.peers import Unsupported, copasi, gillespy2, numba_special, stochastix  # noqa: E402
from benchmarks.speed import laws  # noqa: E402
from benchmarks.speed.cases import CASES  # noqa: E402
from benchmarks.speed.worker import processor_seconds  # noqa: E402

NAMES = ("birth_death", "dimerisation", "schlogl", "lotka_volterra")
TOLERANCES = (0.1, 0.03, 0.01, 0.003)
LANES, FEWEST = 1024, 256  # trajectories that one call of ours steps together; the fewest in a run
STEPS = (8, 12, 16, 50, 150)  # to the end, of the methods of fixed steps
FIXED = {"trapezoidal_steps": "trapezoidal_tau_leap", "langevin": "langevin"}  # names here, and in `simulate`
METHODS = ("tau_leap", "midpoint_tau_leap", "trapezoidal_tau_leap", "hybrid", "auto", *FIXED)
OTHERS = {  # program and what its leaping is called
    "copasi_tau_leap": (copasi, {"method": "tauleap"}),
    "copasi_adaptive": (copasi, {"method": "adaptive"}),
    "gillespy2_tau_leap": (gillespy2, {}),
    "stochastix_tau_leap": (stochastix, {}),
}


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    result = {"kind": "leaping", **record.describe(), "cores": 1, "arguments": sys.argv[1:], "cases": []}
    for name in options.cases:
        result["cases"].append(run_case(CASES[name], options))
        record.write(result, options.out)
    print(f"\nwritten to {options.out}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=[*NAMES], choices=NAMES, metavar="CASE", help=", ".join(NAMES))
    parser.add_argument("--methods", nargs="+", default=[*METHODS], choices=METHODS, metavar="METHOD")
    parser.add_argument("--others", nargs="*", default=[*OTHERS], choices=OTHERS, metavar="PROGRAM")
    parser.add_argument("--tolerances", nargs="+", type=float, default=[*TOLERANCES], metavar="TOLERANCE")
    parser.add_argument("--seconds", type=float, default=5.0, help="aim of all runs of one setting (5)")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each setting (3)")
    parser.add_argument("--out", type=Path, default=record.default_path("leaping"), help="where the record goes")
    return parser.parse_args(arguments)


def run_case(case, options: argparse.Namespace) -> dict:
    numba_special.available()
    entries = [measure("numba_special", numba_special.prepare(case), options)]
    entries.append(measure("direct", ours(case, "direct"), options))
    for method in options.methods:
        settings = (
            [{"step": case.time / steps} for steps in STEPS]
            if method in FIXED
            else [{"tolerance": tolerance} for tolerance in options.tolerances]
        )
        called = FIXED.get(method, method)
        found = [(measure(method, ours(case, called, **setting), options), setting) for setting in settings]
        entries += [{**entry, **setting} for entry, setting in found if entry is not None]
    for name in options.others:
        entries += others(name, case, options)
    truth = exact_moments(case) or merged(entries[:2])
    print(
        f"\n{case.name}: {case.observable} at {case.time:g},"
        f" {truth['mean']:.5g} +- {truth['deviation']:.5g} ({truth['by']})"
    )
    for entry in entries:
        judge(entry, truth)
        entry["times_faster_than_numba"] = entries[0]["cpu_us"] / entry["cpu_us"]
        show(entry)
    return {"case": case.name, "observable": case.observable, "time": case.time, "truth": truth, "entries": entries}


def others(name: str, case, options: argparse.Namespace) -> list[dict]:
    """Measure another program's leaping, or say why it cannot be."""
    program, more = OTHERS[name]
    try:
        program.available()
        return [
            {**measure(name, program.prepare_leap(case, tolerance, **more), options), "tolerance": tolerance}
            for tolerance in options.tolerances[:2]
        ]
    except Unsupported as reason:
        print(f"  {name}: {reason}")
        return []


def ours(case, method: str, **options):
    import jaxsim as js

    network = case.network()

    def run(n: int, seed: int) -> dict:
        out = js.simulate(
            network, times=[case.time], trajectories=n, seed=seed, method=method, progress=False, **options
        )
        last = out.sel(species=case.observable).isel(time=-1)
        fine = int(out.attrs["fine"])
        found = {"trajectories": n, "mean": float(last["mean"]), "variance": float(last["variance"]), "fine": fine}
        if "method_reason" in out.attrs:
            found["chosen"] = {"method": out.attrs["method"], "reason": out.attrs["method_reason"]}
        return found

    return run


def measure(name: str, run, options: argparse.Namespace) -> dict | None:
    """Size the runs to the time that is aimed at, and merge what they find; None where steps were too coarse."""
    batch = getattr(run, "batch", LANES)
    n = batch * -(-FEWEST // batch)
    run(n, 1)
    spent = cpu(run, n, 2)[0]
    n = max(n, min(1 << 20, round(n * options.seconds / options.repeats / spent / batch) * batch))
    seconds, found = zip(*(cpu(run, n, seed) for seed in range(3, 3 + options.repeats)), strict=True)
    outcomes = [
        o if isinstance(o, dict) else {"trajectories": n, "mean": o.mean, "variance": o.variance} for o in found
    ]
    if any(o.get("fine", n) != n for o in outcomes):
        print(f"  {name}: not all trajectories ended well; left out")
        return None
    law = laws.merge([{"kurtosis": None, **o} for o in outcomes])
    chosen = {"chosen": outcomes[0]["chosen"]} if "chosen" in outcomes[0] else {}
    return {
        "method": name,
        **chosen,
        "trajectories": law["trajectories"],
        "cpu_us": min(seconds) / n * 1e6,
        "mean": law["mean"],
        "deviation": math.sqrt(law["variance"]),
    }


def cpu(run, n: int, seed: int) -> tuple[float, object]:
    began = processor_seconds()
    found = run(n, seed)
    return processor_seconds() - began, found


def judge(entry: dict, truth: dict) -> None:
    """Add the errors and their standard errors, in parts of the standard deviation."""
    n, other = entry["trajectories"], truth["trajectories"]
    shares = 1 / n + (1 / other if other else 0.0)
    entry["error_mean"] = (entry["mean"] - truth["mean"]) / truth["deviation"]
    entry["error_deviation"] = entry["deviation"] / truth["deviation"] - 1
    entry["noise_mean"] = math.sqrt(shares)
    entry["noise_deviation"] = math.sqrt(shares * (truth["kurtosis"] - 1) / 4)


def show(entry: dict) -> None:
    chosen = f" = {entry['chosen']['method']}" if "chosen" in entry else ""
    setting = f"{entry['method']} {entry.get('tolerance', entry.get('step', ''))}{chosen}"
    print(
        f"  {setting:28s} {entry['cpu_us']:9.2f} us  {entry['times_faster_than_numba']:7.2f} x numba"
        f"  mean {entry['error_mean']:+.4f} ({entry['noise_mean']:.4f})"
        f"  deviation {entry['error_deviation']:+.4f} ({entry['noise_deviation']:.4f})"
    )


def merged(entries: list[dict]) -> dict:
    """The truth from exact simulators: z-scores against it understate, since they are part of it."""
    law = laws.merge([{**e, "variance": e["deviation"] ** 2, "kurtosis": None} for e in entries])
    deviation = math.sqrt(law["variance"])
    return {
        "by": "exact",
        "mean": law["mean"],
        "deviation": deviation,
        "kurtosis": 3.0,
        "trajectories": law["trajectories"],
    }


def exact_moments(case) -> dict | None:
    """Mean, standard deviation and kurtosis from the master equation of the one species that all follow from."""
    if case.name == "lotka_volterra":
        return None
    from scipy.sparse import diags
    from scipy.sparse.linalg import expm_multiply

    change, rates, start, size = one_dimension(case)
    x = np.arange(size)
    generator = diags([np.zeros(size)], [0], format="csc")
    for jump, rate in zip(change, rates, strict=True):
        a = np.where((x + jump >= 0) & (x + jump < size), rate, 0.0)
        moved = diags([a[max(0, -jump) : size - max(0, jump)]], [-jump], shape=(size, size), format="csc")
        generator = generator + moved - diags([a], [0], format="csc")
    p = np.zeros(size)
    p[start] = 1.0
    for _ in range(100):
        p = expm_multiply(generator * (case.time / 100), p)
    mean = float(p @ x)
    central = [float(p @ (x - mean) ** k) for k in (2, 4)]
    kurtosis = central[1] / central[0] ** 2
    return {
        "by": "master equation",
        "mean": mean,
        "deviation": math.sqrt(central[0]),
        "kurtosis": kurtosis,
        "trajectories": 0,
    }


def one_dimension(case) -> tuple[list[int], list[np.ndarray], int, int]:
    """Jumps and rates of the observable, its start, and the number of states."""
    column, initial = case.observable, dict(case.initial)
    size = {"birth_death": 1400, "dimerisation": 501, "schlogl": 1000}[case.name]
    x = np.arange(size, dtype=float)
    state = {column: x}
    for name, count in initial.items():
        if name != column:  # dimerisation: P + 2 P2 is conserved
            state[name] = count - 2 * (x - initial[column])
    jumps = [step.change[column] for step in case.steps]
    rates = [np.maximum(np.broadcast_to(eval(step.propensity, {}, state), (size,)), 0.0) for step in case.steps]
    return jumps, rates, initial[column], size


if __name__ == "__main__":
    main()
