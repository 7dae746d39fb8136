"""What a simulated population of cells shows: fates, released IL-1alpha, times to lysis, with intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsim.models.cell_reactions import FATES
from jaxsim.models.intervals import normal_quantile, wilson
from jaxsim.network import Network, is_distribution

if TYPE_CHECKING:
    import xarray

QUANTILES = (0.1, 0.5, 0.9)
MEASURED = ("events", "rejected", "wall_seconds", "compile_seconds")  # one number per arm


def summarise(network: Network, out: "xarray.Dataset") -> "xarray.Dataset":
    """Return the fates of one simulated arm, from what :func:`jaxsim.simulate` returned for it.

    Parameters
    ----------
    network
        What was simulated.
    out
        With the observables and passages of the cell model.

    Returns
    -------
    xarray.Dataset
        One arm of :func:`jaxsim.models.cell_study`.
    """
    import xarray

    cells = out.attrs["trajectories"]
    observed = out["observable_mean"].transpose("time", "observable")
    fates = observed.sel(observable=list(FATES)).values
    divided = observed.sel(observable="divided").values
    fields: dict[str, Any] = {
        **_fraction("fate_fraction", "fate", ("time", "fate"), fates, cells, "fraction of cells"),
        **_fraction("divided", "divided", ("time",), divided, cells, "fraction of cells that have divided"),
        **_release(network, out),
        "lysis_time": (
            ("quantile",),
            _lysis_times(out),
            {"long_name": "time to lysis of those that lyse", "units": "h"},
        ),
    }
    for name in ("mean", "variance", "survival", "passed", "status"):
        fields[name] = out[name].variable
    first = {"long_name": "mean time of the first passage of cells that pass", "units": "h"}
    fields["passage_mean"] = (("passage",), out["passage_mean"].values, first)
    for name in MEASURED:
        fields[name] = ((), out.attrs[name])
    fields["cells"] = ((), cells)
    kept = {name: out[name].variable for name in ("time", "species", "passage", "ending")}
    attributes = {name: value for name, value in out.attrs.items() if name not in (*MEASURED, "trajectories", "fine")}
    coordinates = {**kept, "fate": list(FATES), "quantile": list(QUANTILES)}
    data = xarray.Dataset(fields, coordinates, {**attributes, "confidence": "95 %"})
    data["time"].attrs = {"long_name": "time", "units": "h"}
    return data


def starting_pool(network: Network) -> float:
    """Return the mean IL-1alpha of a cell at the start, in units of IL.

    Examples
    --------
    >>> from jaxsim.models import cell
    >>> round(starting_pool(cell(IL=400))), round(starting_pool(cell()))
    (400, 583)
    """
    value = network.initial["IL"]
    return float(np.asarray(value.mean)) if is_distribution(value) else float(value)


def _fraction(name: str, stem: str, dims: tuple[str, ...], value: np.ndarray, cells: int, text: str) -> dict[str, Any]:
    return _with_limits((name, f"{stem}_low", f"{stem}_high"), dims, (value, *wilson(value, cells)), text)


def _release(network: Network, out: "xarray.Dataset") -> dict[str, Any]:
    """Return released IL-1alpha relative to the mean pool at the start, with normal limits."""
    pool = starting_pool(network)
    value = out["mean"].sel(species="IR").values / pool
    half = normal_quantile() * out["standard_error"].sel(species="IR").values / pool
    text = "IL-1alpha released, relative to the pool at the start"
    values = (value, np.maximum(value - half, 0.0), value + half)
    return _with_limits(("release", "release_low", "release_high"), ("time",), values, text)


def _with_limits(
    names: Sequence[str], dims: tuple[str, ...], values: Sequence[np.ndarray], text: str
) -> dict[str, Any]:
    texts = (text, f"{text}, lower 95 % limit", f"{text}, upper 95 % limit")
    triples = zip(names, values, texts, strict=True)
    return {name: (dims, value, {"long_name": long, "units": "1"}) for name, value, long in triples}


def _lysis_times(out: "xarray.Dataset") -> np.ndarray:
    """Return when given shares of the cells that lyse have lysed, by interpolation between save times."""
    lysed = 1.0 - out["survival"].sel(passage="lysis").values
    if not lysed[-1] > 0:
        return np.full(len(QUANTILES), np.nan)
    return np.interp(np.array(QUANTILES) * lysed[-1], lysed, out["time"].values)
