"""The organism at ever more counts per cell, by every method: ``python scripts/organism_ladder.py``.

Two days after chemotherapy at Omega from 1e-5 to 1: mean and standard deviation of the tumour and the blood neutrophils
by the exact method (as far as it can go), by leaping, by the Langevin equation, against the rate equations. Writes
scripts/results/organism-ladder.nc and organism-ladder.png. A few minutes on two cores, most of it compiling.
"""

import sys
from pathlib import Path

import numpy as np
import xarray

import jaxsim as js
from jaxsim.models import organism, scenarios, standard_regimen
from jaxsim.models.organism.figures import plot_organism_ladder
from jaxsim.models.organism.scenarios import organism_schedules

RESULTS = Path(__file__).parent / "results"
SCALES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
HOURS = 48.0
METHODS = {  # scales, trajectories, arguments
    "direct": (SCALES[:2], (256, 48), {}),
    "trapezoidal_tau_leap": (SCALES, (256, 256, 128, 64, 64, 64), {"tolerance": 0.1}),
    "langevin": (SCALES[1:], (256, 256, 128, 64, 64), {"step": 0.02}),
}
SHOWN = {"tumour": ("S", "T", "D1", "D2"), "neutrophils": ("N",)}
SEED = 5


def ends(method: str, scale: float, trajectories: int, options: dict) -> dict[str, np.ndarray]:
    """Return the counts over Omega of every trajectory at the end."""
    network = organism(scale=scale)
    plan = organism_schedules(scenarios(["chemo"]), standard_regimen(), HOURS)[0]
    kept = {} if method == "mean_field" else {"trajectories": trajectories, "keep": "trajectories", "seed": SEED}
    out = js.simulate(network, times=[HOURS], schedule=plan, method=method, **kept, **options)
    states = out["mean"] if method == "mean_field" else out["trajectories"]
    states = states.isel(time=-1)
    sys.stdout.write(f"{method} at {scale:g}: {out.attrs['wall_seconds']:.1f} s\n")
    sys.stdout.flush()
    return {
        name: np.atleast_1d(states.sel(species=list(sp)).sum("species").values) / scale for name, sp in SHOWN.items()
    }


def main() -> None:
    """Run the ladder, keep it and draw it."""
    limit = ends("mean_field", 1.0, 0, {})
    names, shape = list(SHOWN), (len(METHODS), len(SCALES), len(SHOWN))
    found = {name: np.full(shape, np.nan) for name in ("mean", "deviation", "mean_error")}
    for m, (method, (scales, numbers, options)) in enumerate(METHODS.items()):
        for scale, number in zip(scales, numbers, strict=True):
            reached = ends(method, scale, number, options)
            for q, name in enumerate(names):
                place = (m, SCALES.index(scale), q)
                found["mean"][place] = reached[name].mean()
                found["deviation"][place] = reached[name].std(ddof=1)
                found["mean_error"][place] = found["deviation"][place] / np.sqrt(number)
    ladder = xarray.Dataset(
        {
            **{name: (("method", "scale", "quantity"), values) for name, values in found.items()},
            "rate_equations": ("quantity", [float(limit[name][0]) for name in names]),
        },
        {"method": list(METHODS), "scale": list(SCALES), "quantity": names},
        {"hours": HOURS, "seed": SEED, "jaxsim": js.__version__},
    )
    RESULTS.mkdir(exist_ok=True)
    ladder.to_netcdf(RESULTS / "organism-ladder.nc", engine="h5netcdf")
    plot_organism_ladder(ladder).savefig(RESULTS / "organism-ladder.png", dpi=150)
    sys.stdout.write(ladder.to_dataframe().dropna().to_string() + "\n")


if __name__ == "__main__":
    main()
