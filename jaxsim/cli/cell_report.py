"""What a study of single cells shows, as tables."""

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.cli.table import table

if TYPE_CHECKING:
    import xarray


def fates_table(study: "xarray.Dataset") -> str:
    """Return the fates at the end with 95 % intervals, one column per arm."""
    end = study.isel(time=-1)
    rows = [_row(f"{fate}, %", end.sel(fate=fate), "fate_fraction", "fate") for fate in study["fate"].values]
    rows.append(_row("divided at least once, %", end, "divided", "divided"))
    rows.append(_row("IL-1alpha released, % of pool", end, "release", "release"))
    rows.append(["time to lysis, h (10, 50, 90 %)", *(_times(times) for times in study["lysis_time"].values)])
    rows.append(["events per cell", *(f"{number:.0f}" for number in (end["events"] / end["cells"]).values)])
    rows.append(["computing, s", *(f"{seconds:.1f}" for seconds in end["wall_seconds"].values)])
    return f"{_title(study)}\n\n{table(['', *map(str, study['arm'].values)], rows)}"


def arms_table(study: "xarray.Dataset") -> str:
    """Return deaths and release at the end with 95 % intervals, one row per arm."""
    end = study.isel(time=-1)
    columns = [
        _row("apoptotic, %", end.sel(fate="apoptotic"), "fate_fraction", "fate"),
        _row("pyroptotic, %", end.sel(fate="pyroptotic"), "fate_fraction", "fate"),
        _row("IL-1alpha released, % of pool", end, "release", "release"),
    ]
    heading, *rows = zip(["", *map(str, study["arm"].values)], *columns, strict=True)
    return f"{_title(study)}\n\n{table(heading, rows)}"


def effort(*studies: "xarray.Dataset") -> str:
    """Return one sentence on events, time and device."""
    events, computing, compiling = (
        sum(float(study[name].sum()) for study in studies) for name in ("events", "wall_seconds", "compile_seconds")
    )
    device = studies[0].attrs["device"]
    return (
        f"{events:.3g} events in {computing:.1f} s of computing ({events / computing:.2g} a second, device {device}), "
        f"and {compiling:.1f} s of compiling."
    )


def endings(*studies: "xarray.Dataset") -> str:
    """Return one sentence on how the trajectories ended."""
    total = np.sum([study["status"].sum("arm").values for study in studies], axis=0)
    named = [f"{int(n):,} {name}" for name, n in zip(studies[0]["ending"].values, total, strict=True) if n]
    return f"Trajectories by how they ended: {', '.join(named)}."


def _title(study: "xarray.Dataset") -> str:
    hours, cells = float(study["time"][-1]), int(study["cells"][0])
    return f"{cells:,} cells in each arm, after {hours:g} h, with 95 % intervals:"


def _row(name: str, end: "xarray.Dataset", field: str, stem: str) -> list[str]:
    triples = zip(end[field].values, end[f"{stem}_low"].values, end[f"{stem}_high"].values, strict=True)
    return [name, *(_interval(*triple) for triple in triples)]


def _interval(value: Any, low: Any, high: Any) -> str:
    """Write per cent with as many decimals as the interval deserves."""
    half = 100 * max(float(high) - float(low), 1e-12) / 2
    decimals = int(np.clip(np.ceil(1 - np.log10(half)), 1, 4))
    return f"{100 * value:.{decimals}f} ({100 * low:.{decimals}f} to {100 * high:.{decimals}f})"


def _times(times: Any) -> str:
    return "-" if np.isnan(times).any() else ", ".join(f"{value:.1f}" for value in times)
