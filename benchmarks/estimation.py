"""Cost and coverage of ``js.estimate`` beside plain Monte Carlo with the exact kernel, on three models.

``python benchmarks/estimation.py`` writes a JSON record;
``python benchmarks/estimation_plot.py RECORD`` draws it. For each model: a hundred repetitions at a relative error of
1e-3 with other seeds, how many 95 % intervals hold the truth, and their processor seconds, compile time apart; the
same for errors from 1e-2 to 1e-4; variance and cost of a trajectory of each level. Plain Monte Carlo costs what the
exact kernel takes for a trajectory, measured in the same run, times the trajectories that the wanted half-width needs;
for the organism at full size, whose trajectory has 5e9 events, the time of a trajectory is extrapolated from the
events of its first moments.

The truth: for the dimerisation the same estimator's at a tenth of the error with other seeds, for the
decaying-dimerising set the moment equations of second order, both held against trajectories of the exact kernel; for
the organism, whose tumour fluctuates by 1e-3 of 1.2e8 cells, the rate equations. Negative control: the intervals that
the coarsest leaps alone would give. A record that is there is gone on with, case by case and repetition by repetition.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import record

import jaxsim as js
from jaxsim.models.organism_scenarios import standard_regimen

ERROR, REPEATS = 1e-3, 100
ERRORS = (1e-2, 3e-3, 1e-3, 3e-4)
NORMAL = 1.959964


def gene() -> dict:
    """Transcription, translation, dimerisation: Anderson & Higham 2012, section 9."""
    reactions = ["-> M, 25", "M -> M + P, 1000", "2 P -> D, 0.001", "M -> , 0.1", "P -> , 1"]
    network = js.Network({"M": 0, "P": 0, "D": 0}, reactions)
    return {"network": network, "quantity": "D", "at": 1.0, "plain": 20_000, "errors": (*ERRORS, 1e-4, 3e-5)}


def decaying() -> dict:
    """The decaying-dimerising set of Gillespie 2001, section VI, with 1e5 monomers."""
    reactions = ["S1 -> , 1", "2 S1 -> S2, 0.001", "S2 -> 2 S1, 0.5", "S2 -> S3, 0.04"]
    network = js.Network({"S1": 100_000, "S2": 0, "S3": 0}, reactions)
    return {"network": network, "quantity": "S1", "at": 30.0, "plain": 512, "errors": ERRORS, "truth": moments}


def organism() -> dict:
    """Tumour cells of the mouse after a week with gemcitabine, at full size."""
    schedule = js.Schedule(gemcitabine=standard_regimen("mouse")["gemcitabine"])
    network = js.models.organism()
    return {
        "network": network, "quantity": "tumour", "at": 168.0, "schedule": schedule, "first": 0.02,
        "errors": (*ERRORS, 1e-4), "truth": rate_equations,
    }  # fmt: skip


CASES = {"dimerisation": gene, "decaying-dimerising": decaying, "organism": organism}


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
        while len(given["repeats"]) < options.repeats:
            given["repeats"].append(entry(estimated(case, ERROR, 1000 + len(given["repeats"]))))
            judge(given)
            record.write(result, options.out)
        show(given)
    print(f"\nwritten to {options.out}")


def prepared(case: dict) -> dict:
    """Everything but the repetitions."""
    estimated(case, ERROR, 1)  # compiles
    plain = plain_cost(case)
    return {
        "quantity": case["quantity"],
        "at": case["at"],
        "plain": plain,
        "truth": case.get("truth", reference)(case, plain),
        "errors": [{"error": error, **entry(estimated(case, error, 7))} for error in case["errors"]],
        "levels": levels(case),
        "repeats": [],
    }


def judge(case: dict) -> None:
    """Add what the repetitions say."""
    rows, truth, plain = case["repeats"], case["truth"], case["plain"]
    needed = max(plain["variance"] * (NORMAL / (ERROR * truth["value"])) ** 2, 1.0)
    seconds = float(np.mean([row["seconds"] for row in rows]))
    case |= {
        "covered": sum(abs(row["value"] - truth["value"]) <= row["half_width"] for row in rows),
        "covered_by_leaps_alone": sum(alone(row, truth["value"]) for row in rows),
        "widest": max(row["half_width"] / row["value"] for row in rows),
        "z_of_all": z_of_all(rows, truth),
        "seconds": seconds,
        "trajectories_needed": needed,
        "plain_seconds_needed": needed * plain["seconds"],
        "times_cheaper": needed * plain["seconds"] / seconds,
    }


def estimated(case: dict, error: float, seed: int):
    return js.estimate(
        case["network"], case["quantity"], at=case["at"], schedule=case.get("schedule"), relative_error=error,
        seed=seed, limit_seconds=1e5,
    )  # fmt: skip


def entry(found) -> dict:
    return {
        "value": found.value,
        "standard_error": found.standard_error,
        "half_width": found.half_width,
        "bias_bound": found.bias_bound,
        "seconds": found.seconds,
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


def reference(case: dict, plain: dict) -> dict:
    """The same estimator at a tenth of the error, held against exact trajectories."""
    found = estimated(case, 0.1 * ERROR, 1)
    return judged({"by": "js.estimate at a tenth of the error", "value": found.value,
                   "standard_error": found.standard_error}, plain)  # fmt: skip


def judged(truth: dict, plain: dict) -> dict:
    """Add how far exact trajectories are from a truth."""
    z = (plain["mean"] - truth["value"]) / np.hypot(plain["standard_error"], truth["standard_error"])
    relative = plain["standard_error"] / plain["mean"]
    return {**truth, "z_of_exact_trajectories": float(z), "relative_standard_error_of_exact_trajectories": relative}


def rate_equations(case: dict, plain: dict) -> dict:
    """The mean where fluctuations are a thousandth of the count: the next order is a millionth."""
    out = js.simulate(
        case["network"], times=[case["at"]], schedule=case["schedule"], method="mean_field", progress=False
    )
    value = float(out["observable_mean"].sel(observable=case["quantity"])[0])
    return {"by": "rate equations", "value": value, "standard_error": 0.0}


def moments(case: dict, plain: dict) -> dict:
    """Means and covariances of S1 and S2 with third cumulants left out, which makes an error of about cv^4 = 3e-6."""
    from scipy.integrate import solve_ivp

    change = np.array([[-1.0, -2.0, 2.0, 0.0], [0.0, 1.0, -1.0, -1.0]])

    def slope(_, y):
        (a, b), covariance = y[:2], y[2:].reshape(2, 2)
        rates = np.array([a, 1e-3 * (a * (a - 1) + covariance[0, 0]), 0.5 * b, 0.04 * b])
        slopes = change @ np.array([[1.0, 0.0], [1e-3 * (2 * a - 1), 0.0], [0.0, 0.5], [0.0, 0.04]])
        flow = slopes @ covariance
        return np.concatenate([change @ rates, (flow + flow.T + (change * rates) @ change.T).ravel()])

    start = np.array([1e5, 0.0, 0.0, 0.0, 0.0, 0.0])
    found = solve_ivp(slope, (0.0, case["at"]), start, "LSODA", rtol=1e-10, atol=1e-8)
    truth = {"by": "moment equations of second order", "value": float(found.y[0, -1]), "standard_error": 0.0}
    return judged(truth, plain)


def levels(case: dict, number: int = 256, highest: int = 4, exact: float = 1e6) -> list[dict]:
    """Variance and cost of a trajectory of each level, with the control and without."""
    import jax

    from jaxsim.estimation.estimate import _chain
    from jaxsim.estimation.ladder import Ladder
    from jaxsim.estimation.level import Level
    from jaxsim.estimation.mesh import course
    from jaxsim.estimation.question import ask

    device = jax.local_devices()[0]
    question = ask(case["network"], case["quantity"], case["at"], case.get("schedule"), 0.0, 0, device.platform)
    ladder = Ladder(question, course(question, device)[0], _chain(question, None), device)
    small = ladder.steps(0) < 200
    kinds = [("path", 0), *(("pair", level) for level in range(1, highest + 1 if small else 2))]
    if ladder.rung(0).events < exact:
        kinds += [("exact", level) for level in range(highest if small else 2)]
    rows = []
    for kind, level in kinds:
        found = Level(ladder, kind, level, 5)
        found.run(number if small else 64)
        sums, spent = found.sums, found.seconds / found.sums.number
        rows.append(
            {"kind": kind, "leaps": found.steps, "trajectories": sums.number, "mean": sums.mean(True),
             "variance": sums.variance(False), "controlled": sums.variance(True), "seconds": spent}
        )  # fmt: skip
    return rows


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


if __name__ == "__main__":
    main()
