"""Draw cost over error and what levels vary by from a record of ``estimation.py``.

``python -m benchmarks.estimation.estimation_plot benchmarks/results/RECORD.json`` writes a PNG beside the record.

Above: processor seconds for each relative error, and the work that sample sizes are chosen with, on the scale of the
seconds. Plain Monte Carlo and unbiased levels fall with slope -2, leaps alone with slope -3, because they need shorter
steps for a smaller bias (computed from the bias and cost that the levels measured). The least that levels cost is a
pilot of each: above the error that it reaches, the cost is flat.

Below: variance of one trajectory of each level, which falls with the length of steps, slope -1 without the control;
where parameters vary between cells, the standard error of the lowest level over the number of its trajectories, slope
-1/2 for independent ones and steeper for Sobol points.
"""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

NORMAL = 1.959964
COLOURS = ("#E69F00", "#CC79A7", "#0072B2", "#009E73")  # Okabe & Ito's, which those who see two cones tell apart
KINDS = {"path": "s", "pair": "o", "exact": "^"}
NAMES = {"path": "leaps", "pair": "pairs of leaps", "exact": "exact less leaps"}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path)
    parser.add_argument("--out", type=Path, help="where the figure goes (beside the record)")
    options = parser.parse_args(arguments)
    out = options.out or options.record.with_suffix(".png")
    draw(json.loads(options.record.read_text())["cases"]).savefig(out, dpi=130)
    print(f"written to {out}")


def draw(cases: list[dict]):
    figure, axes = plt.subplots(2, len(cases), figsize=(4.3 * len(cases), 7.8), squeeze=False, layout="constrained")
    for column, case, colour in zip(axes.T, cases, COLOURS, strict=False):
        costs(column[0], case, colour)
        (sobol if case["points"] else variances)(column[1], case, colour)
        for axis in column:
            axis.set(xscale="log", yscale="log")
            axis.grid(alpha=0.3)
            axis.legend(frameon=False, fontsize=8)
    axes[0, 0].set_ylabel("processor seconds")
    return figure


def costs(axis, case: dict, colour: str) -> None:
    truth, plain = abs(case["truth"]["value"]), case["plain"]
    errors = np.array(sorted({row["error"] for row in case["errors"]}))
    seconds, work = (np.array([mean(case["errors"], error, name) for error in errors]) for name in ("seconds", "work"))
    line = np.geomspace(errors.min(), errors.max(), 50)
    wanted = np.maximum(plain["variance"] * (NORMAL / (line * truth)) ** 2, 1.0)
    told = " (extrapolated)" if plain["extrapolated"] else ""
    axis.plot(line, wanted * plain["seconds"], color="0.4", linestyle="--", label=f"exact trajectories{told}")
    axis.plot(line, leaps_alone(case, line), color="0.6", linestyle=":", label="leaps alone (computed)")
    axis.plot(errors, seconds, "o-", color=colour, label="js.estimate")
    scale = seconds[0] / work[0]
    axis.plot(errors, work * scale, "x", color="0.2", ms=5, label="its work, in scale")
    guide = line[line <= 4 * errors.min()]
    axis.plot(guide, 0.6 * seconds[0] * (guide / errors.min()) ** -2, color=colour, lw=0.8, alpha=0.8, label="slope -2")
    if case["repeats"]:
        axis.plot([1e-3], [case["seconds"]], "*", ms=12, color=colour, markeredgecolor="0.2")
    axis.set_xlabel("relative half-width of the 95 % interval")
    axis.set_title(title(case), fontsize=10)


def title(case: dict) -> str:
    if not case["repeats"]:
        return case["case"]
    return (
        f"{case['case']}\n{case['covered']} of {len(case['repeats'])} intervals hold the truth\n"
        f"{case['times_cheaper']:,.0f} times cheaper at 1e-3"
    )


def mean(rows: list[dict], error: float, name: str) -> float:
    return float(np.mean([row[name] for row in rows if row["error"] == error]))


def leaps_alone(case: dict, errors: np.ndarray) -> np.ndarray:
    """Seconds of leaps on one mesh whose bias takes half of the error, from the bias and cost of the coarsest."""
    path = next(row for row in case["levels"] if row["kind"] == "path")
    truth = abs(case["truth"]["value"])
    bias = abs(path["mean"] - case["truth"]["value"])
    steps = np.maximum(bias / (0.5 * errors * truth), 1.0)
    trajectories = np.maximum(path["variance"] * (NORMAL / (0.5 * errors * truth)) ** 2, 1.0)
    return trajectories * steps * path["seconds"]


def variances(axis, case: dict, colour: str) -> None:
    whole = case["plain"]["variance"]
    for kind, marker in KINDS.items():
        rows = [row for row in case["levels"] if row["kind"] == kind]
        leaps = [row["leaps"] for row in rows]
        for part, face in (("variance", "white"), ("controlled", colour)):
            values = [row[part] / whole for row in rows]
            style = "-" if len(rows) > 1 else ""
            label = f"{NAMES[kind]}, {'with the control' if part == 'controlled' else 'without'}" if rows else None
            axis.plot(leaps, values, marker + style, color=colour, markerfacecolor=face, label=label)
    first = [row for row in case["levels"] if row["kind"] == "pair"]
    leaps = np.array([row["leaps"] for row in first])
    if leaps.size > 1:
        axis.plot(leaps, first[0]["variance"] / whole * leaps[0] / leaps, color="0.6", linestyle=":", label="slope -1")
    axis.set(xlabel="leaps", ylabel="variance of a trajectory / of the quantity")


def sobol(axis, case: dict, colour: str) -> None:
    rows, truth = case["points"], abs(case["truth"]["value"])
    number = np.array([row["points"] for row in rows])
    found, alone = (np.array([row[name] for row in rows]) / truth for name in ("error", "independent"))
    axis.plot(number, alone, color="0.4", linestyle="--", label="independent trajectories, slope -1/2")
    axis.plot(number, found, "D-", color=colour, label="Sobol points")
    axis.plot(number, found[0] * number[0] / number, color="0.6", linestyle=":", label="slope -1")
    axis.set(xlabel="trajectories of the lowest level", ylabel="standard error / value")


if __name__ == "__main__":
    main()
