"""Write the fitted values into the parameter file: ``python scripts/fitted_parameters.py``.

Takes scripts/results/organism-calibration-both.nc and writes jaxsim/models/organism_fitted_parameters.toml: entries of
the hand-written file with the fitted value, the tag ``fitted`` and the record as source.
"""

import json
from pathlib import Path

import xarray

from jaxsim.models import organism_parameters
from jaxsim.models.parameters import ModelParameter

ROOT = Path(__file__).parent.parent
RECORD = "scripts/results/organism-calibration-both.nc"
TARGET = ROOT / "jaxsim" / "models" / "organism_fitted_parameters.toml"
HEAD = """\
# The organism: lumped unknowns at the values of the calibration, which replace those of organism_parameters.toml.
#
# Written by scripts/fitted_parameters.py from the record of the calibration; not by hand. `source` says where the value
# was before and what limits the fit gives (95 %). range, law and cv are those of the replaced entry.
"""


def main() -> None:
    """Write the file."""
    with xarray.open_dataset(ROOT / RECORD, engine="h5netcdf") as record:
        fit = record.load()
    known = organism_parameters(fitted=False)["parameters"]
    texts = [_entry(known[str(name)], fit.sel(parameter=name)) for name in fit["parameter"].values]
    TARGET.write_text("\n".join([HEAD, *texts]), encoding="utf-8")


def _entry(before: ModelParameter, fit: xarray.Dataset) -> str:
    value, low, high = (float(fit[name]) for name in ("fitted", "fitted_low", "fitted_high"))
    value = float(f"{value:.4g}")
    source = (
        f"least squares on the targets, {low:.3g} to {high:.3g} ({RECORD}); by hand {before.value:.4g}: {before.source}"
    )
    fields = {
        "symbol": before.symbol,
        "reactions": before.reactions,
        "value": min(max(value, before.range[0]), before.range[1]),
        "unit": before.unit,
        "range": list(before.range),
        **({"law": before.law, "cv": before.cv} if before.law else {}),
        "tag": "fitted",
        "source": source,
        "description": before.description,
    }
    lines = [f"{name} = {json.dumps(one, ensure_ascii=False)}" for name, one in fields.items()]
    return "\n".join([f"[parameters.{before.name}]", *lines, ""])


if __name__ == "__main__":
    main()
