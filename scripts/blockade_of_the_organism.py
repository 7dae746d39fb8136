"""When, how long and how much to block IL-1 in the mouse of the model: ``python scripts/blockade_of_the_organism.py``.

Three questions:

1. *When*, by brute force: one course of each agent beside weekly gemcitabine, begun at 19 times of three weeks, in the
   typical mouse and in mice that differ in the least certain numbers, two contrary scenarios among them.
2. *Onsets* in virtual animals, by pairs of the same animals: the best onset of the mean over animals, of those with the
   largest tumours, and of each animal.
3. *Optima*, by `js.optimise`, without and with a limit on the nadir of blood neutrophils: the onset of each agent; with
   ``--plans`` also onset and duration of the receptor antagonist, times and amounts of four doses of the antibody under
   a budget, and two combinations. Each against chemotherapy alone and against the agent as it is given by default, on
   fresh animals; with ``--figures`` the landscape with the path of the descent on it, and the switching function.

Searches follow counts by the Langevin equation, with G-CSF at its quasi-steady state; all else, and the last comparison
of every optimum, solves the rate equations of the whole organism. ``--only`` and ``--plans`` run a part; what has been
run before stays in the record. Record, tables and figures go to scripts/results/organism-blockade.
"""

import argparse
import csv
import json
import sys
import time
from pathlib import Path

import numpy as np
import xarray

import jaxsim as js
from jaxsim.models import organism, organism_trial
from jaxsim.models.organism.blockade import (
    COURSES,
    SPAN,
    STEP,
    blockade_course,
    blockade_plans,
    blockade_standards,
    mean_interval,
    onset_plan,
    onsets_of_variants,
    organism_onsets,
    summarised,
    uncertain_variants,
)
from jaxsim.models.organism.figures import plot_onsets, plot_when_to_block
from jaxsim.models.organism.network import quick_organism
from jaxsim.optimise.landscape import landscape
from jaxsim.plots import plot_landscape, plot_switching_function

RESULTS = Path(__file__).parent / "results" / "organism-blockade"
ONSETS = np.array([0.0, 0.5, 1.0, 1.5, 2.0, *np.arange(3.0, 17.0)])
AGENTS = ("antibody", "antagonist", "inhibitor")
PLANS = {f"onset of the {name}": onset_plan(name) for name in AGENTS} | blockade_plans()
STANDARDS = {f"onset of the {name}": blockade_course(name, 0.0) for name in AGENTS} | blockade_standards()
TUMOUR = js.mean("log10_tumour", at=SPAN)
NADIR = js.minimum("neutrophils_relative", during=(0.0, SPAN))
LEAST_NADIR = 0.85  # of baseline, on average
EFFECTS = {  # what the switching function moves: an agent's concentration over the constant that it is compared with
    "inhibitor": "caspase1_inhibitor/inhibitor_constant",
    "antagonist": "il1ra_penetration*il1_receptor_antagonist/il1ra_constant",
    "antibody": "antibody_penetration*anti_il1a/antibody_constant",
}
SEED = 11


def main(arguments: list[str] | None = None) -> None:
    """Answer the questions that are asked for."""
    options = parse(arguments)
    RESULTS.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()

    def announce(text: str) -> None:
        sys.stderr.write(f"{time.perf_counter() - began:6.0f} s  {text}\n")

    if "when" in options.only:
        when(announce)
    if "onsets" in options.only:
        onsets(options.animals, announce)
    for limited in (False, True) if "optima" in options.only else ():
        for name in options.plans:
            optimum(name, limited, options, announce)
    announce("done")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    questions, plans = ("when", "onsets", "optima"), list(PLANS)
    parser.add_argument("--only", nargs="+", default=questions, choices=questions, help="questions to answer")
    parser.add_argument("--plans", nargs="+", default=plans[: len(AGENTS)], choices=plans, help="plans to optimise")
    parser.add_argument("--figures", action="store_true", help="draw landscapes and switching functions too")
    parser.add_argument("--animals", type=int, default=32, help="virtual animals whose rate equations are solved")
    parser.add_argument("--check", type=int, default=128, help="trajectories of each check of a gradient; 0 for none")
    parser.add_argument("--trajectories", type=int, default=1024, help="virtual animals of each comparison")
    return parser.parse_args(arguments)


def when(announce) -> None:
    """Move the course of each agent over its onset, under every variant of the uncertain numbers, and draw it."""
    variants = uncertain_variants()
    sweeps = []
    for name in AGENTS:
        announce(f"onsets of the {name}, {len(variants)} variants")
        sweeps.append(onsets_of_variants(name, ONSETS, variants))
    found = xarray.concat(sweeps, "course", combine_attrs="drop_conflicts").assign_coords(course=list(AGENTS))
    found.to_netcdf(RESULTS / "when.nc", engine="h5netcdf")
    keep_when(found)
    draw_when(found)


def keep_when(found: "xarray.Dataset") -> None:
    """Put what each course gives and costs into the record."""
    for variant in found["variant"].values:
        for name in AGENTS:
            one = found.sel(course=name, variant=variant)
            gain = 100.0 * (1.0 - 10.0 ** (one["log10_tumour"] - one["log10_tumour_without"]).values)
            best, worst = int(gain.argmax()), int(gain.argmin())
            near = ONSETS[gain >= gain[best] - 0.1 * abs(gain[best])]
            row = {"best onset, d": ONSETS[best], "9/10 of the benefit, d": ", ".join(f"{day:g}" for day in near),
                   "less tumour, %": f"{gain[best]:.1f}", "from day 0, %": f"{gain[0]:.1f}",
                   "worst onset, d": ONSETS[worst], "then, %": f"{gain[worst]:.1f}"}  # fmt: skip
            for shown, part in (("nadir", "nadir"), ("days below half", "days_below_half")):
                row[shown] = f"{one[part].values[best]:.2f}"
                row[f"{shown}, chemotherapy"] = f"{float(one[f'{part}_without']):.2f}"
            keep("when", f"{variant}: {name}", row)


def draw_when(found: "xarray.Dataset") -> None:
    """Draw what was found, with the optima of the record on it."""
    record = json.loads((RESULTS / "record.json").read_text()).get("optima", {})
    searched = {name: record.get(f"onset of the {name}, no limit") for name in AGENTS}
    optima = {name: float(row["chosen"].split(" = ")[1]) / 24.0 for name, row in searched.items() if row}
    plot_when_to_block(found, optima).savefig(RESULTS / "when.png")


def onsets(animals: int, announce) -> None:
    """Move every course over its onset, and say what it decides."""
    sweeps = {}
    for name in COURSES:
        announce(f"onsets of the {name}")
        sweeps[name] = organism_onsets(name, ONSETS, animals=animals, seed=SEED)
        typical = organism_onsets(name, ONSETS, animals=1)["log10_tumour"].values[:, 0]
        sweeps[name] = sweeps[name].assign(typical=("onset", typical))
    found = xarray.concat(sweeps.values(), "course", combine_attrs="drop_conflicts").assign_coords(course=list(sweeps))
    found.to_netcdf(RESULTS / "onsets.nc", engine="h5netcdf")
    plot_onsets(found).savefig(RESULTS / "onsets.png")
    for name in COURSES:
        said = summarised(found.sel(course=name))
        typical = ONSETS[int(np.argmin(found["typical"].sel(course=name).values))]
        keep("onsets", COURSES[name].says, described(said, typical))


def described(said, typical: float) -> dict[str, object]:
    """Return the row of one course."""
    return {
        "best onset, d": said.best, "not told from it, d": spanned(said.near),
        "less tumour than without, %": percent(said.gain), "less than from day 0, %": percent(said.over_first),
        "worst onset, d": said.worst, "less at the best than at the worst, %": percent(said.spread),
        "flat (under 2 %)": "yes" if said.flat else "no", "best for the typical animal, d": typical,
        "for the largest tumours, d": said.tail, "for each animal (10 to 90 %), d": spanned(said.own),
        "lost by one onset for all, %": percent(said.regret),
    }  # fmt: skip


def optimum(name: str, limited: bool, options: argparse.Namespace, announce) -> None:
    """Optimise one plan and hold its optimum against the whole organism."""
    network = quick_organism(organism(virtual=True))
    label = f"{name}, {'nadir kept' if limited else 'no limit'}"
    announce(label)
    best = js.optimise(
        network, PLANS[name], minimise=TUMOUR, subject_to=[NADIR >= LEAST_NADIR] if limited else [],
        compare={"chemotherapy": STANDARDS["chemotherapy"], "default": STANDARDS[name]},
        trajectories=options.trajectories, seed=SEED, method="langevin", step=STEP, starts=6, batch=(256, 512),
        steps=10,
        check=0 if limited else options.check, announce=lambda text: announce(f"{label}: {text}"),
    )  # fmt: skip
    (RESULTS / f"optimum-{stem(label)}.txt").write_text(f"{best}\n")
    keep("optima", label, compared(name, best, options.animals))
    if options.figures:
        figures(label, name, best, announce)


def compared(name: str, best, animals: int) -> dict[str, object]:
    """Return the line of one optimum, with its comparison by rate equations of other animals."""
    gains = {gain.over: gain for gain in best.gains}
    schedules = {"optimum": best.schedule, "chemotherapy": STANDARDS["chemotherapy"], "default": STANDARDS[name]}
    solved = organism_trial(schedules, animals=animals, seed=SEED + 1)
    line: dict[str, object] = {}
    line["chosen"] = "; ".join(f"{key} = {', '.join(f'{x:.4g}' for x in value)}" for key, value in best.held.items())
    for over in ("chemotherapy", "default"):
        difference, error = gains[over].difference, 1.96 * gains[over].error
        line[f"less tumour than {over}, %"] = percent((-difference, error))
        tumour = solved["log10_tumour"]
        pairs = mean_interval((tumour.sel(schedule=over) - tumour.sel(schedule="optimum")).values)
        line[f"the same by rate equations, {over}, %"] = percent(pairs)
    nadir = solved["nadir"].mean("animal")
    line["nadir, by rate equations"] = f"{float(nadir.sel(schedule='optimum')):.3f}"
    line["nadir of chemotherapy"] = f"{float(nadir.sel(schedule='chemotherapy')):.3f}"
    line["limit"] = "" if not best.limits else "kept" if best.feasible else "NOT KEPT"
    line["forward trajectories"] = f"{best.cost['search']:.3g}"
    line["seconds"] = f"{best.cost['seconds']:.0f}"
    return line


def figures(label: str, name: str, best, announce) -> None:
    """Draw the landscape with the path, and for single agents without limit the switching function."""
    announce(f"{label}: landscape")
    found = landscape(best, points=ONSETS.size, trajectories=256)
    plot_landscape(found, "mean log10 tumour at 21 d").savefig(RESULTS / f"landscape-{stem(label)}.png")
    if name in EFFECTS and not best.limits:
        announce(f"{label}: switching function")
        none = STANDARDS["chemotherapy"]
        curve = best.switching_function(EFFECTS[name], schedule=none, bins=42, trajectories=512)
        columns = np.column_stack([curve.edges[:-1], curve.edges[1:], curve.value, curve.lower, curve.upper])
        np.savetxt(RESULTS / f"switching-{stem(label)}.csv", columns, "%.6g", ",", header="from,to,value,lower,upper",
                   comments="")  # fmt: skip
        figure = plot_switching_function(curve, none, objective="log10 tumour", effect=name)
        figure.savefig(RESULTS / f"switching-{stem(label)}.png")


def keep(table: str, name: str, row: dict[str, object]) -> dict[str, dict[str, object]]:
    """Put one row into the record, write its table anew, print the row, and return all rows of the table."""
    path = RESULTS / "record.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    rows = record.setdefault(table, {})
    rows[name] = row
    path.write_text(json.dumps(record, indent=1) + "\n")
    columns = [key for key in row if key != "numbers"]
    with (RESULTS / f"{table}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((table, *columns))
        writer.writerows((key, *(one[column] for column in columns)) for key, one in rows.items())
    sys.stdout.write("; ".join((name, *(f"{key}: {row[key]}" for key in columns if row[key] != ""))) + "\n")
    return rows


def stem(label: str) -> str:
    return label.replace(",", "").replace(" ", "-")


def percent(gain: tuple[float, float]) -> str:
    """Return how much less tumour a gain in log10 is, with its 95 % interval.

    Examples
    --------
    >>> percent((0.1, 0.01))
    '20.6 (18.7 to 22.4)'
    """
    middle, reach = float(gain[0]), float(gain[1])
    value, low, high = (100.0 * (1.0 - 10.0**-x) for x in (middle, middle - reach, middle + reach))
    return f"{value:.3g} ({low:.3g} to {high:.3g})"


def spanned(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g} to {ends[1]:g}"


if __name__ == "__main__":
    main()
