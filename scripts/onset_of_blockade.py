"""When to block IL-1 in the mouse of the model: ``python scripts/onset_of_blockade.py 12``, with the number of animals.

Three agents beside weekly gemcitabine, one course each, its onset moved over 41 times of the 21 days by brute force:
the caspase-1 inhibitor and the receptor antagonist, twice a day for four days, and one dose of the antibody (0.8 mg,
the budget of four usual ones). Rate equations of the same virtual animals everywhere, so that every difference is one
of pairs. Writes scripts/results/onset-of-blockade.nc and .png, and prints what the onset decides and what it does not.
"""

import sys
from pathlib import Path

import numpy as np
import xarray
from scipy import stats

from jaxsim.dosing import Dose
from jaxsim.models import OrganismArm, organism_study
from jaxsim.plots.style import band, label, legend_above, new_figure, paired

RESULTS = Path(__file__).parent / "results"
DAYS, ONSETS = 21.0, np.linspace(0.0, 16.0, 41)
COURSE = 12.0 * np.arange(8)  # hours
AGENTS = {
    "caspase1_inhibitor": lambda hour: Dose(50.0, "mg/kg", at=hour + COURSE),
    "il1_receptor_antagonist": lambda hour: Dose(25.0, "mg/kg", at=hour + COURSE),
    "anti_il1a": lambda hour: Dose(0.8, "mg", at=[hour]),
}
TITLES = {"tumour": "log10 tumour at 21 d, less chemo alone", "nadir": "neutrophil nadir, less chemo alone"}
LIMIT = 0.02  # of baseline: by how much the nadir of blood neutrophils may be deeper than under chemotherapy alone


def main(arguments: list[str]) -> None:
    """Run all onsets, keep the differences and say what they show."""
    animals = int(arguments[0]) if arguments else 12
    found = landscape(animals)
    found.to_netcdf(RESULTS / "onset-of-blockade.nc", engine="h5netcdf")
    drawn(found).savefig(RESULTS / "onset-of-blockade.png", dpi=150)
    for agent in found["agent"].values:
        sys.stdout.write(said(found.sel(agent=agent)) + "\n")


def landscape(animals: int) -> xarray.Dataset:
    """Return what each agent adds to chemotherapy in each animal, by onset."""
    arms = [OrganismArm("chemo", ("gemcitabine",)), *(OrganismArm(name, ("gemcitabine", name)) for name in AGENTS)]
    rows = []
    for onset in ONSETS:
        regimen = {name: dose(24.0 * onset) for name, dose in AGENTS.items()}
        study = organism_study(arms, animals=animals, regimen=regimen, days=DAYS, every=12.0, seed=1)
        tumour = np.log10(np.maximum(study["tumour"].isel(time=-1).values, 1.0))
        nadir = study["nadir"].values
        rows.append((tumour[1:] - tumour[:1], nadir[1:] - nadir[:1]))
        sys.stderr.write(f"onset {onset:g} d\n")
    both = np.array(rows)  # onset, quantity, agent, animal
    dimensions = ("onset", "agent", "animal")
    return xarray.Dataset(
        {
            "tumour": (dimensions, both[:, 0], {"long_name": "log10 of the tumour at 21 d beyond chemotherapy alone"}),
            "nadir": (dimensions, both[:, 1], {"long_name": "nadir of blood neutrophils beyond chemotherapy alone"}),
        },
        {"onset": ("onset", ONSETS, {"units": "d"}), "agent": list(AGENTS)},
        {"animals": animals, "seed": 1},
    )


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean over animals, and the half-width of its 95 % interval."""
    number = values.shape[-1]
    reach = stats.t.ppf(0.975, number - 1) * values.std(axis=-1, ddof=1) / np.sqrt(number)
    return values.mean(axis=-1), reach


def said(one: xarray.Dataset) -> str:
    """Say where the onset matters for one agent, by pairs of onsets in the same animals."""
    tumour, (mean, reach) = one["tumour"].values, interval(one["tumour"].values)
    best, worst = int(np.argmin(mean)), int(np.argmax(mean))
    apart, error = interval(tumour[worst] - tumour[best])
    gains, errors = interval(tumour - tumour[best])
    near = ONSETS[gains - errors <= 0.0]
    allowed = np.flatnonzero(one["nadir"].values.mean(axis=-1) >= -LIMIT)
    kept = f"{ONSETS[allowed[np.argmin(mean[allowed])]]:g} d" if allowed.size else "none"
    return (
        f"{one['agent'].item()}: best onset {ONSETS[best]:g} d, log10 tumour {mean[best]:+.3f} +- {reach[best]:.3f} "
        f"beyond chemotherapy; worst {ONSETS[worst]:g} d, {mean[worst]:+.3f} +- {reach[worst]:.3f}; they differ by "
        f"{apart:.3f} +- {error:.3f}; not told from the best: {near.min():g} to {near.max():g} d; best onset with a "
        f"nadir at most {LIMIT:g} deeper: {kept}"
    )


def drawn(found: xarray.Dataset) -> "object":
    """Draw both differences over the onset."""
    figure, panels = new_figure(2, 1.8)
    for panel, (name, title) in zip(panels, TITLES.items(), strict=True):
        for agent, (colour, line) in paired(found["agent"].values):
            mean, reach = interval(found[name].sel(agent=agent).values)
            band(panel, ONSETS, mean, mean - reach, mean + reach, colour, line, str(agent))
        label(panel, title=title)
    label(panels[-1], x="onset of the blockade (d)", title=TITLES["nadir"])
    legend_above(figure, panels[0], 2)
    return figure


if __name__ == "__main__":
    main(sys.argv[1:])
