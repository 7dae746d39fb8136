"""Open the results of a store lazily, as one Dataset, and check them as they are read."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxsim.errors import StudyError
from jaxsim.study.decode import decode
from jaxsim.study.stopping import PRECISION, Shortfall, shortfalls
from jaxsim.study.store import Store, open_store, refuse_edited

if TYPE_CHECKING:
    import xarray


def open_study(store: str | Path) -> "xarray.Dataset":
    """Open the results of a study.

    Values are read from the disk when they are used, and compared then with the digest of what was written: damage is
    an error, never a number. Design points that are not complete yet are NaN, and have 0 in ``trajectories``.

    Parameters
    ----------
    store
        The folder that ``jaxsim run`` has made.

    Returns
    -------
    xarray.Dataset
        What :func:`jaxsim.simulate` returns, with the dimension ``point`` first, the varied parameters as coordinates
        along it, ``trajectories`` and ``events`` of each point, and ``precision_bits``, 32 or 64,
        of its propensities; the provenance of the store in the attributes. With a
        stopping rule also ``half_width`` and ``half_width_wanted`` of the output that it watches, and
        ``trajectories_needed``, by which it would hold.

    Raises
    ------
    StudyError
        If there is no such store, or it is damaged; also later, when damaged values are used.

    Examples
    --------
    >>> open_study("nowhere")
    Traceback (most recent call last):
    jaxsim.errors.StudyError: 'nowhere' is no store of a study; give the folder that 'jaxsim run' has made
    """
    found = open_store(store)
    refuse_edited(found)
    return _dataset(found).assign_attrs(_attributes(found.manifest))


def _dataset(store: Store) -> "xarray.Dataset":
    import xarray
    from xarray.core.indexing import LazilyIndexedArray

    from jaxsim.study.lazy import LazyResults

    damaged = store.changed_files("results.zarr/")
    if damaged:
        raise StudyError(
            f"'{store.path / damaged[0]}' is damaged{f', and {len(damaged) - 1} more' if damaged[1:] else ''}; "
            f"'jaxsim resume {store.path}' writes it again, 'jaxsim verify {store.path}' names all damage"
        )
    group = store.results.opened()
    known = [Path(name).parent for name in store.manifest["files"] if name.endswith("/zarr.json")]
    variables, coordinates = {}, {}
    for name in [path.name for path in known if path.parent == Path("results.zarr")]:
        array = group[name]
        dims, attributes = array.metadata.dimension_names, dict(array.attrs)
        if name in store.results.names:
            lazy = LazilyIndexedArray(LazyResults(store, name, array.shape, array.dtype))
            variables[name] = xarray.Variable(dims, lazy, attributes)
        else:
            coordinates[name] = xarray.Variable(dims, array[...], attributes)
    labels = {name: (name, values) for name, values in group.attrs["labels"].items()}
    return xarray.Dataset(variables, {**coordinates, **labels})


def found_shortfalls(store: Store) -> list[Shortfall]:
    """Return the complete design points of a store at which its stopping rule is not met.

    Raises
    ------
    StudyError
        If what is read for this is damaged.
    """
    if decode(store.text).stop is None:
        return []
    return shortfalls(_dataset(store)[[*PRECISION, "trajectories"]])


def _attributes(manifest: dict[str, Any]) -> dict[str, Any]:
    wanted = ("seed", "precision", "jaxsim", "commit", "driver", "begun", "network")
    return {
        **{name: manifest[name] for name in wanted},
        "devices": ", ".join(manifest["devices"]),
        **manifest["versions"],
    }
