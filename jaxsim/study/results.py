"""Results of a store, opened lazily as one Dataset and checked as they are read; its state, exports and indices."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from jaxsim._files import replace_file
from jaxsim.errors import StudyError, closest
from jaxsim.estimation import sobol_indices
from jaxsim.kernels import LABELS
from jaxsim.study.arrays import unknown
from jaxsim.study.damage import Damage, damage_of
from jaxsim.study.ledger import ChunkOwner, read_sealed
from jaxsim.study.plan import named_points
from jaxsim.study.schema import decode
from jaxsim.study.stopping import PRECISION, Shortfall, shortfalls, verdict
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


# Results in other formats: NetCDF, and CSV with a line for each point, time and species.

_COLUMNS = ("mean", "variance", "standard_error")


def write_netcdf(data: "xarray.Dataset", path: Path) -> Path:
    """Write a Dataset as NetCDF; a file of that name is replaced when the new one is complete."""
    return _replace(path, lambda temporary: data.to_netcdf(temporary, engine="h5netcdf"))


def write_csv(data: "xarray.Dataset", path: Path) -> Path:
    """Write mean, variance and standard error as CSV, point by point, so that large results fit into memory.

    Examples
    --------
    >>> import tempfile, xarray
    >>> data = xarray.Dataset({name: (("point", "time", "species"), [[[1.5]]]) for name in _COLUMNS},
    ...                       {"time": [2.0], "species": ["X"], "k": ("point", [0.5])})
    >>> write_csv(data, Path(tempfile.mkdtemp()) / "results.csv").read_text().splitlines()
    ['point,k,time,species,mean,variance,standard_error', '0,0.5,2.0,X,1.5,1.5,1.5']
    """
    return _replace(path, lambda temporary: _write(data, temporary))


def _replace(path: Path, write: Callable[[Path], object]) -> Path:
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"cannot be written: there is no folder '{path.parent}'"
        raise StudyError(f"'{path}' {what}; give the name of a file in a folder that is there")
    return replace_file(path, write)


def _write(data: "xarray.Dataset", path: Path) -> None:
    varied = [str(name) for name in data.coords if data[name].dims == ("point",)]
    times, species = data["time"].values.tolist(), data["species"].values.tolist()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["point", *varied, "time", "species", *_COLUMNS])
        for point in range(data.sizes["point"]):
            one = data.isel(point=point)
            given = [float(one[name]) for name in varied]
            columns = [one[name].values for name in _COLUMNS]
            for k, time in enumerate(times):
                for s, name in enumerate(species):
                    writer.writerow([point, *given, time, name, *(float(column[k, s]) for column in columns)])


# The state of a store: how far it is, who works on it, how trajectories have ended.


@dataclass(frozen=True, kw_only=True)
class State:
    """Counts of chunks and trajectories, and the processes at work."""

    chunks: int
    done: int
    in_flight: int
    """Claimed by processes that live."""
    lost: int
    """Claimed by processes that died; they will be claimed again."""
    points: int
    complete_points: int
    status: dict[str, int]
    """Trajectories of finished chunks, by how they ended."""
    seconds: float
    """Of all finished chunks together."""
    compile_seconds: float
    workers: list[dict[str, Any]]
    """The last heartbeats of processes that live."""
    runs: list[dict[str, Any]]
    """What every process was and did, in the order in which they began."""
    verdict: str
    """How far the study is, or how it has ended, in a phrase."""
    short: list[Shortfall]
    """Design points that are complete and at which the stopping rule is not met."""
    damaged: list[Damage]
    """What is not as it was written; the sums, from which results are made, are not looked at."""


def state_of(store: Store) -> State:
    """Return the state of a store."""
    plan, ledger = store.plan, store.ledger
    done = set(ledger.done())
    facts = [ledger.facts(number) or {} for number in sorted(done)]
    looker = ChunkOwner(store.owners)
    alive = {path.stem for path in store.owners.glob("[0-9a-f]*.json") if _alive(looker, path.stem)}
    damaged = list(damage_of(store, sums=False))
    short, unread = _shortfalls(store)
    held = [number for number in ledger.claimed() if number not in done]
    flying = sum(ledger.holder(number) in alive for number in held)
    complete = sum(len(plan.chunk(group).points) for group in range(plan.groups) if ledger.is_group_done(group))
    totals = np.sum([fact["status"] for fact in facts if "status" in fact] or [[0] * len(LABELS)], axis=0)
    runs = [record for path in store.runs.glob("*.json") if (record := read_sealed(path)) is not None]
    told = verdict(complete, plan.points, short) + unread
    return State(
        chunks=plan.chunks,
        done=len(done),
        in_flight=flying,
        lost=len(held) - flying,
        points=plan.points,
        complete_points=complete,
        status={label: int(number) for label, number in zip(LABELS, totals, strict=True) if number},
        seconds=float(sum(fact.get("seconds", 0.0) for fact in facts)),
        compile_seconds=float(sum(run.get("compile_seconds", 0.0) for run in runs)),
        workers=[record for name in sorted(alive) if (record := read_sealed(store.owners / f"{name}.json"))],
        runs=sorted(runs, key=lambda run: str(run.get("begun"))),
        verdict=f"damaged: {len(damaged)} part{'s' if damaged[1:] else ''}; {told}" if damaged else told,
        short=short,
        damaged=damaged,
    )


def _shortfalls(store: Store) -> tuple[list[Shortfall], str]:
    """Return where the stopping rule is not met; where that cannot be read, say so."""
    try:
        return found_shortfalls(store), ""
    except StudyError:
        return [], "; whether the stopping rule is met is not known"


def _alive(looker: ChunkOwner, name: str) -> bool:
    try:
        return looker.lives(name)
    finally:  # on a store of another machine, looking writes a heartbeat of our own
        (looker.folder / f"{looker.name}.json").unlink(missing_ok=True)


# Sobol indices of a study with a sensitivity design.


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


# Arrays of results that are read when they are used, each group of design points checked as it is read.


class LazyResults(BackendArray):
    """One array of the results of a store, [point, ...].

    Design points that are not complete are NaN, or 0 where there is none. What the ledger says is complete and is not
    as it was written is refused, never read as a number.
    """

    def __init__(self, store: "Store", name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.store, self.name, self.shape, self.dtype = store, name, shape, dtype

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        """Return the values at an index for each dimension: a number, a slice or an array of numbers."""
        points = np.arange(self.shape[0])[key[0]]
        wanted = np.atleast_1d(points)
        groups = wanted // self.store.plan.group
        rows = np.empty((wanted.size, *self.shape[1:]), self.dtype)
        for group in np.unique(groups).tolist():
            here = groups == group
            rows[here] = self._group(group)[wanted[here] - group * self.store.plan.group]
        values: Any = rows if np.ndim(points) else rows[0]
        axis = np.ndim(points)
        for inner in key[1:]:
            values = values[(slice(None),) * axis + (inner,)]
            axis += not isinstance(inner, (int, np.integer))
        return values

    def _group(self, group: int) -> np.ndarray:
        store = self.store
        points, digests = store.plan.chunk(group).points, store.ledger.group_digests(group)
        if digests is None and not store.ledger.is_group_damaged(group):
            return np.full((len(points), *self.shape[1:]), unknown(self.dtype), self.dtype)
        values = None if digests is None else store.results.read(self.name, points, digests.get(self.name))
        if values is None:
            raise StudyError(
                f"the results of {named_points(points)} in '{store.results.path / self.name}' are damaged; "
                f"'jaxsim resume {store.path}' makes them again from the sums, and 'jaxsim verify {store.path}' names "
                f"all that is damaged"
            )
        return values
