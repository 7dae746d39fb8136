"""Cost and coverage of ``js.estimate`` beside plain Monte Carlo with the exact kernel, on four models.

``python -m benchmarks.estimation.estimation`` writes a JSON record; ``python -m benchmarks.estimation.estimation_plot
RECORD`` draws it. For each model: a hundred repetitions at a relative error of 1e-3 with other seeds, how many 95 %
intervals hold the truth, and their processor seconds, compile time apart; the cost of errors from 3e-2 down, in
processor seconds and in work (events of exact trajectories that would cost the same, by what the allocation counts
with, so that a busy machine does not show) and its slope; variance and cost of a trajectory of each level; where
parameters vary from cell to cell, the error of the lowest level over the number of Sobol points. Plain Monte Carlo
costs what the exact kernel takes for a trajectory, measured in the same run, times the trajectories that the wanted
half-width needs; for the organism at full size, whose trajectory has 5e9 events, the time of a trajectory is
extrapolated from the events of its first moments.

The truth: for the dimerisation the same estimator's at a tenth of the error with other seeds, for the
decaying-dimerising set the moment equations of second order, both held against trajectories of the exact kernel; for
the organism, whose tumour fluctuates by 1e-3 of 1.2e8 cells, the rate equations, held against the same estimator's at a
tenth of the error: the record says how far they are apart, and how many intervals hold either. Negative control: the
intervals that the coarsest leaps alone would give. A record that is there is gone on with, case by case and repetition
by repetition.
"""

import argparse
import json
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

import jaxsim as js
from benchmarks import record
from benchmarks.estimation.estimation_cases import CASES, ERROR, estimated, reference
from benchmarks.estimation.estimation_levels import levels, points

REPEATS = 100
SEEDS = (7, 8, 9)  # of the estimates at each of them
NORMAL = 1.959964


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=[*CASES], choices=CASES, metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--out", type=Path, default=record.default_path("estimation"), help="where the record goes")
    options = parser.parse_args(arguments)
    kept = json.loads(options.out.read_text())["cases"] if options.out.exists() else []
    result = {"kind": "estimation", **record.describe(), "arguments": sys.argv[1:], "cases": kept}
    for name in options.cases:
        case, given = CASES[name](), next((found for found in kept if found["case"] == name), None)
        if given is None:
            given = {"case": name, "commit": result["commit"], **prepared(case)}
            kept.append(given)
        follow(case, given["errors"])
        judge(given)
        record.write(result, options.out)
        while len(given["repeats"]) < options.repeats:
            given["repeats"].append(entry(estimated(case, ERROR, 1000 + len(given["repeats"]))))
            judge(given)
            record.write(result, options.out)
        if given["repeats"]:
            show(given)
    print(f"\nwritten to {options.out}")


def prepared(case: dict) -> dict:
    """Everything but estimates of single seeds."""
    estimated(case, ERROR, 1)  # compiles
    plain = plain_cost(case)
    return {
        "quantity": case["quantity"],
        "at": case["at"],
        "plain": plain,
        "truth": case.get("truth", reference)(case, plain),
        "errors": [],
        "levels": levels(case),
        "points": points(case) if "points" in case else [],
        "repeats": [],
    }


def follow(case: dict, rows: list[dict]) -> None:
    """Add the estimates at each error that are not there yet."""
    there = {(row["error"], row["seed"]) for row in rows}
    for error in case["errors"]:
        missing = [seed for seed in SEEDS if (error, seed) not in there]
        if missing:
            estimated(case, error, 1)  # compiles
        rows += [{"error": error, "seed": seed, **entry(estimated(case, error, seed))} for seed in missing]


def slopes(rows: list[dict], name: str) -> list[dict]:
    """Logarithmic slope of the cost over the error from each error to the next, of means over the seeds."""
    errors = sorted({row["error"] for row in rows}, reverse=True)
    cost = {error: np.mean([row[name] for row in rows if row["error"] == error]) for error in errors}
    return [
        {"from": a, "to": b, "slope": float(np.log(cost[b] / cost[a]) / np.log(b / a))} for a, b in pairwise(errors)
    ]


def judge(case: dict) -> None:
    """Add what the repetitions say."""
    rows, truth, plain = case["repeats"], case["truth"], case["plain"]
    case["slopes"] = {name: slopes(case["errors"], name) for name in ("seconds", "work")}
    if not rows:
        return
    needed = max(plain["variance"] * (NORMAL / (ERROR * truth["value"])) ** 2, 1.0)
    seconds = float(np.mean([row["seconds"] for row in rows if row["seconds"]]))
    case |= {
        "covered": covered(rows, truth["value"]),
        "covered_other_truth": covered(rows, truth["other"]["value"]) if "other" in truth else None,
        "covered_by_leaps_alone": sum(alone(row, truth["value"]) for row in rows),
        "widest": max(row["half_width"] / row["value"] for row in rows),
        "z_of_all": z_of_all(rows, truth),
        "seconds": seconds,
        "trajectories_needed": needed,
        "plain_seconds_needed": needed * plain["seconds"],
        "times_cheaper": needed * plain["seconds"] / seconds,
    }


def covered(rows: list[dict], truth: float) -> int:
    return sum(abs(row["value"] - truth) <= row["half_width"] for row in rows)


def entry(found) -> dict:
    return {
        "value": found.value,
        "standard_error": found.standard_error,
        "half_width": found.half_width,
        "bias_bound": found.bias_bound,
        "seconds": found.seconds,
        "work": found.work,
        "method": found.method,
        "levels": [
            {"level": x.name, "leaps": x.steps, "trajectories": x.trajectories, "mean": x.mean, "variance": x.variance,
             "seconds": x.seconds} for x in found.levels
        ],
    }  # fmt: skip


def alone(row: dict, truth: float) -> bool:
    """Whether the interval of the coarsest leaps alone holds the truth."""
    first = row["levels"][0]
    return bool(abs(first["mean"] - truth) <= NORMAL * (first["variance"] / first["trajectories"]) ** 0.5)


def z_of_all(rows: list[dict], truth: dict) -> float:
    """Score of the mean of all repetitions against the truth: a small bias shows here before it shows in coverage."""
    errors = np.array([row["standard_error"] for row in rows])
    mean = np.mean([row["value"] for row in rows])
    return float((mean - truth["value"]) / np.hypot(np.sqrt(np.sum(errors**2)) / len(rows), truth["standard_error"]))


def plain_cost(case: dict) -> dict:
    """Processor seconds and variance of a trajectory of the exact kernel."""
    if "first" in case:
        return extrapolated(case)
    times, number = [case["at"]], case["plain"]
    js.simulate(case["network"], times=times, trajectories=256, seed=1, progress=False)
    began = time.process_time()
    out = js.simulate(case["network"], times=times, trajectories=number, seed=2, progress=False)
    seconds = time.process_time() - began
    last = out.sel(species=case["quantity"]).isel(time=0)
    return {
        "seconds": seconds / number,
        "events": out.attrs["events"] / number,
        "measured_trajectories": number,
        "mean": float(last["mean"]),
        "standard_error": float(last["standard_error"]),
        "variance": float(last["variance"]),
        "extrapolated": False,
    }


def extrapolated(case: dict) -> dict:
    """Seconds of a trajectory from its events along leaps and the seconds of an event in its first moments."""
    given = {"times": [case["first"]], "schedule": case["schedule"], "progress": False}
    js.simulate(case["network"], trajectories=64, seed=1, **(given | {"times": [case["first"] / 100]}))
    began = time.process_time()
    out = js.simulate(case["network"], trajectories=64, seed=2, **given)
    seconds = time.process_time() - began - out.attrs["compile_seconds"]
    found = estimated(case, ERROR, 3)
    return {
        "seconds": seconds / out.attrs["events"] * found.events,
        "seconds_of_an_event": seconds / out.attrs["events"],
        "measured_events": out.attrs["events"],
        "events": found.events,
        "variance": found.plain_variance,
        "extrapolated": True,
    }


def show(case: dict) -> None:
    truth, told = case["truth"], " (extrapolated)" if case["plain"]["extrapolated"] else ""
    print(
        f"\n{case['case']}: {case['quantity']} at {case['at']:g} is {truth['value']:.7g} ({truth['by']})\n"
        f"  {case['covered']} of {len(case['repeats'])} intervals hold it (leaps alone: "
        f"{case['covered_by_leaps_alone']}), the widest {case['widest']:.2e} of the value; all together are "
        f"{case['z_of_all']:+.1f} standard errors off\n"
        f"  {case['seconds']:.3g} processor seconds against {case['plain_seconds_needed']:.4g} of "
        f"{case['trajectories_needed']:,.0f} exact trajectories{told}: {case['times_cheaper']:.0f} times cheaper"
    )
    for name, found in case["slopes"].items():
        print(f"  slope of {name}: " + ", ".join(f"{x['slope']:.2f} to {x['to']:g}" for x in found))


if __name__ == "__main__":
    main()
