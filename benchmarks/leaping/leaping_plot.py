"""Draw error over cost from a record of ``leaping.py``: one column for each network, mean above standard deviation.

``python -m benchmarks.leaping.leaping_plot benchmarks/results/RECORD.json`` writes a PNG beside the record. Points of
one method are joined from the largest tolerance to the smallest. Vertical bars are one standard error; an error below
that is not told from none, and a hollow triangle marks the standard error instead. Exact simulators are lines.
"""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import NullFormatter

# Okabe & Ito's colours, which those who see two cones tell apart.
COLOURS = {
    "tau_leap": "#E69F00",
    "midpoint_tau_leap": "#56B4E9",
    "trapezoidal_tau_leap": "#009E73",
    "hybrid": "#CC79A7",
    "auto": "#000000",
    "trapezoidal_steps": "#0072B2",
    "langevin": "#F0E442",
    "copasi_tau_leap": "#999999",
    "copasi_adaptive": "#666666",
    "gillespy2_tau_leap": "#D55E00",
    "stochastix_tau_leap": "#8B4513",
}
EXACT = {"numba_special": ("numba", ":"), "direct": ("direct", "--")}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path)
    parser.add_argument("--out", type=Path, help="where the figure goes (beside the record)")
    options = parser.parse_args(arguments)
    record = json.loads(options.record.read_text())
    out = options.out or options.record.with_suffix(".png")
    draw(record).savefig(out, dpi=150)
    print(f"written to {out}")


def draw(record: dict):
    cases = record["cases"]
    figure, axes = plt.subplots(
        2, len(cases), figsize=(3.4 * len(cases), 6.8), sharex="col", squeeze=False, layout="constrained"
    )
    for column, case in zip(axes.T, cases, strict=True):
        column[0].set_title(case["case"].replace("_", " "))
        column[1].set_xlabel("us per trajectory, one core")
        for axis, quantity in zip(column, ("mean", "deviation"), strict=True):
            panel(axis, case["entries"], quantity)
    axes[0, 0].set_ylabel("error of the mean / standard deviation")
    axes[1, 0].set_ylabel("relative error of the deviation")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=-(-len(labels) // 2), frameon=False)
    return figure


def panel(axis, entries: list[dict], quantity: str) -> None:
    for name, (label, style) in EXACT.items():
        for entry in entries:
            if entry["method"] == name:
                axis.axvline(entry["cpu_us"], color="0.5", linestyle=style, linewidth=1, label=label)
    for name, colour in COLOURS.items():
        points = sorted((e for e in entries if e["method"] == name), key=lambda e: -setting(e))
        if points:
            curve(axis, points, quantity, name, colour)
    axis.set_xscale("log")
    axis.set_yscale("log")
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_minor_formatter(NullFormatter())
    axis.grid(alpha=0.3, which="major")


def setting(entry: dict) -> float:
    """Return the tolerance, or the step of a method of fixed steps."""
    return entry.get("tolerance", entry.get("step"))


def curve(axis, points: list[dict], quantity: str, name: str, colour: str) -> None:
    cost = [point["cpu_us"] for point in points]
    noise = [point[f"noise_{quantity}"] for point in points]
    error = [max(abs(point[f"error_{quantity}"]), at_least) for point, at_least in zip(points, noise, strict=True)]
    told = [abs(point[f"error_{quantity}"]) > at_least for point, at_least in zip(points, noise, strict=True)]
    axis.plot(cost, error, color=colour, linewidth=1.2, alpha=0.8, label=name)
    for x, y, wide, sure in zip(cost, error, noise, told, strict=True):
        if sure:
            axis.errorbar([x], [y], [[min(wide, 0.9 * y)], [wide]], fmt="o", ms=4.5, color=colour, elinewidth=0.7)
        else:
            axis.plot([x], [y], "v", ms=5, markerfacecolor="white", markeredgecolor=colour)
    for x, y, point in zip(cost, error, points, strict=True):
        axis.annotate(f"{setting(point):.3g}", (x, y), textcoords="offset points", xytext=(3, 3), fontsize=6)


if __name__ == "__main__":
    main()
