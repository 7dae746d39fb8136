"""Open the results of a store lazily, as one Dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxsim.study.store import open_store

if TYPE_CHECKING:
    import xarray


def open_study(store: str | Path) -> "xarray.Dataset":
    """Open the results of a study.

    Values are read from the disk when they are used. Design points that are not complete yet are NaN, and have 0 in
    ``trajectories``.

    Parameters
    ----------
    store
        The folder that ``jaxsim run`` has made.

    Returns
    -------
    xarray.Dataset
        What :func:`jaxsim.simulate` returns, with the dimension ``point`` first, the varied parameters as coordinates
        along it, ``trajectories`` and ``events`` of each point; the provenance of the store in the attributes.

    Raises
    ------
    StudyError
        If there is no such store.

    Examples
    --------
    >>> open_study("nowhere")
    Traceback (most recent call last):
    jaxsim.errors.StudyError: 'nowhere' is no store of a study; give the folder that 'jaxsim run' has made
    """
    import xarray

    found = open_store(store)
    data = xarray.open_zarr(found.results.path, consolidated=False, chunks=None)
    labels, columns = data.attrs.pop("labels"), data.attrs.pop("columns")
    data = data.assign_coords({name: (name, values) for name, values in labels.items()}).set_coords(columns)
    return data.assign_attrs(_attributes(found.manifest))


def _attributes(manifest: dict[str, Any]) -> dict[str, Any]:
    wanted = ("seed", "precision", "jaxsim", "commit", "driver", "begun", "network")
    return {
        **{name: manifest[name] for name in wanted},
        "devices": ", ".join(manifest["devices"]),
        **manifest["versions"],
    }
