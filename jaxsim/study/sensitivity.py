"""Sobol indices of a study with a sensitivity design."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxsim.errors import StudyError, closest
from jaxsim.estimation import sobol_indices
from jaxsim.study.decode import decode
from jaxsim.study.results import open_study
from jaxsim.study.store import open_store

if TYPE_CHECKING:
    import xarray


def sobol_indices_of(store: str | Path, species: str, time: float | None = None) -> "xarray.Dataset":
    """Return the Sobol indices of the mean count of a species.

    Parameters
    ----------
    store
        Of a study whose design is ``sensitivity``.
    species
        Which count.
    time
        A save time; the last one if not given.

    Returns
    -------
    xarray.Dataset
        What :func:`jaxsim.estimation.sobol_indices` returns, and ``noise``: the share of the variance between
        design points that is the sampling error of their means. It lowers first-order indices by that share and adds
        it to every total index; more trajectories make it small.

    Raises
    ------
    StudyError
        If the design is another one, a point is not complete, or there is no such species or time.

    Examples
    --------
    >>> sobol_indices_of("nowhere", "X")
    Traceback (most recent call last):
    jaxsim.errors.StudyError: 'nowhere' is no store of a study; give the folder that 'jaxsim run' has made
    """
    design = decode(open_store(store).text).design
    if design is None or design.kind != "sensitivity" or design.points is None:
        raise StudyError(f"the design of '{store}' is not 'sensitivity', from which Sobol indices are estimated")
    data = open_study(store)
    if species not in data["species"].values:
        raise StudyError(f"the results have no species '{species}'{closest(species, data['species'].values.tolist())}")
    if time is not None and time not in data["time"].values:
        raise StudyError(f"{time:g} is none of the save times")
    end = data.sel(species=species, time=data["time"].values[-1] if time is None else time)
    mean, error = end["mean"].values, end["standard_error"].values
    missing = int(np.count_nonzero(~np.isfinite(mean)))
    if missing:
        raise StudyError(f"{missing} of {mean.size} design points are not complete; go on with: jaxsim resume {store}")
    found = sobol_indices(mean.reshape(-1, int(design.points)), list(design.parameters), seed=int(data.attrs["seed"]))
    return found.assign(noise=float(np.mean(error**2) / np.var(mean)))
